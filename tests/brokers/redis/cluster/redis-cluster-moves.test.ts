import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { ClusterLink } from "../../../../src/brokers/redis/cluster/cluster-link.ts";
import { clusterRoots } from "../../../../src/brokers/redis/link/redis-url.ts";
import { slotOf } from "../../../../src/brokers/redis/cluster/slots.ts";
import { topicKeys } from "../../../../src/brokers/redis/topic/topic-keys.ts";
import { keyedTopic, logTopic, type Receipt } from "../../../../src/live/index.ts";
import { stopEngines } from "../../../rigs/brokers/engine-process.ts";
import { eventually } from "../../../rigs/clock/eventually.ts";
import { command, RedisCluster } from "../../../rigs/brokers/redis-cluster.ts";
import { open, raw } from "../../../rigs/brokers/redis-node.ts";
import {
  append,
  closeBrokers,
  follow,
  isDone,
  offsets,
  upTo,
  type Node,
} from "../../../rigs/brokers/node.ts";

vi.setConfig({ testTimeout: 30_000 });

// All tests have this one, each with a prefix of its own: so with slots of its own.
let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterEach(closeBrokers);
afterAll(() => stopEngines());

const data = ({ events }: Node): unknown[] => events.map((event) => event.data);

describe("a slot moves from one server to another", () => {
  test("while its topic is appended to and followed: everything stays in order, once, and accepted", async () => {
    const prefix = "p1";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const slot = slotOf(`{${prefix}:${name}}`);
    const [writer, other, reader] = [
      await follow(await open(cluster.url, { prefix }), logTopic(name)),
      await follow(await open(cluster.url, { prefix }), logTopic(name)),
      await follow(await open(cluster.url, { prefix }), logTopic(name)),
    ];
    const receipts: Promise<Receipt>[] = [];
    const moves = (async () => {
      for (let round = 0; round < 6; round += 1) {
        await (round % 2 === 0 ? cluster.move(slot, one!, two!) : cluster.move(slot, two!, one!));
      }
    })();
    const moved = isDone(moves);
    while (!moved()) {
      // Without idempotency keys: nothing is ever sent twice.
      for (let n = 0; n < 5; n += 1) receipts.push(writer.topic.append({ data: receipts.length }));
      await Promise.race([other.topic.append({ data: "other" }), moves]);
    }
    await moves;
    const given = (await Promise.all(receipts)).map(({ offset }) => offset);
    expect(given).toEqual(given.toSorted((a, b) => a - b));
    await append(other.topic, 1);
    const last = other.events.length;
    for (const node of [writer, other, reader]) {
      await eventually(() => offsets(node)).toEqual(upTo(last));
      expect(data(node).filter((item) => item !== "other")).toEqual([...given.keys(), 0]);
      expect(node.losses).toBe(0);
    }
    expect(given.length).toBeGreaterThan(20);
  });

  test("notifications continue for followers that only read, even for many topics at the same time", async () => {
    const prefix = "p2";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const twins = namesInSlotOf(prefix, name, 5);
    const slot = slotOf(`{${prefix}:${name}}`);
    const broker = await open(cluster.url, { prefix });
    const readers = await Promise.all(twins.map((twin) => follow(broker, logTopic(twin))));
    const writer = await open(cluster.url, { prefix });
    const writers = await Promise.all(twins.map((twin) => follow(writer, logTopic(twin))));
    for (const { topic } of writers) await topic.append({ data: "before" });
    for (const reader of readers) await eventually(() => data(reader)).toEqual(["before"]);
    await cluster.move(slot, one!, two!);
    const subscribed = async (): Promise<number> => {
      const channels = twins.map((twin) => `{${prefix}:${twin}}`);
      const answer = await command(two!, "PUBSUB", "SHARDNUMSUB", ...channels);
      return (answer as (string | number)[]).filter((item) => item === 2).length;
    };
    await eventually(subscribed).toBe(twins.length);
    for (const { topic } of writers) await topic.append({ data: "after" });
    for (const reader of readers) await eventually(() => data(reader)).toEqual(["before", "after"]);
  });

  test("scripts that are pending when topics' channels move get their own answers", async () => {
    const prefix = "p3";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const slot = slotOf(`{${prefix}:${name}}`);
    const { url } = cluster;
    const heard = { onNotified: () => {}, onBack: () => {}, onLost: () => {} };
    const link = await ClusterLink.open({ url }, clusterRoots(url)!, heard);
    onTestFinished(() => link.close());
    for (const twin of namesInSlotOf(prefix, name, 3)) await link.subscribe(`{${prefix}:${twin}}`);
    // Others of the same server, which nobody follows: so the last of its channels moves.
    const tags = namesBeside(prefix, name, 50).map((each) => `{${prefix}:${each}}`);
    const read = async (tag: string): Promise<[string, unknown]> => {
      const place = ["log", "10", "10000", "60000", tag, "", "0", "", "", "0", "steps", "1", "1"];
      // The first reader sets the topic's epoch.
      const [, epoch] = await link.run("read", topicKeys(tag), [tag, ...place]);
      return [tag, epoch];
    };
    for (let round = 0; round < 4; round += 1) {
      const moved = isDone(
        cluster.move(slot, one!, two!).then(() => cluster.move(slot, two!, one!)),
      );
      while (!moved()) {
        const answers = await Promise.all([...tags, ...tags, ...tags, ...tags].map(read));
        for (const [tag, epoch] of answers) expect(epoch).toBe(`1.${tag}`);
      }
    }
  });

  test("notifications continue for a slot that left and returned unnoticed", async () => {
    const prefix = "p6";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const { url } = cluster;
    const [channel, slot] = [`{${prefix}:${name}}`, String(slotOf(`{${prefix}:${name}}`))];
    let heard = 0;
    const handler = { onNotified: () => (heard += 1), onBack: () => {}, onLost: () => {} };
    const link = await ClusterLink.open({ url }, clusterRoots(url)!, handler);
    onTestFinished(() => link.close());
    await link.subscribe(channel);
    const ids = [await command(two!, "CLUSTER", "MYID"), await command(one!, "CLUSTER", "MYID")];
    await raw(one!.url, (client) =>
      Promise.all(
        ids.map((id) => client.sendCommand(["CLUSTER", "SETSLOT", slot, "NODE", String(id)])),
      ),
    );
    await eventually(async () => {
      await command(one!, "SPUBLISH", channel, "text");
      return heard;
    }).toBeGreaterThan(0);
  });

  test("notifications of a slot that left and returns resume for a node that knows only this server, with the next refresh at the latest", async () => {
    const prefix = "p7";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const slot = slotOf(`{${prefix}:${name}}`);
    const reader = await follow(await open(one!.url, { prefix, lookMs: 500 }), logTopic(name));
    const { topic } = await follow(await open(cluster.url, { prefix }), logTopic(name));
    await cluster.move(slot, one!, two!);
    await topic.append({ data: "away" });
    await cluster.move(slot, two!, one!);
    await topic.append({ data: "back" });
    await eventually(() => data(reader)).toEqual(["away", "back"]);
  });

  test("a topic that is first opened after its slot has moved is found at its new server", async () => {
    const prefix = "p8";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const broker = await open(cluster.url, { prefix });
    await cluster.move(slotOf(`{${prefix}:${name}}`), one!, two!);
    expect((await follow(broker, logTopic(name))).topic.offset).toBe(0);
  });

  test("a script does not start on a server that its slot is leaving, because it would end midway", async () => {
    const prefix = "p4";
    const [name] = cluster.namesAtEach(prefix) as [string];
    const [one, two] = cluster.primaries;
    const slot = slotOf(`{${prefix}:${name}}`);
    const node = await follow(await open(cluster.url, { prefix }), keyedTopic(name));
    // All keys are there, and the next append takes one of them away.
    await node.topic.append({ key: "a", data: 1 });
    await node.topic.append({ key: "a", removed: true });
    await node.topic.append({ key: "b", data: 1, leaseMs: 3_600_000 });
    await cluster.beginMove(slot, one!, two!);
    const waiting = node.topic.append({ key: "a", data: 2 });
    const calls = async (): Promise<number> => {
      const stats = String(await command(one!, "INFO", "commandstats"));
      return Number(/cmdstat_evalsha:.*rejected_calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    await eventually(calls).toBeGreaterThan(1);
    await cluster.moveKeys(slot, one!, two!);
    await cluster.endMove(slot, one!, two!);
    expect(await waiting).toEqual({ offset: 4, duplicate: false });
    expect(await node.topic.append({ key: "c", data: 1 })).toMatchObject({ offset: 5 });
    expect([offsets(node), node.losses]).toEqual([upTo(5), 0]);
  });

  test("appends and openings are refused while a slot migrates for too long, and succeed afterwards", async () => {
    const prefix = "p5";
    const [name, other] = cluster.namesAtEach(prefix) as [string, string];
    const [one, two] = cluster.primaries;
    const slot = slotOf(`{${prefix}:${name}}`);
    const broker = await open(cluster.url, { prefix, timeoutMs: 300 });
    const node = await follow(broker, logTopic(name));
    const apart = await follow(broker, logTopic(other));
    await append(node.topic, 1);
    await cluster.beginMove(slot, one!, two!);
    const refused = node.topic.append({ data: "late" });
    await expect(refused).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("is being moved"),
    });
    const twin = namesInSlotOf(prefix, name, 2)[1]!;
    await expect(follow(broker, logTopic(twin))).rejects.toMatchObject({ code: "unavailable" });
    await append(apart.topic, 3);
    await cluster.moveKeys(slot, one!, two!);
    await cluster.endMove(slot, one!, two!);
    await append(node.topic, 1);
    expect((await follow(broker, logTopic(twin))).topic.offset).toBe(0);
    expect([data(node), data(apart), node.losses]).toEqual([[0, 0], [0, 1, 2], 0]);
  });
});

/** The name, and others whose topics are in the same slot. */
function namesInSlotOf(prefix: string, name: string, count: number): string[] {
  const found = [name];
  for (let n = 0; found.length < count; n += 1) {
    if (slotOf(`{${prefix}:twin-${n}}`) === slotOf(`{${prefix}:${name}}`)) found.push(`twin-${n}`);
  }
  return found;
}

/** Topics at the same server, in other slots. */
function namesBeside(prefix: string, name: string, count: number): string[] {
  const server = cluster.shardOf(name, prefix);
  const found: string[] = [];
  for (let n = 0; found.length < count; n += 1) {
    const isElsewhere = slotOf(`{${prefix}:beside-${n}}`) !== slotOf(`{${prefix}:${name}}`);
    if (isElsewhere && cluster.shardOf(`beside-${n}`, prefix) === server) found.push(`beside-${n}`);
  }
  return found;
}
