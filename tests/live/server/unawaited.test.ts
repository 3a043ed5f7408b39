import { fork } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { keyedTopic, LiveError, logTopic, type Broker } from "../../../src/live/index.ts";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { settled } from "../../../src/testing/settled.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { stopEngines } from "../../rigs/brokers/engine-process.ts";
import { RedisServer } from "../../rigs/brokers/redis-server.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

afterAll(stopEngines);

/** A memory broker whose engine can be away. */
function fallible(clock: VirtualClock): { broker: Broker; away: { is: boolean } } {
  const memory = new MemoryBroker({ clock });
  const away = { is: false };
  const refuse = (): never => {
    throw new LiveError("unavailable", "The broker is away; try again later.");
  };
  const broker: Broker = {
    async openTopic(declaration, follow) {
      if (away.is) refuse();
      const topic = await memory.openTopic(declaration, follow);
      const append: typeof topic.append = async (draft) =>
        away.is ? refuse() : topic.append(draft);
      return new Proxy(topic, {
        get: (target, name) => {
          if (name === "append") return append;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
    close: () => memory.close(),
  };
  return { broker, away };
}

async function open(): Promise<{ live: MemoryLive; away: { is: boolean } }> {
  const clock = new VirtualClock();
  const { broker, away } = fallible(clock);
  const topics = [logTopic("news"), keyedTopic("prices"), keyedTopic("rooms/:id")];
  const live = await MemoryLive.open({ topics, broker }, clock);
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", onUnhandled);
  onTestFinished(() => {
    process.off("unhandledRejection", onUnhandled);
    expect(unhandled).toEqual([]);
  });
  return { live, away };
}

test("rejections of publish, set, remove and ready that nobody awaits are reported and do not end the process", async () => {
  const { live, away } = await open();
  away.is = true;
  void live.live.topic("news").publish(1);
  void live.live.topic("prices").set("ACME", 1);
  void live.live.topic("prices").remove("ACME");
  void live.live.topic("rooms/1").ready();
  void live.live.topic("rooms/1").set("a", 1);
  await settled();
  expect(live.reports.map(({ code, message }) => `${code} ${message}`).toSorted()).toEqual([
    'append_failed The topic "news" did not accept an event: The broker is away; try again later. Await the promise to handle it in place.',
    'append_failed The topic "prices" did not accept an event: The broker is away; try again later. Await the promise to handle it in place.',
    'append_failed The topic "rooms/1" did not accept an event: The broker is away; try again later. Await the promise to handle it in place.',
    'open_failed The topic "rooms/1" was not opened: The broker is away; try again later. Await the promise to handle it in place.',
  ]);
  expect(live.errors[0]).toMatchObject({ code: "unavailable" });
});

test("an awaited promise rejects, and nothing is reported", async () => {
  const { live, away } = await open();
  away.is = true;
  const prices = live.live.topic("prices");
  const why = { code: "unavailable" };
  await expect(prices.set("a", 1)).rejects.toMatchObject(why);
  await expect(Promise.all([prices.set("a", 1), prices.set("b", 1)])).rejects.toMatchObject(why);
  await expect(
    prices.set("a", 1).then(
      () => undefined,
      (error: unknown) => error,
    ),
  ).resolves.toMatchObject(why);
  await expect(prices.set("a", 1).finally(() => {})).rejects.toMatchObject(why);
  const inside = async (): Promise<unknown> => prices.set("a", 1);
  await expect(inside()).rejects.toMatchObject(why);
  // Refused before the broker is asked, so rejected at once.
  await expect(live.live.topic("news").set("a", 1)).rejects.toMatchObject({ code: "bad_request" });
  await settled();
  expect(live.reports).toEqual([]);
});

test("a promise that is awaited only after its rejection is reported, and still rejects", async () => {
  const { live, away } = await open();
  away.is = true;
  const pending = live.live.topic("prices").set("a", 1);
  await settled();
  expect(live.reports).toHaveLength(1);
  await expect(pending).rejects.toMatchObject({ code: "unavailable" });
});

test("an awaited promise resolves with the receipt", async () => {
  const { live } = await open();
  const pending = live.live.topic("news").publish(1);
  expect(pending).toBeInstanceOf(Promise);
  expect(pending.then(() => 1)).not.toHaveProperty("constructor", pending.constructor);
  expect(await pending).toEqual({ offset: 1, duplicate: false });
});

test("a loop that keeps failing is reported once, then once a minute with a count", async () => {
  const { live, away } = await open();
  away.is = true;
  for (let n = 0; n < 500; n += 1) {
    void live.live.topic("prices").set(`key ${n}`, n);
    void live.live.topic(`rooms/${n}`).set("a", n);
  }
  await settled();
  expect(live.reports.map(({ message }) => message)).toEqual([
    expect.stringContaining('"prices"'),
    expect.stringContaining('"rooms/0"'),
  ]);
  await live.pass(60_000);
  expect(live.reports.slice(2).map(({ message }) => message)).toEqual([
    expect.stringContaining("It occurred 499 more times within a minute."),
    expect.stringContaining("It occurred 499 more times within a minute."),
  ]);
  void live.live.topic("prices").set("a", 1);
  await live.pass(60_000);
  expect(live.reports.slice(4)).toMatchObject([
    { message: expect.stringContaining("It occurred 1 more times") },
  ]);
  // A minute without any: the next one is news.
  await live.pass(60_000);
  void live.live.topic("prices").set("a", 1);
  await settled();
  expect(live.reports).toHaveLength(6);
});

test("the README's loop survives a Redis that is killed, and continues when it is back", async () => {
  const redis = await RedisServer.start({ durable: true });
  const child = fork(join(import.meta.dirname, "publish-loop.mjs"), [redis.url]);
  onTestFinished(() => void child.kill());
  const said: string[] = [];
  let wake = (): void => {};
  child.on("message", (text) => {
    said.push(text as string);
    wake();
  });
  child.on("exit", () => wake());
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) {
      if (child.exitCode !== null) throw new Error(`the loop ended with ${child.exitCode}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  await until(() => said.includes("stored"));
  await redis.kill();
  await until(() => said.some((text) => text.startsWith("append_failed")));
  const failedAt = said.length;
  await until(() => said.length > failedAt + 20);
  // Those that were on their way, of which nothing is known, are another kind than those refused.
  const reports = said.filter((text) => text.startsWith("append_failed"));
  expect(reports).toEqual([...new Set(reports)]);
  await redis.restart();
  const backAt = said.length;
  await until(() => said.includes("stored", backAt));
  await redis.stop();
});
