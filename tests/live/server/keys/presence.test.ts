import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import {
  keyedTopic,
  logTopic,
  type Broker,
  type BrokerTopic,
  type LiveServerOptions,
  type PresenceOptions,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../../src/live/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { Later, MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

const byToken: Pick<LiveServerOptions, "authenticate" | "tokenQuery"> = {
  authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
  tokenQuery: "as",
};

const open = (
  presence: boolean | PresenceOptions = true,
  options: Partial<LiveServerOptions> = {},
  clock = new VirtualClock(),
): Promise<MemoryLive> =>
  MemoryLive.open(
    {
      topics: [
        logTopic("news", { presence }),
        keyedTopic("devices/:site", { presence }),
        logTopic("quiet"),
      ],
      ...byToken,
      ...options,
    },
    clock,
  );

const as = (live: MemoryLive, id: string): Promise<Guest> => live.level1({ search: `?as=${id}` });
const subscribe = { type: "subscribe", id: 1, topic: "news" };
const unsubscribe = { type: "unsubscribe", id: 2, topic: "news" };

/** Returns the present subscribers, as the server's own copy of the topic has them. */
async function present(live: MemoryLive, topic = "news"): Promise<Record<string, Message>> {
  const handle = live.live.topic(`${topic}/$presence` as "x");
  await handle.ready();
  return Object.fromEntries([...handle.events()].map(({ key, data }) => [key, data as Message]));
}
async function whoIs(live: MemoryLive, topic = "news"): Promise<string[]> {
  return Object.keys(await present(live, topic)).sort();
}
const saidOf = (live: MemoryLive, topic = "news"): number =>
  live.live.topic(`${topic}/$presence` as "x").position.offset;

describe("presence", () => {
  test("is a keyed topic: the identity, what describe returns, and since when", async () => {
    const live = await open({
      describe: (identity) => ({ name: (identity as Message)["id"], since: 0 }),
    });
    const started = live.clock.now();
    const ann = await as(live, "ann");
    await ann.send(subscribe);
    await ann.send({ ...subscribe, id: 2, topic: "news/$presence" });
    await live.pass(5_000);
    const bob = await as(live, "bob");
    await bob.send(subscribe);
    await live.settle();
    const messages = ann.take().filter(({ topic }) => topic === "news/$presence");
    expect(messages).toMatchObject([
      { type: "subscribed", kind: "keyed" },
      { type: "snapshot", entries: [{ key: "ann", data: { name: "ann", since: started } }] },
      { type: "event", key: "bob", data: { name: "bob", since: started + 5_000 } },
    ]);
  });

  test("uses the connection if nobody has an identity", async () => {
    const live = await MemoryLive.open({ topics: [logTopic("news", { presence: true })] });
    const guest = await live.level1();
    const [welcome] = guest.take();
    await guest.send(subscribe);
    expect(await whoIs(live)).toEqual([welcome?.["connection"]]);
    await guest.send({ type: "hello", token: "x" });
    await guest.leave();
    await live.pass(10_200);
    expect([await whoIs(live), saidOf(live)]).toEqual([[], 2]);
  });

  test("exists for topics declared with presence, and for no others", async () => {
    const live = await open();
    const guest = await as(live, "ann");
    await guest.send({ ...subscribe, topic: "quiet" });
    const names = ["quiet/$presence", "news/$presence/$presence", "/$presence", "$presence"];
    const odd = ["x/$presence", "devices/$presence", "devices//$presence", "news/$other", "news/$"];
    // A name of many parts must not cost more than one of few.
    const long = `news${"/$presence".repeat(90_000)}`;
    for (const topic of [...names, ...odd, long]) {
      expect(await guest.ask({ ...subscribe, id: 7, topic })).toMatchObject({
        code: "unknown_topic",
      });
    }
    expect(live.errors).toEqual([]);
    expect((await live.level0("quiet/$presence", { search: "?as=ann&a=1" })).closeCode).toBe(4404);
  });

  test("lists an identity once, however many subscriptions and connections it has", async () => {
    const live = await open();
    const [one, two] = [await as(live, "ann"), await as(live, "ann")];
    await one.send(subscribe, { ...subscribe, params: { a: 1 } }, subscribe);
    await two.send(subscribe);
    expect([await whoIs(live), saidOf(live)]).toEqual([["ann"], 1]);
    await one.leave();
    await live.pass(60_000);
    expect([await whoIs(live), saidOf(live)]).toEqual([["ann"], 1]);
    await two.send(unsubscribe);
    await live.pass(10_200);
    expect([await whoIs(live), saidOf(live)]).toEqual([[], 2]);
  });

  test("is separate for each topic, even of one pattern", async () => {
    const live = await open();
    await (await as(live, "ann")).send({ ...subscribe, topic: "devices/north" });
    await (await as(live, "bob")).send({ ...subscribe, topic: "devices/south" });
    expect(await whoIs(live, "devices/north")).toEqual(["ann"]);
    expect(await whoIs(live, "devices/south")).toEqual(["bob"]);
    expect(await whoIs(live)).toEqual([]);
  });

  test("includes Level 0 clients, whose new params are not a new subscription", async () => {
    const live = await open();
    const guest = await live.level0("news", { search: "?as=ann" });
    expect(await whoIs(live)).toEqual([]);
    await guest.send({}, { a: 1 }, { a: 2 });
    expect([await whoIs(live), saidOf(live)]).toEqual([["ann"], 1]);
    await guest.leave();
    await live.pass(10_200);
    expect(await whoIs(live)).toEqual([]);
  });

  test("includes server-sent events, and no requests that are answered immediately", async () => {
    const clock = new VirtualClock();
    const live = await RunningLive.start({
      topics: [logTopic("news", { presence: true })],
      clock,
      ...byToken,
    });
    expect((await fetch(live.http("news?as=eve"))).status).toBe(200);
    const ending = new AbortController();
    const headers = { Accept: "text/event-stream" };
    await fetch(live.http("news?as=ann"), { headers, signal: ending.signal });
    const read = async (): Promise<string[]> => {
      const response = await fetch(live.http("news/$presence?as=bob"));
      const { entries } = (await response.json()) as { entries: { key: string }[] };
      return entries.map(({ key }) => key);
    };
    expect(await read()).toEqual(["ann"]);
    ending.abort();
    await expect.poll(() => live.live.census().streams).toBe(0);
    expect(await read()).toEqual(["ann"]);
    await clock.pass(10_200);
    expect(await read()).toEqual([]);
  });

  test("can be read at Level 0", async () => {
    const live = await open();
    await (await as(live, "ann")).send(subscribe);
    const guest = await live.level0("news/$presence", { search: "?as=bob&a=1" });
    expect(guest.take()).toMatchObject([{ since: live.clock.now() }]);
  });
});

describe("a subscriber that leaves", () => {
  test("stays for the grace period: if it returns by then, it was never gone", async () => {
    const live = await open({ graceMs: 3_000 });
    for (let time = 0; time < 5; time += 1) {
      const guest = await as(live, "ann");
      await guest.send(subscribe);
      await guest.leave();
      await live.pass(2_800);
    }
    const last = await as(live, "ann");
    await last.send(subscribe, unsubscribe);
    expect([await whoIs(live), saidOf(live)]).toEqual([["ann"], 1]);
  });

  test("and does not return is gone after it: ten seconds, or as declared", async () => {
    for (const [presence, graceMs] of [
      [true, 10_000],
      [{ graceMs: 3_000 }, 3_000],
    ] as const) {
      const live = await open(presence);
      const guest = await as(live, "ann");
      await guest.send(subscribe);
      await guest.leave();
      await live.pass(graceMs - 100);
      expect(await whoIs(live)).toEqual(["ann"]);
      await live.pass(300);
      expect(await whoIs(live)).toEqual([]);
    }
  });

  test("and returns after it is present again, with a new since", async () => {
    const live = await open();
    const first = await as(live, "ann");
    await first.send(subscribe);
    await first.leave();
    await live.pass(20_000);
    await (await as(live, "ann")).send(subscribe);
    expect(await present(live)).toMatchObject({ ann: { since: live.clock.now() } });
  });

  test("because its new credentials do not allow reading is gone too", async () => {
    let allowed = true;
    const live = await open(true, { authorize: () => allowed });
    const guest = await as(live, "ann");
    await guest.send(subscribe);
    allowed = false;
    await guest.send({ type: "refresh", token: "ann" });
    await live.pass(10_200);
    expect(await whoIs(live)).toEqual([]);
  });

  test("and unsubscribes twice, or from another topic, leaves once", async () => {
    const live = await open();
    const [one, two] = [await as(live, "ann"), await as(live, "ann")];
    await one.send(subscribe);
    await two.send(unsubscribe, subscribe, unsubscribe, unsubscribe);
    await live.pass(20_000);
    expect([await whoIs(live), saidOf(live)]).toEqual([["ann"], 1]);
  });

  test("leaves no topic and no timer behind", async () => {
    const live = await open();
    const timers = live.clock.timerCount;
    const guest = await as(live, "ann");
    await guest.send({ ...subscribe, topic: "devices/lab" });
    expect(live.live.census().topics).toBe(4);
    await guest.leave();
    await live.pass(100_000);
    expect(live.live.census().topics).toBe(2);
    expect(live.clock.timerCount).toBe(timers);
  });
});

describe("a describe", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;

  test.each<[string, () => unknown]>([
    [
      "that throws",
      () => {
        throw new Error("a slip");
      },
    ],
    ["of what JSON can't hold", () => ({ big: 1n })],
    ["of a circle", () => circular],
    [
      "with a field that throws",
      () => ({
        get name(): never {
          throw new Error("a slip");
        },
      }),
    ],
  ])(
    "%s is reported, and affects neither the subscription nor the presence",
    async (_what, describe) => {
      const live = await open({ describe: describe as () => Record<string, unknown> });
      const guest = await as(live, "ann");
      expect(await guest.ask(subscribe)).toMatchObject({ type: "subscribed" });
      expect(await present(live)).toEqual({ ann: { since: live.clock.now() } });
      expect(live.errors).toHaveLength(1);
      await guest.leave();
      await live.pass(10_200);
      expect(await whoIs(live)).toEqual([]);
    },
  );

  test("that returns an empty object adds nothing", async () => {
    const live = await open({ describe: (() => undefined) as never });
    await (await as(live, "ann")).send(subscribe);
    expect(await present(live)).toEqual({ ann: { since: live.clock.now() } });
    expect(live.errors).toEqual([]);
  });
});

/** A server's way to a broker that others use too; it can be cut, as when the server dies. */
class Cable implements Broker {
  readonly #broker: Broker;
  isCut = false;
  /** Appends wait for it. */
  hold: Promise<unknown> = Promise.resolve();
  readonly refused = new Set<string>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
  ): Promise<BrokerTopic> {
    if (this.refused.has(declaration.name)) throw new Error("no way to the broker");
    const topic = await this.#broker.openTopic(declaration, (event) => {
      if (!this.isCut) follow(event);
    });
    const { epoch, offset, floor } = topic;
    return {
      epoch,
      offset,
      floor,
      append: async (draft) => {
        this.#check();
        await this.hold;
        return topic.append(draft);
      },
      lease: async (held, leaseMs) => {
        this.#check();
        await topic.lease(held, leaseMs);
      },
      catchUp: () => topic.catchUp(),
      close: () => topic.close(),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #check(): void {
    if (this.isCut) throw new Error("cut");
  }
}

