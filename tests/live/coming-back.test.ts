import { describe, expect, onTestFinished, test } from "vitest";
import { logTopic } from "../../src/live/index.ts";
import { TestLive } from "../../src/testing/index.ts";
import { Random } from "../rigs/random.ts";

const CLIENTS = 500;

/** A server with many clients, and when each of them comes back to the next one, in ms from now. */
async function crowd(returnWindowMs: number): Promise<{ live: TestLive; returns: () => number[] }> {
  const random = new Random(7);
  const live = await TestLive.start({
    topics: [logTopic("news")],
    returnWindowMs,
    random: () => random.next(),
  });
  onTestFinished(() => live.close());
  const times: number[] = [];
  let began = 0;
  for (let at = 0; at < CLIENTS; at += 1) {
    const client = live.connect({ backoff: { random: () => random.next() } });
    client.onStatus(({ state }) => {
      if (state === "live" && began > 0) times.push(live.clock.now() - began);
    });
  }
  await live.pass(1_000);
  expect(live.server.census().sessions).toBe(CLIENTS);
  began = live.clock.now();
  return { live: live as unknown as TestLive, returns: () => times };
}

/** How many of `times` lie in each tenth of `windowMs`. */
function tenths(times: readonly number[], windowMs: number): number[] {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const time of times) counts[Math.min(9, Math.floor((time / windowMs) * 10))]! += 1;
  return counts;
}

describe(`${CLIENTS} clients reconnect`, () => {
  test("after a drain and a restart: each once, spread evenly over the window, and none before the server is back", async () => {
    const windowMs = 20_000;
    const { live, returns } = await crowd(windowMs);
    live.drain();
    await live.pass(50);
    expect(live.network.connections).toEqual([]);
    await live.restart("kept");
    await live.pass(windowMs + 1_000);
    expect(live.server.census().sessions).toBe(CLIENTS);
    expect(returns()).toHaveLength(CLIENTS);
    for (const count of tenths(returns(), windowMs)) {
      expect(count).toBeGreaterThan(CLIENTS / 20);
      expect(count).toBeLessThan(CLIENTS / 5);
    }
  });

  test("after a crash: spread over the first wait, and over longer ones the longer the server is away", async () => {
    const { live, returns } = await crowd(1_000);
    await live.restart("kept");
    await live.pass(600);
    for (const count of tenths(returns(), 500)) expect(count).toBeLessThan(CLIENTS / 5);
    expect(live.server.census().sessions).toBe(CLIENTS);

    const away = await crowd(1_000);
    await away.live.crash();
    await away.live.pass(60_000);
    await away.live.restart("kept");
    const before = away.returns().length;
    await away.live.pass(1_000);
    // The waits are up to 30 s by now: in the first second only few of them are over.
    expect(away.returns().length - before).toBeLessThan(CLIENTS / 4);
    await away.live.pass(60_000);
    expect(away.live.server.census().sessions).toBe(CLIENTS);
  });
});
