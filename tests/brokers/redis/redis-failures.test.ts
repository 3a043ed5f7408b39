import { afterEach, describe, expect, test } from "vitest";
import { LongwireError } from "../../../src/base/index.ts";
import { RedisBroker } from "../../../src/brokers/redis/index.ts";
import { scripts } from "../../../src/brokers/redis/topic/scripts.ts";
import { topicKeys } from "../../../src/brokers/redis/topic/topic-keys.ts";
import { keyedTopic, logTopic, type BrokerTopic } from "../../../src/live/index.ts";
import { CuttingProxy } from "../../rigs/sockets/cutting-proxy.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { open, raw } from "../../rigs/brokers/redis-node.ts";
import { append, appendAgain, closeAll, follow, offsets, upTo } from "../../rigs/brokers/node.ts";
import { RedisServer } from "../../rigs/brokers/redis-server.ts";

afterEach(closeAll);

const news = logTopic("news");

describe("Redis is killed and restarted", () => {
  test("emptied while it runs: noticed by the next append, refresh or notification", async () => {
    const server = await RedisServer.start();
    const [one, two] = await Promise.all([open(server.url), open(server.url, { lookMs: 50 })]);
    const nodes = [await follow(one, news), await follow(two, news)];
    await append(nodes[0]!.topic, 2);
    await raw(server.url, (client) => client.flushAll());
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    const third = await follow(await open(server.url), news);
    await raw(server.url, (client) => client.flushAll());
    const refused = third.topic.append({ data: 1, ifNewest: 0 });
    await expect(refused).rejects.toMatchObject({ code: "unavailable" });
    expect(third.losses).toBe(1);
  });

  test("an append notices that an event seen before was replaced, and appends nothing", async () => {
    const server = await RedisServer.start();
    const node = await follow(await open(server.url, { prefix: "p" }), news);
    await append(node.topic, 2);
    // As after a failover that lost the second, and somebody else's append.
    await raw(server.url, (client) =>
      client
        .multi()
        .del("{p:news}:log")
        .xAdd("{p:news}:log", "2-0", { s: `${Date.now()}000`, d: '"another"' })
        .exec(),
    );
    await expect(node.topic.append({ data: 3 })).rejects.toMatchObject({ code: "unavailable" });
    expect(node.losses).toBe(1);
    expect(await raw(server.url, (client) => client.xLen("{p:news}:log"))).toBe(1);
  });

  test("with its last snapshot: its events are there, under another epoch", async () => {
    const server = await RedisServer.start();
    const one = await open(server.url);
    const node = await follow(one, news);
    await append(node.topic, 5);
    await raw(server.url, (client) => client.sendCommand(["SAVE"]));
    await append(node.topic, 5);
    await server.kill();
    await server.restart();
    await eventually(() => node.losses).toBe(1);
    const anew = await follow(one, news);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    expect(offsets(anew)).toEqual(upTo(5));
  });

  test("idempotency keys of a lost log are unknown to the next log", async () => {
    const server = await RedisServer.start();
    const broker = await open(server.url, { prefix: "p" });
    const before = await follow(broker, news);
    await before.topic.append({ data: 1, idempotencyKey: "k" });
    // As an engine that evicts may do.
    await raw(server.url, (client) => client.del(["{p:news}:meta", "{p:news}:log"]));
    await expect(before.topic.append({ data: 2 })).rejects.toMatchObject({ code: "unavailable" });
    const { topic } = await follow(broker, news);
    expect(await topic.append({ data: 1, idempotencyKey: "k" })).toEqual({
      offset: 1,
      duplicate: false,
    });
  });
});

/** Its replicas need not wait for others. */
const replicating = { settings: ["--repl-diskless-sync-delay", "0"] };