describe("several servers on one broker", () => {
  async function two(): Promise<{ a: MemoryLive; b: MemoryLive; cable: Cable; broker: Broker }> {
    const clock = new VirtualClock();
    const broker = new MemoryBroker({ clock });
    const cable = new Cable(broker);
    const a = await open(true, { broker: cable }, clock);
    const b = await open(true, { broker: new Cable(broker) }, clock);
    return { a, b, cable, broker };
  }

  test("see each other's subscribers", async () => {
    const { a, b } = await two();
    await (await as(a, "ann")).send(subscribe);
    await (await as(b, "bob")).send(subscribe);
    expect([await whoIs(a), await whoIs(b)]).toEqual([
      ["ann", "bob"],
      ["ann", "bob"],
    ]);
  });

  test.each(["the first", "the second"])(
    "keep a subscriber of both when %s sees it leave",
    async (which) => {
      const { a, b } = await two();
      const guests = [await as(a, "ann"), await as(b, "ann")];
      for (const guest of guests) await guest.send(subscribe);
      const said = saidOf(b);
      await guests[which === "the first" ? 0 : 1]!.leave();
      await a.pass(20_000);
      await b.settle();
      expect(await whoIs(which === "the first" ? b : a)).toEqual(["ann"]);
      // The server that published last removes the key, and the other publishes it again. If the
      // first publisher's subscriber leaves, it sends nothing.
      expect(saidOf(b) - said).toBe(which === "the first" ? 0 : 2);
      await guests[which === "the first" ? 1 : 0]!.leave();
      await b.pass(20_000);
      await a.settle();
      expect([await whoIs(a), await whoIs(b)]).toEqual([[], []]);
    },
  );

  test("drop those of a crashed server 75 s after its last renewal", async () => {
    const { a, b, cable } = await two();
    await (await as(a, "ann")).send(subscribe);
    await (await as(b, "bob")).send(subscribe);
    await a.pass(600_000);
    expect([await whoIs(b), saidOf(b)]).toEqual([["ann", "bob"], 2]);
    cable.isCut = true;
    await b.pass(74_000);
    expect(await whoIs(b)).toEqual(["ann", "bob"]);
    await b.pass(2_000);
    expect(await whoIs(b)).toEqual(["bob"]);
  });

  test("drop those of a server that crashed immediately, too", async () => {
    const { a, b, cable } = await two();
    await (await as(a, "ann")).send(subscribe);
    cable.isCut = true;
    await b.pass(74_000);
    expect(await whoIs(b)).toEqual(["ann"]);
    await b.pass(2_000);
    expect(await whoIs(b)).toEqual([]);
  });

  test("restore presence after a long disconnection, once the removal is received", async () => {
    const { a, b, cable, broker } = await two();
    await (await as(a, "ann")).send(subscribe);
    const topic = await broker.openTopic(keyedTopic("news/$presence"), () => {});
    await topic.append({ key: "ann", removed: true });
    await a.settle();
    expect(await whoIs(b)).toEqual(["ann"]);
    expect(cable.isCut).toBe(false);
    // It is held by a lease as before.
    await a.pass(300_000);
    expect(await whoIs(b)).toEqual(["ann"]);
  });
});

