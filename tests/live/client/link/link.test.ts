import { expect, onTestFinished, test, vi } from "vitest";
import { connect, type ConnectOptions } from "../../../../src/live/client/index.ts";
import {
  FakeSocket,
  openClient,
  openWelcomed,
  outcomeOf,
  settle,
} from "../../../rigs/live/open-client.ts";

test("it connects immediately with the subprotocol, and is live when welcomed", () => {
  const { live, socket, statuses } = openClient();
  expect(socket).toMatchObject({ url: "wss://host/live", protocol: "longwire.v1" });
  expect(live.status).toEqual({ state: "connecting" });
  socket.welcome();
  expect(statuses).toEqual([{ state: "live" }]);
});

test("without a WebSocket class, the error names the one to pass", () => {
  vi.stubGlobal("WebSocket", undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(() => connect("wss://host")).toThrow(/webSocket: WebSocket from "longwire"/);
});

test("an error of the constructor reaches the caller", () => {
  const webSocket = class extends FakeSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      throw new SyntaxError("not a URL");
    }
  };
  expect(() => connect("nonsense", { webSocket })).toThrow(SyntaxError);
});

test("a lost connection is replaced after a growing wait", () => {
  const { clock, sockets, live } = openClient();
  const waits: number[] = [];
  for (let n = 1; n <= 9; n += 1) {
    sockets.at(-1)!.end();
    const { status } = live;
    if (status.state !== "offline") throw new Error(status.state);
    waits.push(Math.round(status.retryAt - clock.now()));
    clock.advance(status.retryAt - clock.now() - 1);
    expect(sockets).toHaveLength(n);
    clock.advance(1);
    expect(sockets).toHaveLength(n + 1);
  }
  expect(waits).toEqual([500, 999, 1998, 3996, 7992, 15984, 29970, 29970, 29970]);
});

test("a connection counts as good after five seconds, and not before", () => {
  const { clock, sockets, live } = openClient();
  const lose = (afterMs: number): number => {
    const socket = sockets.at(-1)!;
    socket.welcome();
    clock.advance(afterMs);
    socket.end();
    if (live.status.state !== "offline") throw new Error(live.status.state);
    const wait = live.status.retryAt - clock.now();
    clock.advance(wait);
    return Math.round(wait);
  };
  expect([lose(4_999), lose(4_999), lose(5_000), lose(0)]).toEqual([500, 999, 500, 999]);
});

test.each([4400, 4401, 4403, 4404, 4408, 4413, 4422, 4429, 4499])("%i is final", (code) => {
  const { live, clock, sockets, socket } = openWelcomed();
  socket.end(code, "no");
  expect(live.status).toEqual({ state: "refused", code, message: "no" });
  clock.advance(3_600_000);
  expect(sockets).toHaveLength(1);
});

test.each([1001, 1006, 1011, 1012, 4399, 4500, 4503])("after %i it retries", (code) => {
  const { live, clock, sockets, socket } = openWelcomed();
  socket.end(code, "later");
  expect(live.status).toMatchObject({ state: "offline", code, message: "later" });
  clock.advance(30_000);
  expect(sockets.length).toBeGreaterThan(1);
});

test("a final code is not final if disconnect had retry: true", () => {
  const { live, socket } = openWelcomed();
  socket.say({ type: "disconnect", code: 4429, message: "busy", retry: true });
  expect(live.status).toMatchObject({ state: "offline", code: 4429, message: "busy" });
});

test("retryAfter is the exact wait, and returning to the page does not shorten it", () => {
  const { clock, socket, sockets, page } = openWelcomed();
  socket.say({ type: "disconnect", code: 1001, message: "drain", retry: true, retryAfter: 4_321 });
  expect(socket.isClosed).toBe(true);
  page("woke");
  clock.advance(4_320);
  expect(sockets).toHaveLength(1);
  clock.advance(1);
  expect(sockets).toHaveLength(2);
});

test("an error before the close is the message in the status", () => {
  const { live, socket } = openClient({ token: "t" });
  socket.accept();
  socket.say({ type: "error", code: "unauthorized", message: "The token has expired." });
  socket.end(4401, "");
  expect(live.status).toEqual({ state: "refused", code: 4401, message: "The token has expired." });
});

