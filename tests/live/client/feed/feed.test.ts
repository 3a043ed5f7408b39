import { expect, onTestFinished, test, vi } from "vitest";
import {
  comeBack,
  entry,
  event,
  openClient,
  openWelcomed,
  outcomeOf,
  page,
  set,
  settle,
  type Message,
} from "../../../rigs/live/open-client.ts";

/** A feed of `news` that is followed from offset 10. */
function followNews(options = {}) {
  const opened = openWelcomed(options);
  const items: Message[] = [];
  const feed = opened.live.topic("news");
  const stop = feed.subscribe((item) => items.push(item));
  opened.socket.subscribed();
  opened.socket.taken();
  return { ...opened, opened, feed, items, stop };
}

function subscribes(messages: readonly Message[]): Message[] {
  return messages.filter(({ type }) => type === "subscribe");
}

function holdErrors(): ReturnType<typeof vi.spyOn> {
  const report = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => report.mockRestore());
  return report;
}

test("a feed subscribes for its first reader and unsubscribes after its last", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("news");
  expect([feed.status, socket.sent]).toEqual([{ state: "closed" }, []]);
  const stops = [feed.subscribe(() => {}), feed.onChange(() => {})];
  const iteration = feed[Symbol.asyncIterator]();
  expect(subscribes(socket.taken())).toHaveLength(1);
  stops[0]!();
  stops[1]!();
  expect(socket.taken()).toEqual([]);
  void iteration.return!();
  expect(socket.taken()).toMatchObject([{ type: "unsubscribe", topic: "news" }]);
});

test("feeds with equal name and params are the same, whatever the order of the params", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("news", { a: 1, b: { d: 2, c: [3] } });
  expect(live.topic("news", { b: { c: [3], d: 2 }, a: 1 })).toBe(feed);
  expect(live.topic("news", { b: { c: [4], d: 2 }, a: 1 })).not.toBe(feed);
  feed.subscribe(() => {});
  expect(subscribes(socket.sent)).toMatchObject([{ params: { a: 1, b: { c: [3], d: 2 } } }]);
});

test("a feed of the same name with other params gets a link of its own, and releases it", () => {
  const { live, sockets } = openWelcomed();
  live.topic("devices", { type: "AP" }).onChange(() => {});
  const stop = live.topic("devices", { type: "switch" }).onChange(() => {});
  expect(sockets).toHaveLength(2);
  sockets[1]!.welcome();
  expect(sockets.map(({ sent }) => subscribes(sent).map(({ params }) => params))).toEqual([
    [{ type: "AP" }],
    [{ type: "switch" }],
  ]);
  stop();
  expect(sockets.map(({ isClosed }) => isClosed)).toEqual([false, true]);
});

test("the status is the worst one of several links", () => {
  const { live, sockets } = openWelcomed();
  live.topic("devices", { n: 1 }).onChange(() => {});
  live.topic("devices", { n: 2 }).onChange(() => {});
  sockets[0]!.subscribed({ kind: "keyed" });
  sockets[0]!.say(page("devices", 10, []));
  expect(live.status).toEqual({ state: "connecting" });
  sockets[1]!.welcome();
  expect(live.status).toEqual({ state: "catching-up" });
  sockets[1]!.end();
  expect(live.status).toMatchObject({ state: "offline" });
});

test("events reach every reader, in order", async () => {
  const { feed, items, socket } = followNews();
  const iteration = feed[Symbol.asyncIterator]();
  socket.say(event("news", 11, "a"), event("news", 12, "b"));
  const expected = [
    { type: "event", offset: 11, data: "a" },
    { type: "event", offset: 12, data: "b" },
  ];
  expect(items).toEqual(expected);
  expect([(await iteration.next()).value, (await iteration.next()).value]).toEqual(expected);
  expect(feed).toMatchObject({ kind: "log", position: { epoch: "e", offset: 12 } });
});

