import { describe, expect, onTestFinished, test } from "vitest";
import {
  openWebSocketStream,
  WebSocketError,
  WebSocketStream,
  type WebSocketStreamOptions,
} from "../../../../src/client/index.ts";
import { Opcode } from "../../../../src/protocol/index.ts";
import type { UpgradeRequest } from "../../../../src/server/index.ts";
import { closePayload, plainFrame } from "../../../rigs/protocol/masked-frame.ts";
import { echo, runServer } from "../../../rigs/sockets/run-server.ts";
import { turns } from "../../../rigs/clock/event-loop.ts";
import { fakeServer } from "../../../rigs/sockets/fake-server.ts";
import { HeldServer } from "../../../rigs/sockets/held-server.ts";
import { echoStream, heldStream } from "./open-stream.ts";

const nowhere = "ws://127.0.0.1:1";
const syntaxError = expect.objectContaining({ name: "SyntaxError" });

describe("the constructor (WebSocketStream draft)", () => {
  test.each(["", "invalid:", "ftp://h.test", "/relative", "ws://a b"])(
    "%j as URL is a SyntaxError",
    (url) => {
      expect(() => new WebSocketStream(url)).toThrow(syntaxError);
    },
  );

  test("http: and https: URLs are converted to WebSocket URLs", async () => {
    const stream = new WebSocketStream("http://h.invalid:80/a");
    expect(stream.url).toBe("ws://h.invalid/a");
    stream.close();
  });

  test("a missing URL is a TypeError", () => {
    expect(() => Reflect.construct(WebSocketStream, [])).toThrow(TypeError);
  });

  test.each<[string, unknown]>([
    ["options that are not an object", true],
    ["protocols that are not a list", { protocols: "hi" }],
    ["protocols that are not iterable", { protocols: {} }],
    ["protocols that contain a Symbol", { protocols: [Symbol("a")] }],
    ["a signal that is not an AbortSignal", { signal: {} }],
    ["null as the signal", { signal: null }],
  ])("%s: a TypeError (Web IDL §3.2.17)", (_, options) => {
    const make = (): unknown => new WebSocketStream(nowhere, options as WebSocketStreamOptions);
    expect(make).toThrow(TypeError);
  });

  test.each([[["a", "a"]], [["a", "A"]], [["a b"]], [[""]]])(
    "%j as subprotocols is a SyntaxError",
    (protocols) => {
      expect(() => new WebSocketStream(nowhere, { protocols })).toThrow(syntaxError);
    },
  );

  test("null is accepted as options", () => {
    const stream = new WebSocketStream(nowhere, null as unknown as WebSocketStreamOptions);
    expect(stream.url).toBe("ws://127.0.0.1:1/");
  });
});

describe("opened", () => {
  test("has streams, subprotocol and extensions, and stays the same promise", async () => {
    const { url } = await runServer({ ...echo, protocols: ["beta"] });
    const stream = new WebSocketStream(url, { protocols: ["alpha", "beta"] });
    const info = await stream.opened;
    expect(Object.keys(info)).toEqual(["extensions", "protocol", "readable", "writable"]);
    expect(info.readable).toBeInstanceOf(ReadableStream);
    expect(info.writable).toBeInstanceOf(WritableStream);
    expect(info.protocol).toBe("beta");
    expect(info.extensions).toMatch(/^permessage-deflate/);
    expect(stream.opened).toBe(stream.opened);
    expect(stream.closed).toBe(stream.closed);
    stream.close();
  });

  test("a failed handshake rejects both promises, with the failure as the cause", async () => {
    const { url } = await runServer({ ...echo, path: "/here" });
    const stream = new WebSocketStream(`${url}/elsewhere`);
    const opened = await stream.opened.catch((error: unknown) => error);
    const closed = await stream.closed.catch((error: unknown) => error);
    expect(opened).toBeInstanceOf(WebSocketError);
    expect(opened).toMatchObject({ closeCode: null, cause: { code: "handshake_refused" } });
    expect(closed).toBeInstanceOf(WebSocketError);
    expect(closed).toMatchObject({ closeCode: 1006, reason: "", name: "WebSocketError" });
    expect((closed as Error).message).toMatch(/404/);
  });

  test("a blocked port fails it in a later task (Fetch §2.8)", async () => {
    const stream = new WebSocketStream("ws://127.0.0.1:25");
    await expect(stream.opened).rejects.toMatchObject({ cause: { code: "blocked_port" } });
  });

  test("a failure without handlers is not an unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    const stream = new WebSocketStream(nowhere);
    await expect(stream.closed).rejects.toBeInstanceOf(WebSocketError);
    await turns(3);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("close while connecting rejects both with a WebSocketError", async () => {
    const server = await HeldServer.start();
    const stream = new WebSocketStream(`ws://127.0.0.1:${server.port}`);
    await server.next();
    stream.close({ closeCode: 3000 });
    await expect(stream.opened).rejects.toBeInstanceOf(WebSocketError);
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 1006 });
  });
});

