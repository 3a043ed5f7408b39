import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { keyedTopic, LiveError, logTopic, method } from "../../src/live/index.ts";
import { observeLive } from "../../src/metrics/index.ts";
import { TestLive } from "../../src/testing/index.ts";

async function start() {
  const live = await TestLive.start({
    topics: [
      logTopic("news", { clientPublish: true, retention: { maxEvents: 2 } }),
      keyedTopic("devices", { presence: true }),
    ],
    methods: {
      add: method({ handle: ({ a }: { a: number }) => a + 1 }),
      fail: method({
        handle: () => {
          throw new LiveError("conflict", "No.");
        },
      }),
    },
    authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
    maxSessions: 3,
  });
  const registry = new Registry();
  const stop = observeLive(live.server, { registry });
  onTestFinished(async () => {
    stop();
    await live.close();
  });
  return { live, registry, stop };
}

/** The lines of a scrape that begin with `name`, without the prefix. */
async function scrape(registry: Registry, name: string): Promise<string[]> {
  const lines = (await registry.metrics()).split("\n");
  const prefix = "longwire_live_";
  return lines
    .filter((line) => line.startsWith(prefix + name))
    .map((line) => line.slice(prefix.length));
}

test("counters report totals, even if they are scraped twice", async () => {
  const { live, registry } = await start();
  const client = live.connect({ token: "anna" });
  client.topic("devices").subscribe(() => {});
  const asked = [
    client.publish("news", 1, { idempotencyKey: "k" }),
    client.publish("news", 1, { idempotencyKey: "k" }),
    client.call("add", { a: 1 }),
    client.call("fail", {}).catch(() => {}),
  ];
  await live.pass(1_000);
  await Promise.all(asked);
  for (let at = 0; at < 2; at += 1) {
    expect(await scrape(registry, "connections_total")).toEqual([
      'connections_total{level="0"} 0',
      'connections_total{level="1"} 1',
    ]);
  }
  expect(await scrape(registry, "published_total")).toEqual(["published_total 1"]);
  expect(await scrape(registry, "duplicate_publishes_total")).toEqual([
    "duplicate_publishes_total 1",
  ]);
  expect(await scrape(registry, "calls_total")).toEqual(["calls_total 2"]);
  expect(await scrape(registry, "refusals_total")).toEqual(['refusals_total{code="conflict"} 1']);
  const text = await registry.metrics();
  expect(text).toContain("# TYPE longwire_live_connections_total counter");
  expect(text).toContain("# HELP longwire_live_subscriptions Subscriptions of all connections");
});

test("gauges report the current state", async () => {
  const { live, registry } = await start();
  const client = live.connect({ token: "anna" });
  client.topic("devices").subscribe(() => {});
  await live.pass(100);
  expect(await scrape(registry, "connections ")).toEqual(["connections 1"]);
  expect(await scrape(registry, "subscriptions ")).toEqual(["subscriptions 1"]);
  expect(await scrape(registry, "open_topics")).toEqual(["open_topics 3"]);
  client.close();
  await live.pass(100);
  expect(await scrape(registry, "connections ")).toEqual(["connections 0"]);
});

test("histograms report lifetimes, durations of calls and publishes, and missed offsets", async () => {
  const { live, registry } = await start();
  const client = live.connect({ token: "anna", backoff: { random: () => 0 } });
  client.topic("news").subscribe(() => {});
  await live.pass(100);
  live.network.goDown();
  for (let n = 1; n <= 5; n += 1) await live.server.topic("news").publish(n);
  live.network.comeBack();
  await live.pass(5_000);
  const answer = client.call("add", { a: 1 });
  await live.pass(100);
  await answer;
  expect(await scrape(registry, 'missed_offsets_bucket{le="1",start="gap"}')).toEqual([
    'missed_offsets_bucket{le="1",start="gap"} 0',
  ]);
  expect(await scrape(registry, "missed_offsets_sum")).toContain(
    'missed_offsets_sum{start="gap"} 5',
  );
  expect(await scrape(registry, "call_duration_seconds_count")).toEqual([
    'call_duration_seconds_count{method="add"} 1',
  ]);
  expect(await scrape(registry, "connection_duration_seconds_count")).toEqual([
    'connection_duration_seconds_count{level="1"} 1',
  ]);
  expect((await scrape(registry, "event_loop_lag_seconds_count"))[0]).toMatch(/ [1-9]/);
});

test("after removal, the registry is empty, and another server can be observed", async () => {
  const { live, registry, stop } = await start();
  stop();
  expect(registry.getMetricsAsArray()).toEqual([]);
  observeLive(live.server, { registry, prefix: "mine_" })();
  const again = observeLive(live.server, { registry });
  expect(registry.getSingleMetric("longwire_live_connections")).toBeDefined();
  again();
});

test("diagnostics channels publish sessions, subscriptions, publishes, calls and refusals, and no undeclared names", async () => {
  const seen: [string, unknown][] = [];
  const names = [
    "session.open",
    "session.close",
    "subscribe",
    "publish",
    "call",
    "refusal",
    "slow",
  ];
  for (const name of names) {
    const channel = `longwire.live.${name}`;
    const listener = (message: unknown): void => void seen.push([name, message]);
    subscribe(channel, listener);
    onTestFinished(() => void unsubscribe(channel, listener));
  }
  const { live } = await start();
  const client = live.connect({ token: "anna" });
  client.topic("news").subscribe(() => {});
  const asked = [
    client.publish("news", 1),
    client.call("fail", {}).catch(() => {}),
    client.call("nosuch" as never, {} as never).catch(() => {}),
  ];
  await live.pass(100);
  await Promise.all(asked);
  client.close();
  await live.pass(100);
  const kinds = seen.map(([name]) => name);
  expect(kinds).toEqual(
    expect.arrayContaining(["session.open", "subscribe", "publish", "session.close"]),
  );
  expect(seen).toContainEqual([
    "session.open",
    expect.objectContaining({ level: 1, identity: "anna" }),
  ]);
  expect(seen).toContainEqual(["subscribe", { topic: "news", start: "fresh", missed: 0 }]);
  expect(seen).toContainEqual([
    "publish",
    expect.objectContaining({ topic: "news", duplicate: false }),
  ]);
  expect(seen).toContainEqual([
    "call",
    expect.objectContaining({ method: "fail", code: "conflict" }),
  ]);
  expect(seen).toContainEqual(["refusal", { code: "unknown_method" }]);
  expect(JSON.stringify(seen)).not.toContain("nosuch");
});
