import { afterEach, describe, expect, test } from "vitest";
import { keyedTopic, logTopic } from "../../src/live/index.ts";
import { CuttingProxy } from "../rigs/sockets/cutting-proxy.ts";
import { engines } from "../rigs/brokers/engines.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { open as openNats, raw } from "../rigs/brokers/nats-node.ts";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { append, appendAgain, closeAll, follow, offsets, upTo } from "../rigs/brokers/node.ts";
import { ofPattern } from "../rigs/brokers/of-pattern.ts";

afterEach(closeAll);

const room = ofPattern(logTopic("rooms/1"));

/** Engines by the way in which a topic's own declaration says that it is of a pattern. */
const own = engines.filter(([name]) => !name.includes("pattern"));

describe.each(own)("the first event of a pattern's topic on %s", (_name, engine) => {
  test("is followed by a node that was disconnected when it was published, at the same epoch", async () => {
    const server = await engine.start();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const broker = await engine.open(engine.urlAt(proxy.port));
    const away = [await follow(broker, room), await follow(broker, ofPattern(keyedTopic("k")))];
    isCut = true;
    proxy.cut(1, () => 0);
    const other = await engine.open(server.url);
    const writers = [await follow(other, room), await follow(other, ofPattern(keyedTopic("k")))];
    await append(writers[0]!.topic, 2);
    await writers[1]!.topic.append({ key: "a", data: 1 });
    isCut = false;
    await eventually(() => away.map(offsets)).toEqual([[1, 2], [1]]);
    expect(away.map(({ losses }) => losses)).toEqual([0, 0]);
    expect(away.map(({ topic }) => topic.epoch)).toEqual(writers.map(({ topic }) => topic.epoch));
    await proxy.close();
  });

  test("can be published by a node that was disconnected, to the log that exists by then", async () => {
    const server = await engine.start();
    const proxy = await CuttingProxy.start(() => server.port);
    const away = await follow(await engine.open(engine.urlAt(proxy.port)), room);
    const writer = await follow(await engine.open(server.url), room);
    proxy.cut(1, () => 0);
    const appended = upTo(10).map((n) =>
      appendAgain(away.topic, { data: n, idempotencyKey: `${n}` }),
    );
    await append(writer.topic, 2);
    await Promise.all(appended);
    await eventually(() => [offsets(away), offsets(writer)]).toEqual([upTo(12), upTo(12)]);
    expect([away.losses, writer.losses, away.topic.epoch]).toEqual([0, 0, writer.topic.epoch]);
    await proxy.close();
  });

  test("reaches an engine that was killed and kept its data: the earlier epoch holds", async () => {
    const server = await engine.startDurable();
    const broker = await engine.open(server.url);
    const nodes = [await follow(broker, room), await follow(await engine.open(server.url), room)];
    await server.kill();
    await server.restart();
    await appendAgain(nodes[0]!.topic, { data: 1, idempotencyKey: "k" });
    await eventually(() => nodes.map(offsets)).toEqual([[1], [1]]);
    const later = await follow(await engine.open(server.url), room);
    expect([later.topic.epoch, later.losses]).toEqual([nodes[0]!.topic.epoch, 0]);
    expect(nodes.map(({ losses }) => losses)).toEqual([0, 0]);
  });

  test("reaches an engine that was emptied: nobody that knows the old epoch receives it again", async () => {
    const server = await engine.startDurable();
    const broker = await engine.open(server.url);
    const nodes = [await follow(broker, room), await follow(await engine.open(server.url), room)];
    const { epoch } = nodes[0]!.topic;
    await server.kill();
    server.empty();
    await server.restart();
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    const anew = [await follow(broker, room), await follow(await engine.open(server.url), room)];
    expect(anew[0]!.topic.epoch).not.toBe(epoch);
    expect(anew[1]!.topic.epoch).toBe(anew[0]!.topic.epoch);
    await append(anew[0]!.topic, 1);
    await eventually(() => anew.map(offsets)).toEqual([[1], [1]]);
  });

  test("is lost with the log: a topic opened before the next event has another epoch", async () => {
    const server = await engine.startDurable();
    const broker = await engine.open(server.url);
    const node = await follow(broker, room);
    const { epoch } = node.topic;
    await server.kill();
    server.backUp();
    await server.restart();
    await appendAgain(node.topic, { data: 1, idempotencyKey: "k" });
    await server.kill();
    server.restore();
    await server.restart();
    await eventually(() => node.losses).toBe(1);
    const anew = [await follow(broker, room), await follow(await engine.open(server.url), room)];
    expect(anew[0]!.topic).toMatchObject({ offset: 0, floor: 0 });
    expect(anew[0]!.topic.epoch).not.toBe(epoch);
    expect(anew[1]!.topic.epoch).toBe(anew[0]!.topic.epoch);
    await append(anew[1]!.topic, 1);
    await eventually(() => anew.map(offsets)).toEqual([[1], [1]]);
    expect(anew.map(({ losses }) => losses)).toEqual([0, 0]);
  });

  test("is lost, and another one is published before a node that knew it reconnects: the epoch is another one all the same", async () => {
    const server = await engine.startDurable();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const broker = await engine.open(engine.urlAt(proxy.port));
    const node = await follow(broker, room);
    await server.kill();
    server.backUp();
    await server.restart();
    await appendAgain(node.topic, { data: "lost", idempotencyKey: "k" });
    isCut = true;
    await server.kill();
    server.restore();
    await server.restart();
    const other = await follow(await engine.open(server.url), room);
    expect(other.topic.epoch).toBe(node.topic.epoch);
    await append(other.topic, 2);
    isCut = false;
    await eventually(() => [node.losses, other.losses]).toEqual([1, 1]);
    const anew = await follow(broker, room);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    expect(offsets(anew)).toEqual([1, 2]);
    await proxy.close();
  });
});

