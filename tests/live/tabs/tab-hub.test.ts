import { beforeEach, describe, expect, test } from "vitest";
import { TabHub } from "../../../src/live/tabs/tab-hub.ts";
import type { HubMessage } from "../../../src/live/tabs/tab-message.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { FakeSocket, type Message } from "../../rigs/live/open-client.ts";

/** A hub between sockets and a server that both are the test. */
class TestHub {
  readonly clock = new VirtualClock();
  readonly servers: FakeSocket[] = [];
  readonly #told: HubMessage[] = [];
  readonly #hub = new TabHub({
    clock: this.clock,
    connect: () => {
      const server = new FakeSocket("wss://host/live", "longwire.v1");
      this.servers.push(server);
      return server;
    },
    post: (message) => void this.#told.push(message),
  });

  get server(): FakeSocket {
    return this.servers[0]!;
  }

  open(...sockets: string[]): void {
    for (const from of sockets)
      this.#hub.onSocketMessage({ to: "hub", from, tab: from, kind: "open" });
  }

  send(from: string, message: Message): void {
    this.#hub.onSocketMessage({ to: "hub", from, kind: "text", text: JSON.stringify(message) });
  }

  leave(from: string): void {
    this.#hub.onSocketMessage({ to: "hub", from, kind: "close" });
  }

  leaveTab(tab: string): void {
    this.#hub.leaveTab(tab);
  }

  subscribe(from: string, more: Message = {}): void {
    this.send(from, { type: "subscribe", id: 1, topic: "t", ...more });
  }

  /** Returns what a socket was sent since the last call, with texts parsed as messages. */
  heard(socket: string): unknown[] {
    const mine = this.#told.filter(({ to }) => to === socket);
    this.#told.splice(0, Infinity, ...this.#told.filter(({ to }) => to !== socket));
    return mine.map((message) =>
      message.kind === "text" ? (JSON.parse(message.text) as unknown) : message,
    );
  }

  /** Forgets what was said until now, on both sides. */
  clear(): void {
    this.#told.splice(0);
    for (const server of this.servers) server.taken();
  }
}

const event = (offset: number, more: Message = {}): Message => ({
  type: "event",
  topic: "t",
  offset,
  data: offset,
  ...more,
});
const page = (more: Message): Message => ({
  type: "snapshot",
  topic: "t",
  epoch: "e",
  offset: 10,
  entries: [],
  complete: true,
  more: false,
  ...more,
});
const closed = { kind: "closed", code: 1006, reason: "" };

let hub: TestHub;
let server: FakeSocket;

beforeEach(() => {
  hub = new TestHub();
  hub.open("a", "b", "c");
  server = hub.server;
  server.welcome();
  hub.clear();
});

/** A log that a follows, up to offset 10 of epoch e. */
function followLog(): void {
  hub.subscribe("a");
  server.subscribed();
  hub.clear();
}

/** A keyed topic that a follows, up to offset 10 of epoch e. */
function followKeyed(): void {
  hub.subscribe("a");
  server.subscribed({ kind: "keyed" });
  server.say(page({}));
  hub.clear();
}

describe("a connection attempt in progress", () => {
  beforeEach(() => {
    hub = new TestHub();
    hub.open("a", "b");
  });

  test("ends when a tab gives it up and dials again, because it may hang after the network is back", () => {
    hub.leave("a");
    hub.open("a 2");
    expect(hub.server.isClosed).toBe(true);
    expect(hub.servers).toHaveLength(2);
    expect(hub.heard("b")).toMatchObject([closed]);
    // The others do the same a moment later, and are on the new one.
    hub.leave("b");
    hub.open("b 2");
    expect(hub.servers).toHaveLength(2);
    hub.servers[1]!.welcome();
    for (const socket of ["a 2", "b 2"]) expect(hub.heard(socket)).toHaveLength(2);
  });

  test("continues when a tab joins, and after a tab is gone", () => {
    hub.open("c");
    hub.leaveTab("a");
    hub.open("d");
    expect(hub.servers).toHaveLength(1);
  });

  test("is not affected by a tab that leaves a working connection", () => {
    hub.server.welcome();
    hub.leave("a");
    hub.open("a 2");
    expect(hub.servers).toHaveLength(1);
  });
});

