import { describe, expect, test } from "vitest";
import { defaultLiveLimits } from "../../../../src/live/server/limits.ts";
import { logTopic, type LiveServerOptions } from "../../../../src/live/index.ts";
import { Admission } from "../../../../src/live/server/access/admission.ts";
import { Diagnostics } from "../../../../src/live/server/observing/diagnostics.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { clientKinds, LEVEL_1 } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { MemoryLive } from "../../../rigs/live/memory-live.ts";

const open = (options: Partial<LiveServerOptions> = {}): Promise<MemoryLive> =>
  MemoryLive.open({ topics: [logTopic("news")], random: () => 0.5, ...options });

const turnedAway = { type: "disconnect", code: 4503, retry: true };

describe("a server that is full", () => {
  test("refuses the next client with 4503, and sends a time to reconnect", async () => {
    const live = await open({ maxSessions: 2, returnWindowMs: 4_000 });
    await live.level1();
    await live.level0("news");
    const one = await live.level1();
    expect(one.take()).toEqual([
      { ...turnedAway, message: expect.stringContaining("2 connections"), retryAfter: 2_000 },
    ]);
    expect(one.closeCode).toBe(4503);
    const other = await live.level0("news", { search: "?a=1" });
    expect([other.closeCode, other.take()]).toEqual([4503, []]);
    expect(other.peer.closed?.reason).toContain("connect again later");
    expect(live.live.census().sessions).toBe(2);
    expect(live.live.statistics).toMatchObject({
      turnedAway: 2,
      sessions: { level0: 1, level1: 1 },
    });
  });

  test("accepts one client for each that leaves, and refused clients take no place", async () => {
    const live = await open({ maxSessions: 1 });
    const first = await live.level1();
    const second = await live.level1();
    await second.leave();
    await first.leave();
    expect(live.live.census().sessions).toBe(0);
    expect((await live.level1()).types()).toEqual(["welcome"]);
  });

  test("asks a refused client for nothing, and ignores its messages", async () => {
    let asked = 0;
    const live = await open({
      maxSessions: 1,
      authenticate: () => {
        asked += 1;
        return { id: "ann" };
      },
    });
    await live.level1();
    const guest = await live.level1();
    void live.endpoint.onMessage(guest.peer, '{"type":"subscribe","id":1,"topic":"news"}');
    live.endpoint.onDrain(guest.peer);
    await live.pass(60_000);
    expect([asked, live.live.census().subscriptions]).toEqual([1, 0]);
    expect(guest.types()).toEqual(["disconnect"]);
  });

  test("over real connections: Level 1 gets a message and is closed, Level 0 is closed, HTTP is answered", async () => {
    const live = await RunningLive.start({ topics: [logTopic("news")], maxSessions: 1 });
    await live.level1();
    const client = clientKinds.ws(live.url(), LEVEL_1);
    expect(await client.next()).toMatchObject(turnedAway);
    expect(await client.closed).toMatchObject({ code: 4503 });
    expect(await (await live.level0("news")).closed).toMatchObject({ code: 4503 });
    expect((await fetch(live.http("news"))).status).toBe(503);
  });
});

test("a stream of server-sent events counts as a client, and is refused if there is no room", async () => {
  const live = await RunningLive.start({ topics: [logTopic("news")], maxSessions: 1 });
  const headers = { Accept: "text/event-stream" };
  const ending = new AbortController();
  const stream = await fetch(live.http("news"), { headers, signal: ending.signal });
  expect(stream.status).toBe(200);
  // An EventSource that gets a status stays away for good.
  const refused = await fetch(live.http("news"), { headers });
  expect([refused.status, await refused.text()]).toEqual([
    200,
    expect.stringMatching(/^retry: \d+\n\n$/),
  ]);
  expect((await fetch(live.http("news"))).status).toBe(503);
  const client = clientKinds.ws(live.url(), LEVEL_1);
  expect(await client.next()).toMatchObject(turnedAway);
  ending.abort();
  await expect.poll(() => live.live.census().streams).toBe(0);
  await live.level1();
  expect(live.live.census().sessions).toBe(1);
});

describe("a server whose event loop is late", () => {
  test("refuses new clients meanwhile, and keeps existing ones", async () => {
    const live = await open({ maxLagMs: 500 });
    const guest = await live.level1();
    guest.take();
    live.clock.leap(1_501);
    expect(live.live.census().lagMs).toBe(501);
    expect((await live.level1()).take()).toMatchObject([turnedAway]);
    expect((await live.level0("news", { search: "?a=1" })).closeCode).toBe(4503);
    await guest.send({ type: "ping" });
    expect([guest.types(), guest.closeCode]).toEqual([["pong"], undefined]);
    await live.pass(1_000);
    expect(live.live.census().lagMs).toBe(0);
    expect((await live.level1()).types()).toEqual(["welcome"]);
  });

  test("accepts clients at exactly the lag limit", async () => {
    const live = await open({ maxLagMs: 500 });
    live.clock.leap(1_500);
    expect((await live.level1()).types()).toEqual(["welcome"]);
  });

  test("answers HTTP with 503 and Retry-After", async () => {
    const clock = new VirtualClock();
    const live = await RunningLive.start({
      topics: [logTopic("news", { clientPublish: true })],
      clock,
      maxLagMs: 500,
      returnWindowMs: 30_000,
      random: () => 0.5,
    });
    clock.leap(5_000);
    for (const init of [{}, { method: "POST", body: '{"data":1}' }]) {
      const response = await fetch(live.http("news"), init);
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "15"]);
      expect(await response.json()).toMatchObject({ code: "unavailable" });
    }
    expect(live.topic("news").position.offset).toBe(0);
    await clock.pass(1_000);
    expect((await fetch(live.http("news"))).status).toBe(200);
  });
});

describe("the times at which refused clients reconnect", () => {
  const limits = { ...defaultLiveLimits, returnWindowMs: 10_000 };
  const admission = (random: () => number): Admission =>
    new Admission(new VirtualClock(), limits, { random, diagnostics: new Diagnostics() });

  test("are spread over the window", () => {
    expect(admission(() => 0).returnAfter(1)).toBe(0);
    expect(admission(() => 0.25).returnAfter(1)).toBe(2_500);
    expect(admission(() => 0.9999999).returnAfter(1)).toBe(10_000);
  });

  test("are spread over a window that grows with the clients, to at most 2,000 per second", () => {
    expect(admission(() => 0.5).returnAfter(20_000)).toBe(5_000);
    expect(admission(() => 0.5).returnAfter(200_000)).toBe(50_000);
    expect(admission(() => 0.5).returnAfter(1_000_000)).toBe(250_000);
  });

  test("are no longer influenced by the lag probe after the server is closed", async () => {
    const clock = new VirtualClock();
    const looking = new Admission(clock, limits, {
      random: () => 0,
      diagnostics: new Diagnostics(),
    });
    clock.advance(10_000);
    expect([looking.lagMs, clock.timerCount]).toEqual([0, 1]);
    looking.close();
    expect(clock.timerCount).toBe(0);
  });
});
