import { randomBytes } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { MemoryBudget, Opcode, type Role } from "../../../src/protocol/index.ts";
import { frameTo, joinBytes, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { failure, roles } from "../../rigs/protocol/open-connection.ts";
import { cutMessages } from "./cut-messages.ts";
import { DeflatingConnection, fresh, kept } from "../../rigs/protocol/deflating-connection.ts";

// These tests are about the undocumented fast paths, even if the environment turns them off; the
// documented ones are tested in without-sync-zlib.test.ts.
vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => true,
}));

const RSV1 = 0x40;
const MIB = 1024 * 1024;

/** Compresses a message as a peer does, without the tail. */
function deflated(data: string | Uint8Array, options: object = {}): Uint8Array {
  const whole = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options });
  return whole.subarray(0, -4);
}

function compressedFrame(
  role: Role,
  payload: Uint8Array,
  opcode: number = Opcode.Text,
): Uint8Array {
  return frameTo(role, { opcode, reservedBits: RSV1, payload });
}

/** Returns `size` bytes of text that compress to about a fifth. */
function prose(size: number): string {
  let seed = 7;
  let text = "";
  while (text.length < size) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += `${seed % 997} bottles of ${(seed >> 8) % 89}, `;
  }
  return text.slice(0, size);
}

