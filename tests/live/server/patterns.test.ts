import { request } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { Catalog, type TopicEntry } from "../../../src/topics/catalog.ts";
import {
  keyedTopic,
  LiveError,
  LiveServer,
  logTopic,
  type Broker,
  type BrokerTopic,
  type LiveServerOptions,
  type TopicDeclaration,
} from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { Later, MemoryLive, type Guest } from "../../rigs/live/memory-live.ts";

const open = (
  options: Partial<LiveServerOptions> = {},
  clock = new VirtualClock(),
): Promise<MemoryLive> =>
  MemoryLive.open(
    {
      topics: [
        keyedTopic("devices/:site", { clientPublish: true }),
        logTopic("logs/:site/:year", { clientPublish: true }),
      ],
      ...options,
    },
    clock,
  );

const subscribe = (topic: string): { type: string; id: string; topic: string } => ({
  type: "subscribe",
  id: topic.slice(0, 50),
  topic,
});
const unsubscribe = (topic: string): object => ({ type: "unsubscribe", id: "u", topic });

const topicsOf = (live: MemoryLive): number => live.live.census().topics;

/** The code of the error, or what else the answer is. */
async function asked(guest: Guest, topic: string): Promise<unknown> {
  const answer = await guest.ask(subscribe(topic));
  return answer?.["code"] ?? answer?.["type"];
}

describe("names that match a pattern", () => {
  test.each([
    "devices/lab",
    "devices/..",
    "devices/.",
    "devices/~",
    "devices/-_.",
    "devices/__proto__",
    "devices/constructor",
    `devices/${"x".repeat(247)}`,
    "logs/lab/2026",
  ])("%s", async (topic) => {
    const live = await open();
    expect(await asked(await live.level1(), topic)).toBe("subscribed");
    expect(topicsOf(live)).toBe(1);
  });

  test.each([
    "devices",
    "devices/",
    "/devices/lab",
    "devices/lab/",
    "devices//lab",
    "devices/lab/x",
    "devices/:site",
    "devices/:",
    "devices/$lab",
    "devices/lab$",
    "devices/a b",
    "devices/a%2fb",
    "devices/a\\b",
    "devices/a\0b",
    "devices/é",
    "devices/a\n",
    "Devices/lab",
    "logs//2026",
    "logs/lab",
    "",
    "/",
    "__proto__",
    `devices/${"x".repeat(248)}`,
    `devices/${"x/".repeat(100_000)}`,
  ])("and not %j: unknown_topic, and nothing is opened", async (topic) => {
    const live = await open();
    const guest = await live.level1();
    const answer = await guest.ask(subscribe(topic));
    expect(answer).toMatchObject({ type: "error", code: "unknown_topic" });
    expect(JSON.stringify(answer).length).toBeLessThan(1_000);
    expect([topicsOf(live), live.errors]).toEqual([0, []]);
  });

  test("in a URL they are encoded once: %2F is a slash, and %252F is not", async () => {
    const live = await RunningLive.start({
      topics: [keyedTopic("devices/:site"), keyedTopic("devices/:site/:room")],
    });
    await live.topic("devices/lab").set("a", 1);
    expect((await fetch(live.http("devices%2Flab"))).status).toBe(200);
    const client = await live.level0("devices%2flab?x=1");
    expect(await client.next()).toBe(1);
    for (const target of ["devices%252Flab", "devices/%24presence", "devices/%00", "devices/%zz"]) {
      expect((await fetch(live.http(target))).status).toBe(404);
      expect(await (await live.level0(`${target}?x=1`)).closed).toMatchObject({ code: 4404 });
    }
    expect(live.live.census().topics).toBe(1);
  });

  test("a declared name takes precedence over a pattern, and a pattern over a later one", async () => {
    const live = await open({
      topics: [
        logTopic("devices/:site"),
        keyedTopic("devices/lab"),
        keyedTopic(":kind/:site"),
        logTopic(":any"),
      ],
    });
    const guest = await live.level1();
    const kindOf = async (topic: string): Promise<unknown> =>
      (await guest.ask(subscribe(topic)))?.["kind"];
    expect(await kindOf("devices/lab")).toBe("keyed");
    expect(await kindOf("devices/other")).toBe("log");
    expect(await kindOf("rooms/other")).toBe("keyed");
    expect(await kindOf("rooms")).toBe("log");
  });

  test.each([
    ["devices/:"],
    ["devices/:1"],
    ["devices/:a-b"],
    [":a/:a"],
    ["devices/x:a"],
    ["/:a"],
    [":a/"],
    ["a/$presence"],
    [""],
    ["x".repeat(256)],
  ])("%j is not a pattern: invalid_topic", async (name) => {
    await expect(open({ topics: [logTopic(name)] })).rejects.toMatchObject({
      code: "invalid_topic",
    });
  });

  test.each(["devices/:site", "devices/lab"])("%s declared twice: invalid_topic", async (name) => {
    const topics = [logTopic(name), keyedTopic(name)];
    await expect(open({ topics })).rejects.toMatchObject({ code: "invalid_topic" });
  });
});

