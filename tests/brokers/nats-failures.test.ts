import { afterEach, describe, expect, test } from "vitest";
import { LongwireError } from "../../src/base/index.ts";
import { NatsBroker, type NatsBrokerOptions } from "../../src/brokers/nats/index.ts";
import { keyedTopic, logTopic } from "../../src/live/index.ts";
import { CuttingProxy } from "../live/reliability/cutting-proxy.ts";
import { eventually } from "./eventually.ts";
import { open, raw } from "./nats-node.ts";
import { append, appendAgain, closeAll, follow, offsets, upTo } from "./node.ts";
import { NatsServer } from "./nats-server.ts";

afterEach(closeAll);

const news = logTopic("news");

describe("NATS is killed and started again", () => {
  test("with its data: nothing acknowledged is lost, the epoch is the same, followers go on", async () => {
    const server = await NatsServer.start();
    const [one, two] = await Promise.all([open(server.url), open(server.url)]);
    const writer = await follow(one, news);
    const reader = await follow(two, news);
    const acknowledged = new Map<number, number>();
    let killed = 0;
    for (let n = 0; n < 300; n += 1) {
      const draft = { data: n, idempotencyKey: `${n}` };
      const appended = appendAgain(writer.topic, draft).then((receipt) =>
        acknowledged.set(n, (receipt as { offset: number }).offset),
      );
      if (n % 100 === 50) {
        killed += 1;
        await server.kill();
        await server.restart();
      }
      await appended;
    }
    expect(killed).toBe(3);
    await eventually(() => reader.events.length).toBe(300);
    expect(offsets(reader)).toEqual(upTo(300));
    expect(reader.events.map(({ data }) => data)).toEqual(upTo(300).map((n) => n - 1));
    expect(offsets(writer)).toEqual(upTo(300));
    for (const { offset, data } of reader.events) {
      expect(acknowledged.get(data as number)).toBe(offset);
    }
    expect([writer.losses, reader.losses]).toEqual([0, 0]);
    const again = await follow(await open(server.url), news);
    expect([again.topic.epoch, again.topic.offset]).toEqual([writer.topic.epoch, 300]);
  });

  test("with its data: what was appended before is still known to be repeated", async () => {
    const server = await NatsServer.start();
    const { topic } = await follow(await open(server.url), news);
    const draft = { data: 1, idempotencyKey: "k" };
    await append(topic, 3);
    expect(await topic.append(draft)).toEqual({ offset: 4, duplicate: false });
    await server.kill();
    await server.restart();
    expect(await appendAgain(topic, draft)).toEqual({ offset: 4, duplicate: true });
  });

  test("empty: everybody is told once, nothing is appended to the old log, and the new one has another epoch", async () => {
    const server = await NatsServer.start();
    const [one, two] = await Promise.all([open(server.url), open(server.url)]);
    const nodes = [await follow(one, news), await follow(two, news)];
    await append(nodes[0]!.topic, 5);
    await eventually(() => nodes[1]!.events.length).toBe(5);
    await server.kill();
    server.empty();
    await server.restart();
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    for (const { topic } of nodes) {
      await expect(topic.append({ data: 1 })).rejects.toMatchObject({ code: "unavailable" });
    }
    const anew = [await follow(one, news), await follow(two, news)];
    expect(anew[0]!.topic).toMatchObject({ offset: 0, floor: 0 });
    expect(anew[0]!.topic.epoch).not.toBe(nodes[0]!.topic.epoch);
    expect(anew[1]!.topic.epoch).toBe(anew[0]!.topic.epoch);
    await append(anew[0]!.topic, 1);
    await eventually(() => offsets(anew[1]!)).toEqual([1]);
    expect(nodes.map(({ events, losses }) => [events.length, losses])).toEqual([
      [5, 1],
      [5, 1],
    ]);
  });

  test("a stream that is deleted while it runs: found at the next append or look", async () => {
    const server = await NatsServer.start();
    const [one, two] = await Promise.all([open(server.url), open(server.url, { lookMs: 50 })]);
    const nodes = [await follow(one, news), await follow(two, news)];
    await append(nodes[0]!.topic, 2);
    const remove = (): Promise<boolean> =>
      raw(server, (manager) => manager.streams.delete("longwire+log+news"));
    await remove();
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    const third = await follow(await open(server.url), news);
    expect(third.topic.epoch).not.toBe(nodes[0]!.topic.epoch);
    await remove();
    const refused = third.topic.append({ data: 1 });
    await expect(refused).rejects.toMatchObject({ code: "unavailable" });
    // That nobody takes it is reason enough to look.
    await expect.poll(() => third.losses, { timeout: 2_000 }).toBe(1);
  });

  test("a stream that was made anew under a node that appends: what it takes is not confirmed", async () => {
    const server = await NatsServer.start();
    const broker = await open(server.url);
    const node = await follow(broker, news);
    await append(node.topic, 5);
    await raw(server, async ({ streams }) => {
      const { config } = await streams.info("longwire+log+news");
      await streams.delete("longwire+log+news");
      await streams.add(config);
    });
    const alone = node.topic.append({ data: "alone" });
    await expect(alone).rejects.toMatchObject({ code: "unconfirmed" });
    await expect.poll(() => node.losses, { timeout: 2_000 }).toBe(1);
    const anew = await follow(broker, news);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    expect(anew.events.map(({ data }) => data)).toEqual(["alone"]);
  });

  test("with less than was acknowledged: what is left is there, under another epoch", async () => {
    const server = await NatsServer.start();
    const one = await open(server.url);
    const node = await follow(one, news);
    await append(node.topic, 5);
    await server.kill();
    server.backUp();
    await server.restart();
    for (let n = 0; n < 5; n += 1) await appendAgain(node.topic, { data: n });
    expect([node.losses, offsets(node)]).toEqual([0, upTo(10)]);
    await server.kill();
    server.restore();
    await server.restart();
    await eventually(() => node.losses).toBe(1);
    const anew = await follow(one, news);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    expect(offsets(anew)).toEqual(upTo(5));
  });

  test("twice with less: each time it is another epoch, none that was there before", async () => {
    const server = await NatsServer.start();
    const one = await open(server.url);
    const epochs: string[] = [];
    let node = await follow(one, news);
    await append(node.topic, 5);
    await server.kill();
    server.backUp();
    await server.restart();
    for (let round = 0; round < 3; round += 1) {
      epochs.push(node.topic.epoch);
      await appendAgain(node.topic, { data: round });
      await server.kill();
      server.restore();
      await server.restart();
      await eventually(() => node.losses).toBe(1);
      node = await follow(one, news);
      expect(offsets(node)).toEqual(upTo(5));
    }
    expect(new Set([...epochs, node.topic.epoch]).size).toBe(4);
  });

  test("with less, and somebody who never saw more has come first: it is another epoch all the same", async () => {
    const server = await NatsServer.start();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const node = await follow(await open(`nats://127.0.0.1:${proxy.port}`), news);
    await append(node.topic, 5);
    await server.kill();
    server.backUp();
    await server.restart();
    for (let n = 0; n < 2; n += 1) await appendAgain(node.topic, { data: n });
    isCut = true;
    await server.kill();
    server.restore();
    await server.restart();
    const other = await follow(await open(server.url), news);
    expect(other.topic.epoch).toBe(node.topic.epoch);
    // More than were lost: the newest offset alone would say nothing.
    await append(other.topic, 4);
    isCut = false;
    await eventually(() => [node.losses, other.losses]).toEqual([1, 1]);
    expect(offsets(node)).toEqual(upTo(7));
    const anew = await Promise.all([
      follow(await open(server.url), news),
      follow(await open(server.url), news),
    ]);
    expect(anew[0].topic.epoch).toBe(anew[1].topic.epoch);
    expect(anew[0].topic.epoch).not.toBe(node.topic.epoch);
    await proxy.close();
  });
});

