import { randomBytes } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { inflateAlone } from "../../../src/node/deflate/inflate-now.ts";
import { DeflateCompression } from "../../../src/node/index.ts";
import { MemoryBudget, Opcode } from "../../../src/protocol/index.ts";
import { frameTo, joinBytes, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { failure, roles } from "../../rigs/protocol/open-connection.ts";
import { readFrames } from "../../rigs/protocol/read-frames.ts";
import { cutMessages } from "./cut-messages.ts";
import { DeflatingConnection, fresh, kept } from "../../rigs/protocol/deflating-connection.ts";
import { referenceInflate } from "../../rigs/protocol/reference-inflate.ts";

// Simulates a version of Node whose zlib streams cannot run synchronously.
vi.mock(import("../../../src/node/internals/sync-zlib.ts"), async (importOriginal) => ({
  ...(await importOriginal()),
  canRunSynchronously: () => false,
}));

const TEXTS = ["one ".repeat(400), "two", "three ".repeat(100_000), "four ".repeat(400)];

for (const role of roles) {
  for (const [name, agreed] of Object.entries({ fresh, kept })) {
    test(`a ${role} with ${name} windows exchanges messages using only Node's documented API`, async () => {
      const sender = new DeflatingConnection(role, { agreed });
      const reader = new DeflatingConnection(role === "server" ? "client" : "server", { agreed });
      for (const text of TEXTS) sender.connection.sendText(text);
      for (const frame of await sender.sent(TEXTS.length)) {
        const { opcode, payload, reservedBits } = frame;
        const receiver = role === "server" ? "client" : "server";
        reader.connection.receive(frameTo(receiver, { opcode, payload, reservedBits }));
      }
      await reader.until(() => reader.seen.texts.length === TEXTS.length);
      expect(reader.seen.texts).toEqual(TEXTS);
    });
  }
}

test("and rejects data that does not inflate", async () => {
  const open = new DeflatingConnection("server", { agreed: fresh });
  const payload = utf8("data that is not DEFLATE");
  open.connection.receive(
    frameTo("server", { opcode: Opcode.Binary, reservedBits: 0x40, payload }),
  );
  await open.event("finished");
  expect(open.seen.events).toEqual(failure("invalid_deflate", 1007));
});

describe.each(Object.entries({ fresh, kept }))("with %s windows", (_windows, agreed) => {
  test.each(cutMessages())("%s, cut off anywhere, fails with 1007", async (_, beginnings) => {
    for (const cut of beginnings) {
      const open = new DeflatingConnection("server", { agreed });
      open.connection.receive(
        frameTo("server", { opcode: Opcode.Binary, reservedBits: 0x40, payload: cut }),
      );
      await open.event("finished");
      expect(open.seen.events, `cut to ${cut.length}`).toEqual(failure("invalid_deflate", 1007));
    }
  });

  test("long messages are complete, end with a final block, or fail with 1007", async () => {
    const noise = randomBytes(300_000);
    const whole = deflateRawSync(noise, { level: 0, finishFlush: constants.Z_SYNC_FLUSH });
    const final = deflateRawSync(noise, { level: 0 });
    const outcomes: string[] = [];
    for (const payload of [
      whole.subarray(0, -4),
      final,
      Buffer.concat([final, Uint8Array.of(0)]),
      // The tail would be read as the last four bytes of data.
      whole.subarray(0, -9),
      whole.subarray(0, -10),
      whole.subarray(0, -5),
    ]) {
      const open = new DeflatingConnection("server", { agreed });
      open.connection.receive(
        frameTo("server", { opcode: Opcode.Binary, reservedBits: 0x40, payload }),
      );
      await open.until(() => open.seen.events.length > 0);
      outcomes.push(open.seen.kinds[0]!);
    }
    const [good, bad] = ["binary", "failed"];
    expect(outcomes).toEqual([good, good, good, bad, bad, bad]);
  });
});

test.each([8, 9, 15])("and encodes frames for many peers, within a window of 2^%i", (bits) => {
  const agreed = { ...fresh, serverMaxWindowBits: bits };
  const frames = new DeflateCompression().codec("server", agreed).frames!;
  // The text repeats at a distance that only the largest window covers.
  const text = randomBytes(5_000).toString("hex").repeat(3);
  for (let count = 0; count < 2; count += 1) {
    const [frame] = readFrames(frames.encodeText(text));
    expect(frame!.reservedBits).toBe(0x40);
    const { bytes, farthest } = referenceInflate(frame!.payload);
    expect(Buffer.from(bytes).toString()).toBe(text);
    expect(farthest).toBeLessThanOrEqual(2 ** bits);
    expect(farthest > 2 ** 9).toBe(bits === 15);
  }
});

describe("short messages without context takeover and without the thread pool", () => {
  const flush = { finishFlush: constants.Z_SYNC_FLUSH };
  const compressedFrame = (payload: Uint8Array): Uint8Array =>
    frameTo("server", { opcode: Opcode.Text, reservedBits: 0x40, payload });

  test("are compressed and inflated synchronously", () => {
    const open = new DeflatingConnection("server", { agreed: fresh });
    // Compressed by the kernel and by zlib.
    for (const text of ["one ".repeat(400), "four ".repeat(4000)]) {
      open.connection.sendText(text);
      const [frame] = open.sentFrames();
      expect(frame!.reservedBits).toBe(0x40);
      open.connection.receive(compressedFrame(frame!.payload));
      expect(open.seen.texts.at(-1)).toBe(text);
    }
  });

  test("are sent uncompressed if they do not become shorter", () => {
    const open = new DeflatingConnection("server", { agreed: fresh });
    open.connection.sendBinary(randomBytes(2000));
    expect(open.sentFrames()[0]!.reservedBits).toBe(0);
  });

  test("may end with final blocks, which takes longer (RFC 7692 §7.2.3.4)", async () => {
    const open = new DeflatingConnection("server", { agreed: fresh });
    const parts = ["one ", "two ", "three "].map((part) => deflateRawSync(part.repeat(100)));
    open.connection.receive(compressedFrame(joinBytes([...parts, Uint8Array.of(0)])));
    await open.event("text");
    expect(open.seen.texts).toEqual([
      "one ".repeat(100) + "two ".repeat(100) + "three ".repeat(100),
    ]);
  });

  test("are rejected with 1009 if they are bombs, at the limit", async () => {
    const budget = new MemoryBudget(64 * 1024 * 1024);
    const limits = { maxMessageBytes: 1024 * 1024 };
    const open = new DeflatingConnection("server", { agreed: fresh, limits, account: budget });
    const bomb = deflateRawSync(new Uint8Array(32 * 1024 * 1024), flush).subarray(0, -4);
    expect(bomb.length).toBeLessThan(64 * 1024);
    // Abandoned after the synchronous part, and inflated again in steps.
    expect(inflateAlone(bomb)).toBe("unsuited");
    const most = vi.spyOn(budget, "charge");
    open.connection.receive(compressedFrame(bomb));
    await open.event("finished");
    expect(open.seen.events).toEqual(failure("message_too_big", 1009));
    const taken = most.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0);
    expect(taken).toBeLessThanOrEqual(2 * 1024 * 1024);
  });

  test("fail with 1007 if they refer to earlier data, or are not DEFLATE data", () => {
    for (const payload of [
      Uint8Array.of(0xf2, 0x00, 0x11, 0x00, 0x00),
      utf8("data that is not DEFLATE"),
    ]) {
      const open = new DeflatingConnection("server", { agreed: fresh });
      open.connection.receive(compressedFrame(deflateRawSync("Hello", flush).subarray(0, -4)));
      open.connection.receive(compressedFrame(payload));
      expect(open.seen.texts).toEqual(["Hello"]);
      expect(open.seen.events.slice(1)).toEqual(failure("invalid_deflate", 1007));
    }
  });
});