describe.each(roles)("a %s inflates", (role) => {
  // The payloads in RFC 7692 §7.2.3, octet by octet.
  test.each([
    ["one block (§7.2.3.1)", [[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]]],
    [
      "a fragmented message (§7.2.3.1)",
      [
        [0xf2, 0x48, 0xcd],
        [0xc9, 0xc9, 0x07, 0x00],
      ],
    ],
    [
      "a block without compression (§7.2.3.3)",
      [[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]],
    ],
    ["a final block (§7.2.3.4)", [[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]]],
    [
      "two blocks (§7.2.3.5)",
      [[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]],
    ],
  ])("the RFC's Hello: %s", (_, fragments) => {
    const { connection, seen } = new DeflatingConnection(role);
    for (const [index, octets] of fragments.entries()) {
      connection.receive(
        frameTo(role, {
          opcode: index === 0 ? Opcode.Text : Opcode.Continuation,
          reservedBits: index === 0 ? RSV1 : 0,
          fin: index === fragments.length - 1,
          payload: Uint8Array.from(octets),
        }),
      );
    }
    expect(seen.texts).toEqual(["Hello"]);
  });

  test("messages that share a window (RFC 7692 §7.2.3.2)", () => {
    const { connection, seen } = new DeflatingConnection(role, { agreed: kept });
    const first = Uint8Array.of(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00);
    const second = Uint8Array.of(0xf2, 0x00, 0x11, 0x00, 0x00);
    connection.receive(joinBytes([compressedFrame(role, first), compressedFrame(role, second)]));
    expect(seen.texts).toEqual(["Hello", "Hello"]);
  });

  test("without context takeover, a reference to the previous message fails with 1007", () => {
    const { connection, seen } = new DeflatingConnection(role, { agreed: fresh });
    connection.receive(compressedFrame(role, deflated("Hello")));
    connection.receive(compressedFrame(role, Uint8Array.of(0xf2, 0x00, 0x11, 0x00, 0x00)));
    expect(seen.texts).toEqual(["Hello"]);
    expect(seen.events.slice(1)).toEqual(failure("invalid_deflate", 1007));
  });

  test("a final block that is followed by more blocks instead of the padding octet", () => {
    const { connection, seen } = new DeflatingConnection(role, { agreed: kept });
    const final = Uint8Array.of(0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00);
    connection.receive(compressedFrame(role, final));
    connection.receive(compressedFrame(role, deflated("next")));
    expect(seen.texts).toEqual(["Hello", "next"]);
  });

  test("an empty message (RFC 7692 §7.2.3.6)", () => {
    const { connection, seen } = new DeflatingConnection(role);
    connection.receive(compressedFrame(role, Uint8Array.of(0x00)));
    expect(seen.texts).toEqual([""]);
  });

  test("uncompressed messages between compressed ones (RFC 7692 §6)", () => {
    const { connection, seen } = new DeflatingConnection(role);
    connection.receive(compressedFrame(role, deflated("one")));
    connection.receive(frameTo(role, { opcode: Opcode.Text, payload: utf8("two") }));
    connection.receive(compressedFrame(role, deflated("three")));
    expect(seen.texts).toEqual(["one", "two", "three"]);
  });

  test("a message cut into single octets, with pings between them", () => {
    const { connection, seen } = new DeflatingConnection(role);
    const text = prose(2000);
    const payload = deflated(text);
    for (const [index, octet] of payload.entries()) {
      const opcode = index === 0 ? Opcode.Text : Opcode.Continuation;
      const reservedBits = index === 0 ? RSV1 : 0;
      const fin = index === payload.length - 1;
      connection.receive(
        frameTo(role, { opcode, reservedBits, fin, payload: Uint8Array.of(octet) }),
      );
      if (!fin) connection.receive(frameTo(role, { opcode: Opcode.Ping }));
    }
    expect(seen.texts).toEqual([text]);
    expect(seen.kinds.filter((kind) => kind === "ping")).toHaveLength(payload.length - 1);
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])("a window of 2^%i", (bits) => {
    const agreed = { ...kept, serverMaxWindowBits: bits, clientMaxWindowBits: bits };
    const { connection, seen } = new DeflatingConnection(role, { agreed });
    const text = prose(20_000);
    connection.receive(compressedFrame(role, deflated(text, { windowBits: Math.max(9, bits) })));
    expect(seen.texts).toEqual([text]);
  });

  test("long messages are inflated asynchronously, in order with later messages", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    const { connection, seen } = open;
    const long = prose(3 * MIB);
    const frames = [
      compressedFrame(role, deflated("before")),
      compressedFrame(role, deflated(long)),
      compressedFrame(role, deflated("after")),
      frameTo(role, { opcode: Opcode.Ping }),
      frameTo(role, { opcode: Opcode.Close }),
    ];
    connection.receive(joinBytes(frames));
    // Inflating it synchronously would block the event loop.
    expect(seen.texts).toEqual(["before"]);
    expect(connection.isHolding).toBe(true);
    await open.event("finished");
    expect(seen.texts).toEqual(["before", long, "after"]);
    expect(seen.kinds).toEqual(["text", "text", "text", "ping", "peer-close", "finished"]);
  });

  test("a long message becomes part of the window for the next one", async () => {
    const open = new DeflatingConnection(role, { agreed: kept });
    const long = prose(2 * MIB);
    const tail = long.slice(-200);
    const second = deflated(tail, { dictionary: Buffer.from(long.slice(-32_768)) });
    open.connection.receive(compressedFrame(role, deflated(long)));
    open.connection.receive(compressedFrame(role, second));
    await open.until(() => open.seen.texts.length === 2);
    expect(second.length).toBeLessThan(20);
    expect(open.seen.texts[1]).toBe(tail);
  });

  test("a long message of many final blocks, each of which starts new data", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    const parts = Array.from({ length: 20 }, (_, index) => prose(60_000 + index));
    const payload = joinBytes([...parts.map((part) => deflateRawSync(part)), Uint8Array.of(0)]);
    open.connection.receive(compressedFrame(role, payload));
    await open.event("text");
    expect(open.seen.texts).toEqual([parts.join("")]);
  });

  test("nothing while it is paused, and everything immediately afterwards", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    let readies = 0;
    const ready = new Promise<void>((resolve) => {
      open.seen.reactToReady = () => {
        readies += 1;
        resolve();
      };
    });
    const long = prose(MIB);
    open.connection.receive(compressedFrame(role, deflated(long)));
    open.connection.pause();
    await ready;
    expect(open.seen.events).toEqual([]);
    open.connection.resume();
    expect(open.seen.texts).toEqual([long]);
    expect(readies).toBe(1);
  });
});

