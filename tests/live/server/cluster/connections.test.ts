import { describe, expect, test, vi } from "vitest";
import {
  clientMethod,
  connectionsTopic,
  LiveError,
  logTopic,
  nodesTopic,
} from "../../../../src/live/index.ts";
import { Later } from "../../../rigs/live/memory-live.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { entering, twoNodes } from "../../../rigs/live/two-nodes.ts";

const topics = [logTopic("news"), logTopic("logs")];

const anyone = (): boolean => true;

const watched = [
  ...topics,
  connectionsTopic({ authorize: ({ identity }) => (identity as { id: string }).id === "boss" }),
  nodesTopic({ authorize: anyone }),
];

describe("disconnect", () => {
  test("closes the connections that are meant, on all servers, and no others", async () => {
    const [a, b] = await twoNodes({ topics });
    const meant = [await entering(a, "eve"), await entering(b, "eve")];
    const others = [await entering(a, "bob"), await entering(b, "eva")];
    await a.live.connections.disconnect({ identity: "eve" });
    await a.settle();
    await b.settle();
    for (const guest of meant) {
      expect(guest.take()).toMatchObject([
        { type: "disconnect", code: 1012, retry: true, retryAfter: 0 },
      ]);
      expect(guest.closeCode).toBe(1012);
    }
    expect(b.live.statistics.closedByCommand).toBe(1);
    for (const guest of others) expect([guest.types(), guest.closeCode]).toEqual([[], undefined]);
  });

  test("with retry: false is final, and gives the reason", async () => {
    const [a, b] = await twoNodes({ topics });
    const guest = await entering(b, "eve");
    const plain = await b.level0("news", { search: "?as=eve" });
    const reason = "You were removed from the team.";
    await a.live.connections.disconnect({ identity: "eve" }, { retry: false, reason });
    await b.settle();
    expect(guest.take()).toEqual([
      { type: "disconnect", code: 4403, message: reason, retry: false },
    ]);
    expect([guest.closeCode, plain.peer.closed]).toMatchObject([4403, { code: 4403, reason }]);
  });

  test.each([
    ["connection", (guest: { connection: string }) => ({ connection: guest.connection })],
    ["address", () => ({ address: "192.0.2.1" })],
    ["node", () => ({ node: "b" })],
    ["topic", () => ({ topic: "news" })],
    ["tokenId", () => ({ tokenId: "t-1" })],
    ["two members", () => ({ identity: "eve", topic: "news" })],
  ])("can be narrowed by %s", async (_member, filterOf) => {
    const [a, b] = await twoNodes({ topics });
    const guest = await b.level1({ search: "?as=eve&token=t-1" });
    const { connection } = guest.take()[0] as { connection: string };
    await guest.send({ type: "subscribe", id: 1, topic: "news" });
    const other = await entering(a, "bob");
    other.peer.closed = undefined;
    await a.live.connections.disconnect(filterOf({ connection }));
    await b.settle();
    expect(guest.closeCode).toBe(1012);
  });

  test("lets a crowd return spread by its size, and one party at once", async () => {
    const [a] = await twoNodes({ topics, returnWindowMs: 1, random: () => 1 });
    const crowd = [];
    for (let n = 0; n < 10; n += 1) crowd.push(await entering(a, `u-${n}`));
    await a.live.connections.disconnect({ identity: "u-0" });
    await a.settle();
    await a.live.connections.disconnect({ node: "a" });
    await a.settle();
    const delays = crowd.map((guest) => guest.take().at(-1)?.["retryAfter"]);
    // At most 2,000 return in a second.
    expect(delays).toEqual([0, ...Array.from({ length: 9 }, () => 5)]);
  });

  test("does not affect a client that connected after it was given", async () => {
    const [a, b] = await twoNodes({ topics, delayMs: 5_000 });
    const before = await entering(b, "eve");
    await a.pass(1_000);
    await a.live.connections.disconnect({ identity: "eve" });
    await a.pass(2_000);
    const after = await entering(b, "eve");
    await a.pass(4_000);
    await b.settle();
    expect([before.closeCode, after.closeCode]).toEqual([1012, undefined]);
  });

  test("is done on this server at once, and says if the others could not be told", async () => {
    const [a, b] = await twoNodes({ topics });
    const [here, there] = [await entering(a, "eve"), await entering(b, "eve")];
    a.broker.refuse(new LiveError("unavailable", "The broker is away."));
    const given = a.live.connections.disconnect({ identity: "eve" });
    await expect(given).rejects.toMatchObject({ code: "unavailable" });
    await b.settle();
    expect([here.closeCode, there.closeCode]).toEqual([1012, undefined]);
  });

  test.each([
    [{}, "The filter is an object without members"],
    [undefined, "The filter is undefined without members"],
    [{ identity: undefined }, "identity of the filter is undefined"],
    [{ identity: 7 }, "identity of the filter is 7"],
    [{ user: "eve" }, 'The filter has "user"; use connection, identity'],
  ])("refuses the filter %o, which could mean everybody", async (filter, message) => {
    const [a] = await twoNodes({ topics });
    const guest = await entering(a, "eve");
    const given = a.live.connections.disconnect(filter as never);
    await expect(given).rejects.toMatchObject({
      code: "invalid_filter",
      message: expect.stringContaining(message),
    });
    expect(guest.closeCode).toBeUndefined();
  });

  test.each([
    [{ code: 4_401 }, "retry: true"],
    [{ code: 4_000, retry: false }, "retry: false"],
    [{ code: 1_000 }, "1000"],
    [{ code: 4_401.5, retry: false }, "4401.5"],
  ])("refuses the code of %o", async (options, part) => {
    const [a] = await twoNodes({ topics });
    const given = a.live.connections.disconnect({ identity: "eve" }, options);
    await expect(given).rejects.toMatchObject({
      code: "invalid_option",
      message: expect.stringContaining(part),
    });
  });

  test("ends streams of server-sent events and long polls", async () => {
    const running = await RunningLive.start({
      topics,
      authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
      tokenQuery: "as",
    });
    const headers = { accept: "text/event-stream" };
    const stream = await fetch(running.http("news?as=eve"), { headers });
    const state = (await (await fetch(running.http("news?as=eve"))).json()) as { epoch: string };
    const poll = fetch(running.http(`news?as=eve&epoch=${state.epoch}&offset=0&wait=60`));
    let status = 0;
    void poll.then((answer) => (status = answer.status));
    // A client that comes after the order is not affected, and the poll may not have begun yet.
    await vi.waitFor(async () => {
      await running.live.connections.disconnect({ identity: "eve" });
      expect(status).toBe(304);
    }, 40_000);
    await stream.text();
  });
});

