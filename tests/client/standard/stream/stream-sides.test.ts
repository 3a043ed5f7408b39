import { describe, expect, test } from "vitest";
import { WebSocketError, WebSocketStream } from "../../../../src/client/index.ts";
import { Opcode } from "../../../../src/protocol/index.ts";
import { plainFrame } from "../../../rigs/protocol/masked-frame.ts";
import { runServer, Witness } from "../../../rigs/sockets/run-server.ts";
import { turns, until } from "../../../rigs/clock/event-loop.ts";
import { echoStream, heldStream } from "./open-stream.ts";

/** More than the kernels on the way buffer, in bytes. */
const STUCK_BYTES = 24 * 1024 * 1024;

function resizable(): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
  return new Resizable(2, { maxByteLength: 4 });
}

describe("readable", () => {
  test("text is a string, binary data is a Uint8Array with a buffer of its own", async () => {
    const { readable, writable } = await echoStream();
    const writer = writable.getWriter();
    const reader = readable.getReader();
    for (const size of [16, 2_000, 200_000]) {
      await writer.write("é");
      await writer.write(new Uint8Array(size).fill(7));
      expect((await reader.read()).value).toBe("é");
      const { value } = (await reader.read()) as { value: Uint8Array };
      expect(value.constructor).toBe(Uint8Array);
      expect(value).toEqual(new Uint8Array(size).fill(7));
      expect(value.byteOffset).toBe(0);
      expect(value.buffer.byteLength).toBe(size);
    }
  });

  test("its queue holds one message; later messages and the end wait (Streams §4.2.4)", async () => {
    const { stream, peer, readable } = await heldStream();
    const text = plainFrame({ opcode: Opcode.Text, payload: Buffer.from("x") });
    peer.socket.end(Buffer.concat([text, text, plainFrame({ opcode: Opcode.Close })]));
    let isClosed = false;
    void stream.closed.then(() => {
      isClosed = true;
    });
    await turns(20);
    const reader = readable.getReader();
    await reader.read();
    // By now the second message is in the queue.
    await turns(20);
    expect(isClosed).toBe(false);
    await reader.read();
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
  });

  test.each([true, false])(
    "an end without a Close frame does not drop the queued message, nodeInternals %s",
    async (nodeInternals) => {
      const { stream, peer, readable } = await heldStream({ nodeInternals });
      const text = plainFrame({ opcode: Opcode.Text, payload: Buffer.from("x") });
      peer.socket.end(text);
      const closed = expect(stream.closed).rejects.toMatchObject({ closeCode: 1006 });
      await turns(20);
      const reader = readable.getReader();
      expect(await reader.read()).toEqual({ done: false, value: "x" });
      await closed;
      await expect(reader.read()).rejects.toBeInstanceOf(WebSocketError);
    },
  );

  test("while it is not read, the server has to wait (back-pressure)", async () => {
    const { peer, readable } = await heldStream();
    const payload = new Uint8Array(1024 * 1024);
    const frame = plainFrame({ opcode: Opcode.Binary, payload });
    const count = STUCK_BYTES / payload.length;
    let written = 0;
    for (let sent = 0; sent < count; sent += 1) {
      peer.socket.write(frame, () => (written += 1));
    }
    await turns(200);
    const stuckAt = written;
    expect(stuckAt).toBeLessThan(count);
    await turns(200);
    expect(written).toBe(stuckAt);
    const reader = readable.getReader();
    for (let read = 0; read < count; read += 1) {
      expect(((await reader.read()).value as Uint8Array).length).toBe(payload.length);
    }
    await until(() => written === count);
  });

  test("it can be piped", async () => {
    const { stream, peer, readable } = await heldStream();
    const seen: unknown[] = [];
    const done = readable.pipeTo(new WritableStream({ write: (chunk) => void seen.push(chunk) }));
    const texts = Array.from({ length: 100 }, (_, index) => String(index));
    const frames = texts.map((text) =>
      plainFrame({ opcode: Opcode.Text, payload: Buffer.from(text) }),
    );
    const close = plainFrame({ opcode: Opcode.Close });
    peer.socket.end(Buffer.concat([...frames, close]));
    await done;
    expect(seen).toEqual(texts);
    await stream.closed;
  });

  test("messages that arrive after closing has begun are dropped", async () => {
    const { stream, peer, readable } = await heldStream();
    stream.close();
    const text = plainFrame({ opcode: Opcode.Text, payload: Buffer.from("late") });
    peer.socket.end(Buffer.concat([text, plainFrame({ opcode: Opcode.Close })]));
    await stream.closed;
    expect(await readable.getReader().read()).toEqual({ done: true, value: undefined });
  });
});