describe("starts of a topic run one at a time", () => {
  test("the second waits for the answer of the first", () => {
    hub.subscribe("a", { since: { epoch: "e", offset: 3 } });
    hub.subscribe("b", { since: { epoch: "e", offset: 5 } });
    expect(server.taken()).toMatchObject([{ type: "subscribe", since: { offset: 3 } }]);
    server.say({ type: "error", id: 1, code: "rate_limited", message: "" });
    expect(server.taken()).toMatchObject([{ type: "subscribe", since: { offset: 5 } }]);
  });

  test("and for all events of its replay, however far the others are", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    hub.subscribe("c", { since: { epoch: "e", offset: 7 } });
    server.subscribed({ offset: 2, resumed: true, latest: 10 });
    for (let offset = 3; offset < 10; offset += 1) server.say(event(offset));
    expect(server.taken()).toMatchObject([{ since: { offset: 2 } }]);
    server.say({ type: "position", topic: "t", epoch: "e", offset: 10 });
    expect(server.taken()).toMatchObject([{ since: { offset: 7 } }]);
  });

  test("a resume without events delays nobody", () => {
    hub.subscribe("a", { since: { epoch: "e", offset: 10 } });
    hub.subscribe("b", { since: { epoch: "e", offset: 4 } });
    server.subscribed({ resumed: true });
    expect(server.taken()).toMatchObject([{ since: { offset: 10 } }, { since: { offset: 4 } }]);
  });

  test("and for the last page of a whole state, even of an interrupted one", () => {
    hub.subscribe("a", { since: { epoch: "old", offset: 5 } });
    hub.subscribe("b");
    const [{ id }] = server.taken() as [Message];
    server.say({ type: "subscribed", id, topic: "t", kind: "keyed", epoch: "e", offset: 10 });
    server.say(page({ more: true }), event(11, { key: "k" }));
    server.say(page({ complete: false }), page({ more: true }));
    expect(server.taken()).toEqual([]);
    server.say(page({}));
    expect(server.taken()).toMatchObject([{ type: "subscribe" }]);
  });

  test("and for the gap of a member that has lost events", () => {
    hub.subscribe("a", { since: { epoch: "e", offset: 2 } });
    hub.subscribe("b");
    server.subscribed();
    expect(server.taken()).toHaveLength(1);
    expect(hub.heard("b")).toEqual([]);
    server.say({ type: "gap", topic: "t", epoch: "e", from: 3, to: 10, reason: "expired" });
    expect(hub.heard("b")).toMatchObject([{ type: "gap" }, { type: "subscribed", offset: 10 }]);
  });

  test("even for a gap to an empty log", () => {
    hub.subscribe("a", { since: { epoch: "old", offset: 2 } });
    hub.subscribe("b", { since: { epoch: "old", offset: 2 } });
    server.subscribed({ offset: 0 });
    expect(server.taken()).toHaveLength(1);
    server.say({ type: "gap", topic: "t", epoch: "e", from: 1, to: 0, reason: "epoch" });
    expect(hub.heard("b").slice(1)).toMatchObject([{ type: "subscribed", offset: 0 }, { to: 0 }]);
  });

  test("nothing is requested for a member that has left, and the next one's turn comes", () => {
    hub.subscribe("a", { since: { epoch: "e", offset: 1 } });
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    hub.subscribe("c", { since: { epoch: "e", offset: 3 } });
    server.taken();
    hub.leave("b");
    server.say({ type: "error", id: 1, code: "rate_limited", message: "" });
    expect(server.taken()).toMatchObject([{ since: { offset: 3 } }]);
  });

  test("if a member leaves after its request, the answer starts the next one", () => {
    hub.subscribe("a", { since: { epoch: "e", offset: 1 } });
    hub.subscribe("b", { since: { epoch: "e", offset: 10 } });
    hub.leave("a");
    server.subscribed({ offset: 10 });
    server.say({ type: "gap", topic: "t", epoch: "e", from: 2, to: 10, reason: "expired" });
    expect(hub.heard("b")).toContainEqual(
      expect.objectContaining({ type: "subscribed", resumed: true }),
    );
  });

  test("messages before the first answer belong to an ended subscription: no position is taken from them", () => {
    followLog();
    hub.send("a", { type: "unsubscribe", id: 2, topic: "t" });
    hub.subscribe("b");
    hub.clear();
    server.say(event(11));
    hub.subscribe("c");
    server.say({ type: "error", id: 3, code: "unavailable", message: "" });
    expect(server.taken()).toMatchObject([{ type: "subscribe" }]);
    expect(hub.heard("c").filter((one) => (one as Message)["type"] === "subscribed")).toEqual([]);
  });
});