describe("unsubscribe", () => {
  test("ends the subscription and leaves the connection", async () => {
    const [a, b] = await twoNodes({ topics });
    const guest = await entering(b, "eve");
    await guest.send({ type: "subscribe", id: 1, topic: "news" });
    await guest.send({ type: "subscribe", id: 2, topic: "logs" });
    const plain = await b.level0("news", { search: "?as=eve" });
    await plain.send("{}");
    guest.take();
    await a.live.connections.unsubscribe({ identity: "eve" }, "news");
    await b.settle();
    expect(guest.take()).toMatchObject([
      { type: "unsubscribed", topic: "news", code: "forbidden" },
    ]);
    await a.live.topic("news").publish(1);
    await a.live.topic("logs").publish(2);
    await b.settle();
    expect(guest.take()).toMatchObject([{ topic: "logs" }]);
    expect([guest.closeCode, plain.closeCode]).toEqual([undefined, 4403]);
  });
});

describe("recheck", () => {
  test("ends what authorize does not allow any more", async () => {
    const allowed = new Set(["news", "logs", "reboot"]);
    const [a, b] = await twoNodes({
      topics,
      clientMethods: { reboot: clientMethod() },
      authorize: ({ topic }) => allowed.has(topic),
    });
    const guest = await entering(b, "eve");
    await guest.send({ type: "subscribe", id: 1, topic: "news" });
    await guest.send({ type: "subscribe", id: 2, topic: "logs" });
    await guest.send({ type: "offers", id: 3, methods: ["reboot"] });
    const plain = await b.level0("news", { search: "?as=eve" });
    await plain.send('{"a":1}');
    guest.take();
    await a.live.connections.recheck({ identity: "eve" });
    await b.settle();
    expect([guest.types(), plain.closeCode]).toEqual([[], undefined]);
    allowed.delete("news");
    allowed.delete("reboot");
    await a.live.connections.recheck({ identity: "eve" });
    await b.settle();
    expect(guest.take()).toMatchObject([
      { type: "unsubscribed", topic: "news", code: "forbidden" },
      { type: "offered", methods: [] },
    ]);
    expect([guest.closeCode, plain.closeCode]).toEqual([undefined, 4403]);
  });
});