describe("writable (draft, write a chunk)", () => {
  test("buffers and views are sent as binary, everything else as its text", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const { writable } = await new WebSocketStream(url).opened;
    const writer = writable.getWriter();
    const chunks = [
      "text\ud800",
      Uint8Array.of(1, 2),
      new Uint16Array([3]),
      Uint8Array.of(9, 4, 5).subarray(1),
      new ArrayBuffer(2),
      5,
      null,
      undefined,
      { toString: () => "o" },
    ];
    await Promise.all(chunks.map((chunk) => writer.write(chunk)));
    await witness.until(() => witness.messages.length === chunks.length);
    const shown = witness.messages.map((m) => (typeof m === "string" ? m : [...m]));
    const text = ["5", "null", "undefined", "o"];
    expect(shown).toEqual(["text\ufffd", [1, 2], [3, 0], [4, 5], [0, 0], ...text]);
  });

  test.each<[string, unknown]>([
    ["a value that cannot be converted to text", { toString: () => ({}) }],
    ["a Symbol", Symbol("x")],
    ["a resizable buffer", resizable()],
    ["shared memory", new SharedArrayBuffer(2)],
    ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(2))],
  ])("%s rejects with a TypeError", async (_, chunk) => {
    const { writable } = await echoStream();
    await expect(writable.getWriter().write(chunk)).rejects.toThrow(TypeError);
  });

  test("a write completes once its message has been handed to the operating system", async () => {
    const { peer, writable } = await heldStream();
    peer.socket.pause();
    const writer = writable.getWriter();
    await writer.write("small");
    let isDone = false;
    const write = writer.write(new Uint8Array(STUCK_BYTES)).then(() => {
      isDone = true;
    });
    await turns(100);
    expect(isDone).toBe(false);
    expect(writer.desiredSize).toBe(0);
    peer.socket.resume();
    await write;
    await writer.write("after");
  });

  test("this also holds for a message that another thread compresses", async () => {
    const { readable, writable } = await echoStream();
    const text = "compressible ".repeat(30_000);
    await writable.getWriter().write(text);
    expect((await readable.getReader().read()).value).toBe(text);
  });

  test("after closing has begun, chunks are accepted but not sent", async () => {
    const { stream, peer, writable } = await heldStream();
    const writer = writable.getWriter();
    await writer.ready;
    stream.close();
    await writer.write("late");
    peer.socket.end(plainFrame({ opcode: Opcode.Close }));
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
  });

  test("closing it closes the connection, and waits for that", async () => {
    const { stream, peer, writable } = await heldStream();
    const writer = writable.getWriter();
    await writer.write("x");
    let isClosed = false;
    const closed = writer.close().then(() => {
      isClosed = true;
    });
    await turns(20);
    expect(isClosed).toBe(false);
    peer.socket.end(plainFrame({ opcode: Opcode.Close }));
    await closed;
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
    await expect(writer.closed).resolves.toBe(undefined);
  });

  test("closing it rejects when the connection is lost", async () => {
    const { stream, peer, writable } = await heldStream();
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    const closed = writer.close();
    await turns(5);
    peer.socket.destroy();
    await expect(closed).rejects.toMatchObject({ closeCode: 1006 });
    await expect(stream.closed).rejects.toBeInstanceOf(WebSocketError);
  });

  test("aborting it does not wait for a server that does not read", async () => {
    const { stream, peer, writable } = await heldStream();
    peer.socket.pause();
    const writer = writable.getWriter();
    const write = writer.write(new Uint8Array(STUCK_BYTES));
    const reason = new Error("enough");
    writer.closed.catch(() => {});
    await turns(5);
    const aborted = writer.abort(reason);
    await expect(write).rejects.toBe(reason);
    await aborted;
    peer.socket.destroy();
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 1006 });
  });
});

describe("abort and cancel (draft, close using reason)", () => {
  const sides = ["abort", "cancel"] as const;
  const foreign = Object.assign(new DOMException("yes", "DataCloneError"), {
    closeCode: 1000,
    reason: "ignored",
  });
  const cases: [string, unknown, { closeCode: number; reason: string }][] = [
    ["nothing", undefined, { closeCode: 1005, reason: "" }],
    ["an object", { closeCode: 3333, reason: "x" }, { closeCode: 1005, reason: "" }],
    ["another exception", foreign, { closeCode: 1005, reason: "" }],
    [
      "a WebSocketError with a code",
      new WebSocketError("", { closeCode: 3333 }),
      { closeCode: 3333, reason: "" },
    ],
    [
      "a WebSocketError with a code and a reason",
      new WebSocketError("", { closeCode: 3456, reason: "set" }),
      { closeCode: 3456, reason: "set" },
    ],
    [
      "a WebSocketError with a reason",
      new WebSocketError("", { reason: "set" }),
      { closeCode: 1000, reason: "set" },
    ],
  ];

  test.each(sides.flatMap((side) => cases.map((one) => [side, ...one] as const)))(
    "%s with %s",
    async (side, _, reason, seen) => {
      const { stream, readable, writable } = await echoStream();
      if (side === "abort") await writable.abort(reason);
      else await readable.cancel(reason);
      expect(await stream.closed).toEqual(seen);
    },
  );

  test("the error of another connection is passed on without a code that cannot be sent", async () => {
    const broken = await heldStream();
    broken.peer.socket.destroy();
    const error = await broken.stream.closed.catch((error: unknown) => error);
    expect(error).toMatchObject({ closeCode: 1006 });
    const { stream, writable } = await echoStream();
    await writable.abort(error);
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
  });

  test("cancelling unblocks a server that waits to be read", async () => {
    const { stream, peer, readable } = await heldStream();
    const text = plainFrame({ opcode: Opcode.Text, payload: Buffer.from("x") });
    peer.socket.write(Buffer.concat([text, text, text]));
    await turns(5);
    await readable.cancel();
    peer.socket.end(plainFrame({ opcode: Opcode.Close }));
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
  });
});