test("reconnect starts over after a refusal, with a new token", async () => {
  const tokens = ["old", "new"];
  const opened = openClient({ token: () => tokens.shift()! });
  opened.socket.accept();
  await settle();
  opened.socket.end(4401);
  opened.live.reconnect();
  expect(opened.live.status).toEqual({ state: "connecting" });
  opened.socket.accept();
  await settle();
  expect(opened.socket.sent).toEqual([{ type: "hello", token: "new" }]);
});

test("a token is sent first on each connection, and nothing is requested before", async () => {
  const { live, socket, sockets, clock } = openClient({ token: () => Promise.resolve("t") });
  live.topic("news").subscribe(() => {});
  socket.welcome();
  expect(socket.sent).toEqual([]);
  expect(live.status).toEqual({ state: "connecting" });
  await settle();
  expect(socket.sent).toMatchObject([{ type: "hello", token: "t" }, { type: "subscribe" }]);
  socket.end();
  clock.advance(500);
  sockets[1]!.welcome();
  await settle();
  expect(sockets[1]!.sent[0]).toEqual({ type: "hello", token: "t" });
});

test("nothing is requested before the welcome", () => {
  const { live, socket } = openClient();
  live.topic("news").subscribe(() => {});
  outcomeOf(live.publish("news", 1));
  socket.accept();
  expect(socket.sent).toEqual([]);
});

test("a token function that fails is called again for the next attempt", async () => {
  let asked = 0;
  const token = () => {
    asked += 1;
    throw new Error("no network");
  };
  const { socket, live, clock, sockets } = openClient({ token });
  socket.accept();
  await settle();
  expect(live.status).toMatchObject({ state: "offline" });
  clock.advance(500);
  sockets[1]!.accept();
  expect(asked).toBe(2);
});

test("a token that arrives after its connection is gone is not sent on another one", async () => {
  let give: (token: string) => void = () => {};
  const token = () => new Promise<string>((resolve) => (give = resolve));
  const { socket, clock, sockets } = openClient({ token });
  socket.accept();
  socket.end();
  clock.advance(500);
  give("late");
  await settle();
  expect([socket.sent, sockets[1]!.sent]).toEqual([[], []]);
});

test("a token is refreshed at 80 % of its lifetime, and again as `refreshed` says", async () => {
  let asked = 0;
  const { socket, clock } = openClient({ token: () => `t${(asked += 1)}` });
  socket.accept();
  await settle();
  socket.say({ type: "welcome", heartbeat: 1e9, maxMessage: 100, expiresIn: 10_000 });
  socket.taken();
  clock.advance(7_999);
  expect(asked).toBe(1);
  clock.advance(1);
  await settle();
  expect(socket.taken()).toEqual([{ type: "refresh", token: "t2" }]);
  socket.say({ type: "refreshed", expiresIn: 20_000 });
  clock.advance(15_999);
  await settle();
  expect(socket.taken()).toEqual([]);
  clock.advance(1);
  await settle();
  expect(socket.taken()).toEqual([{ type: "refresh", token: "t3" }]);
});

test("expiresIn of months does not overflow a timer", async () => {
  const { socket, clock } = openClient({ token: () => "t" });
  socket.accept();
  await settle();
  const delays: number[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, expire) => (delays.push(delayMs), after(delayMs, expire));
  socket.say({ type: "welcome", heartbeat: 1, maxMessage: 100, expiresIn: 1e11 });
  expect(Math.max(...delays)).toBe(2 ** 31 - 1);
});

test("two heartbeat intervals of silence end the connection, and not a moment less", () => {
  const { live, socket, clock } = openWelcomed();
  clock.advance(20_000);
  socket.say({ type: "heartbeat" });
  clock.advance(29_999);
  expect(live.status).toEqual({ state: "live" });
  clock.advance(1);
  expect(live.status).toMatchObject({ state: "offline", code: 1006 });
  expect(socket.isClosed).toBe(true);
});

