import { expect, test } from "vitest";
import type { Peer } from "../../../src/server/index.ts";
import { turns } from "../../rigs/clock/event-loop.ts";
import { runOver, transports, WirePeer, type Transport } from "../../rigs/sockets/wire-peer.ts";
import { Witness } from "../../rigs/sockets/run-server.ts";

// The types of the oldest supported Node do not include it.
const Resizable = ArrayBuffer as unknown as new (
  size: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize(size: number): void };

/** A text frame in memory that can be transferred and resized. */
function frameOf(peer: Peer, length: number): { frames: Uint8Array; buffer: ArrayBuffer } {
  const frame = peer.encodeText("x".repeat(length));
  const buffer = new Resizable(frame.length, { maxByteLength: frame.length + 65_536 });
  const frames = new Uint8Array(buffer);
  frames.set(frame);
  return { frames, buffer };
}

/** Kept, so that the memory itself is not freed while the operating system reads it. */
const kept: unknown[] = [];

const transfer = (buffer: ArrayBuffer): void => {
  kept.push(structuredClone(buffer, { transfer: [buffer] }));
};

const grow = (buffer: ArrayBuffer): void => {
  (buffer as InstanceType<typeof Resizable>).resize(buffer.byteLength + 4_096);
};

const shrink = (buffer: ArrayBuffer): void => {
  (buffer as InstanceType<typeof Resizable>).resize(10);
};

/** More than the operating system takes from a server whose client does not read. */
const MUCH_BYTES: number = 24 * 1024 * 1024;

/** A peer whose client does not read, and another one. */
async function open(transport: Transport): Promise<{
  peer: Peer;
  client: WirePeer;
  other: Peer;
  otherClient: WirePeer;
  witness: Witness;
}> {
  const witness = new Witness();
  const server = await runOver(transport, witness, { maxBufferedBytes: 4 * MUCH_BYTES });
  const client = await WirePeer.open(transport, server);
  const peer = await witness.opened();
  client.stream.pause();
  const otherClient = await WirePeer.open(transport, server);
  await witness.until(() => witness.peer !== peer);
  return { peer, client, other: witness.peer!, otherClient, witness };
}

const changes: [string, (buffer: ArrayBuffer) => void][] = [
  ["transferred", transfer],
  ["grown", grow],
  ["shrunk", shrink],
];
// Over HTTP/2 they are copied, because nghttp2 reads them in this process.
const cases = transports
  .filter((transport) => transport !== "HTTP/2")
  .flatMap((transport) => changes.map(([how, change]) => [how, transport, change] as const));

test.each(cases)(
  "frames that are %s while they wait for the socket end that connection over %s, and no other",
  async (_, transport, change) => {
    const { peer, client, other, otherClient, witness } = await open(transport);
    peer.send(new Uint8Array(MUCH_BYTES));
    await turns(3);
    const { frames, buffer } = frameOf(peer, 1_000);
    expect(peer.sendFrames(frames)).toBe(true);
    expect(other.sendFrames(frames)).toBe(true);
    await turns(3);
    await otherClient.until(() => otherClient.receivedBytes >= 1_000);
    change(buffer);
    peer.send("behind");
    client.stream.resume();
    expect(await witness.closed()).toMatchObject({ code: 1006, error: { code: "memory_gone" } });
    other.send("to the other");
    await otherClient.until(() => otherClient.frames.length === 2);
    expect(other.isOpen).toBe(true);
  },
);

// The operating system refuses to read memory that was shrunk, and that error is the first one.
test.each(cases.filter(([how]) => how !== "shrunk"))(
  "frames that are %s while they are written end that connection over %s, and no other",
  async (_, transport, change) => {
    const { peer, client, other, otherClient, witness } = await open(transport);
    const { frames, buffer } = frameOf(peer, MUCH_BYTES);
    expect(peer.sendFrames(frames)).toBe(true);
    await turns(3);
    expect(peer.bufferedAmount).toBeGreaterThan(0);
    change(buffer);
    client.stream.resume();
    expect(await witness.closed()).toMatchObject({ code: 1006, error: { code: "memory_gone" } });
    other.send("to the other");
    await otherClient.until(() => otherClient.frames.length === 1);
  },
);

test.each(changes)("frames may be %s at once over HTTP/2", async (_, change) => {
  const { peer, client } = await open("HTTP/2");
  const { frames, buffer } = frameOf(peer, MUCH_BYTES);
  expect(peer.sendFrames(frames)).toBe(true);
  await turns(3);
  expect(peer.bufferedAmount).toBeGreaterThan(0);
  change(buffer);
  peer.send("behind");
  client.stream.resume();
  await client.until(() => client.receivedBytes >= MUCH_BYTES + 18);
  const [first, second] = client.frames;
  expect(first!.payload.length).toBe(MUCH_BYTES);
  expect(first!.payload.every((byte) => byte === 0x78)).toBe(true);
  expect(Buffer.from(second!.payload).toString()).toBe("behind");
});

test.each(changes)("frames that wait may be %s over HTTP/2", async (_, change) => {
  const { peer, client } = await open("HTTP/2");
  peer.send(new Uint8Array(1024 * 1024));
  await turns(3);
  const { frames, buffer } = frameOf(peer, 1_000);
  peer.sendFrames(frames);
  change(buffer);
  client.stream.resume();
  await client.until(() => client.receivedBytes >= 1024 * 1024 + 10 + 1_004);
  expect(client.frames[1]!.payload.length).toBe(1_000);
});
