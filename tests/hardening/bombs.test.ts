import { once } from "node:events";
import { constants, createDeflateRaw, deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { MemoryBudget, Opcode } from "../../src/protocol/index.ts";
import { maskedFrame } from "../rigs/protocol/masked-frame.ts";
import { Witness } from "../rigs/sockets/run-server.ts";
import { runOver, transports, WirePeer } from "../rigs/sockets/wire-peer.ts";

const RSV1 = 0x40;
const KIB = 1024;
const MIB = 1024 * KIB;
const DEFLATE = { "sec-websocket-extensions": "permessage-deflate" };
/** The part of a message that is inflated synchronously. */
const BLOCK_BYTES = 256 * KIB;

/** Returns `size` zeros, compressed a thousandfold, without the tail. */
async function zeros(size: number): Promise<Buffer> {
  const deflate = createDeflateRaw({ level: 9 });
  const chunks: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => void chunks.push(chunk));
  const block = Buffer.alloc(MIB);
  for (let left = size; left > 0; left -= block.length) {
    const isTaken = deflate.write(block.subarray(0, Math.min(left, block.length)));
    if (!isTaken) await once(deflate, "drain");
  }
  await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
  deflate.destroy();
  return Buffer.concat(chunks).subarray(0, -4);
}

/** Records the maximum that unfinished messages held of any budget, from now on. */
function watchBudgets(): { most: number; used: () => number } {
  const take = Object.getOwnPropertyDescriptor(MemoryBudget.prototype, "charge")!
    .value as MemoryBudget["charge"];
  const budgets = new Set<MemoryBudget>();
  const watched = {
    most: 0,
    used: () => [...budgets].reduce((sum, { usedBytes }) => sum + usedBytes, 0),
  };
  const spy = vi.spyOn(MemoryBudget.prototype, "charge").mockImplementation(function (
    this: MemoryBudget,
    bytes: number,
  ) {
    const taken = take.call(this, bytes);
    budgets.add(this);
    watched.most = Math.max(watched.most, this.usedBytes);
    return taken;
  });
  onTestFinished(() => spy.mockRestore());
  return watched;
}

/** Records the maximum growth of all buffers, checked in every turn. */
function watchBuffers(): { mostBytes: () => number } {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  let isOver = false;
  onTestFinished(() => void (isOver = true));
  const look = (): void => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    if (!isOver) setImmediate(look);
  };
  look();
  return { mostBytes: () => most };
}

describe("a bomb over a socket (CVE-2026-1526, CVE-2018-1000518)", () => {
  let gibibyte: Buffer;
  beforeAll(async () => {
    gibibyte = await zeros(1024 * MIB);
  });
  afterAll(() => {
    gibibyte = Buffer.alloc(0);
  });

  // Not reachable by doubling.
  const maxMessageBytes = 5 * MIB - 3;

  test.each(transports)(
    "of 1 GiB, whole: closed with 1009, holding no more than the limit and a block, over %s",
    async (transport) => {
      expect(gibibyte.length).toBeLessThan((1024 * MIB) / 900);
      const budgets = watchBudgets();
      const witness = new Witness();
      const running = await runOver(transport, witness, { maxMessageBytes });
      const peer = await WirePeer.open(transport, running, DEFLATE);
      const frame = maskedFrame({ opcode: Opcode.Binary, reservedBits: RSV1, payload: gibibyte });
      const buffers = watchBuffers();
      peer.write(frame);
      await peer.framesWhen(1);
      expect(peer.closeCode).toBe(1009);
      // The compressed bytes are held, too, until they are inflated.
      expect(budgets.most).toBeLessThanOrEqual(maxMessageBytes + gibibyte.length + BLOCK_BYTES);
      expect(buffers.mostBytes()).toBeLessThan(64 * MIB);
      peer.stream.end();
      expect((await witness.closed()).error).toMatchObject({ code: "message_too_big" });
      expect(budgets.used()).toBe(0);
      expect(witness.messages).toEqual([]);
    },
  );

  test("in a thousand fragments", async () => {
    const budgets = watchBudgets();
    const running = await runOver("TCP", new Witness(), { maxMessageBytes });
    const peer = await WirePeer.open("TCP", running, DEFLATE);
    const size = Math.ceil(gibibyte.length / 1_000);
    for (let at = 0; at < gibibyte.length; at += size) {
      const opcode = at === 0 ? Opcode.Binary : Opcode.Continuation;
      const reservedBits = at === 0 ? RSV1 : 0;
      const fin = at + size >= gibibyte.length;
      const payload = gibibyte.subarray(at, at + size);
      peer.write(maskedFrame({ opcode, reservedBits, fin, payload }));
    }
    await peer.framesWhen(1);
    expect(peer.closeCode).toBe(1009);
    expect(budgets.most).toBeLessThanOrEqual(maxMessageBytes + 2 * gibibyte.length + BLOCK_BYTES);
    expect(budgets.used()).toBe(0);
  });

  test("many small ones from many peers share maxUnfinishedBytes", async () => {
    const budgets = watchBudgets();
    const limits = { maxMessageBytes: 8 * MIB, maxUnfinishedBytes: 16 * MIB };
    const running = await runOver("TCP", new Witness(), limits);
    const bomb = deflateRawSync(Buffer.alloc(7 * MIB), { finishFlush: constants.Z_SYNC_FLUSH });
    const payload = bomb.subarray(0, -4);
    const peers = await Promise.all(
      Array.from({ length: 20 }, () => WirePeer.open("TCP", running, DEFLATE)),
    );
    for (const peer of peers) {
      peer.write(maskedFrame({ opcode: Opcode.Binary, reservedBits: RSV1, payload }));
      peer.write(maskedFrame({ opcode: Opcode.Ping }));
    }
    for (const peer of peers) {
      const [frame] = await peer.framesWhen(1);
      expect(frame!.opcode === Opcode.Pong || peer.closeCode === 1013).toBe(true);
    }
    expect(budgets.most).toBeLessThanOrEqual(16 * MIB);
    expect(budgets.used()).toBe(0);
  });
});