describe("revoke", () => {
  test("closes an identity's connections on all servers, and refuses it until then", async () => {
    const [a, b] = await twoNodes({ topics });
    const guests = [await entering(a, "eve"), await entering(b, "eve")];
    const until = a.clock.now() + 60_000;
    await a.live.connections.revoke({ identity: "eve" }, until, { reason: "Account closed." });
    await a.settle();
    await b.settle();
    for (const guest of guests) {
      expect(guest.take()).toEqual([
        { type: "disconnect", code: 4401, message: "Account closed.", retry: false },
      ]);
    }
    for (const node of [a, b]) {
      const again = await node.level1({ search: "?as=eve" });
      expect(again.take()).toMatchObject([
        { type: "error", code: "unauthorized", message: "Account closed." },
        { type: "disconnect", code: 4401, retry: false },
      ]);
    }
    await a.pass(90_000);
    const later = await entering(b, "eve");
    expect(later.closeCode).toBeUndefined();
  });

  test("closes a connection whose credentials were checked a moment before", async () => {
    const checked = new Later<{ id: string }>();
    const [a, b] = await twoNodes({ topics, authenticate: () => checked.promise });
    const guest = await b.level1({ search: "?as=eve" });
    const plain = await b.level0("news", { search: "?as=eve" });
    checked.resolve({ id: "eve" });
    // In the same turn.
    await a.live.connections.revoke({ identity: "eve" }, a.clock.now() + 60_000);
    await b.settle();
    expect([guest.closeCode, plain.closeCode]).toEqual([4401, 4401]);
  });

  test("of one token leaves the identity's others", async () => {
    const [a, b] = await twoNodes({ topics });
    const [stolen, own] = [await entering(b, "eve", "t-1"), await entering(b, "eve", "t-2")];
    await a.live.connections.revoke({ tokenId: "t-1" }, a.clock.now() + 60_000);
    await b.settle();
    expect([stolen.closeCode, own.closeCode]).toEqual([4401, undefined]);
    const again = await entering(a, "eve", "t-1");
    expect(again.closeCode).toBe(4401);
  });

  test("is known to a server that starts later, and forgotten when its time is over", async () => {
    const [a, b] = await twoNodes({ topics });
    await a.live.connections.revoke({ identity: "eve" }, a.clock.now() + 60_000);
    const c = await b.another();
    expect((await entering(c, "eve")).closeCode).toBe(4401);
    await a.pass(120_000);
    await b.settle();
    expect((await entering(c, "eve")).closeCode).toBeUndefined();
    const d = await b.another();
    expect((await entering(d, "eve")).closeCode).toBeUndefined();
  });

  test.each([
    [{}, 1, "invalid_filter"],
    [{ identity: "eve", tokenId: "t" }, 1, "invalid_filter"],
    [{ identity: "" }, 1, "invalid_filter"],
    [{ identity: "eve" }, -1, "invalid_limit"],
    [{ identity: "eve" }, Infinity, "invalid_limit"],
    [{ identity: "eve" }, Number.NaN, "invalid_limit"],
  ])("refuses %o for %d ms with %s", async (revoked, ms, code) => {
    const [a] = await twoNodes({ topics });
    const given = a.live.connections.revoke(revoked as never, a.clock.now() + ms);
    await expect(given).rejects.toMatchObject({ code });
  });
});

