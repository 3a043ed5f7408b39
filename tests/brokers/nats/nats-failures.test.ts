import { afterEach, describe, expect, test } from "vitest";
import { LongwireError } from "../../../src/base/index.ts";
import { NatsBroker, type NatsBrokerOptions } from "../../../src/brokers/nats/index.ts";
import { logTopic } from "../../../src/live/index.ts";
import { CuttingProxy } from "../../rigs/sockets/cutting-proxy.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { open, raw } from "../../rigs/brokers/nats-node.ts";
import { append, closeAll, follow, offsets } from "../../rigs/brokers/node.ts";
import { NatsServer } from "../../rigs/brokers/nats-server.ts";

afterEach(closeAll);

const news = logTopic("news");

describe("NATS is killed and restarted", () => {
  test("a stream that is deleted while NATS runs is noticed by the next append or refresh", async () => {
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

  test("appends to a stream that was recreated under the node are not confirmed", async () => {
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
});

describe("the connection to NATS is cut", () => {
  test("if everything was dropped meanwhile, that is reported", async () => {
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
});

describe("NATS does not answer", () => {
  test("a lost consumer is recreated, and delivers what was missed", async () => {
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

describe("errors when NATS cannot be reached", () => {
  async function failed(options: NatsBrokerOptions): Promise<LongwireError> {
    return NatsBroker.open(options).then(
      () => Promise.reject(new Error("opened")),
      (error: LongwireError) => error,
    );
  }

  test("they name the server and what to do, and no credentials", async () => {
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
      `NATS at ${at} cannot be reached (connection refused); start it, or give the address of a running server.`,
    );
    for (const { message } of [wrong, refused]) expect(message).not.toMatch(/hush|somebody/);
    for (const url of ["http://hush@x", "hush", "nats://a:1,http://hush"]) {
      const bad = await failed({ url });
      expect(bad.code).toBe("invalid_option");
      expect(bad.message).not.toContain("hush");
    }
    for (const bad of [{ prefix: "a.b" }, { prefix: "" }, { replicas: 0 }]) {
      expect(await failed(bad)).toMatchObject({ code: "invalid_option" });
    }
  });

  test("a token opens the connection too", async () => {
    const server = await NatsServer.start({ settings: `authorization { token: "t0ken" }` });
    await follow(await open(`nats://t0ken@127.0.0.1:${server.port}`), news);
    expect(await failed({ url: server.url })).toMatchObject({ code: "broker_unreachable" });
  });

  test("a server without JetStream is reported as such", async () => {
    const server = await NatsServer.start({ jetStream: false });
    const { message } = await failed({ url: server.url });
    expect(message).toContain("enable JetStream");
  });

  test("appends that NATS has no room for are unavailable, with its reason", async () => {
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

  test("an event that exceeds NATS's limit is too_large, and the connection stays", async () => {
    const server = await NatsServer.start({ settings: "max_payload: 1000" });
    const { topic } = await follow(await open(server.url), news);
    const long = topic.append({ data: "x".repeat(1_000) });
    await expect(long).rejects.toMatchObject({ code: "too_large" });
    expect(await topic.append({ data: 1 })).toEqual({ offset: 1, duplicate: false });
  });
});
