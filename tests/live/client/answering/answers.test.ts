import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { handle } from "../../../../src/live/client/answering/index.ts";
import { LongwireError } from "../../../../src/live/client/index.ts";
import { Later } from "../../../rigs/live/memory-live.ts";
import {
  comeBack,
  openClient,
  openWelcomed,
  settle,
  type FakeSocket,
} from "../../../rigs/live/open-client.ts";

const features = ["requests"];
const request = { type: "request", id: 1, method: "reboot", deadline: 5_000 };

const circle: { self?: object } = {};
circle.self = circle;

let reported: unknown[];

beforeEach(() => {
  reported = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  onTestFinished(() => void vi.unstubAllGlobals());
});

/** Confirms the last offer. */
function confirm(socket: FakeSocket): void {
  const { id, methods } = socket.sent.findLast(({ type }) => type === "offers")!;
  socket.say({ type: "offered", id, methods });
}

const codes = (): unknown[] => reported.map((error) => (error as LongwireError).code);

describe("a client's offers", () => {
  test("of one turn are one message, also when they change", async () => {
    const { live, socket } = openWelcomed({}, { features });
    const stop = handle(live, "reboot", () => 1);
    handle(live, "measure", () => 2);
    await settle();
    expect(socket.taken()).toMatchObject([{ type: "offers", methods: ["reboot", "measure"] }]);
    stop();
    stop();
    handle(live, "update", () => 3);
    await settle();
    expect(socket.taken()).toMatchObject([{ type: "offers", methods: ["measure", "update"] }]);
  });

  test("are made after the welcome, and again on the next connection", async () => {
    const opened = openClient();
    handle(opened.live, "reboot", () => 1);
    await settle();
    expect(opened.socket.taken()).toEqual([]);
    opened.socket.welcome({ features });
    await settle();
    expect(opened.socket.sent).toMatchObject([{ type: "offers", methods: ["reboot"] }]);
    opened.socket.end();
    opened.clock.advance(30_000);
    opened.socket.welcome({ features });
    await settle();
    expect(opened.socket.sent).toMatchObject([{ type: "offers", methods: ["reboot"] }]);
    expect(reported).toEqual([]);
  });

  test("are not sent to a server that does not list the feature, which is reported", async () => {
    const { live, socket } = openWelcomed();
    handle(live, "reboot", () => 1);
    await settle();
    expect(socket.taken()).toEqual([]);
    expect(codes()).toEqual(["unsupported"]);
  });

  test("that the server refuses are reported", async () => {
    const { live, socket } = openWelcomed({}, { features });
    handle(live, "reboot", () => 1);
    await settle();
    const [offer] = socket.taken();
    socket.say({ type: "error", id: offer!["id"], code: "forbidden", message: "no" });
    await settle();
    expect(codes()).toEqual(["forbidden"]);
  });

  test("are not made by a client without handlers", async () => {
    const { socket } = openWelcomed({}, { features });
    await settle();
    expect(socket.taken()).toEqual([]);
  });

  test("have one handler each", () => {
    const { live } = openWelcomed({}, { features });
    handle(live, "reboot", () => 1);
    expect(() => handle(live, "reboot", () => 2)).toThrow("has a handler already");
  });
});

describe("a request of the server", () => {
  async function offering(
    handler: (params: unknown, context: { signal: AbortSignal }) => unknown,
  ): Promise<ReturnType<typeof openWelcomed>> {
    const opened = openWelcomed({}, { features });
    handle(opened.live, "reboot", handler);
    await settle();
    confirm(opened.socket);
    opened.socket.taken();
    return opened;
  }

  test.each<[string, unknown, unknown]>([
    ["a value", { ok: true }, { ok: true }],
    ["a promise", Promise.resolve([1]), [1]],
    ["nothing", undefined, null],
  ])("is answered with what the handler returns: %s", async (_what, result, data) => {
    const seen: unknown[] = [];
    const { socket } = await offering((params) => {
      seen.push(params);
      return result;
    });
    socket.say({ ...request, params: { afterMs: 1 } });
    await settle();
    expect(socket.taken()).toEqual([{ type: "response", id: 1, data }]);
    expect(seen).toEqual([{ afterMs: 1 }]);
  });

  test("whose handler throws a LongwireError is answered with its code", async () => {
    const { socket } = await offering(() => {
      throw new LongwireError("busy", "An update is running.");
    });
    socket.say(request);
    await settle();
    const error = { code: "busy", message: "An update is running." };
    expect(socket.taken()).toEqual([{ type: "response", id: 1, error }]);
    expect(reported).toEqual([]);
  });

  test("whose handler throws anything else fails, and the error is reported", async () => {
    const cause = new TypeError("x is not a function");
    const { socket } = await offering(() => Promise.reject(cause));
    socket.say(request);
    await settle();
    expect(socket.taken()).toMatchObject([
      { type: "response", id: 1, error: { code: "failed", message: "x is not a function" } },
    ]);
    expect(reported).toEqual([cause]);
  });

  test.each([
    ["a BigInt", 1n],
    ["a circle", circle],
  ])("whose answer is %s, which JSON does not have, fails", async (_what, answer) => {
    const { socket } = await offering(() => answer);
    socket.say(request);
    await settle();
    expect(socket.taken()).toMatchObject([{ id: 1, error: { code: "failed" } }]);
    expect(reported).toEqual([expect.any(TypeError)]);
  });

  test("for a method without a handler is refused", async () => {
    const { socket } = await offering(() => 1);
    socket.say({ ...request, method: "nosuch" });
    await settle();
    expect(socket.taken()).toMatchObject([{ id: 1, error: { code: "unknown_method" } }]);
  });

  test("whose answer is longer than the server accepts is answered with that", async () => {
    const { socket } = await offering(() => "x".repeat(20_000));
    socket.say(request);
    await settle();
    expect(socket.taken()).toMatchObject([{ id: 1, error: { code: "too_large" } }]);
  });

  test("aborts its handler at its deadline", async () => {
    let signal: AbortSignal | undefined;
    const never = new Promise(() => {});
    const { socket, clock } = await offering((_params, context) => {
      ({ signal } = context);
      return never;
    });
    socket.say(request);
    await settle();
    clock.advance(4_999);
    expect(signal?.aborted).toBe(false);
    clock.advance(1);
    expect(signal?.aborted).toBe(true);
  });

  test("aborts its handler when the connection is lost, and its answer is dropped", async () => {
    const later = new Later<void>();
    let signal: AbortSignal | undefined;
    const opened = await offering((_params, context) => {
      ({ signal } = context);
      return later.promise;
    });
    opened.socket.say(request);
    await settle();
    const next = comeBack(opened);
    expect(signal?.aborted).toBe(true);
    later.resolve();
    await settle();
    expect(next.taken().filter(({ type }) => type === "response")).toEqual([]);
  });
});