describe("the stream of a pattern's topic", () => {
  const stream = "longwire+log+rooms+1";
  const streams = (server: NatsServer): Promise<string[]> =>
    raw(server, async (manager) => (await manager.streams.names().next()).sort());

  test("is not recreated by readers after an administrator has deleted it", async () => {
    const server = await NatsServer.start();
    const [one, two] = await Promise.all([
      openNats(server.url, { lookMs: 50 }),
      openNats(server.url, { lookMs: 50 }),
    ]);
    const nodes = [await follow(one, room), await follow(two, room)];
    await append(nodes[0]!.topic, 2);
    await eventually(() => offsets(nodes[1]!)).toEqual([1, 2]);
    await raw(server, (manager) => manager.streams.delete(stream));
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    const anew = [await follow(one, room), await follow(two, room)];
    expect(anew[0]!.topic.epoch).not.toBe(nodes[0]!.topic.epoch);
    expect(anew[1]!.topic.epoch).toBe(anew[0]!.topic.epoch);
    expect(await streams(server)).toEqual(["longwire+lease", "longwire+meta"]);
    await append(anew[1]!.topic, 1);
    await eventually(() => anew.map(offsets)).toEqual([[1], [1]]);
    expect(anew.map(({ losses }) => losses)).toEqual([0, 0]);
  });

  test("keeps its epoch if an older version created it on opening", async () => {
    const server = await NatsServer.start();
    const record = { epoch: crypto.randomUUID(), created: "", floor: 0 };
    await openNats(server.url);
    await raw(server, async (manager, connection) => {
      const { created } = await manager.streams.add({
        name: stream,
        subjects: ["longwire.log.rooms+1"],
      });
      const text = JSON.stringify({ ...record, created });
      await connection.request("longwire.meta.log.rooms+1", text);
    });
    const node = await follow(await openNats(server.url), room);
    expect([node.topic.epoch, node.topic.offset]).toEqual([record.epoch, 0]);
    await append(node.topic, 1);
    expect([offsets(node), node.losses]).toEqual([[1], 0]);
  });

  test("keeps its epoch if its node crashed before writing the record", async () => {
    const server = await NatsServer.start();
    const broker = await openNats(server.url, { lookMs: 50 });
    const node = await follow(broker, room);
    await raw(server, (manager) =>
      manager.streams.add({ name: stream, subjects: ["longwire.log.rooms+1"] }),
    );
    const other = await follow(await openNats(server.url), room);
    await append(other.topic, 1);
    await eventually(() => offsets(node)).toEqual([1]);
    expect([node.losses, other.topic.epoch]).toEqual([0, node.topic.epoch]);
  });

  test("has another epoch if it is created after the records were deleted while NATS runs", async () => {
    const server = await NatsServer.start();
    const proxy = await CuttingProxy.start(() => server.port);
    const node = await follow(await openNats(`nats://127.0.0.1:${proxy.port}`), room);
    const later = await openNats(server.url);
    await raw(server, (manager) => manager.streams.delete("longwire+meta"));
    // Not while it is being deleted: NATS 2.9 would keep nothing of what it then takes.
    proxy.cut(1, () => 0);
    await eventually(() => node.losses).toBe(1);
    const anew = await follow(later, room);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    await append(anew.topic, 1);
    expect(offsets(anew)).toEqual([1]);
    await proxy.close();
  });
});
