import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { keyedTopic, logTopic, method } from "../../../src/live/index.ts";
import { SliceQueue } from "../../../src/topics/slices/slice-queue.ts";
import { TurnClock } from "../../rigs/clock/turn-clock.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import type { Message } from "../../rigs/live/live-client.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

const DAY_MS = 86_400_000;

const authenticate = ({ token }: { token: string | undefined }): { id: string } | undefined =>
  token === undefined || token === "wrong" ? undefined : { id: token };

const as = (id: string): object => ({ headers: { authorization: `Bearer ${id}` } });

/**
 * An administrator, or a time server, sets the clock. Only what is compared with other clocks may
 * notice: the ends of tokens.
 */
describe.each([
  ["forward", DAY_MS],
  ["back", -DAY_MS],
])("with a clock that is set a day %s", (_direction, byMs) => {
  test("used up requests do not return, and return in their time", async () => {
    const live = await MemoryLive.open({ topics: [], requestBurst: 2, requestsPerSecond: 1 });
    const guest = await live.level1();
    const call = (id: number): Message => ({ type: "call", id, method: "none" });
    await guest.send(call(1), call(2));
    live.clock.set(byMs);
    expect(await guest.ask(call(3))).toMatchObject({ code: "rate_limited" });
    await live.pass(1_100);
    expect(await guest.ask(call(4))).toMatchObject({ code: "unknown_method" });
  });

  test("failed logins are not forgotten, and forgotten in their time", async () => {
    const live = await MemoryLive.open({ topics: [], failedLoginBurst: 1, authenticate });
    await (await live.level1(as("wrong"))).leave();
    live.clock.set(byMs);
    const early = await live.level1(as("ann"));
    await live.pass(1_100);
    expect(early.closeCode).toBe(4429);
    expect((await live.level1(as("ann"))).types()).toEqual(["welcome"]);
  });

  test("events do not expire, and expire in their time", async () => {
    const live = await MemoryLive.open({
      topics: [logTopic("news", { retention: { maxAgeMs: 60_000 } })],
    });
    const topic = live.live.topic("news" as never) as unknown as {
      publish(data: unknown): Promise<unknown>;
      events(): Iterable<unknown>;
    };
    await topic.publish(1);
    live.clock.set(byMs);
    await live.pass(50_000);
    expect([...topic.events()]).toHaveLength(1);
    await live.pass(11_000);
    expect([...topic.events()]).toHaveLength(0);
  });

  test("repeats of a publish and of a call are recognized", async () => {
    let made = 0;
    const live = await MemoryLive.open({
      topics: [logTopic("news", { clientPublish: true })],
      methods: { count: method({ handle: () => (made += 1) }) },
      authenticate,
    });
    const guest = await live.level1(as("ann"));
    const publish = { type: "publish", topic: "news", data: 1, idempotencyKey: "k" };
    const call = { type: "call", method: "count", idempotencyKey: "c" };
    await guest.ask({ ...publish, id: 1 });
    await guest.ask({ ...call, id: 2 });
    live.clock.set(byMs);
    expect(await guest.ask({ ...publish, id: 3 })).toMatchObject({ duplicate: true });
    expect(await guest.ask({ ...call, id: 4 })).toMatchObject({ data: 1 });
  });

  test("presence and keys of connections stay, and end in their time", async () => {
    const live = await MemoryLive.open({
      topics: [
        logTopic("news", { presence: true }),
        keyedTopic("owned", { clientPublish: true, keyLifetime: "connection" }),
      ],
      authenticate,
    });
    const keysOf = async (name: string): Promise<unknown[]> => {
      const topic = live.live.topic(name as "x");
      await topic.ready();
      return [...topic.events()].map(({ key }) => key);
    };
    const guest = await live.level1(as("ann"));
    await guest.send(
      { type: "subscribe", id: 1, topic: "news" },
      { type: "publish", id: 2, topic: "owned", key: "a", data: 1 },
    );
    live.clock.set(byMs);
    await live.pass(200_000);
    expect([await keysOf("news/$presence"), await keysOf("owned")]).toEqual([["ann"], ["a"]]);
    await guest.leave();
    live.clock.set(byMs);
    await live.pass(5_000);
    expect([await keysOf("news/$presence"), await keysOf("owned")]).toEqual([["ann"], []]);
    await live.pass(6_000);
    expect(await keysOf("news/$presence")).toEqual([]);
  });

  test("a connection is silent, old and late by the time that passed", async () => {
    const live = await MemoryLive.open({
      topics: [],
      heartbeatMs: 5_000,
      maxConnectionAgeMs: 60_000,
    });
    const guest = await live.level1();
    live.clock.set(byMs);
    await live.pass(50_000);
    expect(guest.closeCode).toBeUndefined();
    await live.pass(20_000);
    expect(guest.closeCode).toBe(1012);
  });

  test("a broker keeps events for those that join later", async () => {
    const clock = new VirtualClock();
    const broker = new MemoryBroker({ clock });
    const news = logTopic("news", { retention: { maxAgeMs: 60_000 } });
    const joined = async (): Promise<unknown[]> => {
      const events: unknown[] = [];
      await broker.openTopic(news, ({ data }) => events.push(data));
      return events;
    };
    const topic = await broker.openTopic(news, () => {});
    await topic.append({ data: 1 });
    clock.set(byMs);
    clock.advance(50_000);
    await topic.append({ data: 2 });
    expect(await joined()).toEqual([1, 2]);
    clock.advance(11_000);
    await topic.append({ data: 3 });
    expect(await joined()).toEqual([2, 3]);
  });

  test("a turn of slices lasts as long as ever", () => {
    const clock = new SettableTurnClock();
    const slices = new SliceQueue(clock);
    let ran = 0;
    const runSlice = (): void => {
      ran += 1;
      clock.setBy += byMs;
      clock.time += 6;
    };
    for (let n = 0; n < 6; n += 1) slices.enqueue("a", { runSlice });
    // A turn ends after 10 ms.
    clock.turn();
    expect(ran).toBe(2);
  });
});

class SettableTurnClock extends TurnClock {
  setBy = 0;

  wallTime(): number {
    return this.time + this.setBy;
  }
}
