import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { keyedTopic, logTopic, type TopicHandle } from "../../../../src/live/index.ts";
import { LEVEL_1, type Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";

const EVENT_BYTES = 20_000;
const BATCH = 10;
/** A subscriber's budget, and beyond it one page or slice with its last event. */
const MOST_BUFFERED = 64 * 1024 + 64 * 1024 + 2 * EVENT_BYTES;

interface Reader {
  socket: WebSocket;
  messages: Message[];
  closed: Promise<number>;
}

async function open(url: string, protocols: string[] = []): Promise<Reader> {
  // Without compression, or the events would take no room.
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  const messages: Message[] = [];
  socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  const closed = once(socket, "close").then(([code]) => code as number);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return { socket, messages, closed };
}

async function subscriber(live: RunningLive, topic: string): Promise<Reader> {
  const reader = await open(live.url(), LEVEL_1);
  reader.socket.send(JSON.stringify({ type: "subscribe", id: 1, topic }));
  await expect.poll(() => reader.messages.length, { interval: 5 }).toBeGreaterThanOrEqual(2);
  return reader;
}

/** Publishes batches until the system takes no more for `stalled`, and then as much as given. */
async function flood(
  topic: TopicHandle,
  readers: Reader[],
  {
    live,
    publish,
    beyondBytes,
  }: { live: RunningLive; publish: (n: number) => Promise<unknown>; beyondBytes: number },
): Promise<number> {
  // The peers are in the order in which they came, and the stalled ones came first.
  const [stalled] = live.server.peers;
  let n = 0;
  let beyond = 0;
  while (beyond < beyondBytes) {
    for (let at = 0; at < BATCH; at += 1) await publish((n += 1));
    const { offset } = topic.position;
    const last = (): boolean =>
      readers.every(({ messages }) => (messages.at(-1)?.offset ?? messages.at(-1)?.n) === offset);
    await expect.poll(last, { interval: 2, timeout: 20_000 }).toBe(true);
    for (const peer of live.server.peers) {
      expect(peer.bufferedAmount).toBeLessThanOrEqual(MOST_BUFFERED);
    }
    if (stalled!.bufferedAmount > 0) beyond += BATCH * EVENT_BYTES;
    if (n > 2_000) throw new Error("the system took everything; nothing was stalled");
  }
  return n;
}

const pad = "x".repeat(EVENT_BYTES);

test("one stalled subscriber among fifty: the others receive every event; it costs its budget and skips to the newest state", async () => {
  const live = await RunningLive.start({ topics: [keyedTopic("devices")] });
  const topic = live.topic("devices");
  await topic.set("gone", 1);
  const stalled = await subscriber(live, "devices");
  stalled.socket.pause();
  const others: Reader[] = [];
  for (let at = 0; at < 49; at += 1) others.push(await subscriber(live, "devices"));
  const published = await flood(topic, others, {
    live,
    publish: (n) => topic.set(`k${n % 7}`, { n, pad }),
    beyondBytes: 2_000_000,
  });
  await topic.remove("gone");
  for (const { messages } of others) {
    await expect.poll(() => messages.at(-1)!.offset).toBe(published + 2);
    expect(messages.filter(({ type }) => type === "event")).toHaveLength(published + 1);
  }
  stalled.socket.resume();
  await expect.poll(() => stalled.messages.at(-1)!.offset, { timeout: 20_000 }).toBe(published + 2);
  const view = new Map<string, number>();
  let steps = 0;
  for (const message of stalled.messages) {
    const entries = (message.entries ?? (message.type === "event" ? [message] : [])) as Message[];
    steps += entries.length;
    for (const { key, offset, removed } of entries) {
      expect(offset).toBeGreaterThan(view.get(key) ?? 0);
      if (removed) view.delete(key);
      else view.set(key, offset);
    }
  }
  const state = [...topic.events()].map(({ key, offset }): [string, number] => [key!, offset]);
  expect(Object.fromEntries(view)).toEqual(Object.fromEntries(state));
  expect(steps).toBeLessThan(published);
  await topic.set("after", 1);
  await expect.poll(() => stalled.messages.at(-1)).toMatchObject({ type: "event", key: "after" });
});

test("a stalled subscriber of a log topic receives everything in order, except for what its gaps list", async () => {
  const topics = [logTopic("alerts", { retention: { maxEvents: 20 } })];
  const live = await RunningLive.start({ topics });
  const topic = live.topic("alerts");
  const stalled = await subscriberOfLog(live);
  stalled.socket.pause();
  const reader = await subscriberOfLog(live);
  const published = await flood(topic, [reader], {
    live,
    publish: (n) => topic.publish({ n, pad }),
    beyondBytes: 2_000_000,
  });
  stalled.socket.resume();
  await expect.poll(() => stalled.messages.at(-1)!.offset, { timeout: 20_000 }).toBe(published);
  let reached = 0;
  let gaps = 0;
  for (const message of stalled.messages) {
    if (message.type === "gap") {
      expect(message).toMatchObject({ from: reached + 1, reason: "slow" });
      reached = message.to as number;
      gaps += 1;
    } else if (message.type === "event") {
      expect(message.offset).toBe(reached + 1);
      reached = message.offset as number;
    }
  }
  expect(reached).toBe(published);
  expect(gaps).toBeGreaterThan(0);
});

test("a stalled Level 0 client of a log topic is closed with 4429 when its cursor leaves the log", async () => {
  const topics = [logTopic("alerts", { retention: { maxEvents: 20 } })];
  const live = await RunningLive.start({ topics });
  const topic = live.topic("alerts");
  const stalled = await open(live.url("/live/alerts?all=1"));
  stalled.socket.pause();
  const reader = await open(live.url("/live/alerts?all=1"));
  await flood(topic, [reader], {
    live,
    publish: (n) => topic.publish({ n, pad }),
    beyondBytes: 2_000_000,
  });
  stalled.socket.resume();
  expect(await stalled.closed).toBe(4429);
  const seen = stalled.messages.map(({ n }) => n as number);
  expect(seen).toEqual(seen.map((_, at) => at + 1));
  await topic.publish({ n: -1 });
  await expect.poll(() => reader.messages.at(-1)!.n).toBe(-1);
});

async function subscriberOfLog(live: RunningLive): Promise<Reader> {
  return subscriber(live, "alerts");
}
