import { connect, headers, nanos } from "@nats-io/transport-node";
import { assert, property, string } from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { textOf, tokenOf } from "../../../src/brokers/nats/topic/names.ts";
import { keyedTopic, logTopic, type BrokerTopic } from "../../../src/live/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { open, raw } from "../../rigs/brokers/nats-node.ts";
import { append, closeAll, follow, offsets, upTo } from "../../rigs/brokers/node.ts";
import { NatsServer } from "../../rigs/brokers/nats-server.ts";

afterEach(closeAll);

const news = logTopic("news");

describe("names in NATS", () => {
  test("any text can be encoded as one part of a subject, and decoded again", () => {
    assert(
      property(string({ unit: "binary" }), (text) => {
        const token = tokenOf(text);
        expect(token).toMatch(/^[A-Za-z0-9_~+,=-]+$/);
        expect(textOf(token)).toBe(text);
      }),
    );
    for (const text of ["=", "", "=41", "+", ",", "a/b.c"]) {
      expect(textOf(tokenOf(text))).toBe(text);
    }
  });

  test("names are readable, and distinguish kinds and topics", async () => {
    const server = await NatsServer.start();
    const broker = await open(server.url, { prefix: "p" });
    await follow(broker, logTopic("rooms/1.2"));
    await follow(broker, keyedTopic("rooms/1.2"));
    await follow(broker, keyedTopic("news/$presence"));
    const names = await raw(server, (manager) => manager.streams.names().next());
    expect(names.sort()).toEqual([
      "p+keyed+news+=24presence",
      "p+keyed+rooms+1,2",
      "p+lease",
      "p+log+rooms+1,2",
      "p+meta",
    ]);
  });

  test("a name that is too long for NATS is refused as such; a shorter one opens", async () => {
    const server = await NatsServer.start();
    const broker = await open(server.url);
    const longest = 255 - "longwire+keyed+".length;
    const { topic } = await follow(broker, keyedTopic("x".repeat(longest)));
    // As long as a key can be, of characters that take most room.
    const key = "\u4e2d".repeat(255);
    expect(await topic.append({ key, data: 1 })).toMatchObject({ offset: 1 });
    const long = follow(broker, keyedTopic("x".repeat(longest + 1)));
    await expect(long).rejects.toMatchObject({ code: "bad_request" });
  });
});

