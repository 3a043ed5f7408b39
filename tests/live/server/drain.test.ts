import { describe, expect, test } from "vitest";
import { logTopic, type LiveExchange, type LiveServerOptions } from "../../../src/live/index.ts";
import { clientKinds, LEVEL_1 } from "../../rigs/live/live-client.ts";
import { MemoryPeer, NOTHING_SHOWN } from "../../rigs/live/memory-peer.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { MemoryLive, type Guest } from "../../rigs/live/memory-live.ts";

const open = (options: Partial<LiveServerOptions> = {}): Promise<MemoryLive> =>
  MemoryLive.open({ topics: [logTopic("news", { clientPublish: true })], ...options });

describe("a server that drains", () => {
  test("sends each client a time to reconnect, spread over the window, and closes with 1012", async () => {
    const draws = [0, 0.25, 0.75];
    const live = await open({ returnWindowMs: 8_000, random: () => draws.shift()! });
    const guests = [await live.level1(), await live.level1(), await live.level1()];
    for (const guest of guests) guest.take();
    live.endpoint.onDraining();
    await live.settle();
    const said = guests.map((guest) => guest.take());
    const disconnect = { type: "disconnect", code: 1012, retry: true };
    expect(said).toMatchObject([
      [{ ...disconnect, retryAfter: 0 }],
      [{ ...disconnect, retryAfter: 2_000 }],
      [{ ...disconnect, retryAfter: 6_000 }],
    ]);
    expect(guests.map((guest: Guest) => guest.closeCode)).toEqual([1012, 1012, 1012]);
    expect(live.live.census().sessions).toBe(0);
  });

  test("spreads reconnects over a window that grows with the clients: at most 2,000 per second", async () => {
    const live = await open({ returnWindowMs: 1, random: () => 0.5 });
    const first = await live.level1();
    first.take();
    for (let n = 1; n < 1_000; n += 1) {
      live.endpoint.onOpen(new MemoryPeer(live.endpoint), {
        path: "/live",
        search: "",
        protocols: [],
        ...NOTHING_SHOWN,
      });
    }
    live.endpoint.onDraining();
    await live.settle();
    // Half of 1,000 clients at 2,000 a second.
    expect(first.take()).toMatchObject([{ type: "disconnect", retryAfter: 250 }]);
  });

  test("also notifies clients that are not authenticated yet", async () => {
    const live = await open({ authenticate: () => undefined });
    const guest = await live.level1();
    live.endpoint.onDraining();
    await live.pass(20_000);
    expect([guest.types(), guest.closeCode]).toEqual([["disconnect"], 1012]);
    expect(live.live.statistics.unauthorized).toBe(0);
  });

  test("ignores later messages", async () => {
    const live = await open();
    const guest = await live.level1();
    live.endpoint.onDraining();
    await guest.send({ type: "publish", id: 1, topic: "news", data: 1 });
    expect(live.live.topic("news").position.offset).toBe(0);
  });

  test("over real connections: 1012 at both levels, 304 to a long poll, the end of a stream, 503 to the next request", async () => {
    const live = await RunningLive.start({
      topics: [logTopic("news")],
      returnWindowMs: 20_000,
      random: () => 0.5,
    });
    const client = clientKinds.ws(live.url(), LEVEL_1);
    await client.next();
    const simple = await live.level0("news");
    const { epoch } = live.topic("news").position;
    const poll = fetch(live.http(`news?epoch=${epoch}&offset=0&wait=60`));
    const stream = await fetch(live.http("news"), { headers: { Accept: "text/event-stream" } });
    await expect.poll(() => live.responses.length).toBe(2);
    const endpoint = live.live.endpoint("/other");
    endpoint.onDraining();
    expect(await client.next()).toMatchObject({
      type: "disconnect",
      code: 1012,
      retryAfter: 10_000,
    });
    expect(await client.closed).toMatchObject({ code: 1012 });
    expect(await simple.closed).toMatchObject({ code: 1012 });
    expect((await poll).status).toBe(304);
    expect(await stream.text()).toContain("position");
    const answers: Parameters<LiveExchange["answer"]>[] = [];
    await endpoint.onRequest({
      method: "GET",
      path: "/other/news",
      search: "",
      remoteAddress: undefined,
      account: new MemoryPeer(endpoint).account,
      isOver: false,
      bufferedAmount: 0,
      header: () => undefined,
      body: () => Promise.resolve(""),
      answer: (...answer) => void answers.push(answer),
      beginStream: () => expect.unreachable(),
      write: () => expect.unreachable(),
      end: () => {},
      abort: () => {},
      onDrain: () => {},
      onClosed: () => {},
    });
    expect(answers).toMatchObject([
      [503, { "Retry-After": "10" }, expect.stringContaining("going away")],
    ]);
  });
});
