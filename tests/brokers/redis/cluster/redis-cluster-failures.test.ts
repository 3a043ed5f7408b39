import { afterEach, describe, expect, test, vi } from "vitest";
import type { LongwireError } from "../../../../src/base/index.ts";
import { RedisBroker } from "../../../../src/brokers/redis/index.ts";
import { logTopic } from "../../../../src/live/index.ts";
import { eventually } from "../../../rigs/clock/eventually.ts";
import { comesTrue, command, RedisCluster } from "../../../rigs/brokers/redis-cluster.ts";
import { open, raw } from "../../../rigs/brokers/redis-node.ts";
import {
  append,
  appendAgain,
  closeAll,
  follow,
  isDone,
  offsets,
  upTo,
  type Node,
} from "../../../rigs/brokers/node.ts";
import { RedisServer } from "../../../rigs/brokers/redis-server.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(closeAll);

const prefix = "p";
const data = ({ events }: Node): unknown[] => events.map((event) => event.data);

/** A topic's name at each of the three. */
function names(cluster: RedisCluster): [string, string, string] {
  return cluster.namesAtEach(prefix) as [string, string, string];
}

async function startThree(options = {}): Promise<[RedisCluster, RedisServer[]]> {
  const cluster = await RedisCluster.start(options);
  return [cluster, [...cluster.primaries]];
}