describe("the signal applies to the handshake only", () => {
  test("if it is already aborted, nothing is sent, and both promises reject with its reason", async () => {
    const server = await HeldServer.start();
    const reason = new Error("no more");
    const stream = new WebSocketStream(`ws://127.0.0.1:${server.port}`, {
      signal: AbortSignal.abort(reason),
    });
    await expect(stream.opened).rejects.toBe(reason);
    await expect(stream.closed).rejects.toBe(reason);
    stream.close();
    await turns(10);
    expect(server.connections).toBe(0);
    expect(stream.url).toBe(`ws://127.0.0.1:${server.port}/`);
  });

  test("if it is aborted while connecting, both promises reject with its reason", async () => {
    const server = await HeldServer.start();
    const controller = new AbortController();
    const { signal } = controller;
    const stream = new WebSocketStream(`ws://127.0.0.1:${server.port}`, { signal });
    const peer = await server.next();
    controller.abort();
    await expect(stream.opened).rejects.toMatchObject({ name: "AbortError" });
    await expect(stream.closed).rejects.toBe(signal.reason);
    peer.accept();
    await turns(5);
  });

  test("if it is aborted later, nothing happens", async () => {
    const { url } = await runServer(echo);
    const controller = new AbortController();
    const stream = new WebSocketStream(url, { signal: controller.signal });
    const { readable, writable } = await stream.opened;
    controller.abort();
    await writable.getWriter().write("connected");
    expect((await readable.getReader().read()).value).toBe("connected");
    stream.close();
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
  });
});

describe("openWebSocketStream", () => {
  test("accepts headers, subprotocols as one string, and limits", async () => {
    let authorization: string | undefined;
    const { url } = await runServer({
      ...echo,
      protocols: ["chat"],
      authorize: (request: UpgradeRequest) => {
        authorization = request.header("authorization");
      },
    });
    const stream = openWebSocketStream(url, {
      protocols: "chat",
      headers: { Authorization: "Bearer x" },
      maxMessageBytes: 10,
    });
    const { readable, writable, protocol } = await stream.opened;
    expect(protocol).toBe("chat");
    expect(authorization).toBe("Bearer x");
    await writable.getWriter().write("12345678901");
    const failure = expect.objectContaining({ cause: expect.objectContaining({ limit: 10 }) });
    await expect(readable.getReader().read()).rejects.toEqual(failure);
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 1006 });
  });

  test("gives up after handshakeTimeoutMs, or when its signal is aborted", async () => {
    const url = await fakeServer(() => "");
    const late = openWebSocketStream(url, { handshakeTimeoutMs: 50 });
    await expect(late.opened).rejects.toMatchObject({ cause: { code: "handshake_timeout" } });
    const aborted = openWebSocketStream(url, { signal: AbortSignal.abort(5) });
    await expect(aborted.opened).rejects.toBe(5);
  });

  test("throws immediately for invalid options", () => {
    const open = (): unknown => openWebSocketStream(nowhere, { maxMessageBytes: 0 });
    expect(open).toThrow(expect.objectContaining({ code: "invalid_limit" }));
  });
});

describe("close (draft, close the WebSocket)", () => {
  test.each<[string, unknown, { closeCode: number; reason: string }]>([
    ["nothing", undefined, { closeCode: 1005, reason: "" }],
    ["null", null, { closeCode: 1005, reason: "" }],
    ["an empty object", {}, { closeCode: 1005, reason: "" }],
    ["an empty reason", { reason: "" }, { closeCode: 1005, reason: "" }],
    ["a reason alone", { reason: "x" }, { closeCode: 1000, reason: "x" }],
    ["code and reason", { closeCode: 3456, reason: "x" }, { closeCode: 3456, reason: "x" }],
    ["the names of an earlier draft", { code: 3456 }, { closeCode: 1005, reason: "" }],
  ])("with %s", async (_, info, seen) => {
    const { stream, readable, writable } = await echoStream();
    stream.close(info as object);
    expect(await stream.closed).toEqual(seen);
    expect(await readable.getReader().read()).toEqual({ done: true, value: undefined });
    const invalidState = expect.objectContaining({ name: "InvalidStateError" });
    await expect(writable.getWriter().ready).rejects.toEqual(invalidState);
  });

  test.each<[unknown, unknown]>([
    [true, TypeError],
    [{ closeCode: -1 }, TypeError],
    [{ closeCode: 65_536 }, TypeError],
    [{ closeCode: 999 }, expect.objectContaining({ name: "InvalidAccessError" })],
    [{ closeCode: 1001 }, expect.objectContaining({ name: "InvalidAccessError" })],
    [{ closeCode: null }, expect.objectContaining({ name: "InvalidAccessError" })],
    [{ closeCode: 5000 }, expect.objectContaining({ name: "InvalidAccessError" })],
    [{ reason: "x".repeat(124) }, syntaxError],
  ])("%j throws, in every state", async (info, error) => {
    const { stream } = await echoStream();
    const close = (): void => stream.close(info as object);
    expect(close).toThrow(error);
    stream.close();
    expect(close).toThrow(error);
    await stream.closed;
    expect(close).toThrow(error);
  });

  test("only the first call has an effect, and earlier writes are still sent", async () => {
    const { url } = await runServer(echo);
    const stream = new WebSocketStream(url);
    const { writable } = await stream.opened;
    const writer = writable.getWriter();
    const written = writer.write("x");
    stream.close({ closeCode: 4000 });
    stream.close({ closeCode: 4001 });
    await written;
    expect(await stream.closed).toEqual({ closeCode: 4000, reason: "" });
  });
});

