import { describe, expect, test } from "vitest";
import { KeyLeases } from "../../../src/brokers/shared/key-leases.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";

function leases(): { clock: VirtualClock; leases: KeyLeases; ended: string[] } {
  const clock = new VirtualClock(0);
  const ended: string[] = [];
  const leases = new KeyLeases(clock, ({ key, offset }) => {
    ended.push(`${key}@${offset} ${clock.now()}`);
  });
  return { clock, leases, ended };
}

describe("key leases", () => {
  test("each expires at its own time, in whatever order they were granted, with one timer for all", () => {
    const { clock, leases: held, ended } = leases();
    held.renew({ key: "late", offset: 1 }, 3_000);
    held.renew({ key: "early", offset: 2 }, 1_000);
    held.renew({ key: "middle", offset: 3 }, 2_000);
    expect(clock.timerCount).toBe(1);
    clock.advance(10_000);
    expect(ended).toEqual(["early@2 1000", "middle@3 2000", "late@1 3000"]);
    expect(clock.timerCount).toBe(0);
  });

  test("at most 500 expire in one turn of the event loop", () => {
    const { clock, leases: held, ended } = leases();
    for (let n = 1; n <= 1_200; n += 1) held.renew({ key: `k${n}`, offset: n }, 1_000);
    const counts: number[] = [];
    for (const ms of [999, 1, 1, 1]) {
      clock.advance(ms);
      counts.push(ended.length);
    }
    expect(counts).toEqual([0, 500, 1_000, 1_200]);
    expect(clock.timerCount).toBe(0);
  });

  test("a renewed lease expires later, and a shortened one earlier", () => {
    const { clock, leases: held, ended } = leases();
    held.renew({ key: "a", offset: 1 }, 1_000);
    held.renew({ key: "b", offset: 2 }, 9_000);
    clock.advance(500);
    held.renew({ key: "a", offset: 1 }, 1_000);
    held.renew({ key: "b", offset: 2 }, 500);
    clock.advance(10_000);
    expect(ended).toEqual(["b@2 1000", "a@1 1500"]);
  });

  test("a key that changes loses its lease unless it gets a new one", () => {
    const { clock, leases: held, ended } = leases();
    held.replace({ key: "a", offset: 1 }, 1_000);
    held.replace({ key: "b", offset: 2 }, 1_000);
    held.replace({ key: "a", offset: 3 }, undefined);
    held.replace({ key: "b", offset: 4 }, 2_000);
    clock.advance(10_000);
    expect(ended).toEqual(["b@4 2000"]);
  });

  test("after sleep, all due leases expire immediately, and the others continue", () => {
    const { clock, leases: held, ended } = leases();
    for (const ms of [1_000, 2_000, 9_000]) held.renew({ key: `${ms}`, offset: ms }, ms);
    clock.leap(5_000);
    expect(ended).toEqual(["1000@1000 5000", "2000@2000 5000"]);
    clock.advance(4_000);
    expect(ended).toHaveLength(3);
  });

  test("after close, no lease expires and no timer waits", () => {
    const { clock, leases: held, ended } = leases();
    held.renew({ key: "a", offset: 1 }, 1_000);
    held.close();
    expect(clock.timerCount).toBe(0);
    clock.advance(5_000);
    expect(ended).toEqual([]);
  });
});
