import assert from "node:assert/strict";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { Arrivals } from "../arrivals.mjs";
import { frame } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

const OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** A frame with a whole message that ends as RFC 7692 §7.2.1 wants. */
function compressed(message) {
  return frame(1, deflateRawSync(message, FLUSH).subarray(0, -TAIL.length), { isCompressed: true });
}

function textOf({ isCompressed, payload }) {
  if (!isCompressed) return payload.toString();
  return inflateRawSync(Buffer.concat([payload, TAIL]), FLUSH).toString();
}

export const compression = {
  "long messages are compressed on the wire, each alone, and short ones are not": async (stage) => {
    const peers = new Arrivals();
    const { port } = await stage.serve({ onOpen: (peer) => peers.push(peer) });
    const client = await stage.rawOpen(port, "/", OFFER);
    const peer = await peers.next();
    // The kernel of the package, zlib on this thread, and zlib in another one.
    for (const size of [2_000, 12_000, 400_000]) {
      const text = "the same again, ".repeat(size / 16);
      for (let time = 0; time < 3; time += 1) peer.send(text);
      peer.send("short");
      for (const one of await client.received.take(3)) {
        assert.ok(one.isCompressed && one.payload.length < size / 10);
        assert.ok(textOf(one) === text, `${size} characters come back`);
      }
      assert.equal((await client.received.next()).payload.toString(), "short");
    }
  },

  "a message that ends with a final block is read, and the next ones (RFC 7692 §7.2.3.4)": async (
    stage,
  ) => {
    // One context for all connections, and one for each.
    for (const incomingContextTakeover of [false, true]) {
      const { port } = await stage.serve(echo, { compression: { incomingContextTakeover } });
      const client = await stage.rawOpen(port, "/", OFFER);
      for (const size of [5, 500, 50_000, 500_000, 5]) {
        const text = "final, ".repeat(size);
        const bytes = Buffer.concat([deflateRawSync(text), Buffer.alloc(1)]);
        await client.write(frame(1, bytes, { isCompressed: true }));
        assert.ok(textOf(await client.received.next()) === text);
        await client.write(compressed(text));
        assert.ok(textOf(await client.received.next()) === text);
      }
    }
  },

  "a compression bomb is 1009, whether zlib would take it at once or later": async (stage) => {
    const seen = new Arrivals();
    const onMessage = (_, message) => seen.push(message);
    const { port } = await stage.serve({ onMessage }, { maxMessageBytes: 1 << 18 });
    // Little on the wire, much on the wire, and a byte too much.
    for (const size of [8 << 20, 64 << 20, (1 << 18) + 1]) {
      const client = await stage.rawOpen(port, "/", OFFER);
      const bomb = deflateRawSync(Buffer.alloc(size), FLUSH).subarray(0, -TAIL.length);
      await client.write(frame(2, bomb, { isCompressed: true }));
      assert.equal(await client.closeCode(), 1009);
    }
    const client = await stage.rawOpen(port, "/", OFFER);
    await client.write(compressed("x".repeat(1 << 18)));
    assert.equal((await seen.next()).length, 1 << 18);
  },

  "invalid DEFLATE data is closed with 1007, and does not affect the next connection": async (
    stage,
  ) => {
    const { port } = await stage.serve(echo);
    for (let round = 0; round < 3; round += 1) {
      for (const size of [100, 20_000]) {
        const client = await stage.rawOpen(port, "/", OFFER);
        await client.write(frame(2, Buffer.alloc(size, 0xff), { isCompressed: true }));
        assert.equal(await client.closeCode(), 1007, `${size} bytes`);
        const good = await stage.rawOpen(port, "/", OFFER);
        await good.write(compressed("fine"));
        assert.equal(await good.text(), "fine");
      }
    }
  },
};
