import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { listening, load, next, type Untyped } from "./dependents.ts";

const { Aedes } = load("aedes");
const mqtt = load("mqtt");
const { WebSocketServer, createWebSocketStream } = load("ws");

async function openBroker(): Promise<string> {
  const broker = await Aedes.createBroker();
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket: Untyped, request: Untyped) => {
    broker.handle(createWebSocketStream(socket), request);
  });
  const port = await listening(http);
  onTestFinished(() => new Promise<void>((resolve) => broker.close(resolve)));
  return `ws://127.0.0.1:${port}`;
}

async function connected(url: string): Promise<Untyped> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  onTestFinished(() => client.endAsync(true));
  return client;
}

describe("MQTT.js and aedes", () => {
  test.each([0, 1, 2])("a publish of quality %i reaches a subscriber unchanged", async (qos) => {
    const url = await openBroker();
    const [subscriber, publisher] = await Promise.all([connected(url), connected(url)]);
    await subscriber.subscribeAsync("devices/+/state", { qos });
    const message = next(subscriber, "message");
    const payload = Buffer.alloc(100_000, "äöü");
    await publisher.publishAsync("devices/7/state", payload, { qos });
    const [topic, received] = await message;
    expect(topic).toBe("devices/7/state");
    expect(payload.equals(received)).toBe(true);
  });

  test("a thousand messages arrive in order", async () => {
    const url = await openBroker();
    const [subscriber, publisher] = await Promise.all([connected(url), connected(url)]);
    await subscriber.subscribeAsync("n");
    const seen: number[] = [];
    const all = new Promise<void>((resolve) => {
      subscriber.on("message", (_topic: string, payload: Buffer) => {
        if (seen.push(Number(payload)) === 1_000) resolve();
      });
    });
    for (let n = 0; n < 1_000; n += 1) publisher.publish("n", String(n));
    await all;
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  });
});
