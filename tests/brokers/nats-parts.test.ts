import { describe, expect, test } from "vitest";
import type { JetStream, Published } from "../../src/brokers/nats/jetstream.ts";
import { Leases } from "../../src/brokers/nats/leases.ts";
import { topicNames } from "../../src/brokers/nats/names.ts";
import { Publisher } from "../../src/brokers/nats/publisher.ts";
import { Waiters } from "../../src/brokers/waiters.ts";
import { VirtualClock } from "../virtual-clock.ts";

describe("what a node knows of leases", () => {
  function leases(): { clock: VirtualClock; held: Leases; due: () => string[] } {
    const clock = new VirtualClock(0);
    const held = new Leases(clock, () => {});
    return { clock, held, due: () => held.due().map(({ key, offset }) => `${key}@${offset}`) };
  }

  test("a renewal that is heard before its event counts when that is followed", () => {
    const { clock, held, due } = leases();
    held.renew({ key: "a", offset: 2, leaseMs: 5_000, from: 100 }, 1);
    held.replace({ key: "a", offset: 2 }, { leaseMs: 1_000, from: 0 });
    clock.advance(5_000);
    expect(due()).toEqual([]);
    clock.advance(100);
    expect(due()).toEqual(["a@2"]);
  });

  test("one of an event that never comes is forgotten", () => {
    const { clock, held, due } = leases();
    held.renew({ key: "a", offset: 2, leaseMs: 5_000, from: 0 }, undefined);
    held.forgetEarly(2);
    held.replace({ key: "a", offset: 2 }, { leaseMs: 1_000, from: 0 });
    clock.advance(1_000);
    expect(due()).toEqual(["a@2"]);
  });

  test("of two renewals the one that was said last counts, however they are heard", () => {
    const { clock, held, due } = leases();
    held.replace({ key: "a", offset: 1 }, { leaseMs: 9_000, from: 0 });
    held.renew({ key: "a", offset: 1, leaseMs: 1_000, from: 20 }, 1);
    held.renew({ key: "a", offset: 1, leaseMs: 9_000, from: 10 }, 1);
    clock.advance(1_020);
    expect(due()).toEqual(["a@1"]);
  });

  test("one timer, for the lease that runs out first; what is refused is tried again", () => {
    const clock = new VirtualClock(0);
    const woken: number[] = [];
    const held: Leases = new Leases(clock, () => {
      woken.push(clock.now());
      held.arm(100);
    });
    held.replace({ key: "late", offset: 1 }, { leaseMs: 3_000, from: 0 });
    held.replace({ key: "early", offset: 2 }, { leaseMs: 1_000, from: 0 });
    expect(clock.timerCount).toBe(1);
    clock.advance(1_150);
    expect(woken).toEqual([1_000, 1_100]);
    held.replace({ key: "early", offset: 3 }, undefined);
    clock.advance(10_000);
    expect(woken[2]).toBe(3_000);
    held.close();
    expect(clock.timerCount).toBe(0);
  });
});

test("who waits for an offset is told when it is reached, or passed, in whatever order they came", async () => {
  const waiters = new Waiters();
  const reached: number[] = [];
  for (const offset of [5, 2, 9, 2]) {
    void waiters.until(offset).then(
      () => reached.push(offset),
      () => reached.push(-offset),
    );
  }
  waiters.reached(4);
  await Promise.resolve();
  expect(reached).toEqual([2, 2]);
  waiters.reached(5);
  waiters.reject(new Error("away"));
  await Promise.resolve();
  expect([reached, waiters.isEmpty]).toEqual([[2, 2, 5, -9], true]);
});

describe("a repetition of what is on its way to the replicas", () => {
  /** NATS says of it that it is a duplicate, of a message that has no number yet. */
  const pending: Published = { seq: 0, duplicate: true };

  function publisher(answers: Published[]): {
    clock: VirtualClock;
    publish: () => Promise<unknown>;
  } {
    const clock = new VirtualClock(0);
    const jetStream = {
      link: { clock },
      publish: () => Promise.resolve(answers.shift() ?? pending),
    } as unknown as JetStream;
    const writer = new Publisher("t", {
      jetStream,
      names: topicNames("p", { kind: "log", name: "t" }),
      timeoutMs: 1_000,
      newest: () => undefined,
      seen: () => 0,
      onNobody: () => {},
    });
    return { clock, publish: () => writer.publish({ data: 1, idempotencyKey: "k" }) };
  }

  async function pass(clock: VirtualClock, ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 50) {
      for (let n = 0; n < 5; n += 1) await Promise.resolve();
      clock.advance(50);
    }
  }

  test("is asked again until the first one has its number", async () => {
    const { clock, publish } = publisher([pending, pending, { seq: 7, duplicate: true }]);
    const published = publish();
    await pass(clock, 200);
    expect(await published).toEqual({ seq: 7, duplicate: true });
  });

  test("is not known for how long it may take: that is unanswered", async () => {
    const { clock, publish } = publisher([]);
    const refused = expect(publish()).rejects.toMatchObject({ code: "unconfirmed" });
    await pass(clock, 1_200);
    await refused;
  });
});
