import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { RedisServer } from "../rigs/brokers/redis-server.ts";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";
import { longwire, runLongwire, RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => RunningProgram.endAll());
afterAll(() => stopEngines());

const root = resolve(import.meta.dirname, "../..");

async function startServe(broker: string): Promise<{ serve: RunningProgram; url: string }> {
  const topics = ["--topic", "alerts:log", "--topic", "devices:keyed"];
  const serve = longwire("serve", "--port", "0", "--broker", broker, ...topics);
  const [url] = await serve.says(/^wss?:\S+/m);
  return { serve, url };
}

test("two servers on one Redis: an event published on one is read and resumed on the other", async () => {
  const redis = await RedisServer.start();
  const [one, two] = await Promise.all([startServe(redis.url), startServe(redis.url)]);
  const subscribe = { type: "subscribe", id: 1, topic: "alerts" };
  const reader = await OpenSocket.open(two.url, { protocols: ["longwire.v1"] });
  reader.sendJson(subscribe);
  await eventually(() => reader.json.map(({ type }) => type)).toContain("subscribed");
  const writer = await OpenSocket.open(one.url, { protocols: ["longwire.v1"] });
  const publish = (id: number): void =>
    writer.sendJson({ type: "publish", id, topic: "alerts", data: id });
  const events = (socket: OpenSocket): unknown[] =>
    socket.json.filter(({ type }) => type === "event").map(({ data }) => data);
  for (const id of [1, 2, 3]) publish(id);
  await eventually(() => events(reader)).toEqual([1, 2, 3]);
  const { epoch } = reader.json.find(({ type }) => type === "subscribed") as { epoch: string };
  // Its server dies; it goes on at the other one.
  await two.serve.stop("SIGKILL");
  publish(4);
  const again = await OpenSocket.open(one.url, { protocols: ["longwire.v1"] });
  again.sendJson({ ...subscribe, since: { epoch, offset: 3 } });
  await eventually(() => events(again)).toEqual([4]);
  expect(again.json.find(({ type }) => type === "subscribed")).toMatchObject({
    epoch,
    resumed: true,
  });
  expect(await one.serve.stop()).toBe(0);
});

test("two servers on one NATS: a key set on one reaches a reader of the other", async () => {
  const nats = await NatsServer.start();
  const [one, two] = await Promise.all([startServe(nats.url), startServe(nats.url)]);
  const writer = await OpenSocket.open(one.url, { protocols: ["longwire.v1"] });
  writer.sendJson({ type: "publish", id: 1, topic: "devices", key: "a", data: { on: true } });
  const reader = await OpenSocket.open(`${two.url}/devices?on=true`);
  await eventually(() => reader.json).toEqual([{ on: true }]);
  expect(await one.serve.stop()).toBe(0);
  const { port } = nats;
  await nats.stop();
  const away = await runLongwire(["serve", "--broker", `nats://ada:secret@127.0.0.1:${port}`]);
  expect(await away.exited).toBe(1);
  expect(away.output).toBe(
    `longwire: NATS at 127.0.0.1:${port} cannot be reached (connection refused); start it, or give the address of a running server.\n`,
  );
  const wrong = await runLongwire(["serve", "--broker", "nats://h?replica=3"]);
  expect(wrong.output).toContain("broker has ?replica, which is not a NATS setting");
  expect(await wrong.exited).toBe(1);
});

test("a keyed topic's state set on one server reaches a reader of the other", async () => {
  const redis = await RedisServer.start();
  const [one, two] = await Promise.all([startServe(redis.url), startServe(redis.url)]);
  const writer = await OpenSocket.open(one.url, { protocols: ["longwire.v1"] });
  writer.sendJson({ type: "publish", id: 1, topic: "devices", key: "a", data: { on: true } });
  const reader = await OpenSocket.open(`${two.url}/devices?on=true`);
  await eventually(() => reader.json).toEqual([{ on: true }]);
});

test("an unreachable server and an invalid URL result in one line and exit code 1, without the password", async () => {
  const redis = await RedisServer.start();
  const { port } = redis;
  await redis.stop();
  const away = await runLongwire(["serve", "--broker", `redis://ada:secret@127.0.0.1:${port}`]);
  expect(await away.exited).toBe(1);
  expect(away.output).toBe(
    `longwire: Redis at 127.0.0.1:${port} cannot be reached (ECONNREFUSED); start it, or give the address of a running server.\n`,
  );
  const wrong = await runLongwire(["serve", "--broker", "http://ada:secret@host"]);
  expect(await wrong.exited).toBe(1);
  expect(wrong.output).toBe(
    "longwire: broker is not the URL of a broker; give one such as redis://127.0.0.1:6379 or nats://127.0.0.1:4222.\n",
  );
});

test("a failure after the broker was opened also ends the program", async () => {
  const redis = await RedisServer.start();
  const { serve, url } = await startServe(redis.url);
  const { port } = new URL(url);
  const second = await runLongwire(["serve", "--port", port, "--broker", redis.url]);
  expect(await second.exited).toBe(1);
  await serve.stop();
});

test.each([
  ["redis", "redis://h"],
  ["@nats-io/transport-node", "nats://h"],
])("without the package %s, the error says what to install", async (name, url) => {
  const folder = mkdtempSync(join(tmpdir(), "longwire-without-redis-"));
  try {
    cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
    cpSync(join(root, "package.json"), join(folder, "package.json"));
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "node_modules/commander"), join(folder, "node_modules/commander"));
    const main = join(folder, "dist/cli/main.js");
    const program = new RunningProgram(process.execPath, [main, "serve", "--broker", url]);
    expect(await program.exited).toBe(1);
    expect(program.output).toBe(
      `longwire: This broker needs the package ${name}, which is not installed; run npm install ${name}.\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("when Redis goes away and returns, that is reported once, clients stay, and publishes succeed again", async () => {
  const redis = await RedisServer.start({ durable: true });
  const { serve, url } = await startServe(redis.url);
  const client = await OpenSocket.open(url, { protocols: ["longwire.v1"] });
  await redis.kill();
  await serve.says(/cannot be reached|closed unexpectedly/);
  client.sendJson({ type: "publish", id: 1, topic: "alerts", data: 1, idempotencyKey: "k" });
  await eventually(() => client.json.at(-1)).toMatchObject({ id: 1, code: "unavailable" });
  await redis.restart();
  await eventually(() => {
    client.sendJson({ type: "publish", id: 2, topic: "alerts", data: 1, idempotencyKey: "k" });
    return client.json.map(({ type }) => type);
  }).toContain("published");
  expect(client.socket.readyState).toBe(client.socket.OPEN);
});
