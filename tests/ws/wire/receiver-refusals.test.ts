import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { closePayload, joinBytes, plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { PerMessageDeflate } from "../../rigs/ws/implementation.ts";
import { until } from "../../rigs/ws/rig.ts";
import { hex, receive, write, type ReceiverOptions as Options } from "./receiver-rig.ts";

describe("a Receiver of compressed messages", () => {
  const deflated = (text: string): Uint8Array =>
    deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4);

  function inflating(options: Options = {}): ReturnType<typeof receive> {
    const deflate = new PerMessageDeflate({ maxPayload: options?.maxPayload });
    deflate.accept([{}]);
    return receive({ ...options, extensions: { "permessage-deflate": deflate } });
  }

  test("reads one in pieces", async () => {
    const { receiver, seen } = inflating();
    const payload = deflated("Hello");
    const frame = plainFrame({ opcode: 1, reservedBits: 0x40, payload });
    await write(receiver, frame.subarray(0, 2), frame.subarray(2));
    await until(() => seen.length > 0);
    expect(seen).toEqual([["message", Buffer.from("Hello"), false]]);
  });

  test("reads one in fragments", async () => {
    const { receiver, seen } = inflating();
    const payload = deflated("foobar");
    const first = { opcode: 1, fin: false, reservedBits: 0x40, payload: payload.subarray(0, 3) };
    const pieces = [plainFrame(first), plainFrame({ opcode: 0, payload: payload.subarray(3) })];
    await write(receiver, joinBytes(pieces));
    await until(() => seen.length > 0);
    expect(seen).toEqual([["message", Buffer.from("foobar"), false]]);
  });

  test("ends after a Close frame, and ignores data after it", async () => {
    const { receiver, seen } = inflating();
    await write(receiver, joinBytes([hex("c10100"), hex("8800"), hex("8100")]));
    await until(() => seen.length > 2);
    expect(seen).toEqual([
      ["message", Buffer.alloc(0), false],
      ["conclude", 1005, Buffer.alloc(0)],
      ["finish"],
    ]);
  });

  test("rejects one that inflates to too much, even in fragments", async () => {
    const payload = deflated("A".repeat(50));
    const frame = { opcode: 1, reservedBits: 0x40 };
    const whole = [plainFrame({ ...frame, payload })];
    const cut = [
      plainFrame({ ...frame, fin: false, payload: payload.subarray(0, 2) }),
      plainFrame({ opcode: 0, payload: payload.subarray(2) }),
    ];
    for (const pieces of [whole, cut]) {
      const { receiver, seen } = inflating({ maxPayload: 25 });
      await write(receiver, joinBytes(pieces));
      await until(() => seen.length > 0);
      expect(seen[0]).toMatchObject([
        "error",
        { message: "Max payload size exceeded", code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" },
      ]);
    }
  });

  test("rejects text that is not UTF-8", async () => {
    const { receiver, seen } = inflating();
    const bytes = deflateRawSync(hex("cebae1bdb9cf83cebcceb5eda080656469746564"), {
      finishFlush: 2,
    }).subarray(0, -4);
    await write(receiver, plainFrame({ opcode: 1, reservedBits: 0x40, payload: bytes }));
    await until(() => seen.length > 0);
    expect(seen[0]).toMatchObject(["error", { code: "WS_ERR_INVALID_UTF8" }]);
  });
});

describe("a violation", () => {
  test("is emitted as an 'error' as soon as it is detectable", async () => {
    const early: [string, string, Options?][] = [
      ["897e", "Invalid WebSocket frame: invalid payload length 126"],
      ["8801", "Invalid WebSocket frame: invalid payload length 1"],
      ["a200", "Invalid WebSocket frame: RSV2 and RSV3 must be clear"],
      ["81026869", "Invalid WebSocket frame: MASK must be set", { isServer: true }],
      ["818200000000", "Invalid WebSocket frame: MASK must be clear"],
    ];
    for (const [bytes, message, options] of early) {
      const { receiver, seen } = receive(options);
      await write(receiver, hex(bytes));
      expect(seen).toMatchObject([["error", { message }]]);
    }
  });

  test("a length above 2^53 in the header", async () => {
    const { receiver, seen } = receive();
    await write(receiver, hex("827f"), hex("0020000000000000"));
    expect(seen).toMatchObject([["error", { code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH" }]]);
  });

  test("a message above maxPayload, by its header", async () => {
    const { receiver, seen } = receive({ maxPayload: 20 * 1024 });
    await write(receiver, hex("827f0000000000032000"));
    expect(seen).toMatchObject([["error", { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" }]]);
  });

  test("not for invalid UTF-8 with skipUTF8Validation", async () => {
    const { receiver, seen } = receive({ skipUTF8Validation: true });
    const bad = Uint8Array.of(0xf8);
    await write(receiver, plainFrame({ opcode: 1, payload: bad }));
    await write(receiver, plainFrame({ opcode: 8, payload: closePayload(1000, bad) }));
    expect(seen.slice(0, 2)).toEqual([
      ["message", Buffer.from(bad), false],
      ["conclude", 1000, Buffer.from(bad)],
    ]);
  });

  test("frames in more pieces than maxBufferedChunks", async () => {
    const pieces = (text: string): Uint8Array[] =>
      Array.from(utf8(text), (one) => Uint8Array.of(one));
    const good = receive({ maxBufferedChunks: 3 });
    await write(good.receiver, hex("8203"), ...pieces("abc"));
    expect(good.seen).toEqual([["message", Buffer.from("abc"), true]]);
    const bad = receive({ maxBufferedChunks: 3 });
    await write(bad.receiver, hex("8210"), ...pieces("abcd"));
    const facts = { message: "Too many buffered chunks", code: "WS_ERR_TOO_MANY_BUFFERED_PARTS" };
    expect(bad.seen).toMatchObject([["error", facts]]);
  });

  test("messages of more fragments than maxFragments, including empty ones", async () => {
    const frame = (opcode: number, fin: boolean): Uint8Array => plainFrame({ opcode, fin });
    const good = receive({ maxFragments: 2 });
    await write(good.receiver, frame(1, false), frame(0, true), frame(1, false), frame(0, true));
    expect(good.seen).toHaveLength(2);
    const bad = receive({ maxFragments: 2 });
    await write(bad.receiver, frame(1, false), frame(0, false), frame(0, true));
    const facts = { message: "Too many message fragments", code: "WS_ERR_TOO_MANY_BUFFERED_PARTS" };
    expect(bad.seen).toMatchObject([["error", facts]]);
  });
});