describe.each(roles)("a %s refuses", (role) => {
  test.each([
    ["RSV1 on a continuation", { opcode: Opcode.Continuation, reservedBits: RSV1 }],
    ["RSV2", { opcode: Opcode.Text, reservedBits: 0x20 }],
    ["RSV3 in addition to RSV1", { opcode: Opcode.Text, reservedBits: 0x50 }],
  ])("%s (RFC 7692 §6)", (_, frame) => {
    const { connection, seen } = new DeflatingConnection(role);
    const isContinuation = frame.opcode === Opcode.Continuation;
    if (isContinuation) connection.receive(frameTo(role, { opcode: Opcode.Text, fin: false }));
    connection.receive(frameTo(role, frame));
    expect(seen.events).toEqual(failure("reserved_bits"));
  });

  test.each([Opcode.Ping, Opcode.Pong, Opcode.Close])(
    "RSV1 on control opcode %i (RFC 7692 §6)",
    (opcode) => {
      const { connection, seen } = new DeflatingConnection(role);
      connection.receive(frameTo(role, { opcode, reservedBits: RSV1 }));
      expect(seen.events).toEqual(failure("reserved_bits"));
    },
  );

  test("bytes that are not DEFLATE data, with 1007", () => {
    const { connection, seen } = new DeflatingConnection(role);
    connection.receive(compressedFrame(role, Uint8Array.of(0xff, 0xff, 0xff, 0xff), Opcode.Binary));
    expect(seen.events).toEqual(failure("invalid_deflate", 1007));
  });

  describe.each(Object.entries({ fresh, kept }))("with %s windows", (_windows, agreed) => {
    test.each(cutMessages())(
      "%s, cut off anywhere, with 1007 (RFC 7692 §7.2.2)",
      async (_, beginnings) => {
        for (const cut of beginnings) {
          const open = new DeflatingConnection(role, { agreed });
          open.connection.receive(compressedFrame(role, cut, Opcode.Binary));
          await open.event("finished");
          expect(open.seen.events, `cut to ${cut.length}`).toEqual(
            failure("invalid_deflate", 1007),
          );
        }
      },
    );

    test("a long message that is cut off, with 1007", async () => {
      const noise = new Uint8Array(randomBytes(MIB));
      const stored = deflated(noise, { level: 0 });
      const prosaic = deflated(prose(4 * MIB));
      const cuts = [stored.subarray(0, -5), stored.subarray(0, -6), prosaic.subarray(0, -9)];
      for (const cut of cuts) {
        const open = new DeflatingConnection(role, { agreed });
        open.connection.receive(compressedFrame(role, cut, Opcode.Binary));
        await open.event("finished");
        expect(open.seen.events).toEqual(failure("invalid_deflate", 1007));
      }
    });
  });

  test("the next connection that uses the same context is not affected", () => {
    const { connection } = new DeflatingConnection(role, { agreed: fresh });
    connection.receive(compressedFrame(role, Uint8Array.of(0xff, 0xff), Opcode.Binary));
    const next = new DeflatingConnection(role, { agreed: fresh });
    next.connection.receive(compressedFrame(role, deflated("well")));
    expect(next.seen.texts).toEqual(["well"]);
  });

  test("damage far inside a long message, with 1007", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    // A block of the reserved type (RFC 1951 §3.2.3), after two megabytes of valid ones.
    const whole = deflateRawSync(randomBytes(2 * MIB), { finishFlush: constants.Z_SYNC_FLUSH });
    const payload = joinBytes([whole, Uint8Array.of(0x07)]);
    open.connection.receive(compressedFrame(role, payload, Opcode.Binary));
    await open.event("finished");
    expect(open.seen.events).toEqual(failure("invalid_deflate", 1007));
  });

  test("text that is not UTF-8 after inflation, with 1007 (RFC 6455 §8.1)", () => {
    const { connection, seen } = new DeflatingConnection(role);
    connection.receive(compressedFrame(role, deflated(Uint8Array.of(0x61, 0xc3, 0x28))));
    expect(seen.events).toEqual(failure("invalid_utf8", 1007));
  });

  test("text that ends in the middle of a character after inflation", () => {
    const { connection, seen } = new DeflatingConnection(role);
    connection.receive(compressedFrame(role, deflated(Uint8Array.of(0x61, 0xc3))));
    expect(seen.events).toEqual(failure("invalid_utf8", 1007));
  });

  test("long text that is not UTF-8, at the first invalid piece", async () => {
    const open = new DeflatingConnection(role, { agreed: fresh });
    const text = Buffer.from(prose(MIB));
    text[600_000] = 0xff;
    open.connection.receive(compressedFrame(role, deflated(text)));
    await open.event("finished");
    expect(open.seen.events).toEqual(failure("invalid_utf8", 1007));
  });
});

