import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../src/protocol/index.ts";
import type { Endpoint } from "../../src/server/index.ts";
import { DeflatingConnection, fresh } from "../rigs/protocol/deflating-connection.ts";
import { frameTo, joinBytes, maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import { openConnection, roles } from "../rigs/protocol/open-connection.ts";
import { echo, runServer, Witness } from "../rigs/sockets/run-server.ts";
import { heldBytes } from "../rigs/measuring/heap.ts";
import { runOver, transports, WirePeer } from "../rigs/sockets/wire-peer.ts";

const RSV1 = 0x40;
const MIB = 1024 * 1024;
const DEFLATE = { "sec-websocket-extensions": "permessage-deflate" };

/** Returns a thousand more fragments of a message. */
function thousand(payload: Uint8Array): Uint8Array {
  const more = maskedFrame({ opcode: Opcode.Continuation, fin: false, payload });
  return joinBytes(Array<Uint8Array>(1_000).fill(more));
}

describe("millions of fragments from several peers (CVE-2026-48779)", () => {
  const PEERS = 8;
  const FRAGMENTS = 131_000;

  test.each([
    ["empty", 0, 0],
    ["one octet each", 1, 0],
    ["empty and compressed", 0, RSV1],
    ["one octet each and compressed", 1, RSV1],
  ])("%s: only their octets are held, at most doubled", async (_, size, reservedBits) => {
    const running = await runServer(new Witness());
    const peers = await Promise.all(
      Array.from({ length: PEERS }, () => WirePeer.open("TCP", running, DEFLATE)),
    );
    const payload = new Uint8Array(size);
    const first = maskedFrame({ opcode: Opcode.Binary, fin: false, reservedBits, payload });
    const more = thousand(payload);
    const before = await heldBytes();
    await Promise.all(
      peers.map(async (peer) => {
        peer.write(first);
        for (let sent = 1_000; sent < FRAGMENTS; sent += 1_000) {
          if (!peer.stream.write(more)) {
            await new Promise((resolve) => peer.stream.once("drain", resolve));
          }
        }
        // The pong shows that everything before it was read.
        peer.write(maskedFrame({ opcode: Opcode.Ping }));
        await peer.framesWhen(1);
      }),
    );
    expect(peers.map(({ frames }) => frames[0]!.opcode)).toEqual(Array(PEERS).fill(Opcode.Pong));
    // An object per fragment would take at least 50 MB.
    expect((await heldBytes()) - before).toBeLessThan(2 * PEERS * FRAGMENTS * size + 8 * MIB);
    for (const peer of peers) peer.stream.destroy();
  });

  test.each(transports)("beyond maxMessageFragments: 1009, over %s", async (transport) => {
    for (const reservedBits of [0, RSV1]) {
      const running = await runOver(transport, echo, { maxMessageFragments: 5_000 });
      const peer = await WirePeer.open(transport, running, DEFLATE);
      peer.write(maskedFrame({ opcode: Opcode.Text, fin: false, reservedBits }));
      for (let sent = 0; sent < 5; sent += 1) peer.write(thousand(new Uint8Array(0)));
      await peer.framesWhen(1);
      expect(peer.closeCode).toBe(1009);
    }
  });
});

describe("one million messages on one connection do not overflow any counter (ws#2333)", () => {
  const MESSAGES = 1_000_000;

  test.each(roles)("whole, in fragments, with pings and pongs, at a %s", (role) => {
    const { connection, seen } = openConnection(role);
    let messages = 0;
    seen.onText = () => (messages += 1);
    seen.onPing = () => {};
    seen.onPong = () => {};
    const payload = utf8("x");
    const four = [
      frameTo(role, { opcode: Opcode.Text, payload }),
      frameTo(role, { opcode: Opcode.Text, payload, fin: false }),
      frameTo(role, { opcode: Opcode.Ping, payload }),
      frameTo(role, { opcode: Opcode.Continuation, fin: false }),
      frameTo(role, { opcode: Opcode.Continuation, payload }),
      frameTo(role, { opcode: Opcode.Pong, payload }),
      frameTo(role, { opcode: Opcode.Text }),
      frameTo(role, { opcode: Opcode.Text, payload }),
    ];
    const burst = joinBytes(Array.from({ length: 500 }, () => four).flat());
    for (let sent = 0; sent < MESSAGES; sent += 2_000) {
      connection.receive(burst.slice());
      connection.outgoing.take();
      connection.outgoing.release();
    }
    expect(seen.failed).toBe(undefined);
    expect(messages).toBe(MESSAGES);
  });

  test.each(roles)("a hundred thousand compressed ones, some in fragments, at a %s", (role) => {
    const { connection, seen } = new DeflatingConnection(role, { agreed: fresh });
    let messages = 0;
    seen.onText = () => (messages += 1);
    const deflated = deflateRawSync("hello", { finishFlush: constants.Z_SYNC_FLUSH });
    const payload = deflated.subarray(0, -4);
    const two = joinBytes([
      frameTo(role, { opcode: Opcode.Text, reservedBits: RSV1, payload }),
      frameTo(role, { opcode: Opcode.Text, reservedBits: RSV1, fin: false, payload }),
      frameTo(role, { opcode: Opcode.Continuation }),
    ]);
    const burst = joinBytes(Array<Uint8Array>(500).fill(two));
    for (let sent = 0; sent < MESSAGES / 10; sent += 1_000) connection.receive(burst.slice());
    expect(seen.failed).toBe(undefined);
    expect(messages).toBe(MESSAGES / 10);
  });

  test("over a socket, echoed, with nothing left in memory", async () => {
    let count = 0;
    const endpoint: Endpoint = {
      onMessage: (peer) => {
        count += 1;
        if (count % 1_000 === 0) peer.send(String(count));
      },
    };
    const running = await runServer(endpoint);
    const peer = await WirePeer.open("TCP", running);
    const message = maskedFrame({ opcode: Opcode.Text, payload: utf8("x") });
    const burst = joinBytes(Array<Uint8Array>(10_000).fill(message));
    const before = await heldBytes();
    for (let sent = 0; sent < MESSAGES; sent += 10_000) {
      if (!peer.stream.write(burst)) {
        await new Promise((resolve) => peer.stream.once("drain", resolve));
      }
    }
    const frames = await peer.framesWhen(1_000);
    expect(Buffer.from(frames.at(-1)!.payload).toString()).toBe("1000000");
    expect((await heldBytes()) - before).toBeLessThan(8 * MIB);
  });
});

describe.each(transports)("lengths beyond every limit, over %s (RFC 6455 §5.2)", (transport) => {
  test.each([
    [2n ** 32n + 5n, 1009],
    [2n ** 53n - 1n, 1009],
    [2n ** 53n, 1009],
    [2n ** 53n + 1n, 1009],
    [2n ** 63n - 1n, 1009],
    [2n ** 63n, 1002],
    [2n ** 64n - 1n, 1002],
    [0x8000_0000_0000_0005n, 1002],
  ])("%i is rejected with %i when its header arrives", async (announced, code) => {
    const running = await runOver(transport, echo);
    for (const opcode of [Opcode.Text, Opcode.Binary]) {
      const peer = await WirePeer.open(transport, running);
      peer.write(maskedFrame({ opcode, announced, payload: utf8("hello") }));
      await peer.framesWhen(1);
      expect(peer.closeCode).toBe(code);
    }
  });
});