describe("the connection to NATS is cut", () => {
  test("what was appended meanwhile is followed when it is back, once and in order", async () => {
    const server = await NatsServer.start();
    const proxy = await CuttingProxy.start(() => server.port);
    const away = await follow(await open(`nats://127.0.0.1:${proxy.port}`), news);
    const writer = await follow(await open(server.url), news);
    for (let round = 1; round <= 10; round += 1) {
      const appends = Array.from({ length: 20 }, (_, n) => writer.topic.append({ data: n }));
      proxy.cut(1, () => 0);
      await Promise.all(appends);
      await eventually(() => away.events.length).toBe(round * 20);
    }
    await append(writer.topic, 1);
    await eventually(() => offsets(away)).toEqual(upTo(201));
    expect([proxy.cuts, away.losses]).toEqual([10, 0]);
    await proxy.close();
  });

  test("more was let go of meanwhile than can be followed: that is told, and the epoch stays", async () => {
    const server = await NatsServer.start();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const short = logTopic("short", { retention: { maxEvents: 3 } });
    const broker = await open(`nats://127.0.0.1:${proxy.port}`);
    const away = await follow(broker, short);
    const writer = await follow(await open(server.url), short);
    await append(writer.topic, 3);
    await eventually(() => away.events.length).toBe(3);
    isCut = true;
    proxy.cut(1, () => 0);
    // Beyond the thousand that NATS keeps to spare.
    await Promise.all(upTo(1_100).map((n) => writer.topic.append({ data: n })));
    isCut = false;
    await eventually(() => away.losses).toBe(1);
    const anew = await follow(broker, short);
    expect(offsets(anew)).toEqual([1_101, 1_102, 1_103]);
    expect([anew.topic.floor, anew.topic.epoch]).toEqual([1_100, writer.topic.epoch]);
    expect(offsets(away)).toEqual([1, 2, 3]);
    await proxy.close();
  });

  test("all was let go of meanwhile: that is told, too", async () => {
    const server = await NatsServer.start();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const away = await follow(await open(`nats://127.0.0.1:${proxy.port}`), news);
    const { topic } = await follow(await open(server.url), news);
    await append(topic, 1);
    await eventually(() => away.events.length).toBe(1);
    isCut = true;
    proxy.cut(1, () => 0);
    await append(topic, 2);
    await raw(server, (manager) => manager.streams.purge("longwire+log+news"));
    isCut = false;
    await eventually(() => away.losses).toBe(1);
    await proxy.close();
  });

  test("a keyed topic's follower that was away gets the newest of each key", async () => {
    const server = await NatsServer.start();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const away = await follow(await open(`nats://127.0.0.1:${proxy.port}`), keyedTopic("k"));
    const { topic } = await follow(await open(server.url), keyedTopic("k"));
    await topic.append({ key: "first", data: 0 });
    await eventually(() => away.events.length).toBe(1);
    isCut = true;
    proxy.cut(1, () => 0);
    const appends = Array.from({ length: 3_000 }, (_, n) =>
      topic.append({ key: `k${n % 10}`, data: n }),
    );
    await Promise.all([...appends, topic.append({ key: "first", removed: true })]);
    isCut = false;
    await eventually(() => away.events.at(-1)?.offset).toBe(3_002);
    expect(away.events.map(({ key, json }) => `${key}=${json}`)).toEqual([
      "first=0",
      ...upTo(10).map((n) => `k${n - 1}=${2_989 + n}`),
      "first=null",
    ]);
    expect(away.losses).toBe(0);
    await proxy.close();
  });
});