describe("joining without a request", () => {
  test("a log from now: from where the others are, and not from where the server is", () => {
    followLog();
    server.say(event(11));
    hub.clear();
    hub.subscribe("b");
    expect(hub.heard("b")).toEqual([
      {
        type: "subscribed",
        id: 1,
        topic: "t",
        kind: "log",
        epoch: "e",
        resumed: false,
        offset: 11,
      },
    ]);
    expect(server.taken()).toEqual([]);
    server.say(event(12));
    expect(hub.heard("b")).toEqual([event(12)]);
  });

  test.each([10, 14])(
    "a position of %i while the others have 10: it is resumed there",
    (offset) => {
      followLog();
      hub.subscribe("b", { since: { epoch: "e", offset } });
      expect(hub.heard("b")).toMatchObject([{ type: "subscribed", resumed: true, offset }]);
      expect(server.taken()).toEqual([]);
    },
  );

  test("a keyed topic's position too, once its state is complete, and never without one", () => {
    followKeyed();
    hub.subscribe("b", { since: { epoch: "e", offset: 10 } });
    expect(hub.heard("b")).toMatchObject([{ kind: "keyed", resumed: true, offset: 10 }]);
    hub.subscribe("c");
    expect(server.taken()).toMatchObject([{ type: "subscribe", topic: "t" }]);
    server.say(page({ more: true }));
    hub.subscribe("b", { since: { epoch: "e", offset: 10 } });
    expect(hub.heard("b")).toMatchObject([{ type: "snapshot" }]);
  });

  test("not after the last page of a partial state", () => {
    followKeyed();
    hub.subscribe("b");
    hub.subscribe("c", { since: { epoch: "e", offset: 10 } });
    server.subscribed({ kind: "keyed" });
    server.say(page({ more: true }), page({}));
    const types = hub.heard("c").map((message) => (message as Message)["type"] as string);
    expect(types).toEqual(["snapshot", "snapshot", "subscribed"]);
  });

  test("a position of another epoch of a log: a gap is sent immediately", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "old", offset: 99 } });
    expect(hub.heard("b")).toMatchObject([
      { type: "subscribed", resumed: false, epoch: "e", offset: 10 },
      { type: "gap", epoch: "e", from: 1, to: 10, reason: "epoch" },
    ]);
    expect(server.taken()).toEqual([]);
    hub.clear();
    expect(hub.heard("a")).toEqual([]);
  });

  test("for another epoch of a keyed topic, the server is asked", () => {
    followKeyed();
    hub.subscribe("b", { since: { epoch: "old", offset: 99 } });
    expect(server.taken()).toMatchObject([{ type: "subscribe", since: { epoch: "old" } }]);
  });

  test("for a position behind the others, the server is asked", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 9 } });
    expect(server.taken()).toMatchObject([{ type: "subscribe", since: { offset: 9 } }]);
  });
});

describe("a gap", () => {
  const gap = { type: "gap", topic: "t", epoch: "e", from: 3, to: 8, reason: "expired" };

  test("for one member starts after what the others have", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    server.subscribed({ offset: 8 });
    hub.clear();
    server.say(gap);
    expect(hub.heard("b")).toEqual([gap]);
    expect(hub.heard("a")).toEqual([{ ...gap, from: 11 }]);
  });

  test("is followed by a gap for all", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    server.subscribed({ offset: 8 });
    server.say(gap);
    hub.clear();
    const slow = { ...gap, from: 13, to: 20, reason: "slow" };
    server.say(slow);
    expect(hub.heard("a")).toEqual([slow]);
    expect(hub.heard("b")).toEqual([slow]);
  });

  test("does not move the position back", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    server.subscribed({ offset: 8 });
    server.say(gap);
    hub.clear();
    hub.subscribe("c");
    expect(hub.heard("c")).toMatchObject([{ type: "subscribed", offset: 10 }]);
  });

  test("is for all members if the start was resumed", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    server.subscribed({ offset: 2, resumed: true, latest: 10 });
    hub.clear();
    server.say(gap);
    expect(hub.heard("a")).toEqual([gap]);
  });
});

