import { describe, expect, test } from "vitest";
import {
  entry,
  event,
  openClient,
  openWelcomed,
  outcomeOf,
  page,
  set,
  settle,
  type FakeSocket,
  type Message,
} from "../../rigs/live/open-client.ts";

/** Answers each new connection, for a minute, in steps of 10 ms. */
async function serve(opened: ReturnType<typeof openClient>, answer: (socket: FakeSocket) => void) {
  let answered = 0;
  for (let ms = 0; ms < 60_000; ms += 10) {
    while (answered < opened.sockets.length) {
      answered += 1;
      answer(opened.socket);
    }
    opened.clock.advance(10);
    // oxlint-disable-next-line no-await-in-loop -- time goes step by step
    await settle();
  }
}

describe("a server that fails each time is retried with growing delays", () => {
  /** In a minute: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 seconds. */
  const ever = 8;

  test.each<[string, (socket: FakeSocket) => void]>([
    ["that closes at once", (socket) => socket.end()],
    ["that sends text that is not a message", (socket) => socket.sayText("{")],
    ["that sends null", (socket) => socket.sayText("null")],
    ["that sends binary", (socket) => socket.sayText(new ArrayBuffer(2))],
    ["whose welcome lacks the heartbeat", (socket) => socket.welcome({ heartbeat: undefined })],
    ["whose heartbeat is 0", (socket) => socket.welcome({ heartbeat: 0 })],
    ["whose heartbeat is negative", (socket) => socket.welcome({ heartbeat: -1e308 })],
    [
      "that wants the client back at once, each time",
      (socket) => {
        socket.welcome();
        socket.say({ type: "disconnect", code: 4401, message: "", retry: true, retryAfter: 0 });
      },
    ],
    [
      "that wants it back in no number of milliseconds",
      (socket) => {
        socket.welcome();
        socket.say({ type: "disconnect", code: 1012, message: "", retryAfter: {} });
      },
    ],
  ])("%s", async (_, answer) => {
    const opened = openClient();
    await serve(opened, answer);
    expect(opened.sockets.length).toBeLessThanOrEqual(ever);
    expect(opened.sockets.length).toBeGreaterThan(3);
  });

  test("and a server that asks for an immediate reconnect after a good period gets one", () => {
    const { clock, socket, sockets } = openWelcomed();
    clock.advance(5_000);
    socket.say({ type: "disconnect", code: 4401, message: "", retry: true, retryAfter: 0 });
    clock.advance(0);
    expect(sockets).toHaveLength(2);
  });
});

test.each([1e308, Number.MAX_SAFE_INTEGER])("a heartbeat of %d ms is one timer", (heartbeat) => {
  const { clock, sockets, live } = openWelcomed({}, { heartbeat });
  clock.advance(86_400_000);
  expect(sockets).toHaveLength(1);
  expect(live.status).toEqual({ state: "live" });
});

test("credentials that are valid for a millisecond cause one token request per second", async () => {
  let asked = 0;
  const token = (): string => ((asked += 1), "t");
  const opened = openClient({ token });
  let refreshed = 0;
  await serve(opened, (socket) => {
    socket.welcome({ expiresIn: 1 });
    const send = socket.send.bind(socket);
    socket.send = (text) => {
      send(text);
      if ((JSON.parse(text) as Message)["type"] !== "refresh") return;
      refreshed += 1;
      queueMicrotask(() => socket.say({ type: "refreshed", expiresIn: 1 }, { type: "heartbeat" }));
    };
  });
  expect(refreshed).toBeGreaterThan(30);
  expect(asked).toBeLessThanOrEqual(62);
});

describe("repeated refusals by a server", () => {
  test("a subscription is requested once per wait, and the waits leave no timers", () => {
    const { live, socket, clock } = openWelcomed({}, { heartbeat: 60_000 });
    const timers = clock.timerCount;
    live.topic("news").subscribe(() => {});
    for (let times = 0; times < 50; times += 1) {
      const { id } = socket.taken().findLast(({ type }) => type === "subscribe")!;
      socket.say({ type: "error", id, code: "unavailable", message: "" });
      expect(socket.taken()).toEqual([]);
      clock.advance(30_000);
      socket.say({ type: "heartbeat" });
    }
    expect(clock.timerCount).toBeLessThanOrEqual(timers);
  });

  test("a call with several refusals is sent again once, and on no other connection", () => {
    const { live, socket, sockets, clock } = openWelcomed();
    const outcome = outcomeOf(live.call("pay"));
    const [{ id }] = socket.taken() as [Message];
    const refusal = { type: "error", id, code: "rate_limited", message: "" };
    socket.say(refusal, refusal, refusal);
    clock.advance(500);
    expect(socket.taken()).toMatchObject([{ type: "call", id }]);
    socket.end();
    clock.advance(1_000);
    sockets.at(-1)!.welcome();
    expect(sockets.at(-1)!.taken()).toEqual([]);
    return settle().then(() => expect(outcome.error).toMatchObject({ code: "unconfirmed" }));
  });
});

