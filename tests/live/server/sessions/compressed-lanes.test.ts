import { randomBytes } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../../../src/live/index.ts";
import type { CompressionChoice } from "../../../../src/node/index.ts";
import { deflateNow } from "../../../../src/node/deflate/deflate-now.ts";
import { Opcode } from "../../../../src/protocol/index.ts";
import { WebSocketServer } from "../../../../src/server/index.ts";
import { referenceInflate } from "../../../rigs/protocol/reference-inflate.ts";
import { maskedFrame, utf8 } from "../../../rigs/protocol/masked-frame.ts";
import type { WireFrame } from "../../../rigs/protocol/read-frames.ts";
import { RawClient } from "../../../rigs/sockets/raw-client.ts";

const RSV1 = 0x40;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const DEFLATE = "permessage-deflate";
/** A report of some 2 KiB. */
const REPORT = Array.from({ length: 60 }, (_, n) => ({ device: `ap-${n}`, on: n % 3 > 0 }));

vi.mock(import("../../../../src/node/deflate/deflate-now.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, deflateNow: vi.fn(original.deflateNow) };
});
const compressions = vi.mocked(deflateNow);
beforeEach(() => void compressions.mockClear());

interface Live {
  live: LiveServer;
  server: WebSocketServer;
  /** Opens a Level 1 connection that subscribes to `topic`, and waits for the confirmation. */
  follow: (topic: string, offer: string | undefined, params?: object) => Promise<RawClient>;
  level0: (target: string, offer: string | undefined) => Promise<RawClient>;
}

async function run(compression: CompressionChoice = true): Promise<Live> {
  const topics = [logTopic("alerts", { match: matchFields }), keyedTopic("devices")];
  const live = await LiveServer.open({ topics, broker: new MemoryBroker() });
  const server = new WebSocketServer(live.endpoint("/live"), { compression });
  const { port } = await server.listen();
  onTestFinished(async () => {
    await server.close({ timeoutMs: 200 });
    await live.close();
  });
  return {
    live,
    server,
    follow: async (topic, offer, params) => {
      const client = await RawClient.upgrade(port, "/live", {
        "Sec-WebSocket-Protocol": "longwire.v1",
        "Sec-WebSocket-Extensions": offer,
      });
      const request = JSON.stringify({ type: "subscribe", id: 1, topic, params });
      client.write(maskedFrame({ opcode: Opcode.Text, payload: utf8(request) }));
      await until(client, "subscribed");
      return client;
    },
    level0: (target, offer) =>
      RawClient.upgrade(port, `/live/${target}`, { "Sec-WebSocket-Extensions": offer }),
  };
}

