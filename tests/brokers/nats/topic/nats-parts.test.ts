import { describe, expect, test } from "vitest";
import type { MemoryAccount } from "../../../../src/base/index.ts";
import { Leases } from "../../../../src/brokers/nats/topic/leases.ts";
import { Repeats } from "../../../../src/brokers/nats/topic/repeats.ts";
import { Waiters } from "../../../../src/brokers/shared/waiters.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";

describe("a node's leases", () => {
  function leases(): { clock: VirtualClock; held: Leases; due: () => string[] } {
    const clock = new VirtualClock(0);
    const held = new Leases(clock, () => {});
    return { clock, held, due: () => held.due().map(({ key, offset }) => `${key}@${offset}`) };
  }

  test("a renewal that arrives before its event applies when the event is followed", () => {
    const { clock, held, due } = leases();
    held.renew({ key: "a", offset: 2, leaseMs: 5_000, from: 100 }, 1);
    held.replace({ key: "a", offset: 2 }, { leaseMs: 1_000, from: 0 });
    clock.advance(5_000);
    expect(due()).toEqual([]);
    clock.advance(100);
    expect(due()).toEqual(["a@2"]);
  });

  test("a renewal of an event that never arrives is dropped", () => {
    const { clock, held, due } = leases();
    held.renew({ key: "a", offset: 2, leaseMs: 5_000, from: 0 }, undefined);
    held.forgetEarly(2);
    held.replace({ key: "a", offset: 2 }, { leaseMs: 1_000, from: 0 });
    clock.advance(1_000);
    expect(due()).toEqual(["a@2"]);
  });

  test("of two renewals, the one sent last counts, in whatever order they arrive", () => {
    const { clock, held, due } = leases();
    held.replace({ key: "a", offset: 1 }, { leaseMs: 9_000, from: 0 });
    held.renew({ key: "a", offset: 1, leaseMs: 1_000, from: 20 }, 1);
    held.renew({ key: "a", offset: 1, leaseMs: 9_000, from: 10 }, 1);
    clock.advance(1_020);
    expect(due()).toEqual(["a@1"]);
  });

  test("there is one timer, for the lease that expires first; refused removals are retried", () => {
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

describe("the payer of an idempotency key", () => {
  function payer(budget: number): { paid: () => number; account: MemoryAccount } {
    let paid = 0;
    const charge = (bytes: number): boolean => {
      if (paid + bytes > budget) return false;
      paid += bytes;
      return true;
    };
    const refund = (bytes: number): void => void (paid -= bytes);
    return { paid: () => paid, account: { charge, refund } };
  }

  test("is the publisher, from the publish until the key is dropped", () => {
    const { paid, account } = payer(1_000_000);
    const repeats = new Repeats(1_000);
    const settle = repeats.claim("k", account);
    expect(paid()).toBeGreaterThan(0);
    repeats.remember("k", 1, 0);
    settle();
    expect(paid()).toBeGreaterThan(0);
    expect([repeats.find("k", 1_000), repeats.find("k", 1_001)]).toEqual([1, undefined]);
    repeats.forget(61_001);
    expect(paid()).toBe(0);
  });

  test("is refunded if the key is not remembered, even if it is published twice at the same time", () => {
    const { paid, account } = payer(1_000_000);
    const repeats = new Repeats(1_000);
    const settles = [repeats.claim("k", account), repeats.claim("k", account)];
    const both = paid();
    repeats.remember("k", 1, 0);
    for (const settle of settles) settle();
    expect(paid()).toBe(both / 2);
    repeats.claim("other", account)();
    expect(paid()).toBe(both / 2);
    repeats.close();
    expect(paid()).toBe(0);
  });

  test("is refused if its share is used up", () => {
    const { account } = payer(10);
    const repeats = new Repeats(1_000);
    expect(() => repeats.claim("k", account)).toThrow(
      expect.objectContaining({ code: "rate_limited" }),
    );
  });
});

test("waiters for an offset resolve when it is reached or passed, in whatever order they arrived", async () => {
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