test("a new connection neither waits for nor receives the close event of the previous one", () => {
  const { live, clock, sockets } = openWelcomed();
  const old = sockets[0]!;
  clock.advance(30_000);
  clock.advance(500);
  expect(sockets).toHaveLength(2);
  sockets[1]!.welcome();
  old.end(4401);
  old.sayText("nonsense");
  expect(live.status).toEqual({ state: "live" });
});

test("a connection that is not welcomed in time is dropped", () => {
  const { live, socket, clock } = openClient({ connectTimeoutMs: 3_000 });
  clock.advance(1_000);
  socket.accept();
  clock.advance(1_999);
  expect(live.status).toEqual({ state: "connecting" });
  clock.advance(1);
  expect(live.status).toMatchObject({ state: "offline" });
  expect(socket.isClosed).toBe(true);
});

test("a page that wakes during a wait retries immediately", () => {
  const { live, socket, sockets, page } = openWelcomed();
  socket.end();
  page("woke");
  expect(sockets).toHaveLength(2);
  expect(live.status).toEqual({ state: "connecting" });
});

test("a page that wakes while connected needs a message within five seconds", () => {
  const opened = openWelcomed();
  opened.page("woke");
  expect(opened.socket.taken()).toEqual([{ type: "ping" }]);
  opened.socket.say({ type: "pong" });
  opened.clock.advance(5_000);
  expect(opened.live.status).toEqual({ state: "live" });
  opened.page("woke");
  opened.clock.advance(4_999);
  expect(opened.live.status).toEqual({ state: "live" });
  opened.clock.advance(1);
  expect(opened.live.status).toMatchObject({ state: "offline" });
});

test("a page that wakes while a dial hangs dials again, whatever its age, and the backoff is reset", () => {
  const { clock, live, sockets, page } = openClient();
  for (let n = 0; n < 6; n += 1) {
    sockets.at(-1)!.end();
    clock.advance(30_000);
  }
  const before = sockets.length;
  page("woke");
  expect(sockets).toHaveLength(before + 1);
  expect([sockets.at(-2)!.isClosed, live.status.state]).toEqual([true, "connecting"]);
  sockets.at(-1)!.end();
  if (live.status.state !== "offline") throw new Error(live.status.state);
  expect(Math.round(live.status.retryAt - clock.now())).toBe(500);
});

test("several events of one wake-up cause one dial, and the next wake-up another", () => {
  const { clock, sockets, page } = openClient();
  page("woke");
  clock.advance(99);
  page("woke");
  expect(sockets).toHaveLength(2);
  clock.advance(1);
  page("woke");
  expect(sockets).toHaveLength(3);
});

test("a connection whose network is lost has to answer within five seconds, however often that is reported", () => {
  const { live, socket, clock, page } = openWelcomed();
  page("offline");
  expect(socket.taken()).toEqual([{ type: "ping" }]);
  clock.advance(4_000);
  page("offline");
  clock.advance(1_000);
  expect(live.status).toMatchObject({ state: "offline", code: 1006 });
});

test("without a connection, the loss of the network changes nothing", () => {
  const { sockets, page, socket } = openClient();
  page("offline");
  socket.end();
  page("offline");
  expect(sockets).toHaveLength(1);
});

test("a page that is left closes its connection, and dials only when it is back", () => {
  const { live, socket, sockets, page, clock } = openWelcomed();
  page("left");
  expect(socket.isClosed).toBe(true);
  clock.advance(60_000);
  expect([live.status.state, sockets.length]).toEqual(["offline", 1]);
  page("woke");
  expect(sockets).toHaveLength(2);
});

test("a page that is left while the server's retryAfter runs reconnects at that time or later", () => {
  for (const awayMs of [1_000, 5_000]) {
    const { clock, socket, sockets, page } = openWelcomed();
    const drain = { type: "disconnect", code: 1001, message: "drain", retry: true };
    socket.say({ ...drain, retryAfter: 4_000 });
    page("left");
    clock.advance(awayMs);
    expect(sockets).toHaveLength(1);
    page("woke");
    expect(sockets).toHaveLength(awayMs < 4_000 ? 1 : 2);
    clock.advance(4_000);
    expect(sockets).toHaveLength(2);
  }
});

