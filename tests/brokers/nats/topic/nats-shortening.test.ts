import type { PurgeOpts } from "@nats-io/jetstream";
import { afterEach, expect, test } from "vitest";
import { keyedTopic, type BrokerTopic, type TopicEvent } from "../../../../src/live/index.ts";
import { CuttingProxy } from "../../../rigs/sockets/cutting-proxy.ts";
import { eventually } from "../../../rigs/clock/eventually.ts";
import { open, raw } from "../../../rigs/brokers/nats-node.ts";
import { closeAll, follow, offsets, upTo, type Node } from "../../../rigs/brokers/node.ts";
import { NatsServer } from "../../../rigs/brokers/nats-server.ts";

afterEach(closeAll);

const stream = "longwire+keyed+k";
/**
 * A stream is shortened a second after it has a thousand messages too many: a busy machine's other
 * nodes have read those by then, or they would rightly be told that they have missed something.
 */
const soon = { windowMs: 500, lookMs: 100 };
/** It keeps no removal, and shortens nothing. */
const forgetful = keyedTopic("k", { retention: { maxEvents: 0 } });

/** Changes ten keys so often that their stream is worth shortening. */
async function churn(topic: BrokerTopic): Promise<void> {
  await Promise.all(upTo(1_500).map((n) => topic.append({ key: `k${n % 10}`, data: n })));
}

function messages(server: NatsServer): Promise<number> {
  return raw(server, async ({ streams }) => (await streams.info(stream)).state.messages);
}

/** Returns a node's values by key, as its events define them. */
function view({ events }: Pick<Node, "events">): [string, unknown][] {
  const values = new Map<string, unknown>();
  for (const { key = "", data, removed } of events) {
    if (removed) values.delete(key);
    else values.set(key, data);
  }
  return [...values].sort(([one], [other]) => (one < other ? -1 : 1));
}

test("a keyed topic's stream is shortened to the newest event of each key, and all nodes continue", async () => {
  const server = await NatsServer.start();
  const declaration = keyedTopic("k");
  const writer = await follow(await open(server.url, soon), declaration);
  const reader = await follow(await open(server.url), declaration);
  await writer.topic.append({ key: "old", data: "kept" });
  await writer.topic.append({ key: "leased", data: "kept", leaseMs: 600_000 });
  await writer.topic.append({ key: "gone", data: 1 });
  const removal = await writer.topic.append({ key: "gone", removed: true });
  await churn(writer.topic);
  await eventually(() => messages(server)).toBeLessThan(1_000);
  const after = await writer.topic.append({ key: "after", data: 1 });
  await reader.topic.catchUp();
  const later = await follow(await open(server.url), declaration);
  expect(view(later)).toEqual(view(writer));
  expect(view(reader)).toEqual(view(writer));
  expect(offsets(later)).toEqual([
    1,
    2,
    removal.offset,
    ...upTo(10).map((n) => 1_494 + n),
    after.offset,
  ]);
  expect(later.topic).toMatchObject({ epoch: writer.topic.epoch, offset: after.offset, floor: 0 });
  expect([writer.losses, reader.losses, later.losses]).toEqual([0, 0, 0]);
  // A copy is the same event: its key can be changed under the condition that it is the newest.
  expect(await later.topic.append({ key: "old", data: 2, ifNewest: 1 })).toMatchObject({
    duplicate: false,
  });
  await expect(reader.topic.append({ key: "old", data: 3, ifNewest: 1 })).rejects.toMatchObject({
    code: "conflict",
  });
});

test("a lease is copied with its value", async () => {
  const server = await NatsServer.start();
  const writer = await follow(await open(server.url, soon), keyedTopic("k"));
  const { offset } = await writer.topic.append({ key: "leased", data: 1, leaseMs: 4_000 });
  await churn(writer.topic);
  await eventually(() => messages(server)).toBeLessThan(1_000);
  await writer.topic.close();
  const later = await follow(await open(server.url), keyedTopic("k"));
  expect(later.events[0]).toMatchObject({ key: "leased", offset });
  await eventually(() => later.events.at(-1)).toMatchObject({ key: "leased", removed: true });
});

test("a node that was disconnected while keys were removed and forgotten learns that it has missed something", async () => {
  const server = await NatsServer.start();
  let isCut = false;
  const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
  const broker = await open(`nats://127.0.0.1:${proxy.port}`);
  const away = await follow(broker, forgetful);
  const writer = await follow(await open(server.url, soon), forgetful);
  await writer.topic.append({ key: "a", data: 1 });
  await writer.topic.append({ key: "b", data: 1 });
  await eventually(() => away.events.length).toBe(2);
  isCut = true;
  proxy.cut(1, () => 0);
  await writer.topic.append({ key: "a", removed: true });
  await churn(writer.topic);
  await eventually(() => messages(server)).toBeLessThan(1_000);
  isCut = false;
  await eventually(() => away.losses).toBe(1);
  const again = await follow(broker, forgetful);
  expect(view(again)).toEqual(view(writer));
  expect(again.topic.epoch).toBe(writer.topic.epoch);
  // A follower that still has `a` must read the whole state.
  expect(again.topic.floor).toBeGreaterThanOrEqual(3);
  expect(writer.losses).toBe(0);
  await proxy.close();
});

