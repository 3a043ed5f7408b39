import { Blob as NodeBlob } from "node:buffer";
import { createContext, runInContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { openWebSocket, WebSocket } from "../../../src/client/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { plainFrame } from "../../rigs/protocol/masked-frame.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { connecting, openEcho, openHeld, openWitnessed, thrownBy } from "./open-socket.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

function shown(message: string | Uint8Array): string | number[] {
  return typeof message === "string" ? message : [...message];
}

/** Returns what a server receives when `data` is sent. */
async function received(data: unknown): Promise<string | number[]> {
  const { socket, witness } = await openWitnessed();
  socket.send(data as string);
  await witness.until(() => witness.messages.length === 1);
  return shown(witness.messages[0]!);
}

function resizable(size: number): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
  return new Resizable(size, { maxByteLength: size * 2 });
}

function detached(): { buffer: ArrayBuffer; view: Uint8Array; dataView: DataView } {
  const buffer = new ArrayBuffer(4);
  const view = new Uint8Array(buffer, 1, 2);
  const dataView = new DataView(buffer, 1, 2);
  structuredClone(buffer, { transfer: [buffer] });
  return { buffer, view, dataView };
}

describe("text (Web IDL §3.2.12, USVString)", () => {
  test.each<[string, unknown, string]>([
    ["nothing", "", ""],
    ["beyond ASCII", "å a\u030a \u{1047e}", "å a\u030a \u{1047e}"],
    ["lone surrogates", "a\udc00xb\ud800xc\udc00\ud800x", "a\ufffdxb\ufffdxc\ufffd\ufffdx"],
    ["a number", 5, "5"],
    ["a BigInt", 5n, "5"],
    ["null", null, "null"],
    ["undefined", undefined, "undefined"],
    ["an object", { toString: () => "o" }, "o"],
    ["an object without a text representation", {}, "[object Object]"],
    ["an array", ["a", 1], "a,1"],
    ["a function", Math.max, String(Math.max)],
    ["an error", new Error("x"), "Error: x"],
    [
      "an object that only resembles a buffer",
      Object.create(ArrayBuffer.prototype),
      "[object ArrayBuffer]",
    ],
  ])("%s", async (_, data, text) => {
    expect(await received(data)).toBe(text);
  });

  test.each([125, 126, 65_535, 65_536])(
    "of %d bytes is echoed completely (RFC 6455 §5.2)",
    async (size) => {
      const socket = await openEcho();
      socket.send("a".repeat(size));
      expect((await next(socket, "message")).data).toBe("a".repeat(size));
    },
  );
});

describe("bytes (Web IDL §3.2.25, BufferSource)", () => {
  const buffer = Uint8Array.from({ length: 32 }, (_, index) => index).buffer;

  test.each<[string, unknown, number[]]>([
    ["an ArrayBuffer", buffer.slice(0, 3), [0, 1, 2]],
    ["an empty one", new ArrayBuffer(0), []],
    ["a view with an offset", new Uint8Array(buffer, 30), [30, 31]],
    ["a view with offset and length", new Uint8Array(buffer, 2, 3), [2, 3, 4]],
    ["two-byte numbers", new Uint16Array(buffer, 2, 2), [2, 3, 4, 5]],
    ["a DataView", new DataView(buffer, 2, 3), [2, 3, 4]],
    ["Float32", new Float32Array(buffer, 28), [28, 29, 30, 31]],
    ["Float64", new Float64Array(buffer, 24), [24, 25, 26, 27, 28, 29, 30, 31]],
    ["BigInt64", new BigInt64Array(buffer, 24), [24, 25, 26, 27, 28, 29, 30, 31]],
    ["Node's Buffer", Buffer.from([1, 2]), [1, 2]],
    ["a buffer from another realm", runInContext("new ArrayBuffer(2)", createContext({})), [0, 0]],
    ["a view from another realm", runInContext("Uint8Array.of(7)", createContext({})), [7]],
    ["a detached buffer", detached().buffer, []],
    ["a view of one", detached().view, []],
    ["a DataView of one", detached().dataView, []],
  ])("%s", async (_, data, bytes) => {
    expect(await received(data)).toEqual(bytes);
  });

  test.each<[string, unknown]>([
    ["shared memory", new SharedArrayBuffer(2)],
    ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(2))],
    ["a DataView of shared memory", new DataView(new SharedArrayBuffer(2))],
    ["a resizable buffer", resizable(2)],
    ["a view of one", new Uint8Array(resizable(2))],
    ["a Symbol", Symbol("x")],
    ["a value that cannot be converted to text", Object.create(null)],
  ])("%s is a TypeError, and the socket stays open", async (_, data) => {
    const { socket, witness } = await openWitnessed();
    expect(() => socket.send(data as string)).toThrow(TypeError);
    expect(socket.bufferedAmount).toBe(0);
    socket.send("after");
    await witness.until(() => witness.messages.length === 1);
    expect(witness.messages).toEqual(["after"]);
  });

  test("they are copied before send returns", async () => {
    const { socket, witness } = await openWitnessed();
    const bytes = Uint8Array.of(1, 2);
    socket.send(bytes);
    bytes.fill(9);
    await witness.until(() => witness.messages.length === 1);
    expect(witness.messages.map(shown)).toEqual([[1, 2]]);
  });

  test("a large message is echoed completely", async () => {
    const socket = await openEcho();
    socket.binaryType = "arraybuffer";
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index * 31);
    socket.send(bytes);
    const { data } = await next(socket, "message");
    expect(Buffer.compare(new Uint8Array(data as ArrayBuffer), bytes)).toBe(0);
  });

  test("sending far more than the kernel buffers does not deadlock with an echo server", async () => {
    const { url } = await runServer(echo);
    const socket = openWebSocket(url, { compression: false });
    socket.binaryType = "arraybuffer";
    await next(socket, "open");
    const count = 400;
    let returned = 0;
    const all = new Promise<void>((resolve) => {
      socket.onmessage = () => {
        returned += 1;
        if (returned === count) resolve();
      };
    });
    for (let sent = 0; sent < count; sent += 1) socket.send(new Uint8Array(65_536));
    await all;
    socket.close();
    expect(await next(socket, "close")).toMatchObject({ wasClean: true });
  });
});