describe("a slow or unreachable broker", () => {
  async function cabled(): Promise<{ live: MemoryLive; cable: Cable }> {
    const clock = new VirtualClock();
    const cable = new Cable(new MemoryBroker({ clock }));
    return { live: await open(true, { broker: cable }, clock), cable };
  }

  test("a subscriber that left before its presence was stored is removed", async () => {
    const { live, cable } = await cabled();
    const held = new Later<void>();
    cable.hold = held.promise;
    const guest = await as(live, "ann");
    await guest.send(subscribe);
    await guest.leave();
    await live.pass(10_200);
    held.resolve();
    await live.pass(100);
    expect([await whoIs(live), saidOf(live)]).toEqual([[], 2]);
  });

  test("and one that returned meanwhile is present", async () => {
    const { live, cable } = await cabled();
    const held = new Later<void>();
    cable.hold = held.promise;
    const guest = await as(live, "ann");
    await guest.send(subscribe);
    await guest.leave();
    await live.pass(10_200);
    await (await as(live, "ann")).send(subscribe);
    held.resolve();
    await live.pass(100);
    expect(await whoIs(live)).toEqual(["ann"]);
    await live.pass(200_000);
    expect(await whoIs(live)).toEqual(["ann"]);
  });

  test("presence that cannot be stored is reported, and does not affect the subscription", async () => {
    const { live, cable } = await cabled();
    cable.refused.add("news/$presence");
    const guest = await as(live, "ann");
    expect(await guest.ask(subscribe)).toMatchObject({ type: "subscribed" });
    expect(live.errors).toMatchObject([{ message: "no way to the broker" }]);
    await guest.leave();
    await live.pass(10_200);
    expect(live.live.census()).toMatchObject({ sessions: 0, subscriptions: 0 });
  });

  test("presence that could not be stored is stored with the next lease, when the broker is back", async () => {
    const { live, cable } = await cabled();
    cable.refused.add("news/$presence");
    await (await as(live, "ann")).send(subscribe);
    cable.refused.clear();
    await live.pass(26_000);
    expect(await whoIs(live)).toEqual(["ann"]);
  });
});

test("a connection that ends while its topic is opening is never present", async () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock });
  const opened = new Later<void>();
  const slow: Broker = {
    openTopic: async (declaration, follow) => {
      if (declaration.name === "devices/lab") await opened.promise;
      return broker.openTopic(declaration, follow);
    },
    close: () => broker.close(),
  };
  const live = await open(true, { broker: slow }, clock);
  const guest = await as(live, "ann");
  await guest.send({ ...subscribe, topic: "devices/lab" });
  const simple = await live.level0("devices/lab", { search: "?as=bob&a=1" });
  await guest.leave();
  await simple.leave();
  opened.resolve();
  await live.settle();
  expect(await whoIs(live, "devices/lab")).toEqual([]);
  expect(live.live.census()).toMatchObject({ sessions: 0, subscriptions: 0, views: 0 });
});

test("a server that closes has no timers left, whatever its clients were doing", async () => {
  const clock = new VirtualClock();
  const live = await open(true, {}, clock);
  await (await as(live, "ann")).send(subscribe);
  await live.level1();
  await live.live.close();
  expect(clock.timerCount).toBe(0);
});