test("messages before `subscribed`, or of an ended subscription, are ignored", () => {
  const { socket, feed, items, stop } = followNews();
  stop();
  feed.subscribe((item) => items.push(item));
  socket.say(event("news", 11));
  socket.say({
    type: "subscribed",
    id: -1,
    topic: "news",
    kind: "log",
    epoch: "e",
    offset: 11,
    resumed: false,
  });
  socket.say(event("news", 12), { type: "unsubscribed", id: 2, topic: "news" });
  expect(items).toEqual([]);
  socket.subscribed({ offset: 12 });
  socket.say(event("news", 13));
  expect(items).toMatchObject([{ offset: 13 }]);
});

test("a log resumes after the last event received, even if there was none", () => {
  const { opened, socket } = followNews();
  let sent = comeBack(opened).sent;
  expect(subscribes(sent)).toMatchObject([{ since: { epoch: "e", offset: 10 } }]);
  expect(socket.isClosed).toBe(true);
  opened.socket.subscribed({ resumed: true });
  opened.socket.say(event("news", 14));
  sent = comeBack(opened).sent;
  expect(subscribes(sent)).toMatchObject([{ since: { epoch: "e", offset: 14 } }]);
});

test("`position` and `gap` move the position of a log", () => {
  const { opened, socket, feed, items } = followNews();
  socket.say({ type: "position", topic: "news", epoch: "e", offset: 20 });
  expect(feed.position).toEqual({ epoch: "e", offset: 20 });
  socket.say({ type: "gap", topic: "news", epoch: "e", from: 21, to: 30, reason: "slow" });
  expect(items).toEqual([{ type: "gap", from: 21, to: 30, reason: "slow" }]);
  expect(subscribes(comeBack(opened).sent)).toMatchObject([{ since: { offset: 30 } }]);
});

test("an event that was already received is dropped, unless the epoch differs", () => {
  const { opened, socket, items } = followNews();
  socket.say(event("news", 11), event("news", 11), event("news", 10));
  expect(items).toHaveLength(1);
  const next = comeBack(opened);
  next.subscribed({ epoch: "f", offset: 3 });
  next.say({ type: "gap", topic: "news", epoch: "f", from: 1, to: 3, reason: "epoch" });
  next.say(event("news", 4));
  expect(items.slice(1)).toMatchObject([
    { type: "gap", from: 1, to: 3, reason: "epoch" },
    { offset: 4 },
  ]);
});

test("after a cut between `subscribed` and its `gap`, it resumes from its old position", () => {
  const { opened } = followNews();
  comeBack(opened).subscribed({ epoch: "f", offset: 3 });
  expect(opened.live.status).toEqual({ state: "catching-up" });
  expect(subscribes(comeBack(opened).sent)).toMatchObject([{ since: { epoch: "e", offset: 10 } }]);
});

test("a position that the server refuses is dropped, and the loss is reported", () => {
  const { opened, items } = followNews();
  const socket = comeBack(opened);
  const [refused] = subscribes(socket.taken());
  socket.say({ type: "error", id: refused!.id, code: "bad_request", message: "ahead" });
  expect(subscribes(socket.sent)).toHaveLength(1);
  expect(socket.sent[0]).not.toHaveProperty("since");
  socket.subscribed({ offset: 4 });
  expect(items).toEqual([{ type: "gap", from: 1, to: 4, reason: "epoch" }]);
});

test("a log is live when it has reached the server's `latest`", () => {
  const { opened, live } = followNews();
  const socket = comeBack(opened);
  socket.subscribed({ resumed: true, latest: 12 });
  expect(live.status).toEqual({ state: "catching-up" });
  socket.say(event("news", 11));
  expect(live.status).toEqual({ state: "catching-up" });
  socket.say({ type: "position", topic: "news", epoch: "e", offset: 12 });
  expect(live.status).toEqual({ state: "live" });
});