describe("limits apply after inflation (CVE-2026-1526)", () => {
  test("a message of exactly the limit is accepted, and one more octet is not", () => {
    const limits = { maxMessageBytes: 1000 };
    const { connection, seen } = new DeflatingConnection("server", { limits });
    connection.receive(compressedFrame("server", deflated("a".repeat(1000))));
    expect(seen.texts).toHaveLength(1);
    connection.receive(compressedFrame("server", deflated("a".repeat(1001))));
    expect(seen.events.slice(1)).toEqual(failure("message_too_big", 1009));
  });

  test.each([8, 9, 15])(
    "noise of exactly the limit is accepted, although a window of 2^%i makes it longer",
    async (bits) => {
      const limits = { maxMessageBytes: 300_000 };
      const open = new DeflatingConnection("server", { limits, agreed: fresh });
      const noise = new Uint8Array(randomBytes(300_000));
      const payload = deflated(noise, { windowBits: Math.max(9, bits), memLevel: 1 });
      expect(payload.length).toBeGreaterThan(300_000);
      open.connection.receive(compressedFrame("server", payload, Opcode.Binary));
      await open.event("binary");
    },
  );

  test("a bomb costs at most the limit and one block", async () => {
    const budget = new MemoryBudget(1024 * MIB);
    let most = 0;
    const take = budget.charge.bind(budget);
    budget.charge = (bytes) => {
      const taken = take(bytes);
      most = Math.max(most, budget.usedBytes);
      return taken;
    };
    const limits = { maxMessageBytes: 4 * MIB };
    const open = new DeflatingConnection("server", { limits, account: budget, agreed: fresh });
    // 256 MiB of zeros in 256 KiB.
    const bomb = deflated(new Uint8Array(256 * MIB), { level: 9 });
    open.connection.receive(compressedFrame("server", bomb, Opcode.Binary));
    await open.event("finished");
    expect(open.seen.events).toEqual(failure("message_too_big", 1009));
    expect(most).toBeLessThanOrEqual(4 * MIB + 64 * 1024);
    expect(budget.usedBytes).toBe(0);
  });

  test("the compressed size is limited, too", () => {
    const limits = { maxMessageBytes: 1000 };
    const { connection, seen } = new DeflatingConnection("server", { limits });
    const payload = new Uint8Array(2500);
    connection.receive(compressedFrame("server", payload, Opcode.Binary));
    expect(seen.events).toEqual(failure("message_too_big", 1009));
  });

  test("unfinished messages share one limit, with 1013 beyond it", async () => {
    const budget = new MemoryBudget(300_000);
    const open = new DeflatingConnection("server", { account: budget, agreed: fresh });
    open.connection.receive(compressedFrame("server", deflated(prose(MIB))));
    await open.event("finished");
    expect(open.seen.events).toEqual(failure("over_share", 1013));
    expect(budget.usedBytes).toBe(0);
  });

  test("a message may not restart repeatedly", () => {
    const { connection, seen } = new DeflatingConnection("server");
    // 03 00 is an empty final block: two octets that would each cost a restart.
    const payload = Uint8Array.from({ length: 100_000 }, (_, index) => (index % 2 === 0 ? 3 : 0));
    connection.receive(compressedFrame("server", payload));
    expect(seen.events).toEqual(failure("invalid_deflate", 1007));
  });

  test("empty fragments of a compressed message are counted", () => {
    const limits = { maxMessageFragments: 1000 };
    const { connection, seen } = new DeflatingConnection("server", { limits });
    connection.receive(frameTo("server", { opcode: Opcode.Text, reservedBits: RSV1, fin: false }));
    for (let count = 0; count < 1000; count += 1) {
      connection.receive(frameTo("server", { opcode: Opcode.Continuation, fin: false }));
    }
    expect(seen.events).toEqual(failure("too_many_fragments", 1009));
  });
});

test("a connection that ends while a long message is inflated is not notified afterwards", async () => {
  const budget = new MemoryBudget(64 * MIB);
  const open = new DeflatingConnection("server", { agreed: fresh, account: budget });
  open.connection.receive(compressedFrame("server", deflated(prose(2 * MIB))));
  open.connection.transportEnded();
  const other = new DeflatingConnection("server", { agreed: fresh });
  other.connection.receive(compressedFrame("server", deflated(prose(2 * MIB))));
  await other.event("text");
  expect(open.seen.events).toEqual([]);
  expect(budget.usedBytes).toBe(0);
});
