import { randomBytes } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { DeflateCompression } from "../../../src/node/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { frameTo } from "../../rigs/protocol/masked-frame.ts";
import { failure, roles } from "../../rigs/protocol/open-connection.ts";
import { DeflatingConnection, fresh, kept } from "../../rigs/protocol/deflating-connection.ts";
import { referenceInflate } from "../../rigs/protocol/reference-inflate.ts";

const RSV1 = 0x40;
/** From this length on, a message is processed in the thread pool. */
const LONG = 100_000;

const compressedFrame = (payload: Uint8Array): Uint8Array =>
  frameTo("server", { opcode: Opcode.Text, reservedBits: RSV1, payload });

function deflated(text: string): Uint8Array {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Returns a message that consists of a reference to the bytes 200 positions before it. */
function lookingBack(): Uint8Array {
  const dictionary = randomBytes(200).toString("latin1");
  const options = { dictionary: Buffer.from(dictionary, "latin1"), level: 9 };
  const repeated = Buffer.from(dictionary, "latin1");
  const whole = deflateRawSync(repeated, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  expect(whole.length).toBeLessThan(20);
  return whole.subarray(0, -4);
}

describe("connections with equal agreements", () => {
  test("have one codec without context takeover, so it costs no memory per connection", () => {
    const compression = new DeflateCompression();
    const codec = compression.codec("server", fresh);
    expect(compression.codec("server", { ...fresh })).toBe(codec);
    codec.close();
    expect(compression.codec("server", fresh)).toBe(codec);
  });

  test.each(["serverNoContextTakeover", "clientNoContextTakeover"])(
    "have their own codec without %s",
    (name) => {
      const compression = new DeflateCompression();
      const agreed = { ...fresh, [name]: false };
      const codec = compression.codec("server", agreed);
      expect(compression.codec("server", agreed)).not.toBe(codec);
    },
  );

  test("with other windows use another compressor", () => {
    const compression = new DeflateCompression();
    const { deflater, inflater } = compression.codec("server", fresh);
    const other = compression.codec("server", { ...fresh, serverMaxWindowBits: 9 });
    expect(other.deflater).not.toBe(deflater);
    expect(other.inflater).toBe(inflater);
  });
});

describe.each([8, 9, 10, 11, 12, 13, 14, 15])("with a window of 2^%i", (bits) => {
  const agreed = { ...fresh, serverMaxWindowBits: bits, clientMaxWindowBits: bits };

  // Compressed by the kernel and by zlib.
  const sizes = [1100, 9000];

  test.each(roles.flatMap((role) => sizes.map((size) => [role, size] as const)))(
    "no message of a %s of at least %i bytes refers to an earlier one, its own or another's (RFC 7692 §7.1.1)",
    (role, size) => {
      const compression = new DeflateCompression();
      const opened = [0, 1, 2].map(() => new DeflatingConnection(role, { agreed, compression }));
      // All messages share most of their bytes, so that anything kept would be used.
      const common = randomBytes(size / 2).toString("hex");
      let total = 0;
      for (let count = 0; total < 3 * 32_768 + 2 ** bits; count += 1) {
        const text = `${count} ${common} ${count % 7} ${common}`.slice(0, size + (count % 70) * 14);
        const { connection } = opened[count % 3]!;
        connection.sendText(text);
        const [frame] = opened[count % 3]!.sentFrames();
        expect(frame!.reservedBits).toBe(RSV1);
        // Throws at a reference to bytes before the message.
        const { bytes, farthest } = referenceInflate(frame!.payload);
        expect(Buffer.from(bytes).toString()).toBe(text);
        expect(farthest).toBeLessThanOrEqual(2 ** bits);
        total += text.length;
      }
    },
  );

  test("nor does a message after one that the thread pool compressed", async () => {
    const compression = new DeflateCompression();
    const first = new DeflatingConnection("server", { agreed, compression });
    const second = new DeflatingConnection("server", { agreed, compression });
    const common = randomBytes(5000).toString("hex");
    for (let count = 0; count < 3; count += 1) {
      first.connection.sendText(`${common} `.repeat(12));
      const [long] = await first.sent(1);
      expect(referenceInflate(long!.payload).bytes).toHaveLength(12 * (common.length + 1));
      second.connection.sendText(common);
      const [short] = second.sentFrames();
      expect(Buffer.from(referenceInflate(short!.payload).bytes).toString()).toBe(common);
    }
  });
});

describe("a peer never sees another peer's data: a reference before the message fails", () => {
  test.each(["short", "long", "corrupt"])("after a %s message of the other peer", async (kind) => {
    const compression = new DeflateCompression();
    const victim = new DeflatingConnection("server", { agreed: fresh, compression });
    const secret = "the other's secret, ".repeat(kind === "long" ? LONG : 30);
    const payload = deflated(secret);
    if (kind === "corrupt") payload[payload.length - 1] = 0xff;
    victim.connection.receive(compressedFrame(payload));
    await victim.event(kind === "corrupt" ? "failed" : "text");
    for (let count = 0; count < 5; count += 1) {
      const nosy = new DeflatingConnection("server", { agreed: fresh, compression });
      nosy.connection.receive(compressedFrame(lookingBack()));
      await nosy.event("failed");
      expect(nosy.seen.kinds).toEqual(["failed", "finished"]);
      expect(nosy.seen.events).toEqual(failure("invalid_deflate", 1007));
    }
  });
});

describe("asynchronous work", () => {
  test("belongs to its connection alone: another's end does not disturb it", async () => {
    const compression = new DeflateCompression();
    const text = "long enough ".repeat(LONG / 6);
    for (let count = 0; count < 3; count += 1) {
      const done = new DeflatingConnection("server", { agreed: fresh, compression });
      done.connection.sendText(text);
      await done.sent(1);
      done.connection.receive(compressedFrame(deflated(text.repeat(10))));
      await done.event("text");
      const busy = new DeflatingConnection("server", { agreed: fresh, compression });
      busy.connection.sendText(text);
      busy.connection.receive(compressedFrame(deflated(text.repeat(10))));
      done.connection.transportEnded();
      await busy.event("text");
      const [frame] = await busy.sent(1);
      expect(Buffer.from(referenceInflate(frame!.payload).bytes).toString()).toBe(text);
    }
  });

  test("is cancelled with its connection, and its turn goes to others", async () => {
    const compression = new DeflateCompression();
    const text = "long enough ".repeat(LONG / 6);
    // More connections than there are turns.
    const opened = Array.from(
      { length: 20 },
      () => new DeflatingConnection("server", { agreed: fresh, compression }),
    );
    for (const { connection } of opened) connection.sendText(text);
    // Those that wait for their turn end first.
    for (const { connection } of opened.slice(0, 19).reverse()) connection.transportEnded();
    const [frame] = await opened[19]!.sent(1);
    expect(Buffer.from(referenceInflate(frame!.payload).bytes).toString()).toBe(text);
    for (const { connection } of opened.slice(0, 19)) expect(connection.pendingBytes).toBe(0);
  });

  test.each([{ fresh }, { kept }])(
    "ends with the connection, in the middle of a received and a sent message, %j",
    async (windows) => {
      const [agreed] = Object.values(windows);
      const compression = new DeflateCompression({
        incomingContextTakeover: true,
        outgoingContextTakeover: true,
      });
      const open = new DeflatingConnection("server", { agreed: agreed!, compression });
      const text = "long enough ".repeat(LONG / 6);
      open.connection.sendText(text);
      open.connection.receive(compressedFrame(deflated(text.repeat(10))));
      open.connection.transportEnded();
      const next = new DeflatingConnection("server", { agreed: agreed!, compression });
      next.connection.sendText(text);
      next.connection.receive(compressedFrame(deflated(text.repeat(10))));
      await next.event("text");
      await next.sent(1);
      expect(open.seen.events).toEqual([]);
      expect(open.sentFrames()).toEqual([]);
    },
  );
});