test("a keyed topic is live after the last page of its snapshot", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("devices");
  feed.onChange(() => {});
  socket.subscribed({ kind: "keyed" });
  socket.say(page("devices", 5, [entry("a", 5)], { more: true }));
  expect(feed.status).toEqual({ state: "catching-up" });
  socket.say(page("devices", 10, [entry("b", 10)]));
  expect([feed.status, live.status]).toEqual([{ state: "live" }, { state: "live" }]);
});

/** A feed of `devices` that holds a and b. */
function followDevices(options = {}) {
  const opened = openWelcomed(options);
  const items: Message[] = [];
  const feed = opened.live.topic("devices");
  feed.subscribe((item) => items.push(item));
  opened.socket.subscribed({ kind: "keyed" });
  opened.socket.say(page("devices", 10, [entry("a", 8), entry("b", 10)]));
  items.length = 0;
  return { ...opened, opened, feed, items };
}

test("a keyed topic's events set and remove entries", () => {
  const { feed, items, socket } = followDevices();
  socket.say(set("devices", "c", 11), {
    ...set("devices", "a", 12),
    data: undefined,
    removed: true,
  });
  expect(Object.fromEntries(feed.entries)).toEqual({ b: 10, c: 11 });
  expect(items).toEqual([
    { type: "set", key: "c", data: 11, offset: 11 },
    { type: "removed", key: "a", offset: 12 },
  ]);
});

test("a late reader of a keyed topic receives its entries first", () => {
  const { feed, socket } = followDevices();
  const seen: Message[] = [];
  feed.subscribe((item) => seen.push(item));
  socket.say(set("devices", "a", 11));
  expect(seen).toMatchObject([
    { type: "set", key: "a", offset: 8 },
    { type: "set", key: "b", offset: 10 },
    { key: "a", offset: 11 },
  ]);
});

test("a complete snapshot drops the keys that it does not contain, on its last page only", () => {
  const { opened, feed, items } = followDevices();
  const socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", offset: 20 });
  socket.say(page("devices", 15, [entry("c", 15)], { more: true }));
  expect([...feed.entries.keys()]).toEqual(["a", "b", "c"]);
  socket.say(page("devices", 20, [entry("b", 10)]));
  expect([...feed.entries.keys()]).toEqual(["b", "c"]);
  expect(items).toEqual([
    { type: "set", key: "c", data: 15, offset: 15 },
    { type: "removed", key: "a", offset: 20 },
  ]);
});

test("an entry is applied only if its offset is above the one held", () => {
  const { opened, feed } = followDevices();
  const socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", resumed: true, offset: 20 });
  socket.say(
    page("devices", 20, [entry("a", 8, "old"), entry("b", 11, "new")], { complete: false }),
  );
  expect(Object.fromEntries(feed.entries)).toEqual({ a: 8, b: "new" });
});

test("a complete snapshot of another epoch is newer than everything held", () => {
  const { opened, feed } = followDevices();
  const socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", epoch: "f", offset: 2 });
  socket.say(page("devices", 2, [entry("a", 1, "new"), entry("b", 2, "new")], { epoch: "f" }));
  expect(Object.fromEntries(feed.entries)).toEqual({ a: "new", b: "new" });
});

test("after a cut in the first snapshot, it subscribes from the beginning", () => {
  const opened = openWelcomed();
  opened.live.topic("devices").onChange(() => {});
  opened.socket.subscribed({ kind: "keyed" });
  opened.socket.say(page("devices", 5, [entry("a", 5)], { more: true }));
  expect(subscribes(comeBack(opened).sent)[0]).not.toHaveProperty("since");
});