describe("another Redis server takes over", () => {
  test("a replica that had not received everything: what it has is kept, under another epoch, and it continues", async () => {
    const primary = await RedisServer.start(replicating);
    const settings = ["--replicaof", "127.0.0.1", String(primary.port)];
    const replica = await RedisServer.start({ settings });
    let target = primary.port;
    const proxy = await CuttingProxy.start(() => target);
    const broker = await open(`redis://127.0.0.1:${proxy.port}`, { prefix: "p" });
    const node = await follow(broker, news);
    await append(node.topic, 5);
    await eventually(() =>
      raw(replica.url, (client) => client.hGet("{p:news}:meta", "offset")),
    ).toBe("5");
    await raw(replica.url, (client) => client.sendCommand(["REPLICAOF", "NO", "ONE"]));
    await append(node.topic, 3);
    target = replica.port;
    await primary.kill();
    await eventually(() => node.losses).toBe(1);
    const anew = await follow(broker, news);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    expect(offsets(anew)).toEqual(upTo(5));
    expect(await anew.topic.append({ data: 1 })).toEqual({ offset: 6, duplicate: false });
    await proxy.close();
  });

  test("a demoted primary is abandoned, and nothing is lost that the new one has", async () => {
    const primary = await RedisServer.start(replicating);
    const settings = ["--replicaof", "127.0.0.1", String(primary.port)];
    const replica = await RedisServer.start({ settings });
    let target = primary.port;
    const proxy = await CuttingProxy.start(() => target);
    const node = await follow(await open(`redis://127.0.0.1:${proxy.port}`, { prefix: "p" }), news);
    await append(node.topic, 5);
    await eventually(() =>
      raw(replica.url, (client) => client.hGet("{p:news}:meta", "offset")),
    ).toBe("5");
    await raw(replica.url, (client) => client.sendCommand(["REPLICAOF", "NO", "ONE"]));
    target = replica.port;
    const demotion = ["REPLICAOF", "127.0.0.1", String(replica.port)];
    await raw(primary.url, (client) => client.sendCommand(demotion));
    await appendAgain(node.topic, { data: "after", idempotencyKey: "k" });
    expect(offsets(node)).toEqual(upTo(6));
    expect([node.losses, proxy.cuts]).toEqual([0, 0]);
    await proxy.close();
  });
});

describe("the connection to Redis is cut", () => {
  test("the next refresh makes up for a lost notification", async () => {
    const server = await RedisServer.start();
    const node = await follow(await open(server.url, { prefix: "p", lookMs: 50 }), news);
    await append(node.topic, 1);
    // As another node's script does, but for the notification.
    await raw(server.url, (client) =>
      client
        .multi()
        .xAdd("{p:news}:log", "2-0", { s: "1000", d: '"silent"' })
        .hSet("{p:news}:meta", "offset", "2")
        .exec(),
    );
    await eventually(() => node.events.at(-1)?.data).toBe("silent");
  });
});

describe("errors when Redis cannot be reached", () => {
  test("they name the server and what to do, and no credentials", async () => {
    const server = await RedisServer.start({ settings: ["--requirepass", "right"] });
    const failed = async (url: string): Promise<LongwireError> =>
      RedisBroker.open({ url }).then(
        () => Promise.reject(new Error("opened")),
        (error: LongwireError) => error,
      );
    const wrong = await failed(`redis://somebody:secret@127.0.0.1:${server.port}`);
    expect(wrong.code).toBe("broker_unreachable");
    expect(wrong.message).toContain(`127.0.0.1:${server.port}`);
    expect(wrong.message).toContain("WRONGPASS");
    const broker = await open(`redis://:right@127.0.0.1:${server.port}`);
    await follow(broker, news);
    await server.kill();
    const refused = await failed(`redis://:secret@127.0.0.1:${server.port}`);
    expect(refused).toBeInstanceOf(LongwireError);
    expect(refused.message).toBe(
      `Redis at 127.0.0.1:${server.port} cannot be reached (ECONNREFUSED); start it, or give the address of a running server.`,
    );
    for (const { message } of [wrong, refused]) expect(message).not.toMatch(/secret|somebody/);
    for (const url of ["http://secret@x", "secret"]) {
      const bad = await failed(url);
      expect(bad.code).toBe("invalid_option");
      expect(bad.message).not.toContain("secret");
    }
    const braces = RedisBroker.open({ url: server.url, prefix: "a{b}" });
    await expect(braces).rejects.toMatchObject({ code: "invalid_option" });
  });

  test("if Redis accepts no writes, appends are unavailable, with its reason", async () => {
    const server = await RedisServer.start({
      settings: ["--maxmemory", "1", "--maxmemory-policy", "noeviction"],
    });
    const broker = await open(server.url);
    const oom = { code: "unavailable", message: expect.stringContaining("OOM") };
    await expect(follow(broker, news)).rejects.toMatchObject(oom);
    await raw(server.url, (client) => client.configSet("maxmemory", "0"));
    const { topic } = await follow(broker, news);
    await append(topic, 1);
    await raw(server.url, (client) => client.configSet("maxmemory", "1"));
    await expect(topic.append({ data: 2 })).rejects.toMatchObject(oom);
    const reader = await follow(await open(server.url), news);
    expect(offsets(reader)).toEqual([1]);
  });
});