test("a removal that was the newest event and is forgotten still determines the topic's position", async () => {
  const server = await NatsServer.start();
  const writer = await follow(await open(server.url), forgetful);
  await churn(writer.topic);
  const removal = await writer.topic.append({ key: "k1", removed: true });
  // For this one all of it is old.
  await follow(await open(server.url, { windowMs: 1, lookMs: 100 }), forgetful);
  await eventually(() => messages(server)).toBe(9);
  const later = await follow(await open(server.url), forgetful);
  expect(later.topic).toMatchObject({ offset: removal.offset, floor: removal.offset });
  expect(later.events).toHaveLength(9);
});

test.each<[name: string, what: PurgeOpts]>([
  ["all of it", { seq: 4 }],
  ["its beginning", { seq: 3 }],
  ["one key", { filter: "longwire.keyed.k.b" }],
])(
  "a keyed topic's stream that is purged, %s, is another log: all followers are notified, and all nodes agree",
  async (_name, what) => {
    const server = await NatsServer.start();
    const [one, two] = [await open(server.url, { lookMs: 50 }), await open(server.url)];
    const nodes = [await follow(one, keyedTopic("k")), await follow(two, keyedTopic("k"))];
    for (const key of ["a", "b", "c"]) await nodes[0]!.topic.append({ key, data: 1 });
    await raw(server, ({ streams }) => streams.purge(stream, what));
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    const anew = [await follow(one, keyedTopic("k")), await follow(two, keyedTopic("k"))];
    expect(view(anew[0]!)).toEqual(view(anew[1]!));
    expect(anew[0]!.topic.epoch).toBe(anew[1]!.topic.epoch);
    expect(anew[0]!.topic.epoch).not.toBe(nodes[0]!.topic.epoch);
    await anew[0]!.topic.append({ key: "d", data: 1 });
    await anew[1]!.topic.catchUp();
    expect(view(anew[0]!)).toEqual(view(anew[1]!));
    expect(anew.map(({ losses }) => losses)).toEqual([0, 0]);
  },
);

test("a keyed topic's stream that was purged while no node had it open has another epoch", async () => {
  const server = await NatsServer.start();
  const node = await follow(await open(server.url), keyedTopic("k"));
  for (const key of ["a", "b", "c"]) await node.topic.append({ key, data: 1 });
  await node.topic.close();
  await raw(server, ({ streams }) => streams.purge(stream, { seq: 3 }));
  const anew = [await follow(await open(server.url), keyedTopic("k"))];
  anew.push(await follow(await open(server.url), keyedTopic("k")));
  expect(anew.map(view)).toEqual([[["c", 1]], [["c", 1]]]);
  expect(anew[0]!.topic.epoch).not.toBe(node.topic.epoch);
  expect(anew[1]!.topic.epoch).toBe(anew[0]!.topic.epoch);
});

test("invalid messages are never followed, even after the stream is shortened", async () => {
  const server = await NatsServer.start();
  const declaration = keyedTopic("k");
  const options = { windowMs: 2_000, lookMs: 100 };
  const nodes = [
    await follow(await open(server.url, options), declaration),
    await follow(await open(server.url, options), declaration),
  ];
  const append = (n: number): Promise<unknown>[] =>
    nodes.map(({ topic }) =>
      topic.append({ key: `once${n}`, data: n, idempotencyKey: `${n}`, ifNewest: 0 }),
    );
  // Sent by both before either has read what the other has sent.
  const receipts = await Promise.allSettled(upTo(20).flatMap(append));
  expect(receipts.filter(({ status }) => status === "rejected")).toEqual([]);
  expect(await messages(server)).toBeGreaterThan(20);
  await churn(nodes[0]!.topic);
  const told = ({ events }: Node): TopicEvent[] =>
    events.filter(({ key }) => key?.startsWith("once"));
  const before = await follow(await open(server.url, options), declaration);
  await eventually(() => messages(server)).toBeLessThan(1_000);
  const after = await follow(await open(server.url, options), declaration);
  const all = [...nodes, before, after].map((node) => told(node).map(({ offset }) => offset));
  expect(all[0]).toHaveLength(20);
  for (const one of all) expect(one).toEqual(all[0]);
  expect(nodes.map(({ losses }) => losses)).toEqual([0, 0]);
});
