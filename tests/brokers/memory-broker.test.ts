import { expect, test } from "vitest";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { IdempotencyWindow } from "../../src/brokers/memory/idempotency-window.ts";
import { logTopic } from "../../src/live/index.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { describeBroker } from "./broker-contract.ts";

const WINDOW_MS = 300_000;

describeBroker("the memory broker", async () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock });
  return { broker, passWindow: () => clock.advance(WINDOW_MS + 1) };
});

test("what a memory broker forgets when it is closed comes back under another epoch", async () => {
  const broker = new MemoryBroker();
  const before = await broker.openTopic(logTopic("t"), () => {});
  await before.append({ data: 1 });
  await broker.close();
  const after = await broker.openTopic(logTopic("t"), () => {});
  expect(after.offset).toBe(0);
  expect(after.epoch).not.toBe(before.epoch);
});

test("an idempotency key is remembered for five minutes to the millisecond", () => {
  const clock = new VirtualClock();
  const window = new IdempotencyWindow(clock);
  window.remember("k", 7);
  clock.advance(WINDOW_MS);
  expect(window.find("k")).toBe(7);
  clock.advance(1);
  expect(window.find("k")).toBeUndefined();
});