describe("closed by the server", () => {
  const close = (code: number, reason = ""): Uint8Array =>
    plainFrame({
      opcode: Opcode.Close,
      payload: closePayload(code, new TextEncoder().encode(reason)),
    });

  test("cleanly: closed has its code, the readable is closed, the writable errored", async () => {
    const { stream, peer, readable, writable } = await heldStream();
    peer.socket.end(close(4000, "ロボット"));
    expect(await stream.closed).toEqual({ closeCode: 4000, reason: "ロボット" });
    expect(await readable.getReader().read()).toEqual({ done: true, value: undefined });
    const invalidState = expect.objectContaining({ name: "InvalidStateError" });
    await expect(writable.getWriter().ready).rejects.toEqual(invalidState);
  });

  test("messages that arrived before the Close frame can still be read", async () => {
    const { stream, peer, readable } = await heldStream();
    const text = plainFrame({ opcode: Opcode.Text, payload: Buffer.from("last") });
    peer.socket.end(Buffer.concat([text, text, close(1000)]));
    const reader = readable.getReader();
    expect(await reader.read()).toEqual({ done: false, value: "last" });
    expect(await reader.read()).toEqual({ done: false, value: "last" });
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    expect(await stream.closed).toEqual({ closeCode: 1000, reason: "" });
  });

  test("its code is reported if both close", async () => {
    const { stream, peer } = await heldStream();
    stream.close({ closeCode: 4111, reason: "local" });
    peer.socket.end(close(4222, "remote"));
    expect(await stream.closed).toEqual({ closeCode: 4222, reason: "remote" });
  });

  test("a lost connection errors everything with one WebSocketError of 1006", async () => {
    const { stream, peer, readable, writable } = await heldStream();
    peer.socket.destroy();
    const error = (await stream.closed.catch((error: unknown) => error)) as WebSocketError;
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error).toMatchObject({ name: "WebSocketError", closeCode: 1006, reason: "" });
    await expect(readable.getReader().read()).rejects.toBe(error);
    await expect(writable.getWriter().ready).rejects.toBe(error);
  });

  test("an unfinished closing handshake is not clean", async () => {
    const { stream, peer } = await heldStream();
    stream.close({ closeCode: 4000, reason: "because" });
    peer.socket.end();
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 1006, reason: "" });
  });

  test("an interrupted write and closed reject in one task, so that either may be awaited", async () => {
    const { stream, peer, writable } = await heldStream();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    peer.socket.pause();
    const write = writable.getWriter().write(new Uint8Array(24 * 1024 * 1024));
    await turns(5);
    // The transport stays open; the connection closes only later.
    peer.socket.write(close(4567));
    await turns(5);
    peer.socket.resume();
    peer.socket.end();
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 4567 });
    await expect(write).rejects.toMatchObject({ name: "InvalidStateError" });
    expect(unhandled).toEqual([]);
  });

  test("if a message is half written, it is not clean, and the write rejects", async () => {
    const { stream, peer, writable } = await heldStream();
    peer.socket.pause();
    const writer = writable.getWriter();
    const write = writer.write(new Uint8Array(24 * 1024 * 1024)).catch((error: unknown) => error);
    await turns(5);
    peer.socket.end(close(4567));
    peer.socket.resume();
    const writeError = await write;
    expect(writeError).toMatchObject({ name: "InvalidStateError" });
    // All later writes fail with the same object. (Streams §5.5)
    await expect(writer.write("word")).rejects.toBe(writeError);
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 4567, reason: "" });
  });
});