describe("the end of a subscription", () => {
  test("when its member requests other params, which replace it", () => {
    followLog();
    hub.subscribe("a", { params: { site: "x" } });
    expect(server.taken()).toMatchObject([
      { type: "unsubscribe", topic: "t" },
      { type: "subscribe", topic: "t", params: { site: "x" } },
    ]);
    expect(hub.servers).toHaveLength(1);
  });

  test("when the last member leaves, and not before", () => {
    followLog();
    hub.subscribe("b");
    hub.leave("a");
    expect(server.taken()).toEqual([]);
    hub.send("b", { type: "unsubscribe", id: 7, topic: "t" });
    expect(server.taken()).toMatchObject([{ type: "unsubscribe", topic: "t" }]);
    expect(hub.heard("b")).toContainEqual({ type: "unsubscribed", id: 7, topic: "t" });
  });

  test("by the server: all members are notified, and a new member asks again", () => {
    followLog();
    hub.subscribe("b");
    hub.clear();
    const end = { type: "unsubscribed", topic: "t", code: "forbidden", message: "" };
    server.say(end);
    expect(hub.heard("a")).toEqual([end]);
    expect(hub.heard("b")).toEqual([end]);
    hub.subscribe("c");
    server.subscribed();
    hub.clear();
    server.say(event(11));
    expect([hub.heard("a"), hub.heard("c")]).toEqual([[], [event(11)]]);
  });

  test("by the server while a member's start is pending: that one gets its own answer", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    hub.subscribe("c", { since: { epoch: "e", offset: 7 } });
    server.subscribed({ offset: 2, resumed: true, latest: 10 });
    hub.clear();
    server.say({ type: "unsubscribed", topic: "t", code: "forbidden", message: "" });
    const [asked] = server.taken() as [Message];
    expect(asked).toMatchObject({ type: "subscribe", since: { offset: 7 } });
    server.say({ type: "unsubscribed", topic: "t", code: "forbidden", message: "" });
    expect(server.taken()).toEqual([]);
    hub.clear();
    server.say({
      type: "subscribed",
      id: asked["id"],
      topic: "t",
      kind: "log",
      epoch: "e",
      offset: 10,
    });
    server.say(event(11));
    expect(hub.heard("c")).toMatchObject([{ type: "subscribed", id: 1 }, { type: "event" }]);
    expect(hub.heard("a")).toEqual([]);
  });

  test("a refused start is reported to its member, and the others keep what they have", () => {
    followLog();
    hub.subscribe("b", { id: "mine", since: { epoch: "e", offset: 2 } });
    const [{ id }] = server.taken() as [Message];
    server.say({ type: "error", id, code: "rate_limited", message: "later" });
    expect(hub.heard("b")).toEqual([
      { type: "error", id: "mine", code: "rate_limited", message: "later" },
    ]);
    hub.clear();
    server.say(event(11));
    expect([hub.heard("a"), hub.heard("b")]).toEqual([[event(11)], []]);
  });

  test("a start that is refused after the others have left ends the subscription", () => {
    followLog();
    hub.subscribe("b", { since: { epoch: "e", offset: 2 } });
    const [{ id }] = server.taken() as [Message];
    hub.leave("a");
    server.say({ type: "error", id, code: "rate_limited", message: "" });
    expect(server.taken()).toMatchObject([{ type: "unsubscribe", topic: "t" }]);
  });

  test("a start that is refused after its only member has left ends nothing more", () => {
    hub.subscribe("a");
    const [{ id }] = server.taken() as [Message];
    hub.leave("a");
    expect(server.taken()).toMatchObject([{ type: "unsubscribe" }]);
    server.say({ type: "error", id, code: "unavailable", message: "" });
    expect(server.taken()).toEqual([]);
  });

  test("a message of an unknown type changes nothing, and no position is taken from it", () => {
    followLog();
    server.say({ type: "news", topic: "t", offset: 99 });
    hub.clear();
    hub.subscribe("b");
    expect(hub.heard("b")).toMatchObject([{ type: "subscribed", offset: 10 }]);
  });

  test("a tab that is gone takes all of its sockets with it, and no other's", () => {
    hub.open("x 1", "x 2", "xy 1");
    hub.subscribe("x 1", { topic: "one" });
    hub.subscribe("x 2", { topic: "two" });
    hub.subscribe("xy 1", { topic: "three" });
    hub.clear();
    hub.leaveTab("x");
    expect(server.taken().map(({ topic }) => topic as string)).toEqual(["one", "two"]);
  });
});