test("after a cut in a later snapshot of the same epoch, it resumes from the last complete position", () => {
  const { opened, feed } = followDevices();
  let socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", offset: 30 });
  socket.say(page("devices", 20, [entry("a", 20), entry("x", 15)], { more: true }));
  socket = comeBack(opened);
  expect(subscribes(socket.sent)).toMatchObject([{ since: { epoch: "e", offset: 10 } }]);
  socket.subscribed({ kind: "keyed", resumed: true, offset: 30 });
  // Older than what the broken snapshot has told.
  socket.say(set("devices", "a", 12));
  expect(feed.entries.get("a")).toBe(20);
});

test("after a cut in a snapshot of another epoch, it subscribes from the beginning", () => {
  const { opened } = followDevices();
  const socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", epoch: "f", offset: 30 });
  socket.say(page("devices", 20, [entry("a", 20)], { epoch: "f", more: true }));
  expect(subscribes(comeBack(opened).sent)[0]).not.toHaveProperty("since");
});

test("a keyed feed that an interrupted snapshot put ahead is not live after a whole state from a server that is behind", () => {
  const opened = openWelcomed();
  const feed = opened.live.topic("devices");
  feed.onChange(() => {});
  opened.socket.subscribed({ kind: "keyed", offset: 100, resumed: false });
  opened.socket.say(page("devices", 100, [entry("a", 90)]));
  const ahead = comeBack(opened);
  ahead.subscribed({ kind: "keyed", offset: 200, resumed: true });
  ahead.say(page("devices", 200, [entry("a", 150)], { complete: false, more: true }));
  const behind = comeBack(opened);
  behind.subscribed({ kind: "keyed", offset: 120, resumed: false });
  behind.say(page("devices", 120, [entry("a", 90), entry("b", 110)]));
  // `a` stays as it is at 150, because nothing older replaces it.
  expect([feed.position?.offset, feed.status.state]).toEqual([100, "catching-up"]);
  behind.say(set("devices", "a", 150));
  expect([feed.position?.offset, feed.status.state]).toEqual([150, "live"]);
});

test("a keyed feed that an interrupted snapshot put ahead of the next server resumes from its old position until that server catches up", () => {
  const opened = openWelcomed();
  const feed = opened.live.topic("devices");
  feed.onChange(() => {});
  opened.socket.subscribed({ kind: "keyed", offset: 100, resumed: false });
  opened.socket.say(page("devices", 100, [entry("a", 90)], { complete: true, more: false }));
  const ahead = comeBack(opened);
  ahead.subscribed({ kind: "keyed", offset: 200, resumed: true });
  ahead.say(page("devices", 200, [entry("a", 150)], { complete: false, more: true }));
  const behind = comeBack(opened);
  expect(subscribes(behind.sent)).toMatchObject([{ since: { offset: 100 } }]);
  behind.subscribed({ kind: "keyed", offset: 120, resumed: true });
  behind.say(page("devices", 120, [entry("b", 110)], { complete: false, more: false }));
  // The view has `a` as it is at 150, and `b` as it was at 120: no state that ever was.
  expect([feed.position?.offset, feed.status.state]).toEqual([100, "catching-up"]);
  behind.say(set("devices", "a", 150));
  expect([feed.position?.offset, feed.status.state]).toEqual([150, "live"]);
});

test("an interrupted snapshot drops no keys and does not move the position; another one follows", () => {
  const { opened, feed, live } = followDevices();
  const socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", offset: 30 });
  socket.say(page("devices", 20, [entry("c", 20)], { more: true }));
  socket.say(page("devices", 20, [], { complete: false }));
  expect([...feed.entries.keys()]).toEqual(["a", "b", "c"]);
  expect(feed.position).toEqual({ epoch: "e", offset: 10 });
  expect(live.status).toEqual({ state: "catching-up" });
  socket.say(page("devices", 30, [entry("a", 8), entry("d", 30)]));
  expect([...feed.entries.keys()]).toEqual(["a", "d"]);
  expect(live.status).toEqual({ state: "live" });
});