describe("a server that cannot reach its broker", () => {
  test("trusts identities for a minute, then closes them until it is back", async () => {
    const [a, b] = await twoNodes({ topics });
    const [guest, other] = [await entering(b, "eve"), await entering(a, "eve")];
    b.broker.isAway = true;
    await a.pass(58_000);
    expect(guest.closeCode).toBeUndefined();
    await a.pass(4_000);
    await b.settle();
    expect([guest.closeCode, other.closeCode]).toEqual([4503, undefined]);
    expect(guest.take().at(-1)).toMatchObject({ type: "disconnect", code: 4503, retry: true });
    const again = await b.level1({ search: "?as=eve" });
    expect(again.take().at(-1)).toMatchObject({ type: "disconnect", code: 4503, retry: true });
    b.broker.isAway = false;
    await a.pass(2_000);
    expect((await entering(b, "eve")).closeCode).toBeUndefined();
  });

  test("keeps identities if its storage is its own", async () => {
    const [, b] = await twoNodes({ topics });
    const guest = await entering(b, "eve");
    Object.assign(b.broker, { isAway: true, isShared: false });
    await b.pass(100_000);
    expect(guest.closeCode).toBeUndefined();
  });

  test("keeps clients without identities", async () => {
    const [, b] = await twoNodes({ topics, authenticate: undefined as never });
    const guest = await entering(b, "x");
    b.broker.isAway = true;
    await b.pass(100_000);
    expect(guest.closeCode).toBeUndefined();
  });
});

describe("$connections and $nodes", () => {
  test("show what is connected, to those who may see it", async () => {
    const [a, b] = await twoNodes({ topics: watched });
    await b.pass(5);
    const eve = await b.level1({ search: "?as=eve" });
    const { connection } = eve.take()[0] as { connection: string };
    const boss = await entering(a, "boss");
    await boss.send({ type: "subscribe", id: 1, topic: "$connections" });
    await eve.send({ type: "subscribe", id: 1, topic: "$connections" });
    expect(eve.take()).toMatchObject([{ type: "error", code: "forbidden" }]);
    const snapshot = boss.take().find(({ type }) => type === "snapshot");
    expect(JSON.stringify(snapshot)).toContain(connection);
    expect(a.live.connections.find({ identity: "eve" })).toEqual([
      {
        connection,
        identity: "eve",
        node: "b",
        nodeKey: expect.any(String),
        since: expect.any(Number),
        address: "192.0.2.1",
        level: 1,
        subscriptions: 0,
        unreadBytes: 0,
      },
    ]);
    await eve.send({ type: "subscribe", id: 2, topic: "news" });
    await a.pass(20_000);
    expect(a.live.connections.find({ node: "b" })).toMatchObject([{ subscriptions: 1 }]);
    await eve.leave();
    await a.settle();
    expect(a.live.connections.find({ identity: "eve" })).toEqual([]);
    await a.pass(10_000);
    const names = [...a.live.topic("$nodes").events()].map(({ data }) => data);
    expect(names).toMatchObject([
      { name: "a", connections: 1 },
      { name: "b", connections: 0 },
    ]);
  });

  test("cannot be searched for what they do not have", async () => {
    const [a] = await twoNodes({ topics: watched });
    const find = (): unknown => a.live.connections.find({ tokenId: "t-1" } as never);
    expect(find).toThrow("find cannot filter by tokenId");
  });

  test("end with the server, also if it is killed", async () => {
    const [a, b] = await twoNodes({ topics: watched });
    await entering(b, "eve");
    await b.broker.close();
    await a.pass(120_000);
    expect(a.live.connections.find({ identity: "eve" })).toEqual([]);
    expect([...a.live.topic("$nodes").events()]).toHaveLength(1);
  });

  test("are unknown unless they are declared, and cannot be declared otherwise", async () => {
    const [a] = await twoNodes({ topics: [...topics, logTopic(":any")] });
    const guest = await entering(a, "eve");
    await guest.send({ type: "subscribe", id: 1, topic: "$connections" });
    await guest.send({ type: "subscribe", id: 2, topic: "$revocations" });
    expect(guest.take()).toMatchObject([{ code: "unknown_topic" }, { code: "unknown_topic" }]);
    expect(() => a.live.connections.find({ identity: "eve" })).toThrow("add connectionsTopic()");
    await expect(twoNodes({ topics: [logTopic("$mine")] })).rejects.toMatchObject({
      code: "invalid_topic",
    });
    expect(() => connectionsTopic({} as never)).toThrow("decide who may see it");
    const unsubscribed = a.live.connections.unsubscribe({ identity: "eve" }, undefined as never);
    await expect(unsubscribed).rejects.toMatchObject({ code: "invalid_filter" });
  });
});