describe("answers", () => {
  test("go to the requesting socket, under its own id", () => {
    hub.send("a", { type: "call", id: "x", method: "m" });
    hub.send("b", { type: "call", id: "x", method: "m" });
    const [first, second] = server.taken() as [Message, Message];
    expect(first["id"]).not.toBe(second["id"]);
    server.say({ type: "result", id: second["id"], data: 2 });
    server.say({ type: "result", id: first["id"], data: 1 });
    expect(hub.heard("a")).toEqual([{ type: "result", id: "x", data: 1 }]);
    expect(hub.heard("b")).toEqual([{ type: "result", id: "x", data: 2 }]);
  });

  test("are sent once, and not to a socket that has left", () => {
    hub.send("a", { type: "call", id: 1, method: "m" });
    hub.send("b", { type: "call", id: 1, method: "m" });
    const [{ id }, { id: left }] = server.taken() as [Message, Message];
    hub.leave("b");
    for (const answered of [id, id, left]) server.say({ type: "result", id: answered, data: 1 });
    expect(hub.heard("a")).toHaveLength(1);
    expect(hub.heard("b")).toEqual([]);
  });

  test("are limited: the tabs' maxMessage is smaller than the server's, because a request may grow by its new id", () => {
    hub.open("d");
    const [, welcome] = hub.heard("d") as [unknown, Message];
    // A request of the server would have no tab to answer it.
    expect(welcome["features"]).toEqual([]);
    expect(welcome["maxMessage"]).toBeLessThanOrEqual(10_000 - `${Number.MAX_SAFE_INTEGER}`.length);
  });
});

describe("a socket", () => {
  test("that asks twice is opened once, and only when the connection is", () => {
    hub = new TestHub();
    hub.open("a");
    expect(hub.heard("a")).toEqual([]);
    hub.open("a");
    hub.server.accept();
    hub.open("a");
    expect(hub.heard("a")).toEqual([{ to: "a", kind: "opened" }]);
    expect(hub.servers).toHaveLength(1);
  });

  test("that is unknown or has left sends nothing to the server", () => {
    hub.leave("b");
    for (const socket of ["b", "stranger"]) hub.send(socket, { type: "call", id: 1, method: "m" });
    expect(server.taken()).toEqual([]);
  });

  test("that joins after the end is not notified of the previous connection", () => {
    server.end();
    hub.clear();
    hub.open("d");
    hub.servers[1]!.accept();
    hub.open("e");
    expect(hub.heard("e")).toEqual([{ to: "e", kind: "opened" }]);
  });
});

describe("the tabs' credentials", () => {
  beforeEach(() => {
    hub = new TestHub();
    hub.open("a", "b");
    server = hub.server;
  });

  test("hello is sent to the server once, whichever socket sends it first", () => {
    server.accept();
    hub.send("a", { type: "hello", token: "1" });
    hub.send("b", { type: "hello", token: "2" });
    expect(server.taken()).toEqual([{ type: "hello", token: "1" }]);
  });

  test("hello waits for the connection", () => {
    hub.send("a", { type: "hello", token: "1" });
    expect(server.taken()).toEqual([]);
    server.accept();
    expect(server.taken()).toEqual([{ type: "hello", token: "1" }]);
  });

  test("refresh is sent to every connection, and a later one uses it in hello", () => {
    hub.send("a", { type: "hello", token: "1" });
    server.welcome();
    hub.subscribe("a");
    hub.subscribe("b", { params: { site: "x" } });
    hub.servers[1]!.welcome();
    hub.clear();
    hub.send("b", { type: "refresh", token: "2", maxMessage: 9 });
    for (const one of hub.servers)
      expect(one.taken()).toMatchObject([{ type: "refresh", token: "2" }]);
    hub.open("c");
    hub.subscribe("c", { params: { site: "y" } });
    hub.servers[2]!.accept();
    expect(hub.servers[2]!.taken()).toEqual([{ type: "hello", token: "2", maxMessage: 9 }]);
  });

  test("a late socket learns how long the credentials remain valid", () => {
    server.welcome({ expiresIn: 10_000 });
    hub.clock.advance(4_000);
    hub.open("c");
    expect(hub.heard("c")).toMatchObject([{ kind: "opened" }, { expiresIn: 6_000 }]);
    server.say({ type: "refreshed", expiresIn: 20_000 });
    hub.clock.advance(1_000);
    hub.open("d");
    expect(hub.heard("d")).toMatchObject([{ kind: "opened" }, { expiresIn: 19_000 }]);
    hub.clock.advance(60_000);
    expect(hub.heard("a").at(-1)).toMatchObject({ type: "refreshed", expiresIn: 20_000 });
  });
});

