import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openWebSocket, WebSocket } from "../../../src/client/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import type { Peer } from "../../../src/server/index.ts";
import { closePayload, plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { runServer } from "../../rigs/sockets/run-server.ts";
import { turns } from "../../rigs/clock/event-loop.ts";
import { HeldServer } from "../../rigs/sockets/held-server.ts";
import { connecting, openEcho, openHeld, openWitnessed, thrownBy } from "./open-socket.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

const closeFrame = (code?: number, reason = ""): Uint8Array =>
  plainFrame({
    opcode: Opcode.Close,
    payload: code === undefined ? new Uint8Array(0) : closePayload(code, utf8(reason)),
  });

/** Calls `close` with arbitrary arguments. */
function close(socket: WebSocket, ...given: unknown[]): void {
  socket.close(...(given as [number, string]));
}

/** Returns what the server's application receives after such a `close`. */
async function closedWith(...given: unknown[]): Promise<{ code: number; reason: string }> {
  const { socket, witness } = await openWitnessed();
  close(socket, ...given);
  const { code, reason } = await witness.closed();
  return { code, reason };
}

describe("the arguments (WHATWG WebSockets §3.1, close)", () => {
  test.each([0, 500, 999, 1001, 1005, 1006, 2999, 5000, 65_535, 66_536, -1, Infinity])(
    "the code %d is an InvalidAccessError",
    (code) => {
      const socket = new WebSocket("ws://127.0.0.1:1");
      const error = expect.objectContaining({ name: "InvalidAccessError", code: 15 });
      expect(() => socket.close(code)).toThrow(error);
      expect(socket.readyState).toBe(0);
    },
  );

  test.each([Number.NaN, null, "string", {}, "only a reason"])(
    "%j is converted to 0, so it is an InvalidAccessError (Web IDL §3.2.4.9)",
    (code) => {
      const socket = new WebSocket("ws://127.0.0.1:1");
      const error = expect.objectContaining({ name: "InvalidAccessError" });
      expect(() => socket.close(code as number)).toThrow(error);
    },
  );

  test.each<[unknown, number]>([
    [1000, 1000],
    [3000, 3000],
    [4999, 4999],
    ["3456", 3456],
    [{ valueOf: () => 3456 }, 3456],
    [2999.6, 3000],
    [3000.5, 3000],
    [3001.5, 3002],
    [999.5, 1000],
  ])(
    "%j is sent as %d: [Clamp] rounds to the nearest integer, ties to even",
    async (code, sent) => {
      expect(await closedWith(code)).toEqual({ code: sent, reason: "" });
    },
  );

  test.each<[string, unknown[], { code: number; reason: string }]>([
    ["nothing", [], { code: 1005, reason: "" }],
    ["undefined", [undefined], { code: 1005, reason: "" }],
    ["undefined twice", [undefined, undefined], { code: 1005, reason: "" }],
    ["an empty reason", [undefined, ""], { code: 1005, reason: "" }],
    ["a reason alone, which implies 1000", [undefined, "x"], { code: 1000, reason: "x" }],
    ["null as the reason, converted to text", [1000, null], { code: 1000, reason: "null" }],
    ["undefined as the reason", [4000, undefined], { code: 4000, reason: "" }],
    ["lone surrogates, replaced", [1000, "\ud800"], { code: 1000, reason: "\ufffd" }],
  ])("%s", async (_, given, seen) => {
    expect(await closedWith(...given)).toEqual(seen);
  });

  test("a reason of 124 bytes is a SyntaxError, one of 123 is sent (RFC 6455 §5.5)", async () => {
    const socket = await openEcho();
    const error = expect.objectContaining({ name: "SyntaxError", code: 12 });
    for (const reason of ["x".repeat(124), "é".repeat(62), "🔌".repeat(31)]) {
      expect(() => socket.close(1000, reason)).toThrow(error);
      expect(() => socket.close(undefined, reason)).toThrow(error);
    }
    expect(socket.readyState).toBe(1);
    const longest = `${"é".repeat(61)}x`;
    expect(await closedWith(3000, longest)).toEqual({ code: 3000, reason: longest });
  });

  test("both are converted, the code first, before either is checked", () => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    const order: string[] = [];
    const code = { valueOf: () => (order.push("code"), 5) } as unknown as number;
    const reason = { toString: () => (order.push("reason"), "x".repeat(124)) };
    const close = (): void => socket.close(code, reason as unknown as string);
    expect(close).toThrow(expect.objectContaining({ name: "InvalidAccessError" }));
    expect(order).toEqual(["code", "reason"]);
  });

  test.each([[Symbol("x")], [5n], [1000, Symbol("x")]])("%o cannot be converted", (...given) => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    expect(thrownBy(() => close(socket, ...given))).toBeInstanceOf(TypeError);
  });

  test("they are checked in every state", async () => {
    const socket = await openEcho();
    const close = (): void => socket.close(1);
    expect(close).toThrow();
    socket.close();
    expect(close).toThrow();
    await next(socket, "close");
    expect(close).toThrow(expect.objectContaining({ name: "InvalidAccessError" }));
  });
});