describe("a topic of a pattern", () => {
  const topic = "devices/lab";
  const set = { type: "publish", id: "p", topic, key: "a", data: 1 };

  test("is opened by its first use: a subscription, a publish, a request, or the server's own code", async () => {
    const live = await open();
    expect(topicsOf(live)).toBe(0);
    const guest = await live.level1();
    await guest.send(subscribe("devices/a"));
    expect(topicsOf(live)).toBe(1);
    expect(await guest.ask({ ...set, topic: "devices/b" })).toMatchObject({ type: "published" });
    expect(topicsOf(live)).toBe(2);
    await live.level0("devices/c", { search: "?x=1" });
    expect(topicsOf(live)).toBe(3);
    await live.live.topic("devices/d" as "x").ready();
    await live.live.topic("devices/e" as "x").set("a", 1);
    expect(topicsOf(live)).toBe(5);
  });

  test("is closed half a minute after its last use, and returns with everything it had", async () => {
    const live = await open();
    const guest = await live.level1();
    await guest.send(set, subscribe(topic));
    const { epoch } = live.live.topic(topic as "x").position;
    await live.pass(300_000);
    expect(topicsOf(live)).toBe(1);
    await guest.send(unsubscribe(topic));
    // Its use is looked at twice in a heartbeat.
    await live.pass(22_000);
    expect(topicsOf(live)).toBe(1);
    await live.pass(18_000);
    expect(topicsOf(live)).toBe(0);
    guest.take();
    await guest.send({ ...subscribe(topic), since: { epoch, offset: 1 } });
    expect(guest.take()).toMatchObject([
      { type: "subscribed", epoch, offset: 1, resumed: true },
      { type: "snapshot", entries: [], complete: false },
    ]);
    await guest.ask({ ...set, data: 2 });
    expect(guest.take()).toMatchObject([
      { type: "event", offset: 2, data: 2 },
      { type: "published" },
    ]);
  });

  test("declared by name is never closed", async () => {
    const live = await open({ topics: [keyedTopic("devices")] });
    await live.pass(300_000);
    expect(topicsOf(live)).toBe(1);
  });

  test("is kept open by a listener until it stops", async () => {
    const live = await open();
    const handle = live.live.topic(topic as "x");
    await handle.ready();
    const heard: unknown[] = [];
    const stop = handle.onEvent(({ data }) => heard.push(data));
    await live.pass(300_000);
    await handle.set("a", 1);
    expect(heard).toEqual([1]);
    stop();
    await live.pass(70_000);
    expect(topicsOf(live)).toBe(0);
  });

  test("is kept open by connection-owned keys, and closed when they are gone", async () => {
    const live = await open({
      topics: [keyedTopic("devices/:site", { clientPublish: true, keyLifetime: "connection" })],
    });
    const guest = await live.level1();
    await guest.send(set);
    await live.pass(300_000);
    expect(topicsOf(live)).toBe(1);
    expect(live.live.topic(topic as "x").get("a")).toBe(1);
    await guest.leave();
    await live.pass(70_000);
    expect(topicsOf(live)).toBe(0);
  });

  test("is kept open by a publish that the broker has not answered", async () => {
    const clock = new VirtualClock();
    const answer = new Later<void>();
    const broker = new MemoryBroker({ clock });
    const live = await open({ broker: slowToAppend(broker, answer.promise) }, clock);
    const guest = await live.level1();
    await guest.send(set);
    await live.pass(300_000);
    expect(topicsOf(live)).toBe(1);
    answer.resolve();
    await live.settle();
    expect(guest.take().at(-1)).toMatchObject({ type: "published", offset: 1 });
    await live.pass(70_000);
    expect(topicsOf(live)).toBe(0);
  });

  test("is kept open by ready for half a minute each time", async () => {
    const live = await open();
    const handle = live.live.topic(topic as "x");
    await handle.ready();
    await live.pass(22_000);
    await handle.ready();
    await live.pass(22_000);
    expect([...handle.events()]).toEqual([]);
    await live.pass(18_000);
    expect(() => handle.events()).toThrow("ready()");
  });

  test("must be open for reading: topic_not_ready; writing opens it", async () => {
    const live = await open();
    const handle = live.live.topic(topic as "x");
    const notReady = expect.objectContaining({ code: "topic_not_ready" });
    expect(() => handle.position).toThrow(notReady);
    expect(() => handle.get("a")).toThrow(notReady);
    expect(() => handle.events()).toThrow(notReady);
    expect(() => handle.onEvent(() => {})).toThrow(notReady);
    await handle.remove("a");
    expect(handle.position.offset).toBe(1);
    expect(() => live.live.topic("nothing" as "x")).toThrow(
      expect.objectContaining({ code: "unknown_topic" }),
    );
  });

  test("stores a slowly sent body even if the topic is closed meanwhile", async () => {
    const clock = new VirtualClock();
    // It forgets what nobody follows as soon as it needs the room.
    const broker = new MemoryBroker({ clock, maxTopics: 1 + SERVER_TOPICS });
    const topics = [logTopic("logs/:site", { clientPublish: true })];
    const live = await RunningLive.start({ topics, clock, broker });
    const posting = request(live.http("logs/lab"), { method: "POST" });
    onTestFinished(() => void posting.destroy());
    const answered = new Promise<number>((resolve) =>
      posting.on("response", (response) => resolve(response.resume().statusCode!)),
    );
    posting.write('{"data":');
    await expect.poll(() => live.responses.length).toBe(1);
    await clock.pass(100_000);
    await live.topic("logs/other" as "x").ready();
    await clock.pass(100_000);
    posting.end("1}");
    expect(await answered).toBe(201);
    const state = (await (await fetch(live.http("logs/lab"))).json()) as { events: unknown[] };
    expect(state.events).toEqual([{ offset: 1, data: 1 }]);
  });
});

