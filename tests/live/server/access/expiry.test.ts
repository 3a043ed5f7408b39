import { describe, expect, test } from "vitest";
import { logTopic } from "../../../../src/live/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { MemoryLive } from "../../../rigs/live/memory-live.ts";

/** A server whose tokens say when they end, by the clock on the wall. */
function open(clock: VirtualClock): Promise<MemoryLive> {
  const authenticate = ({ token }: { token: string | undefined }) =>
    token === undefined ? undefined : { id: "ann", expiresAt: Number(token) };
  return MemoryLive.open({ topics: [logTopic("news")], authenticate }, clock);
}

const withToken = (expiresAt: number) => ({
  headers: { authorization: `Bearer ${expiresAt}` },
});

describe("the expiry of credentials", () => {
  test("is judged by the wall clock, even if it was set after the process started", async () => {
    const clock = new VirtualClock();
    const live = await open(clock);
    // It began an hour behind.
    clock.set(3_600_000);
    const guest = await live.level1(withToken(clock.wallTime() + 4_000));
    expect(guest.take()).toMatchObject([{ type: "welcome", expiresIn: 4_000 }]);
    await live.pass(3_900);
    expect(guest.closeCode).toBe(undefined);
    await live.pass(500);
    expect(guest.closeCode).toBe(4401);
    const late = await live.level1(withToken(clock.wallTime() - 1));
    expect(late.closeCode).toBe(4401);
  });

  test("is noticed within half a minute after the clock was set or the machine was suspended", async () => {
    const clock = new VirtualClock();
    const live = await open(clock);
    const guest = await live.level1(withToken(clock.wallTime() + 600_000));
    await live.pass(10_000);
    clock.set(600_000);
    await live.pass(31_000);
    expect(guest.closeCode).toBe(4401);
  });

  test("is not early if the clock is set back", async () => {
    const clock = new VirtualClock();
    const live = await open(clock);
    const guest = await live.level1(withToken(clock.wallTime() + 60_000));
    clock.set(-30_000);
    await live.pass(61_000);
    expect(guest.closeCode).toBe(undefined);
    await live.pass(31_000);
    expect(guest.closeCode).toBe(4401);
  });
});
