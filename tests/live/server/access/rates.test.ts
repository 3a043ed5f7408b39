import { describe, expect, test } from "vitest";
import { logTopic, method, type LiveServerOptions } from "../../../../src/live/index.ts";
import { TokenBucket } from "../../../../src/live/server/access/token-bucket.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

const limited = {
  requestBurst: 3,
  requestsPerSecond: 2,
  identityRequestBurst: 1_000,
  identityRequestsPerSecond: 1_000,
};

const open = (options: Partial<LiveServerOptions> = limited): Promise<MemoryLive> =>
  MemoryLive.open({
    topics: [logTopic("news", { clientPublish: true })],
    methods: { act: method({ handle: () => 1 }) },
    tokenQuery: "as",
    ...options,
  });

const ping = { type: "ping", id: 1 };
const pings = (count: number): object[] => Array.from({ length: count }, () => ping);

/** How many of so many requests were answered as they should. */
async function answered(guest: Guest, count: number): Promise<number> {
  guest.take();
  await guest.send(...pings(count));
  return guest.types().filter((type) => type === "pong").length;
}

describe("the rate of a connection", () => {
  test("a burst is accepted, requests beyond are rate_limited, and the bucket refills each second", async () => {
    const live = await open();
    const guest = await live.level1();
    guest.take();
    await guest.send(...pings(4));
    const answers = guest.take();
    expect(answers.slice(0, 3)).toMatchObject([
      { type: "pong" },
      { type: "pong" },
      { type: "pong" },
    ]);
    expect(answers[3]).toMatchObject({ type: "error", id: 1, code: "rate_limited" });
    await live.pass(499);
    expect(await answered(guest, 1)).toBe(0);
    await live.pass(1);
    expect(await answered(guest, 2)).toBe(1);
    await live.pass(60_000);
    expect(await answered(guest, 10)).toBe(3);
    expect(guest.closeCode).toBeUndefined();
  });

  test("a refused request is not executed", async () => {
    const live = await open();
    const guest = await live.level1();
    await guest.send(...pings(3));
    const publish = { type: "publish", id: 2, topic: "news", data: 1 };
    expect(await guest.ask(publish)).toMatchObject({ code: "rate_limited" });
    const subscribe = { type: "subscribe", id: 3, topic: "news" };
    expect(await guest.ask(subscribe)).toMatchObject({ code: "rate_limited" });
    expect(await guest.ask({ type: "call", id: 4, method: "act" })).toMatchObject({
      code: "rate_limited",
    });
    expect(live.live.topic("news").position.offset).toBe(0);
    expect(live.live.census().subscriptions).toBe(0);
    expect(live.live.statistics.refusals).toEqual({ rate_limited: 3 });
  });

  test("each request counts, including refused ones", async () => {
    const live = await open();
    const guest = await live.level1();
    await guest.send({ type: "unheard-of" }, { type: "subscribe" }, { type: "ping" });
    guest.take();
    await guest.send({ type: "unheard-of", id: 5 });
    expect(guest.take()).toMatchObject([{ id: 5, code: "rate_limited" }]);
  });

  test("is per connection if nobody has an identity", async () => {
    const live = await open({ ...limited, identityRequestBurst: 1, identityRequestsPerSecond: 1 });
    expect(await answered(await live.level1(), 5)).toBe(3);
    expect(await answered(await live.level1(), 5)).toBe(3);
  });

  test("is unaffected by a refresh", async () => {
    const live = await open({ ...limited, authenticate: () => ({ id: "ann" }) });
    const guest = await live.level1();
    await guest.send({ type: "refresh", token: "x" }, ...pings(2));
    expect(await answered(guest, 1)).toBe(0);
  });

  test("at Level 0, params sent too fast close with 4429", async () => {
    const live = await open();
    const guest = await live.level0("news");
    await guest.send({}, {}, {});
    expect(guest.closeCode).toBeUndefined();
    await guest.send({});
    expect(guest.closeCode).toBe(4429);
  });
});