test("retryAt uses the wall clock, and the wait uses the monotonic clock", () => {
  const { clock, live, socket, sockets } = openWelcomed();
  const twoHours = 7_200_000;
  Object.assign(clock, { wallTime: () => clock.now() - twoHours });
  socket.end();
  if (live.status.state !== "offline") throw new Error(live.status.state);
  expect(Math.round(live.status.retryAt - (clock.now() - twoHours))).toBe(500);
  clock.advance(500);
  expect(sockets).toHaveLength(2);
});

test("a socket's error is the status's message, and its code the reason", () => {
  const { live, socket } = openClient();
  const error = { code: "unreachable", message: "Nothing listens there." };
  (socket.onerror as (event: unknown) => void)({ error, message: error.message });
  socket.end();
  expect(live.status).toMatchObject({
    state: "offline",
    code: 1006,
    reason: "unreachable",
    message: "Nothing listens there.",
  });
});

test("a failure is not reported for the following attempt", () => {
  const { live, socket, sockets, clock } = openClient();
  (socket.onerror as (event: unknown) => void)({ error: { code: "unreachable" }, message: "no" });
  socket.end();
  clock.advance(500);
  sockets[1]!.end();
  expect(live.status).toMatchObject({ state: "offline", message: "" });
  expect((live.status as { reason?: string }).reason).toBeUndefined();
});

/** Ends a connection because a message is too long: the server's close, or the socket's own limit. */
const tooBig = {
  "close code 1009": (socket: FakeSocket) => socket.end(1009, "too big"),
  "the socket's own limit": (socket: FakeSocket) => {
    const error = { code: "message_too_big", message: "too big" };
    (socket.onerror as (event: unknown) => void)({ error, message: "too big" });
    socket.end(1006);
  },
};

test.each(Object.entries(tooBig))(
  "a message that is too long (%s) is requested once more, and not for ever",
  (_how, end) => {
    const { live, sockets, clock } = openWelcomed();
    const feed = live.topic("news");
    feed.subscribe(() => {});
    sockets[0]!.subscribed();
    end(sockets[0]!);
    expect(live.status.state).toBe("offline");
    clock.advance(500);
    sockets[1]!.welcome();
    sockets[1]!.subscribed({ resumed: true });
    // However long it lived.
    clock.advance(10_000);
    end(sockets[1]!);
    expect(live.status).toEqual({ state: "refused", code: 1009, message: "too big" });
    clock.advance(3_600_000);
    expect(sockets).toHaveLength(2);
    expect(feed.status).toMatchObject({ state: "refused", error: { code: "refused" } });
  },
);

test("a client that has made progress since the last message that was too long retries", () => {
  const { live, sockets } = openWelcomed();
  live.topic("news").subscribe(() => {});
  for (let n = 0; n < 5; n += 1) {
    const socket = sockets.at(-1)!;
    socket.subscribed({ offset: 10 + n, resumed: n > 0 });
    socket.say({ type: "event", topic: "news", offset: 11 + n, data: n });
    socket.end(1009, "too big");
    expect(live.status.state).toBe("offline");
    live.reconnect();
    sockets.at(-1)!.welcome();
  }
});

test("hello contains maxMessage if maxMessageBytes is set", async () => {
  const said = async (options: ConnectOptions): Promise<unknown> => {
    const { socket } = openClient(options);
    socket.accept();
    await settle();
    return socket.sent;
  };
  const type = "hello";
  expect(await said({ token: "t" })).toEqual([{ type, token: "t" }]);
  expect(await said({ token: "t", maxMessageBytes: 65_536 })).toEqual([
    { type, token: "t", maxMessage: 65_536 },
  ]);
  expect(await said({ maxMessageBytes: 65_536 })).toEqual([{ type, maxMessage: 65_536 }]);
  expect(await said({})).toEqual([]);
});