describe("storage in NATS", () => {
  test("a declaration with another retention changes the stream's retention and nothing else", async () => {
    const server = await NatsServer.start();
    const stream = "longwire+log+news";
    await append((await follow(await open(server.url), news)).topic, 2);
    const before = await raw(server, (manager) =>
      manager.streams.update(stream, { max_msg_size: 5_000 }),
    );
    expect(before.config).toMatchObject({ max_msgs: 11_000, max_age: nanos(3_600_000) });
    const other = logTopic("news", { retention: { maxEvents: 5, maxAgeMs: Infinity } });
    const node = await follow(await open(server.url), other);
    expect(offsets(node)).toEqual([1, 2]);
    const { config } = await raw(server, (manager) => manager.streams.info(stream));
    expect(config).toMatchObject({ max_msgs: 1_005, max_age: 0, max_msg_size: 5_000 });
  });

  test("events beyond maxBytes are dropped, and no storage is reserved for topics", async () => {
    const server = await NatsServer.start();
    const broker = await open(server.url, { lookMs: 100 });
    const declaration = logTopic("big", { retention: { maxBytes: 100_000 } });
    const { topic } = await follow(broker, declaration);
    const data = "x".repeat(50_000);
    await Promise.all(upTo(60).map(() => topic.append({ data })));
    await eventually(() =>
      raw(
        server,
        async (manager) => (await manager.streams.info("longwire+log+big")).state.messages,
      ),
    ).toBeLessThan(25);
    const later = await follow(await open(server.url), declaration);
    expect([offsets(later), later.topic.floor]).toEqual([[60], 59]);
    // Of 16 MiB each, which is the default, 1 GB would hold 64.
    for (let n = 0; n < 80; n += 1) await follow(broker, logTopic(`t${n}`));
  });

  test("a key whose removal was dropped here, but not by NATS yet, counts as never set", async () => {
    const server = await NatsServer.start();
    const declaration = keyedTopic("k", { retention: { maxEvents: 1 } });
    const { topic } = await follow(await open(server.url), declaration);
    const removal = await topic.append({ key: "a", removed: true });
    const conflict = { code: "conflict" };
    const draft = { key: "a", data: 1, ifNewest: 0 };
    await expect(topic.append(draft)).rejects.toMatchObject(conflict);
    await topic.append({ key: "b", removed: true });
    const wrong = topic.append({ ...draft, ifNewest: removal.offset + 1 });
    await expect(wrong).rejects.toMatchObject(conflict);
    expect(await topic.append(draft)).toMatchObject({ offset: 3, duplicate: false });
  });

  test("a topic that kept nothing has its newest offset, and continues from there", async () => {
    const server = await NatsServer.start();
    await append((await follow(await open(server.url), news)).topic, 3);
    await raw(server, (manager) => manager.streams.purge("longwire+log+news"));
    const node = await follow(await open(server.url), news);
    expect(node.topic).toMatchObject({ offset: 3, floor: 3 });
    expect(await node.topic.append({ data: 1 })).toMatchObject({ offset: 4 });
    expect([offsets(node), node.losses]).toEqual([[4], 0]);
  });

  test("expired events are not followed, even if no event came after them", async () => {
    const server = await NatsServer.start();
    const declaration = logTopic("short", { retention: { maxAgeMs: 200 } });
    await append((await follow(await open(server.url), declaration)).topic, 1);
    const broker = await open(server.url);
    await eventually(async () => {
      const { events, topic } = await follow(broker, declaration);
      return [events.length, topic.offset, topic.floor];
    }).toEqual([0, 1, 1]);
  });

  test("storage and replicas are as configured", async () => {
    const server = await NatsServer.start();
    await follow(await open(server.url, { storage: "memory" }), news);
    const { config } = await raw(server, (manager) => manager.streams.info("longwire+log+news"));
    expect(config).toMatchObject({ storage: "memory", num_replicas: 1 });
    await expect(open(server.url, { replicas: 3, prefix: "three" })).rejects.toMatchObject({
      code: "broker_unreachable",
      message: expect.stringContaining("replicas > 1 not supported in non-clustered mode"),
    });
  });
});

describe("requests of a node to NATS", () => {
  test("there is one consumer per topic, however many followers it has, and none without followers", async () => {
    const server = await NatsServer.start();
    const broker = await open(server.url);
    const followers: BrokerTopic[] = [];
    for (let n = 0; n < 5; n += 1) followers.push((await follow(broker, news)).topic);
    const consumers = (): Promise<number> =>
      raw(server, async (manager) => {
        const { state } = await manager.streams.info("longwire+log+news");
        return state.consumer_count;
      });
    expect(await consumers()).toBe(1);
    for (const topic of followers) await topic.close();
    // Sooner than NATS forgets it by itself.
    await expect.poll(consumers, { timeout: 2_000 }).toBe(0);
  });

  test("appends of one turn are sent together, without waiting for each other's answers", async () => {
    const server = await NatsServer.start();
    const { topic, events } = await follow(await open(server.url, { timeoutMs: 20_000 }), news);
    await server.pause();
    const appends = upTo(100).map((n) => topic.append({ data: n }));
    await new Promise((resolve) => setImmediate(resolve));
    server.resume();
    const receipts = await Promise.all(appends);
    expect(receipts.map(({ offset }) => offset)).toEqual(upTo(100));
    expect(events.map(({ data }) => data)).toEqual(upTo(100));
  });

  test("a message that another program publishes to a topic's subject is an event", async () => {
    const server = await NatsServer.start();
    const node = await follow(await open(server.url), keyedTopic("k"));
    const connection = await connect({ servers: `127.0.0.1:${server.port}` });
    const removed = headers();
    removed.set("Longwire-Removed", "true");
    connection.publish("longwire.keyed.k.a", '{"on":true}');
    connection.publish("longwire.keyed.k.b", "", { headers: removed });
    await connection.drain();
    await eventually(() => node.events.map(({ key, data }) => [key, data])).toEqual([
      ["a", { on: true }],
      ["b", null],
    ]);
    expect(node.events.map(({ removed: gone }) => gone)).toEqual([false, true]);
  });
});