describe("a server is lost", () => {
  test("and restarted with its data: other shards continue, and no acknowledged event is lost", async () => {
    const [cluster, [lost]] = await startThree({
      durable: true,
      settings: ["--cluster-require-full-coverage", "no"],
    });
    const topics = names(cluster);
    const [one, two] = [await open(cluster.url, { prefix }), await open(cluster.url, { prefix })];
    const writers = await Promise.all(topics.map((name) => follow(one, logTopic(name))));
    const readers = await Promise.all(topics.map((name) => follow(two, logTopic(name))));
    const again = (node: Node, n: number): Promise<object> =>
      appendAgain(node.topic, { data: n, idempotencyKey: `${n}` });
    for (let n = 0; n < 60; n += 1) {
      const appended = again(writers[0]!, n);
      if (n % 20 === 10) {
        await lost!.kill();
        for (const writer of writers.slice(1)) await writer.topic.append({ data: n });
        await expect(follow(two, logTopic(namesAt(cluster, lost!, 2)[1]!))).rejects.toMatchObject({
          code: "unavailable",
        });
        expect([one.isAway, two.isAway]).toEqual([false, false]);
        await lost!.restart();
      }
      await appended;
    }
    await eventually(() => data(readers[0]!)).toEqual(upTo(60).map((n) => n - 1));
    expect(offsets(writers[0]!)).toEqual(upTo(60));
    for (const reader of readers.slice(1))
      await eventually(() => data(reader)).toEqual([10, 30, 50]);
    expect([...writers, ...readers].map(({ losses }) => losses)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("and its replica takes over: the log is the same, and the old server returns as a replica", async () => {
    const [cluster, [lost]] = await startThree();
    const replica = await cluster.addReplica(lost!);
    const [name, other] = names(cluster);
    const [one, two] = [await open(cluster.url, { prefix }), await open(cluster.url, { prefix })];
    const [writer, reader] = [await follow(one, logTopic(name)), await follow(two, logTopic(name))];
    const apart = await follow(one, logTopic(other));
    await append(writer.topic, 50);
    await hasOffset(replica, name, 50);
    await lost!.kill();
    await append(apart.topic, 3);
    await command(replica, "CLUSTER", "FAILOVER", "TAKEOVER");
    const receipt = await appendAgain(writer.topic, { data: "after", idempotencyKey: "k" });
    expect(receipt).toEqual({ offset: 51, duplicate: false });
    await eventually(() => offsets(reader)).toEqual(upTo(51));
    await lost!.restart();
    await comesTrue(async () => String(await command(lost!, "ROLE")).startsWith("slave"));
    await append(writer.topic, 5);
    await eventually(() => offsets(reader)).toEqual(upTo(56));
    // And back, while both live.
    const failover = cluster.failOverTo(lost!);
    const over = isDone(failover);
    let count = 56;
    while (!over()) {
      const draft = { data: (count += 1), idempotencyKey: `${count}` };
      await appendAgain(writer.topic, draft);
    }
    await failover;
    await appendAgain(writer.topic, { data: "last", idempotencyKey: "last" });
    await eventually(() => offsets(reader)).toEqual(upTo(count + 1));
    expect([writer.losses, reader.losses, apart.losses]).toEqual([0, 0, 0]);
  });

  test("and its replica had not received everything: what it has is kept, under another epoch", async () => {
    const [cluster, [lost]] = await startThree();
    const replica = await cluster.addReplica(lost!);
    const [name] = names(cluster);
    const [one, two] = [await open(cluster.url, { prefix }), await open(cluster.url, { prefix })];
    const nodes = [await follow(one, logTopic(name)), await follow(two, logTopic(name))];
    await append(nodes[0]!.topic, 5);
    await hasOffset(replica, name, 5);
    // From here on, the replica receives no updates.
    await command(lost!, "CONFIG", "SET", "requirepass", "secret");
    await raw(lost!.url.replace("//", "//:secret@"), (client) =>
      client.sendCommand(["CLIENT", "KILL", "TYPE", "REPLICA"]),
    );
    await append(nodes[0]!.topic, 3);
    await eventually(() => offsets(nodes[1]!)).toEqual(upTo(8));
    await lost!.kill();
    await command(replica, "CLUSTER", "FAILOVER", "TAKEOVER");
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    const anew = await follow(one, logTopic(name));
    expect(anew.topic.epoch).not.toBe(nodes[0]!.topic.epoch);
    expect(offsets(anew)).toEqual(upTo(5));
    expect(await anew.topic.append({ data: 1 })).toEqual({ offset: 6, duplicate: false });
    const seen = await follow(two, logTopic(name));
    expect([seen.topic.epoch, offsets(seen)]).toEqual([anew.topic.epoch, upTo(6)]);
  });
});

describe("a cluster is opened", () => {
  test("through any reachable server while a shard is down, which is connected later", async () => {
    const [cluster, [one, , three]] = await startThree({
      durable: true,
      settings: ["--cluster-require-full-coverage", "no"],
    });
    const [name, other] = names(cluster);
    await one!.kill();
    const errors: LongwireError[] = [];
    const onError = (error: LongwireError): void => void errors.push(error);
    const url = `redis+cluster://127.0.0.1:${one!.port},127.0.0.1:${three!.port}`;
    const broker = await open(url, { prefix, onError });
    expect(broker.isAway).toBe(false);
    await append((await follow(broker, logTopic(other))).topic, 3);
    await expect(follow(broker, logTopic(name))).rejects.toMatchObject({ code: "unavailable" });
    await eventually(() => errors.map(({ message }) => message)).toContain(
      `Redis at 127.0.0.1:${one!.port} cannot be reached (ECONNREFUSED); start it, or give the address of a running server.`,
    );
    await one!.restart();
    await eventually(() =>
      follow(broker, logTopic(name)).then(
        ({ topic }) => topic.offset,
        () => "away",
      ),
    ).toBe(0);
  });

  test("all of its servers go down and return: that is reported, and everything continues", async () => {
    const [cluster, servers] = await startThree({ durable: true });
    const broker = await open(cluster.url, { prefix });
    const [name] = names(cluster);
    const node = await follow(broker, logTopic(name));
    await append(node.topic, 2);
    for (const server of servers) await server.kill();
    await eventually(() => broker.isAway).toBe(true);
    await expect(node.topic.append({ data: 1 })).rejects.toMatchObject({ code: "unavailable" });
    for (const server of servers) await server.restart();
    await appendAgain(node.topic, { data: "back", idempotencyKey: "k" });
    expect([data(node), node.losses, broker.isAway]).toEqual([[0, 1, "back"], 0, false]);
  });

  test("without any server, with a server that is not a cluster, and with an invalid URL: one line says so, without a password", async () => {
    const single = await RedisServer.start();
    const { port } = await RedisServer.start().then(async (server) => {
      await server.stop();
      return server;
    });
    const failed = async (url: string): Promise<LongwireError> =>
      RedisBroker.open({ url }).then(
        () => Promise.reject(new Error("opened")),
        (error: LongwireError) => error,
      );
    expect(
      await failed(`redis+cluster://ada:secret@127.0.0.1:${port},127.0.0.1:${port}`),
    ).toMatchObject({
      code: "broker_unreachable",
      message: `Redis Cluster at 127.0.0.1:${port}, 127.0.0.1:${port} cannot be reached (ECONNREFUSED); start it, or give the address of a running server.`,
    });
    expect(await failed(single.url.replace("redis:", "redis+cluster:"))).toMatchObject({
      code: "broker_unreachable",
      message: expect.stringContaining("remove +cluster"),
    });
    for (const url of [
      "redis+cluster://",
      "redis+cluster://ada:secret@h:x",
      "redis+cluster://h/1",
    ]) {
      const bad = await failed(url);
      expect(bad.code).toBe("invalid_option");
      expect(bad.message).not.toContain("secret");
    }
  });

  test("as if it were one server: topics on other shards are refused with advice", async () => {
    const [cluster, [one]] = await startThree();
    const [, elsewhere] = names(cluster);
    const broker = await open(one!.url, { prefix });
    await expect(follow(broker, logTopic(elsewhere))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("redis+cluster://"),
    });
  });
});

async function hasOffset(server: RedisServer, topic: string, offset: number): Promise<void> {
  await raw(server.url, async (client) => {
    await client.sendCommand(["READONLY"]);
    const key = `{p:${topic}}:meta`;
    await eventually(() => client.sendCommand(["HGET", key, "offset"])).toBe(String(offset));
  });
}

/** Names of topics at one of the servers. */
function namesAt(cluster: RedisCluster, server: RedisServer, count: number): string[] {
  const found: string[] = [];
  for (let n = 0; found.length < count; n += 1) {
    if (cluster.shardOf(`topic-${n}`, prefix) === server) found.push(`topic-${n}`);
  }
  return found;
}