test("a feed is refused with its connection, open or not, and continues after reconnect", () => {
  for (const isOpen of [true, false]) {
    const { live, socket, sockets } = openClient();
    const feed = live.topic("news");
    feed.subscribe(() => {});
    const changes: string[] = [];
    feed.onChange(() => changes.push(feed.status.state));
    if (isOpen) socket.welcome();
    socket.end(4403, "not you");
    expect(feed.status).toMatchObject({
      state: "refused",
      error: { code: "refused", message: "not you" },
    });
    expect(changes).toEqual(["refused"]);
    live.reconnect();
    expect(feed.status).toEqual({ state: "catching-up" });
    sockets[1]!.welcome();
    sockets[1]!.subscribed();
    expect(feed.status).toEqual({ state: "live" });
  }
});

test.each([
  ["no JSON", "{"],
  ["binary", new ArrayBuffer(2)],
  ["null", "null"],
  ["a number", "3"],
  ["an offset that is text", '{"type":"event","topic":"devices","key":"a","offset":"1"}'],
  ["no epoch", '{"type":"position","topic":"devices","offset":1}'],
  ["no entries", '{"type":"snapshot","topic":"devices","epoch":"e","offset":1}'],
  [
    "an entry of null",
    '{"type":"snapshot","topic":"devices","epoch":"e","offset":1,"entries":[null]}',
  ],
  ["an entry without a key", '{"type":"event","topic":"devices","offset":1}'],
  [
    "resumed out of nothing",
    '{"type":"subscribed","id":1,"topic":"devices","kind":"keyed","epoch":"e","offset":1,"resumed":true}',
  ],
])("a malformed message (%s) ends the connection and throws nothing", (what, data) => {
  const { live, socket, sockets, clock } = openWelcomed();
  live.topic("devices").onChange(() => {});
  if (what !== "resumed out of nothing") socket.subscribed({ kind: "keyed" });
  socket.sayText(data);
  expect(live.status).toMatchObject({ state: "offline", code: 1006 });
  clock.advance(500);
  expect(sockets).toHaveLength(2);
});

test("unknown types and fields are ignored", () => {
  const { live, socket } = openWelcomed();
  socket.say(
    { type: "toString" },
    { type: "news", topic: "x", offset: "?" },
    { type: "pong", x: 1 },
  );
  expect(live.status).toEqual({ state: "live" });
});

test("close ends everything: the connection, its timers, and the page's listeners", async () => {
  const { live, socket, clock, hasPage } = openWelcomed();
  const feed = live.topic("news");
  const next = outcomeOf(feed[Symbol.asyncIterator]().next());
  const publish = outcomeOf(live.publish("news", 1));
  live.close();
  await settle();
  expect(live.status).toMatchObject({ state: "closed" });
  expect([socket.isClosed, clock.timerCount, hasPage()]).toEqual([true, 0, false]);
  expect(next.value).toEqual({ done: true, value: undefined });
  expect(publish.error).toMatchObject({ code: "closed" });
  const later = outcomeOf(feed[Symbol.asyncIterator]().next());
  const call = outcomeOf(live.call("x"));
  live.reconnect();
  await settle();
  expect(later.value).toEqual({ done: true, value: undefined });
  expect(call.error).toMatchObject({ code: "closed" });
});

test("if a listener changes the status, the others do not receive the older one", () => {
  const { live, socket } = openClient();
  live.onStatus(({ state }) => {
    if (state === "live") live.close();
  });
  const seen: string[] = [];
  live.onStatus(({ state }) => seen.push(state));
  socket.welcome();
  expect(seen).toEqual(["closed"]);
});

test("close also ends feeds while there is no connection", async () => {
  const { live, socket } = openWelcomed();
  const next = outcomeOf(live.topic("news")[Symbol.asyncIterator]().next());
  socket.end();
  live.close();
  await settle();
  expect(next.value).toEqual({ done: true, value: undefined });
});

test("a status listener that throws or stops does not affect the others", () => {
  const report = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => report.mockRestore());
  const { live, socket, statuses } = openClient();
  live.onStatus(() => {
    throw new Error("mine");
  });
  const seen: string[] = [];
  const stop = live.onStatus(({ state }) => {
    seen.push(state);
    stop();
  });
  socket.welcome();
  socket.end();
  expect(seen).toEqual(["live"]);
  expect(statuses.map(({ state }) => state)).toEqual(["live", "offline"]);
  expect(report).toHaveBeenCalledTimes(2);
});
