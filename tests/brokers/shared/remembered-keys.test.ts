import { describe, expect, test } from "vitest";
import { Ledger } from "../../../src/base/index.ts";
import { chargeKey, RememberedKeys } from "../../../src/brokers/shared/remembered-keys.ts";

/** More than one hash table holds. */
const MANY = 140_000;

describe("remembered idempotency keys", () => {
  test("are found in whichever table they are", () => {
    const keys = new RememberedKeys();
    for (let at = 0; at < MANY; at += 1) keys.add(`k${at}`, { offset: at + 1, at }, undefined);
    for (const at of [0, 65_000, 131_071, 131_072, MANY - 1]) {
      expect(keys.find(`k${at}`)).toEqual({ offset: at + 1, at });
    }
    expect(keys.find(`k${MANY}`)).toBeUndefined();
  });

  test("are dropped oldest first, and at most 1,000 in one call", () => {
    const dropped: number[] = [];
    const keys = new RememberedKeys((offset) => dropped.push(offset));
    for (let at = 0; at < 2_500; at += 1) keys.add(`k${at}`, { offset: at + 1, at }, undefined);
    const kept: number[] = [];
    for (let calls = 0; calls < 4; calls += 1) {
      keys.dropBefore(2_400);
      kept.push(2_500 - dropped.length);
    }
    expect(kept).toEqual([1_500, 500, 100, 100]);
    expect(dropped).toEqual(Array.from({ length: 2_400 }, (_, at) => at + 1));
    expect(keys.oldestAt).toBe(2_400);
    expect(keys.find("k2399")).toBeUndefined();
    expect(keys.find("k2400")).toEqual({ offset: 2_401, at: 2_400 });
  });

  test("count as they were added last, and each time is paid for until it is dropped", () => {
    const payer = new Ledger().payer("a");
    const keys = new RememberedKeys();
    for (const at of [1, 5]) {
      chargeKey("k", payer);
      keys.add("k", { offset: at, at }, payer);
    }
    const both = payer.heldBytes;
    expect(keys.find("k")).toEqual({ offset: 5, at: 5 });
    keys.dropBefore(5);
    expect(payer.heldBytes).toBe(both / 2);
    expect(keys.find("k")).toEqual({ offset: 5, at: 5 });
    keys.close();
    expect(payer.heldBytes).toBe(0);
    expect(keys.isEmpty).toBe(true);
  });
});