describe("while connecting", () => {
  test("the connection fails: error and close 1006, in a later task", async () => {
    const { socket, peer } = await connecting();
    const seen: unknown[] = [];
    socket.onerror = ({ type }) => seen.push([type, socket.readyState]);
    socket.onclose = ({ type, code, wasClean }) =>
      seen.push([type, socket.readyState, code, wasClean]);
    socket.close(3000, "x");
    expect(socket.readyState).toBe(2);
    await Promise.resolve();
    expect(seen).toEqual([]);
    peer.accept();
    await next(socket, "close");
    await turns(5);
    expect(seen).toEqual([
      ["error", 3],
      ["close", 3, 1006, false],
    ]);
  });

  test("immediately after the constructor, and several times", async () => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    socket.close();
    socket.close();
    expect(await eventsOf(socket)).toEqual(["error", "close"]);
  });
});

describe("while open", () => {
  test("the state is CLOSING immediately, and CLOSED when the close event fires, cleanly", async () => {
    const socket = await openEcho();
    const events = eventsOf(socket);
    socket.close(4321, "why");
    expect(socket.readyState).toBe(2);
    // Only the first call has an effect.
    socket.close(1000, "other");
    const event = await next(socket, "close");
    expect(event).toMatchObject({ code: 4321, reason: "why", wasClean: true });
    expect(socket.readyState).toBe(3);
    expect(await events).toEqual(["close"]);
  });

  test("the code of the close event is the server's (RFC 6455 §7.1.5)", async () => {
    const { socket, peer } = await openHeld();
    socket.close(4111, "local");
    peer.socket.write(closeFrame(4222, "remote"));
    peer.socket.once("data", () => peer.socket.end());
    expect(await next(socket, "close")).toMatchObject({ code: 4222, reason: "remote" });
  });

  test("the close event waits for the server to end the transport (RFC 6455 §7.1.4)", async () => {
    const { socket, peer } = await openHeld();
    const seen: string[] = [];
    socket.onclose = ({ type }) => seen.push(type);
    socket.close();
    await new Promise((resolve) => peer.socket.once("data", resolve));
    peer.socket.write(closeFrame());
    await turns(20);
    expect(seen).toEqual([]);
    expect(socket.readyState).toBe(2);
    peer.socket.end();
    expect(await next(socket, "close")).toMatchObject({ code: 1005, wasClean: true });
  });

  test("if the server ends it without a Close frame, error fires, and the code is 1006", async () => {
    const { socket, peer } = await openHeld();
    const events = eventsOf(socket);
    const close = next(socket, "close");
    socket.close(1000);
    peer.socket.end();
    expect(await close).toMatchObject({ code: 1006, reason: "", wasClean: false });
    expect(await events).toEqual(["error", "close"]);
  });

  test("messages sent before, including Blobs, still go out", async () => {
    const { socket, witness } = await openWitnessed();
    socket.send(new Blob(["late"]));
    socket.send("end");
    socket.close();
    expect(socket.readyState).toBe(2);
    await witness.closed();
    expect(witness.messages.map((message) => Buffer.from(message as string).toString())).toEqual([
      "late",
      "end",
    ]);
  });

  test("messages that arrive afterwards are not delivered", async () => {
    const { socket, peer } = await openHeld();
    const events = eventsOf(socket);
    socket.close();
    const late = plainFrame({ opcode: Opcode.Text, payload: utf8("late") });
    peer.socket.end(Buffer.concat([late, closeFrame()]));
    expect(await events).toEqual(["close"]);
  });

  test("it can be called in any event handler", async () => {
    const { socket, peer } = await connecting();
    const states: number[] = [];
    socket.onopen = () => {
      states.push(socket.readyState);
      socket.close();
      states.push(socket.readyState);
    };
    socket.onclose = () => {
      socket.close();
      states.push(socket.readyState);
    };
    peer.accept();
    peer.socket.once("data", () => peer.socket.end(closeFrame()));
    await next(socket, "close");
    await turns(3);
    expect(states).toEqual([1, 2, 3]);
  });
});