describe("Blobs (File API §5)", () => {
  test("keep their position among other messages", async () => {
    const { socket, witness } = await openWitnessed();
    const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5);
    socket.send("a");
    socket.send(new Blob(["blob"]));
    socket.send(bytes.buffer);
    socket.send(new DataView(bytes.buffer, 2, 3));
    bytes.fill(9);
    socket.send(new NodeBlob([]) as Blob);
    socket.send("z");
    await witness.until(() => witness.messages.length === 6);
    expect(witness.messages.map(shown)).toEqual([
      "a",
      [...Buffer.from("blob")],
      [0, 1, 2, 3, 4, 5],
      [2, 3, 4],
      [],
      "z",
    ]);
  });

  test("one that can no longer be read ends the connection", async () => {
    const { socket } = await openWitnessed();
    const blob = new Blob(["x"]);
    blob.arrayBuffer = () => Promise.reject(new Error("The file is gone."));
    const failed = new Promise<string>((resolve) => {
      socket.onerror = ({ error }) => resolve(error.code);
    });
    socket.send(blob);
    socket.send("behind");
    expect(await failed).toBe("unreadable_blob");
    expect(socket.bufferedAmount).toBe(7);
  });
});

describe("the states", () => {
  test("while connecting, send throws an InvalidStateError, after converting the data", async () => {
    const { socket, peer } = await connecting();
    const invalid = expect.objectContaining({ name: "InvalidStateError", code: 11 });
    expect(() => socket.send("x")).toThrow(invalid);
    expect(() => socket.send(new Blob(["x"]))).toThrow(invalid);
    const failure = new Error("from toString");
    const data = {
      toString: () => {
        throw failure;
      },
    };
    expect(thrownBy(() => socket.send(data as unknown as string))).toBe(failure);
    expect(() => (socket.send as () => void)()).toThrow(TypeError);
    expect(socket.bufferedAmount).toBe(0);
    peer.accept();
    await next(socket, "open");
  });

  test("after closing has begun, nothing is sent and nothing is thrown", async () => {
    const { socket, witness } = await openWitnessed();
    socket.close();
    expect(socket.send("late")).toBe(undefined);
    await next(socket, "close");
    expect(socket.send("later")).toBe(undefined);
    expect(witness.messages).toEqual([]);
  });

  test("data of an unsupported kind is a TypeError in every state", async () => {
    const socket = await openEcho();
    const send = (): void => socket.send(Symbol("x") as unknown as string);
    expect(send).toThrow(TypeError);
    socket.close();
    expect(send).toThrow(TypeError);
    await next(socket, "close");
    expect(send).toThrow(TypeError);
  });
});

describe("binaryType (WHATWG WebSockets §4)", () => {
  test("it is blob, accepts arraybuffer, and ignores anything else (Web IDL §3.7.6)", () => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    expect(socket.binaryType).toBe("blob");
    for (const value of ["nodebuffer", "", "ArrayBuffer", 5, null, undefined]) {
      socket.binaryType = value as "blob";
      expect(socket.binaryType).toBe("blob");
    }
    socket.binaryType = { toString: () => "arraybuffer" } as unknown as "arraybuffer";
    expect(socket.binaryType).toBe("arraybuffer");
    expect(() => Reflect.set(socket, "binaryType", Symbol("x"))).toThrow(TypeError);
    expect(socket.binaryType).toBe("arraybuffer");
  });

  test.each([0, 3, 1000, 65_536])(
    "%d bytes arrive as a Blob, and as an ArrayBuffer",
    async (size) => {
      const socket = await openEcho();
      const bytes = Uint8Array.from({ length: size }, (_, index) => index);
      socket.send(bytes);
      const { data: blob } = (await next(socket, "message")) as MessageEvent<Blob>;
      expect(blob).toBeInstanceOf(Blob);
      expect(blob).toMatchObject({ size, type: "" });
      expect(Buffer.compare(new Uint8Array(await blob.arrayBuffer()), bytes)).toBe(0);
      socket.binaryType = "arraybuffer";
      socket.send(bytes);
      const { data: buffer } = (await next(socket, "message")) as MessageEvent<ArrayBuffer>;
      expect(buffer).toBeInstanceOf(ArrayBuffer);
      expect(Buffer.compare(new Uint8Array(buffer), bytes)).toBe(0);
    },
  );

  test("its value at the time of delivery applies, even within one packet", async () => {
    const { socket, peer } = await openHeld();
    const kinds: string[] = [];
    socket.onmessage = ({ data }) => {
      kinds.push((data as object).constructor.name);
      socket.binaryType = socket.binaryType === "blob" ? "arraybuffer" : "blob";
    };
    const frame = plainFrame({ opcode: Opcode.Binary, payload: Uint8Array.of(1) });
    peer.socket.write(Buffer.concat([frame, frame, frame]));
    for (let message = 0; message < 3; message += 1) await next(socket, "message");
    expect(kinds).toEqual(["Blob", "ArrayBuffer", "Blob"]);
  });
});
