import { describe, expect, test } from "vitest";
import { logTopic } from "../../../../src/live/index.ts";
import { MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

const topics = [logTopic("news")];

async function connected(live: MemoryLive, count: number): Promise<Guest[]> {
  const guests: Guest[] = [];
  for (let n = 0; n < count; n += 1) {
    const guest = await live.level1();
    guest.take();
    guests.push(guest);
  }
  return guests;
}

const closed = (guests: readonly Guest[]): number =>
  guests.filter(({ closeCode }) => closeCode !== undefined).length;

describe("shed", () => {
  test("asks exactly that share of the Level 1 clients to return at once, spread over the time", async () => {
    const live = await MemoryLive.open({ topics });
    const guests = await connected(live, 40);
    const simple = await live.level0("news", { search: "?a=1" });
    expect(live.live.shed({ share: 0.25, overMs: 10_000 })).toBe(10);
    await live.pass(5_000);
    const halfway = closed(guests);
    expect(halfway).toBeGreaterThan(0);
    expect(halfway).toBeLessThan(10);
    await live.pass(6_000);
    expect(closed(guests)).toBe(10);
    expect(simple.closeCode).toBeUndefined();
    const asked = guests.find(({ closeCode }) => closeCode !== undefined)!;
    expect(asked.closeCode).toBe(1012);
    expect(asked.take().at(-1)).toMatchObject({ type: "disconnect", retry: true, retryAfter: 0 });
  });

  test.each([
    { share: 1.1, overMs: 1 },
    { share: -1, overMs: 1 },
    { share: 0.5, overMs: -1 },
  ])("refuses %o", async (options) => {
    const live = await MemoryLive.open({ topics });
    expect(() => live.live.shed(options)).toThrow("give a number from 0 to");
  });
});

describe("maxConnectionAgeMs", () => {
  test("asks each client to return at its age, 10 % sooner or later, and not all together", async () => {
    const live = await MemoryLive.open({ topics, maxConnectionAgeMs: 1_000_000 });
    const guests = await connected(live, 30);
    await live.pass(890_000);
    expect(closed(guests)).toBe(0);
    await live.pass(110_000);
    const halfway = closed(guests);
    expect(halfway).toBeGreaterThan(3);
    expect(halfway).toBeLessThan(27);
    await live.pass(120_000);
    expect(closed(guests)).toBe(30);
  });
});