describe("a client that does not slow down", () => {
  test("is closed with 4429 after a thousand consecutive refusals", async () => {
    const live = await open();
    const guest = await live.level1();
    await guest.send(...pings(3 + 999));
    expect(guest.closeCode).toBeUndefined();
    guest.take();
    await guest.send(ping, ping);
    expect(guest.closeCode).toBe(4429);
    expect(guest.take()).toMatchObject([
      { code: "rate_limited" },
      { type: "disconnect", code: 4429, retry: false },
    ]);
  });

  test("starts the count again when a request is accepted", async () => {
    const live = await open();
    const guest = await live.level1();
    await guest.send(...pings(3 + 999));
    await live.pass(500);
    await guest.send(...pings(1 + 999));
    expect(guest.closeCode).toBeUndefined();
    await guest.send(ping);
    expect(guest.closeCode).toBe(4429);
  });
});

describe("the rate of an identity", () => {
  const shared = {
    requestBurst: 1_000,
    requestsPerSecond: 1_000,
    identityRequestBurst: 5,
    identityRequestsPerSecond: 1,
    authenticate: ({ token }: { token: string | undefined }) =>
      token === undefined ? undefined : { id: token },
  };

  test("is shared by all its connections, at either level, and by nobody else", async () => {
    const live = await open(shared);
    const one = await live.level1({ search: "?as=ann" });
    const two = await live.level1({ search: "?as=ann" });
    expect(await answered(one, 3)).toBe(3);
    expect(await answered(two, 3)).toBe(2);
    expect((await live.level0("news", { search: "?as=ann&a=1" })).closeCode).toBe(4429);
    expect(await answered(await live.level1({ search: "?as=bob" }), 5)).toBe(5);
    await live.pass(1_000);
    expect(await answered(one, 3)).toBe(1);
  });

  test("is remembered while it is used up, however often connections come and go", async () => {
    const live = await open({ ...shared, heartbeatMs: 200 });
    const guest = await live.level1({ search: "?as=ann" });
    await answered(guest, 5);
    await guest.leave();
    await live.pass(900);
    expect(await answered(await live.level1({ search: "?as=ann" }), 1)).toBe(0);
  });

  test("over HTTP: 429 with Retry-After, shared with its connections", async () => {
    const clock = new VirtualClock();
    const live = await RunningLive.start({
      topics: [logTopic("news", { clientPublish: true })],
      tokenQuery: "as",
      clock,
      ...shared,
    });
    const ask = (as: string): Promise<Response> => fetch(live.http(`news?as=${as}`));
    for (let n = 0; n < 5; n += 1) expect((await ask("ann")).status).toBe(200);
    const refused = await ask("ann");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ code: "rate_limited" });
    const body = '{"data":1}';
    const posted = await fetch(live.http("news?as=ann"), { method: "POST", body });
    expect([posted.status, live.topic("news").position.offset]).toEqual([429, 0]);
    expect((await ask("bob")).status).toBe(200);
    clock.advance(1_000);
    expect((await ask("ann")).status).toBe(200);
  });

  test("over HTTP without an identity, is per address", async () => {
    const live = await RunningLive.start({
      topics: [logTopic("news")],
      clock: new VirtualClock(),
      identityRequestBurst: 2,
      identityRequestsPerSecond: 1,
    });
    const statuses: number[] = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await fetch(live.http("news"))).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});

describe("a token bucket", () => {
  const rate = { perSecond: 10, burst: 2 };

  test("allows its burst, then one request per tenth of a second", () => {
    const bucket = new TokenBucket(rate, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, false]);
    expect([bucket.take(99), bucket.take(100), bucket.take(100)]).toEqual([false, true, false]);
  });

  test("holds no more than its burst, and knows when it is full", () => {
    const bucket = new TokenBucket(rate, 0);
    expect(bucket.isFull(0)).toBe(true);
    bucket.take(0);
    expect([bucket.isFull(99), bucket.isFull(100)]).toEqual([false, true]);
    const taken = [1, 2, 3].map(() => bucket.take(1e9));
    expect(taken).toEqual([true, true, false]);
  });

  test("is unaffected if time goes back", () => {
    const bucket = new TokenBucket(rate, 1_000);
    bucket.take(1_000);
    expect([bucket.take(0), bucket.take(0)]).toEqual([true, false]);
  });
});
