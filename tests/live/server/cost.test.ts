import { describe, expect, test, vi } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../../src/live/index.ts";
import { standingClock } from "../../rigs/clock/standing-clock.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { MemoryPeer, NOTHING_SHOWN, settle } from "../../rigs/live/memory-peer.ts";

const topics = [
  logTopic("alerts", { match: matchFields }),
  keyedTopic("devices", { match: matchFields }),
];

async function peers(
  count: number,
  subscribe: (at: number) => object,
): Promise<{ live: LiveServer; all: MemoryPeer[] }> {
  const live = await LiveServer.open({ topics, broker: new MemoryBroker(), clock: standingClock });
  const endpoint = live.endpoint("/live");
  const all = Array.from({ length: count }, (_, at) => {
    const peer = new MemoryPeer(endpoint);
    endpoint.onOpen(peer, {
      path: "/live",
      search: "",
      protocols: ["longwire.v1"],
      ...NOTHING_SHOWN,
    });
    peer.receive({ type: "subscribe", id: 1, ...subscribe(at) });
    return peer;
  });
  await settle();
  for (const peer of all) {
    peer.carry();
    Object.assign(peer, { sends: 0, frameWrites: 0, encodings: 0 });
  }
  return { live, all };
}

const sum = (all: MemoryPeer[], what: "sends" | "frameWrites" | "encodings"): number =>
  all.reduce((total, peer) => total + peer[what], 0);

test("8 events in one turn to 100 subscribers take 8 encodings and 100 writes of shared bytes", async () => {
  const { live, all } = await peers(100, () => ({ topic: "alerts" }));
  for (let n = 0; n < 8; n += 1) void live.topic("alerts").publish({ n });
  await settle();
  expect([sum(all, "encodings"), sum(all, "frameWrites"), sum(all, "sends")]).toEqual([8, 100, 0]);
  const seen: string[] = [];
  all[99]!.onText = (text) => seen.push(text);
  all[99]!.carry();
  expect(seen).toHaveLength(8);
});

test("subscribers with equal params share encodings; other params cost one each", async () => {
  const { live, all } = await peers(100, (at) => ({
    topic: "alerts",
    params: { site: `${at % 4}` },
  }));
  for (let n = 0; n < 8; n += 1) void live.topic("alerts").publish({ site: "1" });
  await settle();
  expect([sum(all, "encodings"), sum(all, "frameWrites")]).toEqual([8, 25]);
});

test("without subscribers, an event is not encoded", async () => {
  const { live, all } = await peers(3, () => ({ topic: "alerts" }));
  for (const peer of all) peer.end();
  await live.topic("alerts").publish(1);
  await settle();
  expect(sum(all, "encodings")).toBe(0);
});

test("a hundred clients that resume at the same position share one page", async () => {
  const { live, all } = await peers(100, () => ({ topic: "alerts" }));
  for (let n = 0; n < 50; n += 1) await live.topic("devices").set(`k${n}`, n);
  const since = { ...live.topic("devices").position, offset: 10 };
  for (const peer of all) peer.receive({ type: "subscribe", id: 2, topic: "devices", since });
  // So many are not answered in one turn of the event loop.
  await vi.waitFor(() => expect(sum(all, "frameWrites")).toBe(100));
  expect(sum(all, "encodings")).toBe(1);
});

test("a subscriber with little room in its socket does not shorten the pieces of others", async () => {
  const { live, all } = await peers(10, () => ({ topic: "alerts" }));
  // The lane's first blocks are small, and a piece ends with its block.
  for (let n = 0; n < 6; n += 1) void live.topic("alerts").publish("x".repeat(9_000));
  await settle();
  for (const peer of all) {
    peer.carry();
    peer.frameWrites = 0;
  }
  // Of its 64 KiB it has some hundred bytes left: room for a last frame.
  all[0]!.sendFrames(Buffer.from(`${"x".repeat(65_000)}\n`));
  all[0]!.frameWrites = 0;
  for (let n = 0; n < 4; n += 1) void live.topic("alerts").publish("x".repeat(9_000));
  await settle();
  expect(all.slice(1).map(({ frameWrites }) => frameWrites)).toEqual(Array(9).fill(1));
  expect(all[0]!.frameWrites).toBe(1);
});

test("of two topics that both wait for room, each gets its turn", async () => {
  const { live, all } = await peers(1, () => ({ topic: "alerts" }));
  const [peer] = all;
  peer!.receive({ type: "subscribe", id: 2, topic: "devices" });
  const seen = new Map<string, number>();
  peer!.onText = (text) => {
    const { topic } = JSON.parse(text) as { topic: string };
    seen.set(topic, (seen.get(topic) ?? 0) + 1);
  };
  const pad = "x".repeat(30_000);
  for (let n = 0; n < 40; n += 1) {
    // More than the budget each time, so that this topic always has something to say.
    for (let at = 0; at < 8; at += 1) void live.topic("alerts").publish(pad);
    if (n === 5) void live.topic("devices").set("k", 1);
    await settle();
    peer!.carry();
  }
  expect(seen.get("alerts")).toBeGreaterThan(60);
  // The empty state, and the event.
  expect(seen.get("devices")).toBe(2 + 1);
});

test.each([
  ["at once", true],
  ["by a promise", Promise.resolve(true)],
])(
  "more than 256 unanswered publishes, permitted %s, block later messages until some are answered",
  async (_how, permitted) => {
    const answers: (() => void)[] = [];
    const broker = new MemoryBroker();
    const openTopic = broker.openTopic.bind(broker);
    broker.openTopic = async (declaration, follow) => {
      const opened = await openTopic(declaration, follow);
      const append = (): Promise<never> =>
        new Promise((_, reject) => answers.push(() => reject(new Error("late"))));
      return { ...opened, append };
    };
    const live = await LiveServer.open({
      topics: [logTopic("alerts", { clientPublish: true, authorize: () => permitted })],
      broker,
      onError: () => {},
    });
    const endpoint = live.endpoint("/live");
    const peer = new MemoryPeer(endpoint);
    endpoint.onOpen(peer, {
      path: "/live",
      search: "",
      protocols: ["longwire.v1"],
      ...NOTHING_SHOWN,
    });
    const publish = (id: number): void | Promise<void> =>
      endpoint.onMessage(peer, JSON.stringify({ type: "publish", id, topic: "alerts", data: 1 }));
    for (let id = 1; id < 256; id += 1) await publish(id);
    let isHeld = true;
    const held = Promise.resolve(publish(256)).then(() => (isHeld = false));
    await settle();
    expect([answers.length, isHeld]).toEqual([256, true]);
    answers[0]!();
    await held;
  },
);

describe("params with more names than the limit", () => {
  const search = `?${Array.from({ length: 500 }, (_, n) => `name${n}=1`).join("&")}`;
  const params = Object.fromEntries(new URLSearchParams(search));

  test("are refused before anything is done with them", async () => {
    let asked = 0;
    const topics = [keyedTopic("devices/:site", { match: matchFields })];
    const live = await RunningLive.start({ topics, authorize: () => (asked += 1) > 0 });
    const client = await live.level1();
    const refused = await client.ask({ type: "subscribe", id: 1, topic: "devices/lab", params });
    expect(refused).toMatchObject({ type: "error", code: "invalid_params" });
    expect(await (await live.level0(`devices/lab${search}`)).closed).toMatchObject({ code: 4422 });
    const answer = await fetch(live.http(`devices/lab${search}`));
    expect([answer.status, await answer.json()]).toMatchObject([422, { code: "invalid_params" }]);
    expect(asked).toBe(0);
  });
});