test("removed entries of a partial snapshot are removed, and no older event restores them", () => {
  const { opened, feed } = followDevices();
  let socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", resumed: true, offset: 30 });
  const removed = { key: "a", offset: 20, removed: true };
  socket.say(page("devices", 20, [removed], { complete: false, more: true }));
  expect([...feed.entries.keys()]).toEqual(["b"]);
  socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", resumed: true, offset: 30 });
  socket.say(set("devices", "a", 12));
  expect([...feed.entries.keys()]).toEqual(["b"]);
});

test("a resumed keyed topic is live when it has received all events so far", () => {
  const { opened, live } = followDevices();
  const socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", resumed: true, offset: 12 });
  expect(live.status).toEqual({ state: "catching-up" });
  socket.say(set("devices", "a", 12));
  expect(live.status).toEqual({ state: "live" });
});

test("the version changes with the entries and the status, once per message", () => {
  const { feed, socket } = followDevices();
  const versions: number[] = [];
  feed.onChange(() => versions.push(feed.version));
  const before = feed.version;
  socket.say(page("devices", 13, [entry("c", 12), entry("d", 13)], { complete: false }));
  expect(versions).toEqual([before + 1]);
  socket.say({ type: "position", topic: "devices", epoch: "e", offset: 14 });
  expect(feed.version).toBe(before + 1);
  socket.end();
  expect(feed.version).toBe(before + 2);
});

test("a feed without readers holds nothing", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("devices");
  const stop = feed.onChange(() => {});
  socket.subscribed({ kind: "keyed" });
  socket.say(page("devices", 10, [entry("a", 8)]));
  stop();
  expect([feed.entries.size, feed.position, feed.status]).toEqual([
    0,
    undefined,
    { state: "closed" },
  ]);
  feed.onChange(() => {});
  expect(subscribes(socket.sent).at(-1)).not.toHaveProperty("since");
});

test("for a slow listener of a keyed topic, at most one item per key is queued", async () => {
  const { feed, socket } = followDevices();
  const seen: Message[] = [];
  let release: () => void = () => {};
  feed.subscribe((item) => {
    seen.push(item);
    return new Promise<void>((resolve) => (release = resolve));
  });
  for (let n = 11; n < 100; n += 1) socket.say(set("devices", n % 2 ? "b" : "c", n));
  for (let n = 0; n < 5; n += 1) {
    release();
    await settle();
  }
  expect(seen.map((item) => [item.key, item.offset])).toEqual([
    ["a", 8],
    ["b", 99],
    ["c", 98],
  ]);
});

test("a listener's promise delays its next item, and no other listener", async () => {
  const { feed, items, socket } = followNews();
  const seen: number[] = [];
  let release: () => void = () => {};
  feed.subscribe((item) => {
    seen.push((item as Message).offset);
    return new Promise<void>((resolve) => (release = resolve));
  });
  socket.say(event("news", 11), event("news", 12));
  await settle();
  expect([seen, items.length]).toEqual([[11], 2]);
  release();
  await settle();
  expect(seen).toEqual([11, 12]);
});

test("a listener that throws or rejects is reported, and continues", async () => {
  const report = holdErrors();
  const { feed, items, socket } = followNews();
  const seen: number[] = [];
  feed.subscribe((item) => {
    seen.push((item as Message).offset);
    if (seen.length === 1) throw new Error("thrown");
    return Promise.reject(new Error("rejected"));
  });
  socket.say(event("news", 11), event("news", 12), event("news", 13));
  await settle();
  expect([seen, items.length]).toEqual([[11, 12, 13], 3]);
  expect(report).toHaveBeenCalledTimes(3);
});