describe("NATS does not answer", () => {
  test("a repeatable append is refused as unavailable, another one as unconfirmed, and each is there once", async () => {
    const server = await NatsServer.start();
    const node = await follow(await open(server.url, { timeoutMs: 300 }), news);
    await append(node.topic, 1);
    await server.pause();
    const once = { data: "once", idempotencyKey: "k" };
    const outcomes = await Promise.allSettled([
      node.topic.append(once),
      node.topic.append({ data: "alone" }),
    ]);
    expect(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason)).toMatchObject([
      { code: "unavailable" },
      { code: "unconfirmed" },
    ]);
    // While it is away nothing waits.
    const refused = node.topic.append({ data: 1 });
    await expect(refused).rejects.toMatchObject({ code: "unavailable" });
    await expect(node.topic.lease([], 1_000)).resolves.toBeUndefined();
    server.resume();
    await appendAgain(node.topic, once);
    const data = node.events.map((event) => event.data);
    expect(data.filter((text) => text === "once")).toHaveLength(1);
    expect(data.filter((text) => text === "alone").length).toBeLessThanOrEqual(1);
    expect(offsets(node)).toEqual(upTo(node.events.length));
  });

  test("a topic that is opened meanwhile is refused as unavailable, and opens afterwards", async () => {
    const server = await NatsServer.start();
    const broker = await open(server.url, { timeoutMs: 300 });
    await server.pause();
    await expect(follow(broker, news)).rejects.toMatchObject({ code: "unavailable" });
    await expect(follow(broker, news)).rejects.toMatchObject({ code: "unavailable" });
    server.resume();
    await eventually(() =>
      follow(broker, news).then(
        ({ topic }) => topic.offset,
        () => "away",
      ),
    ).toBe(0);
  });

  test("a consumer that is gone is made anew, and what it did not tell is told", async () => {
    const server = await NatsServer.start();
    const [one, two] = [await open(server.url), await open(server.url)];
    const reader = await follow(one, news);
    const { topic } = await follow(two, news);
    await append(topic, 1);
    await raw(server, async (manager) => {
      for (const { name } of await manager.consumers.list("longwire+log+news").next()) {
        await manager.consumers.delete("longwire+log+news", name);
      }
    });
    await topic.append({ data: "after" });
    await eventually(() => offsets(reader)).toEqual([1, 2]);
    expect(reader.losses).toBe(0);
  });
});