function textOf({ payload, reservedBits }: WireFrame): string {
  if (reservedBits === 0) return Buffer.from(payload).toString();
  const whole = Buffer.concat([payload, TAIL]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

/** The first frame that is a message of this type, once it is there. */
async function until(client: RawClient, type: string): Promise<WireFrame> {
  for (let count = 1; ; count += 1) {
    const frame = (await client.framesWhen(count))[count - 1];
    if (frame === undefined) throw new Error(`the connection ended without ${type}`);
    if ((JSON.parse(textOf(frame)) as { type: string }).type === type) return frame;
  }
}

const dataOf = (frame: WireFrame): unknown => (JSON.parse(textOf(frame)) as { data: unknown }).data;

test("an event is sent compressed to clients that negotiated it, and inflates independently", async () => {
  const { live, follow } = await run();
  const client = await follow("alerts", DEFLATE);
  await live.topic("alerts").publish(REPORT);
  const frame = await until(client, "event");
  expect(frame.reservedBits).toBe(RSV1);
  expect(frame.payload.length).toBeLessThan(JSON.stringify(REPORT).length / 3);
  expect(dataOf(frame)).toEqual(REPORT);
});

test("the same holds at Level 0, with data and nothing else", async () => {
  const { live, level0 } = await run();
  const client = await level0("alerts?site=1", DEFLATE);
  const data = { site: "1", REPORT };
  await live.topic("alerts").publish(data);
  const [frame] = await client.framesWhen(1);
  expect(frame!.reservedBits).toBe(RSV1);
  expect(JSON.parse(textOf(frame!))).toEqual(data);
});

test("a snapshot is compressed too, once for all clients that need it", async () => {
  const { live, follow } = await run();
  for (let n = 0; n < 20; n += 1) await live.topic("devices").set(`k${n}`, REPORT);
  for (let count = 0; count < 5; count += 1) {
    const client = await follow("devices", DEFLATE);
    const frame = await until(client, "snapshot");
    expect(frame.reservedBits).toBe(RSV1);
    expect((JSON.parse(textOf(frame)) as { entries: unknown[] }).entries).toHaveLength(20);
  }
  expect(compressions).toHaveBeenCalledTimes(1);
});

test("100 subscribers with equal params cost one compression per event", async () => {
  const { live, follow } = await run();
  const clients = await Promise.all(Array.from({ length: 100 }, () => follow("alerts", DEFLATE)));
  for (let n = 0; n < 3; n += 1) await live.topic("alerts").publish(REPORT);
  for (const client of clients) expect(dataOf(await until(client, "event"))).toEqual(REPORT);
  expect(compressions).toHaveBeenCalledTimes(3);
});

test("the same holds for views with different params", async () => {
  const { live, follow } = await run();
  const params = [{ site: "1" }, { floor: "2" }, { site: "1", floor: "2" }, {}];
  const clients = await Promise.all(params.map((one) => follow("alerts", DEFLATE, one)));
  await live.topic("alerts").publish({ site: "1", floor: "2", REPORT });
  for (const client of clients) await until(client, "event");
  expect(compressions).toHaveBeenCalledTimes(1);
});

test("clients with another window size get frames that respect it", async () => {
  const { live, follow } = await run();
  const windows = [8, 9, 12, 15];
  const clients: RawClient[] = [];
  for (const bits of windows) {
    clients.push(await follow("alerts", `${DEFLATE}; server_max_window_bits=${bits}`));
  }
  // It repeats itself at a distance that only the largest window spans.
  const data = randomBytes(6_000).toString("hex").repeat(3);
  await live.topic("alerts").publish(data);
  for (const [at, client] of clients.entries()) {
    const frame = await until(client, "event");
    expect(frame.reservedBits).toBe(RSV1);
    const { bytes, farthest } = referenceInflate(frame.payload);
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ data });
    expect(farthest).toBeLessThanOrEqual(2 ** windows[at]!);
    expect(farthest > 2 ** 12).toBe(windows[at] === 15);
  }
  expect(compressions).toHaveBeenCalledTimes(windows.length);
});

test("a client without compression on the same topic gets plain events, whoever came first", async () => {
  for (const offers of [
    [undefined, DEFLATE],
    [DEFLATE, undefined],
  ]) {
    const { live, follow } = await run();
    const clients: RawClient[] = [];
    for (const offer of offers) clients.push(await follow("alerts", offer));
    await live.topic("alerts").publish(REPORT);
    for (const [at, client] of clients.entries()) {
      const frame = await until(client, "event");
      expect(frame.reservedBits).toBe(offers[at] === undefined ? 0 : RSV1);
      expect(dataOf(frame)).toEqual(REPORT);
    }
  }
});

test("a client with context takeover gets plain events, and its own messages still inflate", async () => {
  const { live, server, follow } = await run({ outgoingContextTakeover: true });
  const client = await follow("alerts", DEFLATE);
  const other = await follow("alerts", `${DEFLATE}; server_no_context_takeover`);
  const [peer] = server.peers;
  const own = JSON.stringify({ type: "own", noise: randomBytes(1_500).toString("hex") });
  const before = client.frames.length;
  for (let round = 0; round < 2; round += 1) {
    peer!.send(own);
    await live.topic("alerts").publish(REPORT);
  }
  peer!.send(own);
  const frames = (await client.framesWhen(before + 5)).slice(before);
  expect(frames.map(({ reservedBits }) => reservedBits)).toEqual([RSV1, 0, RSV1, 0, RSV1]);
  const window: number[] = [];
  for (const frame of frames) {
    if (frame.reservedBits === 0) {
      expect(dataOf(frame)).toEqual(REPORT);
    } else {
      const { bytes } = referenceInflate(frame.payload, window);
      expect(Buffer.from(bytes).toString()).toBe(own);
      window.push(...bytes);
    }
  }
  expect((await until(other, "event")).reservedBits).toBe(RSV1);
});

test("small events stay plain", async () => {
  const { live, follow } = await run();
  const client = await follow("alerts", DEFLATE);
  await live.topic("alerts").publish({ on: true });
  expect((await until(client, "event")).reservedBits).toBe(0);
  expect(compressions).not.toHaveBeenCalled();
});