describe("the queue of a slow listener is bounded", () => {
  const never = (): Promise<void> => new Promise(() => {});

  test("in a storm of gaps, each with another epoch: the client unsubscribes", () => {
    const { live, socket } = openWelcomed({ maxQueuedEvents: 10 });
    live.topic("news").subscribe(never);
    socket.subscribed();
    for (let to = 11; to < 1_000; to += 1) {
      socket.say({ type: "gap", topic: "news", epoch: `e${to}`, from: 1, to, reason: "epoch" });
    }
    expect(socket.taken().filter(({ type }) => type === "unsubscribe")).toHaveLength(1);
  });

  test("gaps of a keyed topic, which has none, are ignored", async () => {
    const { live, socket } = openWelcomed();
    const items: unknown[] = [];
    live.topic("devices").subscribe((item) => void items.push(item));
    socket.subscribed({ kind: "keyed" });
    socket.say(page("devices", 10, [entry("k", 1)]));
    socket.say({ type: "gap", topic: "devices", epoch: "e", from: 1, to: 99, reason: "epoch" });
    socket.say(set("devices", "k", 11));
    await settle();
    expect(items).toMatchObject([{ type: "set" }, { type: "set", offset: 11 }]);
  });

  test("in an endless state: at most as many items as keys", async () => {
    const { live, socket } = openWelcomed();
    const feed = live.topic("devices");
    const iteration = feed[Symbol.asyncIterator]();
    socket.subscribed({ kind: "keyed" });
    for (let offset = 1; offset <= 1_000; offset += 1) {
      const entries = [entry(`k${offset % 3}`, offset)];
      socket.say(page("devices", offset, entries, { more: true }));
    }
    expect(feed.status).toEqual({ state: "catching-up" });
    const taken: unknown[] = [];
    for (let at = 0; at < 4; at += 1) void iteration.next().then(({ value }) => taken.push(value));
    await settle();
    expect(taken).toHaveLength(3);
  });
});

test.each<[string, Message]>([
  ["a snapshot without entries", { type: "snapshot", epoch: "e", offset: 1 }],
  ["an entry that is null", page("devices", 11, [null as never])],
  ["an entry without a key", page("devices", 11, [{ offset: 11 }])],
  ["a position of text", { type: "position", epoch: "e", offset: "11" }],
  ["an event without an offset", { type: "event", key: "k", data: 1 }],
])("%s ends the connection, and the state is kept", (_, message) => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("devices");
  feed.subscribe(() => {});
  socket.subscribed({ kind: "keyed" });
  socket.say(page("devices", 10, [entry("k", 1, "held")]));
  socket.say({ ...message, topic: "devices" });
  expect(live.status.state).toBe("offline");
  expect(socket.isClosed).toBe(true);
  expect([...feed.entries]).toEqual([["k", "held"]]);
});

test("keys and topics may be named like inherited members", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("__proto__");
  feed.subscribe(() => {});
  socket.subscribed({ kind: "keyed" });
  socket.sayText(
    '{"type":"snapshot","topic":"__proto__","epoch":"e","offset":2,"complete":true,"more":false,"__proto__":{"admin":true},"entries":[{"key":"__proto__","offset":1,"data":{"__proto__":{"admin":true}}},{"key":"constructor","offset":2,"data":1}]}',
  );
  expect([...feed.entries.keys()]).toEqual(["__proto__", "constructor"]);
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});

test("unrequested answers and events change nothing", () => {
  const { live, socket } = openWelcomed();
  socket.say(event("news", 1), { type: "published", id: 7, offset: 1, duplicate: false });
  socket.say({ type: "error", id: 7, code: "internal", message: "" }, { type: "unsubscribed" });
  socket.say({ type: "subscribed", id: 7, topic: "news", epoch: "e", offset: 1 }, { type: 7 });
  expect(live.status).toEqual({ state: "live" });
  expect(socket.taken()).toEqual([]);
});