/** A broker that opens only what the server itself needs. */
function failing(error: Error): Broker {
  const broker = new MemoryBroker();
  return {
    openTopic: async (declaration, follow) => {
      if (!declaration.name.startsWith("$")) throw error;
      return broker.openTopic(declaration, follow);
    },
    close: () => broker.close(),
  };
}

/** The server's own topics. */
const SERVER_TOPICS = 2;

function slowToAppend(broker: Broker, answer: Promise<void>): Broker {
  return {
    openTopic: async (declaration, follow): Promise<BrokerTopic> => {
      const topic = await broker.openTopic(declaration, follow);
      const append: BrokerTopic["append"] = async (draft) => {
        await answer;
        return topic.append(draft);
      };
      return { ...topic, append };
    },
    close: () => broker.close(),
  };
}

/** Opens topics when the test wants, or not at all. */
class Gated implements Broker {
  readonly #broker: Broker;
  readonly opened: string[] = [];
  closed = 0;
  gate: Promise<unknown> = Promise.resolve();

  constructor(clock: VirtualClock) {
    this.#broker = new MemoryBroker({ clock });
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: Parameters<Broker["openTopic"]>[1],
  ): Promise<BrokerTopic> {
    if (declaration.name.startsWith("$")) return this.#broker.openTopic(declaration, follow);
    this.opened.push(declaration.name);
    await this.gate;
    const topic = await this.#broker.openTopic(declaration, follow);
    const close = (): Promise<void> => {
      this.closed += 1;
      return topic.close();
    };
    return { ...topic, close };
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

describe("while a topic is opening", () => {
  const topic = "devices/lab";

  async function gated(): Promise<{ live: MemoryLive; broker: Gated; opened: Later<void> }> {
    const clock = new VirtualClock();
    const broker = new Gated(clock);
    const opened = new Later<void>();
    broker.gate = opened.promise;
    return { live: await open({ broker }, clock), broker, opened };
  }

  test("all callers wait for the same opening", async () => {
    const { live, broker, opened } = await gated();
    const guests = await Promise.all([live.level1(), live.level1()]);
    for (const guest of guests) await guest.send(subscribe(topic));
    const simple = await live.level0(topic, { search: "?x=1" });
    const publish = { type: "publish", id: "p", topic, key: "a", data: 1 };
    const writer = await live.level1();
    await writer.send(publish);
    expect(live.live.census()).toMatchObject({ topics: 0, subscriptions: 0 });
    opened.resolve();
    await live.settle();
    expect(broker.opened).toEqual([topic]);
    for (const guest of guests) {
      expect(guest.types().slice(0, 3)).toEqual(["welcome", "subscribed", "snapshot"]);
    }
    expect(writer.take()).toMatchObject([{}, { type: "published", offset: 1 }]);
    expect(simple.take()).toEqual([1]);
    expect(live.live.census()).toMatchObject({ topics: 1, subscriptions: 3 });
  });

  test("a caller that leaves does not affect the others, and leaves nothing behind", async () => {
    const { live, opened } = await gated();
    const [one, two] = [await live.level1(), await live.level1()];
    for (const guest of [one, two]) await guest.send(subscribe(topic));
    await one.leave();
    opened.resolve();
    await live.settle();
    expect(two.types()).toEqual(["welcome", "subscribed", "snapshot"]);
    expect(live.live.census()).toMatchObject({ subscriptions: 1, sessions: 1 });
  });

  test("if the only caller leaves, the topic is closed again after half a minute", async () => {
    const { live, broker, opened } = await gated();
    const guest = await live.level1();
    await guest.send(subscribe(topic));
    await guest.leave();
    opened.resolve();
    await live.settle();
    expect(live.live.census()).toMatchObject({ subscriptions: 0, views: 0 });
    await live.pass(70_000);
    expect([topicsOf(live), broker.closed]).toEqual([0, 1]);
  });

  test("a server that closes meanwhile closes the topic again", async () => {
    const { live, broker, opened } = await gated();
    const guest = await live.level1();
    await guest.send(subscribe(topic));
    const ended = guest.leave();
    await live.live.close();
    opened.resolve();
    await live.settle();
    await ended;
    expect(broker.closed).toBe(1);
  });

  test("later messages of the client wait, and are answered in order", async () => {
    const { live, opened } = await gated();
    const guest = await live.level1();
    await guest.send(subscribe(topic), { type: "ping", id: 1 });
    expect(guest.types()).toEqual(["welcome"]);
    opened.resolve();
    await live.settle();
    expect(guest.types()).toEqual(["subscribed", "snapshot", "pong"]);
  });

  test.each([
    ["unavailable", new LiveError("unavailable", "Too many."), 4503, 503, 0],
    ["internal", new Error("a password"), 1011, 500, 1],
  ] as const)(
    "if the broker rejects, all callers receive %s, and the next attempt succeeds",
    async (code, error, closeCode, status, reports) => {
      const { live, broker, opened } = await gated();
      const guests = [await live.level1(), await live.level1()];
      for (const guest of guests) await guest.send(subscribe(topic));
      const simple = await live.level0(topic, { search: "?x=1" });
      opened.reject(error);
      await live.settle();
      for (const guest of guests) {
        const [, answer] = guest.take();
        expect(answer).toMatchObject({ type: "error", id: topic, code });
        expect(answer?.["message"]).not.toContain("password");
      }
      expect(simple.closeCode).toBe(closeCode);
      expect(live.errors).toHaveLength(reports * 3);
      expect(live.live.census()).toMatchObject({ subscriptions: 0, topics: 0 });
      broker.gate = Promise.resolve();
      expect(await guests[0]!.ask(subscribe(topic))).toMatchObject({ type: "subscribed" });
      const running = await RunningLive.start({
        topics: [keyedTopic("devices/:site")],
        broker: failing(error),
        onError: () => {},
      });
      expect((await fetch(running.http(topic))).status).toBe(status);
    },
  );

  test("a broker that fails for a topic declared by name fails the server's opening", async () => {
    const broker: Broker = {
      openTopic: () => Promise.reject(new Error("away")),
      close: () => Promise.resolve(),
    };
    await expect(LiveServer.open({ topics: [logTopic("news")], broker })).rejects.toThrow("away");
  });
});

describe("the number of open topics", () => {
  const free = {
    requestBurst: 1e6,
    requestsPerSecond: 1e6,
    identityRequestBurst: 1e6,
    maxSubscriptions: 1e6,
  };

  test("is limited, however many names clients use; idle topics make room", async () => {
    const live = await open({ ...free, maxTopics: 100 });
    const guest = await live.level1();
    const names = Array.from({ length: 10_000 }, (_, n) => `devices/${n}`);
    await guest.send(...names.flatMap((name) => [subscribe(name), unsubscribe(name)]));
    await live.settle();
    const codes = guest.take().map(({ type, code }) => code ?? type);
    expect(codes.filter((code) => code === "subscribed")).toHaveLength(100);
    expect(codes.filter((code) => code === "unavailable")).toHaveLength(9_900);
    expect(topicsOf(live)).toBe(100);
    await live.pass(1_000);
    expect(await asked(guest, "devices/one-more")).toBe("subscribed");
    expect(topicsOf(live)).toBe(1);
    await guest.send(unsubscribe("devices/one-more"));
    await live.pass(70_000);
    expect(topicsOf(live)).toBe(0);
  });

  test("topics in use are not closed for others: unavailable, 4503, 503, and they continue", async () => {
    const live = await open({ maxTopics: 2 });
    const guest = await live.level1();
    await guest.send(subscribe("devices/a"), subscribe("devices/b"));
    await live.pass(100_000);
    expect(await asked(guest, "devices/c")).toBe("unavailable");
    expect((await live.level0("devices/c", { search: "?x=1" })).closeCode).toBe(4503);
    expect(await asked(guest, "devices/a")).toBe("subscribed");
    guest.take();
    await live.live.topic("devices/b" as "x").set("k", 1);
    await live.settle();
    expect(guest.take()).toMatchObject([{ type: "event", topic: "devices/b" }]);
    const running = await RunningLive.start({
      topics: [logTopic("news"), logTopic(":any")],
      maxTopics: 1,
    });
    const response = await fetch(running.http("other"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  test("topics that are opening count", async () => {
    const clock = new VirtualClock();
    const broker = new Gated(clock);
    broker.gate = new Promise(() => {});
    const live = await open({ broker, maxTopics: 2 }, clock);
    for (const name of ["a", "b", "c"]) {
      const guest = await live.level1();
      await guest.send(subscribe(`devices/${name}`));
      expect(guest.types()).toEqual(name === "c" ? ["welcome", "error"] : ["welcome"]);
    }
    expect(broker.opened).toEqual(["devices/a", "devices/b"]);
  });

  test("a name without room does not cause a check of all the others", async () => {
    const clock = new VirtualClock();
    const live = await open({ ...free, maxTopics: 2_000 }, clock);
    const guest = await live.level1();
    const names = Array.from({ length: 2_000 }, (_, n) => `devices/${n}`);
    await guest.send(...names.flatMap((name) => [subscribe(name), unsubscribe(name)]));
    await live.settle();
    let looks = 0;
    const now = clock.now.bind(clock);
    clock.now = () => {
      looks += 1;
      return now();
    };
    await guest.send(...Array.from({ length: 100 }, (_, n) => subscribe(`logs/lab/${n}`)));
    expect(topicsOf(live)).toBe(2_000);
    expect(looks).toBeLessThan(10_000);
  });

  test("a topic that took long to open is not immediately idle", async () => {
    const clock = new VirtualClock();
    const broker = new Gated(clock);
    const opened = new Later<void>();
    broker.gate = opened.promise;
    const host = { clock, report: (error: unknown): void => expect.unreachable(String(error)) };
    const topics = [logTopic("logs/:site")];
    const catalog = await Catalog.open(topics, broker, { ...host, maxTopics: 1 });
    const [a, b] = ["logs/a", "logs/b"].map((name) => catalog.find(name)) as [
      TopicEntry,
      TopicEntry,
    ];
    const opening = catalog.open(a);
    clock.advance(5_000);
    opened.resolve();
    await opening;
    await expect(catalog.open(b)).rejects.toMatchObject({ code: "unavailable" });
    clock.advance(1_000);
    await catalog.open(b);
    expect([catalog.get("logs/a"), catalog.size]).toEqual([undefined, 1]);
  });

  test("a topic whose closing fails is reported, and opened again", async () => {
    const clock = new VirtualClock();
    const inner = new MemoryBroker({ clock });
    const broker: Broker = {
      openTopic: async (declaration, follow) => ({
        ...(await inner.openTopic(declaration, follow)),
        close: () => Promise.reject(new Error("no answer")),
      }),
      close: () => inner.close(),
    };
    const live = await open({ broker }, clock);
    const guest = await live.level1();
    await guest.send(subscribe("devices/a"), unsubscribe("devices/a"));
    await live.pass(70_000);
    expect(live.errors).toMatchObject([{ message: "no answer" }]);
    expect(await asked(guest, "devices/a")).toBe("subscribed");
  });
});
