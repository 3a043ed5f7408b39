import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { LongwireError } from "../../src/base/index.ts";
import { DiskBroker } from "../../src/brokers/disk/index.ts";
import { openBroker, type BrokerPlace } from "../../src/brokers/index.ts";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import { RedisBroker } from "../../src/brokers/redis/index.ts";
import { logTopic, type Broker } from "../../src/live/index.ts";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { RedisCluster } from "../rigs/brokers/redis-cluster.ts";
import { RedisServer } from "../rigs/brokers/redis-server.ts";

afterAll(() => stopEngines());

async function opened(place?: BrokerPlace): Promise<Broker> {
  const broker = await openBroker(place);
  onTestFinished(() => broker.close());
  const topic = await broker.openTopic(logTopic("t"), () => {});
  expect(await topic.append({ data: 1 })).toMatchObject({ offset: 1 });
  return broker;
}

describe("openBroker opens", () => {
  test("a memory broker by default", async () => {
    expect(await opened()).toBeInstanceOf(MemoryBroker);
  });

  test("a folder", async () => {
    const data = mkdtempSync(join(tmpdir(), "longwire-open-"));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    expect(await opened({ data })).toBeInstanceOf(DiskBroker);
  });

  test("a Redis server", async () => {
    const { url } = await RedisServer.start();
    expect(await opened({ broker: url })).toBeInstanceOf(RedisBroker);
  });

  test("a Redis Cluster whose URL names several servers", async () => {
    const { url } = await RedisCluster.start();
    expect(url).toContain(",");
    expect(await opened({ broker: url })).toBeInstanceOf(RedisBroker);
  });

  test("NATS whose URL names several servers, with or without a scheme for each", async () => {
    const [gone, there] = [await NatsServer.start(), await NatsServer.start()];
    await gone.stop();
    const broker = `${gone.url},127.0.0.1:${there.port}`;
    expect(await opened({ broker })).toBeInstanceOf(NatsBroker);
  });

  test("NATS even if the first server in the URL is gone", async () => {
    const [gone, there] = [await NatsServer.start(), await NatsServer.start()];
    await gone.stop();
    const broker = `${gone.url},${there.url}`;
    expect(await opened({ broker })).toBeInstanceOf(NatsBroker);
  });
});

test.each(["http://h", "redis", "", "redis+sentinel://h", "nats:h"])(
  "a URL that is not a broker's is refused and not repeated: %s",
  async (broker) => {
    await expect(openBroker({ broker })).rejects.toMatchObject({
      code: "bad_option",
      message: expect.not.stringContaining("sentinel") as string,
    });
  },
);

test.each([
  "nats://%zz:hush@127.0.0.1",
  "nats://hush:%@127.0.0.1",
  "nats://user:hu,sh@127.0.0.1",
  "nats://127.0.0.1,http://hush",
  "nats://127.0.0.1:99999",
  "nats://127.0.0.1?replicas=hush",
  "nats://127.0.0.1?creds=/hush/there",
  "nats://",
  "redis://%zz:hush@127.0.0.1",
  "redis://hush:%zz@127.0.0.1",
  "redis://127.0.0.1/hush",
  "redis://127.0.0.1:99999",
  "redis+cluster://%zz:hush@127.0.0.1",
  "redis+cluster://127.0.0.1:1,127.0.0.1:99999",
  "redis+cluster://",
])(
  "a wrong URL results in one line that says so, and not in another package's exception: %s",
  async (broker) => {
    const error = await openBroker({ broker, onError: () => {} }).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(LongwireError);
    const { code, message } = error as LongwireError;
    expect(code).toMatch(/^(bad_option|invalid_option)$/);
    expect(message).toMatch(/^[^\n]+\.$/);
    expect(message).not.toMatch(broker.includes("creds") ? /\n/ : /hush/);
  },
);

test("a URL and a folder cannot be combined", async () => {
  const both = { broker: "redis://h", data: "folder" };
  await expect(openBroker(both)).rejects.toMatchObject({ code: "bad_option" });
});

test("each cause of a loss is reported once, however many attempts fail because of it", async () => {
  const server = await RedisServer.start();
  const told: string[] = [];
  const broker = await openBroker({
    broker: server.url,
    onError: ({ message }) => told.push(message),
  });
  onTestFinished(() => broker.close());
  await server.kill();
  await eventually(() => told.some((message) => message.includes("ECONNREFUSED"))).toBe(true);
  const refusals = (): number => told.filter((text) => text.includes("ECONNREFUSED")).length;
  await server.restart();
  await eventually(() => broker.isAway).toBe(false);
  expect(refusals()).toBe(1);
});
