import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { Compression, type Peer } from "../../../src/server/index.ts";
import { referenceInflate } from "../../rigs/protocol/reference-inflate.ts";
import type { WireFrame } from "../../rigs/protocol/read-frames.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import { runServer, Witness } from "../../rigs/sockets/run-server.ts";

const RSV1 = 0x40;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const DEFLATE = "permessage-deflate";
const NEWS = JSON.stringify(
  Array.from({ length: 60 }, (_, n) => ({ device: `ap-${n}`, on: true })),
);

function textOf({ payload, reservedBits }: WireFrame): string {
  if (reservedBits === 0) return Buffer.from(payload).toString();
  const whole = Buffer.concat([payload, TAIL]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

async function upgrade(port: number, offer: string | undefined): Promise<RawClient> {
  return RawClient.upgrade(port, "/", { "Sec-WebSocket-Extensions": offer });
}

/** Sends one text to all peers, as an application would: one frame per format. */
function broadcast(peers: Iterable<Peer>, text: string): number {
  const frames = new Map<string, Uint8Array>();
  for (const { frameFormat } of peers) {
    if (!frames.has(frameFormat.name)) frames.set(frameFormat.name, frameFormat.encodeText(text));
  }
  for (const peer of peers) peer.sendFrames(frames.get(peer.frameFormat.name)!);
  return frames.size;
}

test("peers with equal agreements share one format object, others have their own", async () => {
  const { port, server } = await runServer(new Witness());
  const offers = [
    undefined,
    DEFLATE,
    `${DEFLATE}; client_max_window_bits`,
    `${DEFLATE}; server_no_context_takeover; client_max_window_bits=10`,
    `${DEFLATE}; server_max_window_bits=10`,
    undefined,
  ];
  for (const offer of offers) await upgrade(port, offer);
  const formats = [...server.peers].map(({ frameFormat }) => frameFormat);
  expect(formats.map(({ name }) => name)).toEqual([
    "plain",
    "deflate15",
    "deflate15",
    "deflate15",
    "deflate10",
    "plain",
  ]);
  expect(new Set(formats).size).toBe(3);
});

test("servers that share a Compression share formats", async () => {
  const compression = new Compression();
  const formats = new Set<unknown>();
  for (let count = 0; count < 2; count += 1) {
    const { port, server } = await runServer(new Witness(), { compression });
    await upgrade(port, DEFLATE);
    for (const { frameFormat } of server.peers) formats.add(frameFormat);
  }
  expect(formats.size).toBe(1);
});

test("a server that never compresses has the plain format only", async () => {
  const { port, server } = await runServer(new Witness(), { compression: false });
  await upgrade(port, DEFLATE);
  expect([...server.peers].map(({ frameFormat }) => frameFormat.name)).toEqual(["plain"]);
});

test("a text reaches peers with and without compression, and with different windows, unchanged", async () => {
  const { port, server } = await runServer(new Witness());
  const clients: RawClient[] = [];
  const windows = [undefined, 9, 12, 15, 15];
  for (const bits of windows) {
    const offer = bits === undefined ? undefined : `${DEFLATE}; server_max_window_bits=${bits}`;
    clients.push(await upgrade(port, offer));
  }
  // The text repeats at a distance that only the largest window covers.
  const text = randomBytes(6_000).toString("hex").repeat(3);
  expect(broadcast(server.peers, text)).toBe(4);
  for (const [at, client] of clients.entries()) {
    const [frame] = await client.framesWhen(1);
    expect(textOf(frame!)).toBe(text);
    const bits = windows[at];
    expect(frame!.reservedBits).toBe(bits === undefined ? 0 : RSV1);
    if (bits === undefined) continue;
    const { farthest } = referenceInflate(frame!.payload);
    expect(farthest).toBeLessThanOrEqual(2 ** bits);
    expect(farthest > 2 ** 12).toBe(bits === 15);
  }
});

test("a peer with context takeover receives plain frames, and its window stays in step", async () => {
  const compression = { outgoingContextTakeover: true };
  const { port, url, server } = await runServer(new Witness(), { compression });
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  const texts: string[] = [];
  socket.on("message", (data: Buffer) => texts.push(data.toString()));
  await once(socket, "open");
  const [peer] = server.peers;
  const kept = JSON.stringify({ id: 1, noise: randomBytes(1_500).toString("hex") });
  const sent = [kept, NEWS, kept, NEWS, kept];
  for (const text of sent) {
    if (text === NEWS) peer!.sendFrames(peer!.frameFormat.encodeText(text));
    else peer!.send(text);
  }
  await expect.poll(() => texts).toEqual(sent);
  // The format also excludes features that the client did not agree to.
  expect(peer!.frameFormat.name).toBe("plain");
  const other = await upgrade(port, `${DEFLATE}; server_no_context_takeover`);
  expect([...server.peers].at(-1)!.frameFormat.name).toBe("deflate15");
  other.socket.destroy();
});

test("frames stay in order behind a long message that is still being compressed", async () => {
  const { port, server } = await runServer(new Witness());
  const client = await upgrade(port, DEFLATE);
  const [peer] = server.peers;
  const long = JSON.stringify(Array.from({ length: 4_000 }, (_, n) => ({ n, on: n % 3 > 0 })));
  expect(long.length).toBeGreaterThan(64 * 1024);
  const sent = [NEWS, long, NEWS, "short", long, NEWS];
  for (const text of sent) {
    if (text === NEWS) peer!.sendFrames(peer!.frameFormat.encodeText(text));
    else peer!.send(text);
  }
  expect(peer!.bufferedAmount).toBeGreaterThan(2 * long.length);
  const frames = await client.framesWhen(sent.length);
  expect(frames.map(textOf)).toEqual(sent);
  expect(frames.map(({ reservedBits }) => reservedBits)).toEqual([RSV1, RSV1, RSV1, 0, RSV1, RSV1]);
});

test("encodeText never compresses, whatever its receiver supports", async () => {
  const { port, server } = await runServer(new Witness());
  const client = await upgrade(port, DEFLATE);
  const [peer] = server.peers;
  peer!.sendFrames(peer!.encodeText(NEWS));
  const [frame] = await client.framesWhen(1);
  expect(frame!.reservedBits).toBe(0);
  expect(textOf(frame!)).toBe(NEWS);
});