describe("in the open event over TLS", () => {
  test("the close event has the code of a Close frame that follows the server's response", async () => {
    const tls = makeCertificate();
    const server = await HeldServer.start(tls);
    const url = `wss://127.0.0.1:${server.port}`;
    const socket = openWebSocket(url, { tls: { ca: readFileSync(tls.cert) } });
    socket.onopen = () => socket.close(4001, "ours");
    const peer = await server.next();
    peer.accept();
    // A separate TLS record, which waits in the stream until it is read.
    peer.socket.end(closeFrame(4321, "theirs"));
    const closed = await next(socket, "close");
    expect(closed).toMatchObject({ code: 4321, reason: "theirs", wasClean: true });
  });
});

describe("closed by the server", () => {
  test.each<[string, number | undefined, string, { code: number; reason: string }]>([
    ["nothing", undefined, "", { code: 1005, reason: "" }],
    ["a code", 1000, "", { code: 1000, reason: "" }],
    ["a reason", 4001, "grund ü ロボット", { code: 4001, reason: "grund ü ロボット" }],
  ])("with %s, the close event has it, and no error fires", async (_, code, reason, seen) => {
    const { socket, peer } = await openHeld();
    const events = eventsOf(socket);
    const close = next(socket, "close");
    peer.socket.end(closeFrame(code, reason));
    expect(await close).toMatchObject({ ...seen, wasClean: true });
    expect(await events).toEqual(["close"]);
  });

  test("the state is CLOSING once its Close frame has arrived, and nothing is sent afterwards", async () => {
    const { socket, peer } = await openHeld();
    peer.socket.write(closeFrame(1000));
    // The reply is the last data from the client.
    const answer = await new Promise<Buffer>((resolve) => peer.socket.once("data", resolve));
    expect(answer.length).toBe(2 + 4 + 2);
    await turns(3);
    expect(socket.readyState).toBe(2);
    socket.send("late");
    socket.close(3000);
    let more = 0;
    peer.socket.on("data", (chunk) => (more += chunk.length));
    await turns(10);
    expect(more).toBe(0);
    peer.socket.end();
    await next(socket, "close");
    expect(socket.readyState).toBe(3);
  });

  test("a lost connection fires error, and the code is 1006", async () => {
    const { url } = await runServer({ onOpen: (peer: Peer) => peer.terminate() });
    const socket = new WebSocket(url);
    const close = next(socket, "close");
    await next(socket, "error");
    expect(await close).toMatchObject({ code: 1006, reason: "", wasClean: false });
  });
});