describe("requests of a node to Redis", () => {
  async function evaluations(url: string): Promise<number> {
    const info = await raw(url, (client) => client.info("commandstats"));
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0);
  }

  test("there is one subscription per topic, however many followers it has, and none without followers", async () => {
    const server = await RedisServer.start();
    const broker = await open(server.url, { prefix: "p" });
    const followers: BrokerTopic[] = [];
    for (let n = 0; n < 5; n += 1) followers.push((await follow(broker, news)).topic);
    const subscribers = (): Promise<unknown> =>
      raw(server.url, (client) => client.sendCommand(["PUBSUB", "SHARDNUMSUB", "{p:news}"]));
    expect(await subscribers()).toEqual(["{p:news}", 1]);
    for (const topic of followers) await topic.close();
    await eventually(subscribers).toEqual(["{p:news}", 0]);
  });

  test("a topic that is closed and immediately reopened receives notifications", async () => {
    const server = await RedisServer.start();
    const broker = await open(server.url);
    const writer = await follow(await open(server.url), news);
    for (let n = 1; n <= 5; n += 1) {
      await (await follow(broker, news)).topic.close();
      const node = await follow(broker, news);
      await append(writer.topic, 1);
      await eventually(() => offsets(node)).toEqual(upTo(n));
      await node.topic.close();
    }
  });

  test("own appends take one script each, and are not read back", async () => {
    const server = await RedisServer.start();
    const { topic, events } = await follow(await open(server.url), news);
    const before = await evaluations(server.url);
    await Promise.all(upTo(100).map((n) => topic.append({ data: n })));
    await append(topic, 20);
    expect(events).toHaveLength(120);
    expect((await evaluations(server.url)) - before).toBe(120);
  });

  test("a burst from another node is read in pages, not event by event", async () => {
    const server = await RedisServer.start();
    const reader = await follow(await open(server.url), news);
    const { topic } = await follow(await open(server.url), news);
    const before = await evaluations(server.url);
    await Promise.all(upTo(1_000).map((n) => topic.append({ data: n })));
    await eventually(() => reader.events.length).toBe(1_000);
    const reads = (await evaluations(server.url)) - before - 1_000;
    expect(reads).toBeLessThan(250);
  });

  test("an event that exceeds the retention is still followed by the other nodes", async () => {
    const server = await RedisServer.start();
    const short = logTopic("short", { retention: { maxBytes: 10 } });
    const reader = await follow(await open(server.url), short);
    const { topic } = await follow(await open(server.url), short);
    for (const last of [1, 2, 3]) {
      await topic.append({ data: "longer than that" });
      await eventually(() => offsets(reader)).toEqual(upTo(last));
    }
    expect(reader.losses).toBe(0);
  });

  test("a lease expires on time without a refresh", async () => {
    const server = await RedisServer.start();
    const nodes = [await open(server.url), await open(server.url)];
    const [one, two] = [
      await follow(nodes[0]!, keyedTopic("k")),
      await follow(nodes[1]!, keyedTopic("k")),
    ];
    await one.topic.append({ key: "a", data: 1, leaseMs: 200 });
    await eventually(() => [offsets(one), offsets(two)]).toEqual([upTo(2), upTo(2)]);
    const [set, removed] = two.events;
    expect(removed!.at - set!.at).toBeGreaterThanOrEqual(200);
    // Renewed by one, it is still the other one that has to end it when the first is gone.
    const { offset } = await one.topic.append({ key: "b", data: 1, leaseMs: 200 });
    await one.topic.lease([{ key: "b", offset }], 400);
    await nodes[0]!.close();
    await eventually(() => offsets(two)).toEqual(upTo(4));
  });

  test("scripts that were flushed are loaded again", async () => {
    const server = await RedisServer.start();
    const { topic } = await follow(await open(server.url), news);
    await raw(server.url, (client) => client.scriptFlush());
    expect(await topic.append({ data: 1 })).toEqual({ offset: 1, duplicate: false });
  });

  test("a topic continues from its position if that is all that Redis remembers of it", async () => {
    const server = await RedisServer.start();
    const broker = await open(server.url, { prefix: "p" });
    const short = logTopic("news", { retention: { maxAgeMs: 100 } });
    const before = await follow(broker, short);
    await append(before.topic, 3);
    await new Promise((resolve) => setTimeout(resolve, 120));
    await (await follow(broker, short)).topic.close();
    await before.topic.close();
    const expiry = (key: string): Promise<number> =>
      raw(server.url, (client) => client.pTTL(`{p:news}:${key}`));
    const day = 86_400_000;
    expect(Math.round((await expiry("log")) / day)).toBe(1);
    expect(Math.round((await expiry("meta")) / day)).toBe(31);
    // As after a day.
    await raw(server.url, (client) => client.del("{p:news}:log"));
    const node = await follow(broker, short);
    expect(node.topic).toMatchObject({ epoch: before.topic.epoch, offset: 3, floor: 3 });
    await append(node.topic, 1);
    expect([offsets(node), node.losses, await expiry("meta")]).toEqual([[4], 0, -1]);
  });

  test("the first epoch of a nonexistent topic holds for its period and the next", async () => {
    const server = await RedisServer.start();
    const tag = "{p:nothing}";
    const period = Math.floor(Date.now() / (15 * 86_400_000));
    const read = async (seen: string): Promise<unknown[]> => {
      const own = ["name", "log", "10", "10000", "60000", tag, seen, "0", "", "i"];
      const [outcome, epoch] = await raw(
        server.url,
        (client) =>
          client.eval(scripts.read, {
            keys: topicKeys(tag),
            arguments: [...own, "0", "steps", "1", "1"],
          }) as Promise<unknown[]>,
      );
      return [outcome, epoch];
    };
    expect(await read("")).toEqual(["read", `1.i.${period}`]);
    expect(await read(`1.i.${period - 1}`)).toEqual(["read", `1.i.${period - 1}`]);
    expect(await read(`1.i.${period - 2}`)).toEqual(["epoch", `1.i.${period}`]);
    expect(await read(`1.another.${period}`)).toEqual(["epoch", `1.i.${period}`]);
    expect(await raw(server.url, (client) => client.dbSize())).toBe(0);
  });

  test("Redis eventually forgets an empty topic, but not one with values", async () => {
    const server = await RedisServer.start();
    const broker = await open(server.url, { prefix: "p" });
    const { topic } = await follow(broker, keyedTopic("k"));
    const ttl = (): Promise<number> => raw(server.url, (client) => client.pTTL("{p:k}:meta"));
    expect(await ttl()).toBe(-2);
    await topic.append({ key: "a", data: 1 });
    expect(await ttl()).toBe(-1);
    await topic.append({ key: "a", removed: true });
    await follow(broker, keyedTopic("k"));
    expect(await ttl()).toBeGreaterThan(86_400_000);
  });
});

test("in a cluster, all keys of a topic and its notifications are in one slot", async () => {
  const server = await RedisServer.start({ settings: ["--cluster-enabled", "yes"] });
  await raw(server.url, async (client) => {
    await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    await eventually(() => client.sendCommand(["CLUSTER", "INFO"])).toContain("state:ok");
  });
  const nodes = [await open(server.url), await open(server.url)];
  for (const declaration of [logTopic("a/b"), keyedTopic("c/$presence")]) {
    const [one, two] = [await follow(nodes[0]!, declaration), await follow(nodes[1]!, declaration)];
    const key = declaration.kind === "keyed" ? { key: "k", leaseMs: 50 } : {};
    await one.topic.append({ data: 1, idempotencyKey: "i", ...key });
    await two.topic.append({ data: 1, idempotencyKey: "i", ...key });
    await one.topic.lease([{ key: "k", offset: 1 }], 100);
    const expected = declaration.kind === "keyed" ? [1, 2] : [1];
    await eventually(() => [offsets(one), offsets(two)]).toEqual([expected, expected]);
  }
});
