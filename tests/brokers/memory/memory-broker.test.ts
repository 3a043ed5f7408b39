import { describe, expect, test } from "vitest";
import { Ledger } from "../../../src/base/index.ts";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { IdempotencyWindow } from "../../../src/brokers/shared/idempotency-window.ts";
import { keyedTopic, logTopic } from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { describeBroker } from "../../rigs/brokers/broker-contract.ts";

const WINDOW_MS = 300_000;

describeBroker("the memory broker", async () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock });
  return {
    broker,
    another: () => Promise.resolve(broker),
    // It ends with the process, and there is no other one.
    kill: () => {},
    passWindow: () => clock.advance(WINDOW_MS + 1),
    pass: (ms) => clock.pass(ms),
    // A closed one keeps nothing.
    kept: () => Promise.resolve(0),
  };
});

test("a topic that a closed memory broker has forgotten returns under another epoch", async () => {
  const broker = new MemoryBroker();
  const before = await broker.openTopic(logTopic("t"), () => {});
  await before.append({ data: 1 });
  await broker.close();
  const after = await broker.openTopic(logTopic("t"), () => {});
  expect(after.offset).toBe(0);
  expect(after.epoch).not.toBe(before.epoch);
});

test("an idempotency key is remembered for exactly five minutes", () => {
  const clock = new VirtualClock();
  const window = new IdempotencyWindow(clock);
  window.remember("k", 7);
  clock.advance(WINDOW_MS);
  expect(window.find("k")).toBe(7);
  clock.advance(1);
  expect(window.find("k")).toBeUndefined();
});

test("keys that expire together are dropped in steps, and are not found in between", () => {
  const clock = new VirtualClock();
  const dropped: number[] = [];
  const window = new IdempotencyWindow(clock, (offset) => dropped.push(offset));
  for (let offset = 1; offset <= 2_500; offset += 1) window.remember(`k${offset}`, offset);
  clock.advance(WINDOW_MS);
  expect(dropped).toEqual([]);
  clock.advance(1);
  expect(dropped).toHaveLength(1_000);
  expect(window.find("k2500")).toBeUndefined();
  clock.advance(1);
  expect(dropped).toHaveLength(2_500);
  expect(window.isEmpty).toBe(true);
  expect(clock.timerCount).toBe(0);
});

const ignore = (): void => {};

describe("the payer of an idempotency key", () => {
  test("is refunded when the key expires, without another publish", () => {
    const clock = new VirtualClock();
    const payer = new Ledger().payer("a");
    const window = new IdempotencyWindow(clock);
    window.charge("k", payer);
    window.remember("k", 7, { payer });
    clock.advance(1_000);
    window.charge("l", payer);
    window.remember("l", 8, { payer });
    const both = payer.heldBytes;
    clock.advance(WINDOW_MS - 999);
    expect(payer.heldBytes).toBe(both / 2);
    clock.advance(1_000);
    expect(payer.heldBytes).toBe(0);
    expect(clock.timerCount).toBe(0);
  });

  test("is refunded when the broker closes", async () => {
    const clock = new VirtualClock();
    const payer = new Ledger().payer("a");
    const broker = new MemoryBroker({ clock });
    const topic = await broker.openTopic(logTopic("t"), ignore);
    await topic.append({ data: 1, idempotencyKey: "k", payer });
    expect(payer.heldBytes).toBeGreaterThan(0);
    await broker.close();
    expect(payer.heldBytes).toBe(0);
    expect(clock.timerCount).toBe(0);
  });
});

test("closing a memory broker ends all leases: nothing is followed and no timer waits", async () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock });
  let told = 0;
  const topic = await broker.openTopic(keyedTopic("t"), () => (told += 1));
  await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
  expect(clock.timerCount).toBe(2);
  await broker.close();
  expect(clock.timerCount).toBe(0);
  clock.advance(5_000);
  expect(told).toBe(1);
});