test("a log whose listener is behind is unsubscribed, and resumed from the last queued event", async () => {
  const { live, feed, socket, opened } = followNews({ maxQueuedEvents: 3 });
  const seen: number[] = [];
  const releases: (() => void)[] = [];
  feed.subscribe((item) => {
    seen.push((item as Message).offset);
    return new Promise<void>((resolve) => releases.push(resolve));
  });
  for (let n = 11; n <= 20; n += 1) socket.say(event("news", n));
  // One is being handled and three wait; what comes after that is not taken.
  expect(socket.taken()).toMatchObject([{ type: "unsubscribe", topic: "news" }]);
  expect(live.status).toEqual({ state: "catching-up" });
  const handle = async () => {
    releases.shift()!();
    await settle();
  };
  for (let n = 0; n < 3; n += 1) await handle();
  expect([seen, socket.taken()]).toEqual([[11, 12, 13, 14], []]);
  await handle();
  expect(socket.sent).toMatchObject([{ type: "subscribe", since: { epoch: "e", offset: 14 } }]);
  socket.subscribed({ resumed: true, offset: 14 });
  socket.say(event("news", 15));
  expect(seen).toEqual([11, 12, 13, 14, 15]);
  expect(opened.live.status).toEqual({ state: "live" });
});

test("a log that was unsubscribed for a slow listener stays so on the next connection", async () => {
  const { feed, socket, opened } = followNews({ maxQueuedEvents: 1 });
  const iteration = feed[Symbol.asyncIterator]();
  socket.say(event("news", 11));
  const next = comeBack(opened);
  expect(subscribes(next.sent)).toEqual([]);
  await iteration.next();
  void iteration.next();
  expect(subscribes(next.sent)).toMatchObject([{ since: { offset: 11 } }]);
});

test("a subscription that the server refuses ends its feed and no other", async () => {
  const report = holdErrors();
  const { live, socket } = openWelcomed();
  const feed = live.topic("secrets");
  const next = outcomeOf(feed[Symbol.asyncIterator]().next());
  const errors: Error[] = [];
  feed.subscribe(
    () => {},
    (error) => errors.push(error),
  );
  feed.subscribe(() => {});
  const { id } = socket.sent[0]!;
  live.topic("news").subscribe(() => {});
  socket.subscribed();
  socket.say({ type: "error", id, code: "forbidden", message: "not you" });
  await settle();
  expect(next.error).toMatchObject({ code: "forbidden", message: "not you" });
  expect(errors).toMatchObject([{ code: "forbidden" }]);
  expect(report).toHaveBeenCalledTimes(1);
  expect(feed.status).toMatchObject({ state: "ended", error: { code: "forbidden" } });
  expect(live.status).toEqual({ state: "live" });
  feed.subscribe(() => {});
  expect(feed.status).toEqual({ state: "catching-up" });
});

test("received items are handled before the server's end of the subscription", async () => {
  holdErrors();
  const { feed, socket } = followNews();
  const iteration = feed[Symbol.asyncIterator]();
  socket.say(event("news", 11));
  socket.say({ type: "unsubscribed", topic: "news", code: "forbidden", message: "no longer" });
  expect((await iteration.next()).value).toMatchObject({ offset: 11 });
  await expect(iteration.next()).rejects.toMatchObject({ code: "forbidden" });
});

test.each(["rate_limited", "unavailable", "internal"])("%s is retried later", (code) => {
  const { live, socket, clock } = openWelcomed();
  const stop = live.topic("news").subscribe(() => {});
  const [asked] = socket.taken();
  socket.say({ type: "error", id: asked!.id, code, message: "later" });
  expect(live.status).toEqual({ state: "catching-up" });
  clock.advance(498);
  expect(socket.taken()).toEqual([]);
  clock.advance(2);
  expect(subscribes(socket.taken())).toHaveLength(1);
  stop();
});

test("params that exceed the server's limit end their feed, not the connection", async () => {
  const { live, socket } = openWelcomed({}, { maxMessage: 200 });
  const feed = live.topic("news", { q: "a".repeat(300) });
  const next = outcomeOf(feed[Symbol.asyncIterator]().next());
  await settle();
  expect(next.error).toMatchObject({ code: "too_large" });
  expect([socket.sent, live.status]).toEqual([[], { state: "live" }]);
});