describe("what is said when NATS cannot be reached", () => {
  async function failed(options: NatsBrokerOptions): Promise<LongwireError> {
    return NatsBroker.open(options).then(
      () => Promise.reject(new Error("opened")),
      (error: LongwireError) => error,
    );
  }

  test("it names the server and what to do, and no credentials", async () => {
    const settings = `authorization { user: "right", password: "secret word" }`;
    const server = await NatsServer.start({ settings });
    const at = `127.0.0.1:${server.port}`;
    const wrong = await failed({ url: `nats://somebody:hush@${at}` });
    expect(wrong.code).toBe("broker_unreachable");
    expect(wrong.message).toBe(
      `NATS at ${at} cannot be reached (Authorization Violation); check the credentials.`,
    );
    const broker = await open(`nats://right:secret%20word@${at}`);
    await follow(broker, news);
    await server.kill();
    const refused = await failed({ url: `nats://somebody:hush@${at}` });
    expect(refused).toBeInstanceOf(LongwireError);
    expect(refused.message).toBe(
      `NATS at ${at} cannot be reached (connection refused); start it, or give the address of one that runs.`,
    );
    for (const { message } of [wrong, refused]) expect(message).not.toMatch(/hush|somebody/);
    for (const url of ["http://hush@x", "hush", "nats://a:1,hush"]) {
      const bad = await failed({ url });
      expect(bad.code).toBe("invalid_option");
      expect(bad.message).not.toContain("hush");
    }
    for (const bad of [{ prefix: "a.b" }, { prefix: "" }, { replicas: 0 }]) {
      expect(await failed(bad)).toMatchObject({ code: "invalid_option" });
    }
  });

  test("a token opens it, too", async () => {
    const server = await NatsServer.start({ settings: `authorization { token: "t0ken" }` });
    await follow(await open(`nats://t0ken@127.0.0.1:${server.port}`), news);
    expect(await failed({ url: server.url })).toMatchObject({ code: "broker_unreachable" });
  });

  test("one without JetStream is said to be so", async () => {
    const server = await NatsServer.start({ jetStream: false });
    const { message } = await failed({ url: server.url });
    expect(message).toContain("check that JetStream is on");
  });

  test("who asked for it hears why the connection is lost, and appends are refused at once", async () => {
    const server = await NatsServer.start();
    const errors: LongwireError[] = [];
    const broker = await open(server.url, { onError: (error) => errors.push(error) });
    const { topic } = await follow(broker, news);
    await server.kill();
    await eventually(() => errors.length).toBeGreaterThan(1);
    expect(errors[0]).toMatchObject({ code: "broker_unreachable" });
    await expect(topic.append({ data: 1 })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });

  test("what NATS has no room for makes appends unavailable, with its reason", async () => {
    const server = await NatsServer.start();
    const { topic } = await follow(await open(server.url), news);
    await append(topic, 1);
    await raw(server, (manager) =>
      manager.streams.update("longwire+log+news", { max_msg_size: 9 }),
    );
    await expect(topic.append({ data: "longer than that" })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("message size exceeds maximum allowed"),
    });
    await append(topic, 1);
  });

  test("an event that is longer than NATS takes is too large, and the connection stays", async () => {
    const server = await NatsServer.start({ settings: "max_payload: 1000" });
    const { topic } = await follow(await open(server.url), news);
    const long = topic.append({ data: "x".repeat(1_000) });
    await expect(long).rejects.toMatchObject({ code: "too_large" });
    expect(await topic.append({ data: 1 })).toEqual({ offset: 1, duplicate: false });
  });
});