describe("a memory broker with maxTopics topics", () => {
  const full = async (): Promise<{ broker: MemoryBroker; clock: VirtualClock }> => {
    const clock = new VirtualClock();
    return { broker: new MemoryBroker({ clock, maxTopics: 1 }), clock };
  };
  const unavailable = { code: "unavailable" };

  test("refuses another one as unavailable, and opens the existing ones", async () => {
    const { broker } = await full();
    await broker.openTopic(logTopic("a"), ignore);
    await expect(broker.openTopic(logTopic("b"), ignore)).rejects.toMatchObject(unavailable);
    await broker.openTopic(logTopic("a"), ignore);
  });

  test("forgets a topic that has no followers and keeps nothing", async () => {
    const { broker } = await full();
    const a = await broker.openTopic(logTopic("a"), ignore);
    await a.close();
    await broker.openTopic(logTopic("b"), ignore);
    await expect(broker.openTopic(logTopic("a"), ignore)).rejects.toMatchObject(unavailable);
  });

  test("does not forget a topic that keeps events until they have expired", async () => {
    const { broker, clock } = await full();
    const a = await broker.openTopic(logTopic("a", { retention: { maxAgeMs: 600_000 } }), ignore);
    await a.append({ data: 1 });
    await a.close();
    await expect(broker.openTopic(logTopic("b"), ignore)).rejects.toMatchObject(unavailable);
    clock.advance(600_001);
    await broker.openTopic(logTopic("b"), ignore);
  });

  test("does not forget a topic whose publishes can be repeated", async () => {
    const { broker, clock } = await full();
    const a = await broker.openTopic(logTopic("a", { retention: { maxAgeMs: 1_000 } }), ignore);
    const first = await a.append({ data: 1, idempotencyKey: "k" });
    await a.close();
    clock.advance(10_000);
    await expect(broker.openTopic(logTopic("b"), ignore)).rejects.toMatchObject(unavailable);
    const again = await broker.openTopic(logTopic("a"), ignore);
    const repeated = await again.append({ data: 1, idempotencyKey: "k" });
    expect(repeated).toEqual({ offset: first.offset, duplicate: true });
    await again.close();
    clock.advance(WINDOW_MS + 1);
    await broker.openTopic(logTopic("b"), ignore);
  });

  test("does not forget removals while a client may still need them", async () => {
    const { broker, clock } = await full();
    const a = await broker.openTopic(keyedTopic("a", { retention: { maxAgeMs: 1_000 } }), ignore);
    await a.append({ key: "k", data: 1 });
    await a.append({ key: "k", removed: true });
    await a.close();
    await expect(broker.openTopic(logTopic("b"), ignore)).rejects.toMatchObject(unavailable);
    clock.advance(1_001);
    await broker.openTopic(logTopic("b"), ignore);
  });

  test("a forgotten topic that had events returns under another epoch", async () => {
    const { broker, clock } = await full();
    const a = await broker.openTopic(logTopic("a", { retention: { maxAgeMs: 1 } }), ignore);
    await a.append({ data: 1 });
    await a.close();
    clock.advance(5_000);
    const b = await broker.openTopic(logTopic("b"), ignore);
    await b.close();
    const again = await broker.openTopic(logTopic("a"), ignore);
    expect(again.epoch).not.toBe(a.epoch);
  });

  test("a topic that never had an event returns under the same epoch, because nobody missed anything", async () => {
    const { broker, clock } = await full();
    const a = await broker.openTopic(logTopic("a"), ignore);
    await a.close();
    clock.advance(5_000);
    const b = await broker.openTopic(logTopic("b"), ignore);
    await b.close();
    const again = await broker.openTopic(logTopic("a"), ignore);
    expect([again.epoch, again.offset]).toEqual([a.epoch, 0]);
    expect(b.epoch).not.toBe(a.epoch);
  });

  test("all followers get events in the order of the log, also if one of them appends", async () => {
    const broker = new MemoryBroker();
    const seen: unknown[][] = [[], []];
    const first = await broker.openTopic(logTopic("a"), ({ data }) => {
      seen[0]!.push(data);
      if (data === 1) void first.append({ data: 2 });
    });
    await broker.openTopic(logTopic("a"), ({ data }) => void seen[1]!.push(data));
    await first.append({ data: 1 });
    await first.append({ data: 3 });
    expect(seen).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test("a topic that is opened by a follower of an event has each event once", async () => {
    const broker = new MemoryBroker();
    const seen: unknown[] = [];
    const first = await broker.openTopic(logTopic("a"), ({ data }) => {
      if (data !== 1) return;
      void first.append({ data: 2 });
      void broker.openTopic(logTopic("a"), (event) => void seen.push(event.data));
    });
    await first.append({ data: 1 });
    expect(seen).toEqual([1, 2]);
  });
});