describe("another connection, for other params", () => {
  let other: FakeSocket;

  beforeEach(() => {
    followLog();
    hub.subscribe("b", { params: { site: "x" } });
    other = hub.servers[1]!;
    other.welcome();
    other.subscribed();
    hub.clear();
  });

  test("sends each socket only what it is subscribed to", () => {
    other.say(event(11));
    server.say(event(12));
    expect([hub.heard("a"), hub.heard("b")]).toEqual([[event(12)], [event(11)]]);
  });

  test("keeps its welcome, heartbeats and reasons to itself", () => {
    other.say({ type: "heartbeat" }, { type: "welcome" }, { type: "disconnect", code: 4401 });
    expect(hub.heard("a")).toEqual([]);
    server.say({ type: "heartbeat" });
    expect(hub.heard("a")).toEqual([{ type: "heartbeat" }]);
  });

  test("ends with 1006 for all, whatever its code", () => {
    other.end(4401, "expired");
    for (const socket of ["a", "b", "c"]) expect(hub.heard(socket)).toMatchObject([closed]);
    expect(server.isClosed).toBe(true);
  });

  test("does not hide the end of the first one, which all receive unchanged", () => {
    server.end(4403, "no");
    expect(hub.heard("b")).toMatchObject([{ kind: "closed", code: 4403, reason: "no" }]);
    expect(other.isClosed).toBe(true);
  });

  test("closes when nobody needs it any more, and the first one does not", () => {
    hub.send("b", { type: "unsubscribe", id: 2, topic: "t" });
    expect([other.isClosed, server.isClosed]).toEqual([true, false]);
    hub.send("a", { type: "unsubscribe", id: 2, topic: "t" });
    expect(server.isClosed).toBe(false);
    hub.subscribe("c");
    expect(hub.servers).toHaveLength(2);
  });

  test("stays while it has other subscriptions", () => {
    hub.subscribe("a", { id: 2, topic: "u" });
    hub.subscribe("b", { id: 2, topic: "u", params: { site: "x" } });
    hub.send("b", { type: "unsubscribe", id: 3, topic: "t" });
    expect(other.isClosed).toBe(false);
    hub.send("b", { type: "unsubscribe", id: 4, topic: "u" });
    expect(other.isClosed).toBe(true);
  });

  test("closes when the server ends its last subscription", () => {
    other.say({ type: "unsubscribed", topic: "t", code: "forbidden", message: "" });
    expect(other.isClosed).toBe(true);
  });

  test("ends all of them if it is silent for two heartbeats, even though the other one is not", () => {
    hub.clock.advance(29_999);
    server.say({ type: "heartbeat" });
    expect(hub.heard("a")).toEqual([{ type: "heartbeat" }]);
    hub.clock.advance(1);
    server.say({ type: "heartbeat" });
    for (const socket of ["a", "b", "c"])
      expect(hub.heard(socket)).toContainEqual({ to: socket, ...closed });
  });
});

describe("a tab's ping", () => {
  test("is sent to the server, so that a waking page does not rely on the hub", () => {
    hub.send("a", { type: "ping" });
    expect(hub.heard("a")).toEqual([]);
    expect(server.taken()).toEqual([{ type: "ping" }]);
    server.say({ type: "pong" });
    expect(hub.heard("a")).toEqual([{ type: "pong" }]);
  });

  test("that is not answered: the next socket gets another connection", () => {
    hub.send("a", { type: "ping" });
    hub.clock.advance(5_000);
    hub.open("d");
    expect(hub.heard("b")).toMatchObject([closed]);
    expect(hub.servers).toHaveLength(2);
  });

  test("is answered by any message", () => {
    hub.send("a", { type: "ping" });
    hub.clock.advance(1_000);
    server.say({ type: "heartbeat" });
    hub.clock.advance(9_000);
    hub.open("d");
    expect(hub.servers).toHaveLength(1);
  });
});

test("an invalid message ends the connection for all", () => {
  server.sayText("{");
  for (const socket of ["a", "b", "c"]) expect(hub.heard(socket)).toMatchObject([closed]);
  expect(server.isClosed).toBe(true);
});

test("the last socket closes the connection, and the next one opens another", () => {
  for (const socket of ["a", "b"]) hub.leave(socket);
  expect(server.isClosed).toBe(false);
  hub.leave("c");
  expect(server.isClosed).toBe(true);
  hub.open("d");
  expect(hub.servers).toHaveLength(2);
});