test("close ends all links", () => {
  const { live, sockets } = openWelcomed();
  for (const n of [1, 2, 3, 4]) live.topic("devices", { n }).onChange(() => {});
  live.close();
  expect(sockets.map(({ isClosed }) => isClosed)).toEqual([true, true, true, true]);
});

test("an iteration ends with return, even while its next is pending", async () => {
  const { live, socket } = openWelcomed();
  const iteration = live.topic("news")[Symbol.asyncIterator]();
  const next = outcomeOf(iteration.next());
  await iteration.return!();
  await settle();
  expect(next.value).toEqual({ done: true, value: undefined });
  expect(socket.sent.map(({ type }) => type)).toEqual(["subscribe", "unsubscribe"]);
});

test("concurrent calls of next are answered in order", async () => {
  const { live, socket } = openWelcomed();
  const iteration = live.topic("news")[Symbol.asyncIterator]();
  const nexts = [iteration.next(), iteration.next(), iteration.next()];
  socket.subscribed();
  socket.say(event("news", 11), event("news", 12), event("news", 13));
  const values = await Promise.all(nexts);
  expect(values.map(({ value }) => (value as Message).offset)).toEqual([11, 12, 13]);
});

test("a listener that stops or closes during a message breaks nothing", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("devices");
  const seen: string[] = [];
  const stop = feed.subscribe((item) => {
    seen.push((item as Message).key);
    if (seen.length === 1) stop();
  });
  socket.subscribed({ kind: "keyed" });
  socket.say(page("devices", 3, [entry("a", 1), entry("b", 2), entry("c", 3)]));
  expect([seen, feed.entries.size]).toEqual([["a"], 0]);
  live.topic("news").subscribe(() => live.close());
  socket.subscribed();
  socket.say(event("news", 11), event("news", 12));
  expect(live.status).toMatchObject({ state: "closed" });
});

test("an answer to an earlier unsubscribe ends nothing", () => {
  const { feed, socket } = followNews();
  socket.say({ type: "unsubscribed", id: 1_000, topic: "news" });
  expect(feed.status).toEqual({ state: "live" });
});

test("a keyed topic stays subscribed, however many keys are queued", () => {
  const { feed, socket } = followDevices({ maxQueuedEvents: 1 });
  feed.subscribe(() => new Promise(() => {}));
  socket.say(set("devices", "c", 11), set("devices", "d", 12));
  expect(socket.sent.map(({ type }) => type)).toEqual(["subscribe"]);
  expect([...feed.entries.keys()]).toEqual(["a", "b", "c", "d"]);
});

test("keys of an interrupted snapshot do not count for the next one", () => {
  const { opened, feed } = followDevices();
  let socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", offset: 20 });
  socket.say(page("devices", 15, [entry("c", 15)], { more: true }));
  socket = comeBack(opened);
  socket.subscribed({ kind: "keyed", offset: 30 });
  socket.say(page("devices", 30, [entry("a", 8)]));
  expect([...feed.entries.keys()]).toEqual(["a"]);
});

test("params are copied when the feed is created", () => {
  const { live, socket } = openWelcomed();
  const params = { a: 1 };
  const feed = live.topic("news", params);
  params.a = 2;
  feed.onChange(() => {});
  expect(socket.sent).toMatchObject([{ params: { a: 1 } }]);
});

test("presence is a keyed feed of the topic's companion", () => {
  const { live, socket } = openClient();
  live.presence("devices/lab").onChange(() => {});
  socket.welcome();
  expect(socket.sent).toMatchObject([{ type: "subscribe", topic: "devices/lab/$presence" }]);
});

test("an older position does not move the feed back", () => {
  const { feed, socket } = followNews();
  socket.say(event("news", 20), { type: "position", topic: "news", epoch: "e", offset: 15 });
  expect(feed.position).toEqual({ epoch: "e", offset: 20 });
});
