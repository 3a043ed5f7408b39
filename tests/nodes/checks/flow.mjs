import assert from "node:assert/strict";
import { Arrivals, turns } from "../arrivals.mjs";
import { closeFrame, frame } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

const MANY = 20;
const MEBIBYTE = 1 << 20;

/** A server that hands its peers out. */
async function serveOne(stage, endpoint = {}) {
  const peers = new Arrivals();
  const closures = new Arrivals();
  const onOpen = (peer) => peers.push(peer);
  const onClose = (_, closure) => closures.push(closure);
  // No ending here is one that only came because somebody lost patience.
  const served = await stage.serve({ ...endpoint, onOpen, onClose }, { closeTimeoutMs: 60_000 });
  return { ...served, peers, closures };
}

/** Sends far more than the system buffers, large and small. */
function sendMuch(peer) {
  for (let index = 0; index < MANY; index += 1) {
    assert.ok(peer.send(Buffer.alloc(MEBIBYTE, index)));
    assert.ok(peer.send(`text ${index}`));
  }
}

async function checkMuch(client) {
  for (let index = 0; index < MANY; index += 1) {
    const { opcode, payload } = await client.received.next();
    assert.equal(opcode, 2);
    assert.ok(payload.equals(Buffer.alloc(MEBIBYTE, index)), `message ${index} is as it was sent`);
    assert.equal(await client.text(), `text ${index}`);
  }
}

/** A client that does not read, and its peer, to which much was sent. */
async function fill(stage) {
  const served = await serveOne(stage);
  const client = await stage.rawOpen(served.port);
  const peer = await served.peers.next();
  client.socket.pause();
  sendMuch(peer);
  return { ...served, client, peer };
}

export const flow = {
  "two clients that do not read, and one that does, each get their own in order": async (stage) => {
    const { port, peers } = await serveOne(stage, echo);
    const stalled = [];
    for (const name of ["a", "b"]) {
      const client = await stage.rawOpen(port);
      client.socket.pause();
      stalled.push({ name, client, peer: await peers.next() });
    }
    const reader = await stage.rawOpen(port);
    for (let index = 0; index < MANY; index += 1) {
      for (const { name, peer } of stalled) peer.send(Buffer.alloc(MEBIBYTE, `${name}${index}`));
      // In some turns several, in some one.
      if (index % 3 === 0) await turns(1);
      await reader.write(frame(1, `${index}`));
      assert.equal(await reader.text(), `${index}`);
    }
    for (const { client } of stalled) client.socket.resume();
    for (const { name, client } of stalled) {
      for (let index = 0; index < MANY; index += 1) {
        const { payload } = await client.received.next();
        assert.ok(payload.equals(Buffer.alloc(MEBIBYTE, `${name}${index}`)), `${name} ${index}`);
      }
    }
  },

  "terminate() drops what waits, ends drained() with false, and is told once": async (stage) => {
    const { client, peer, closures } = await fill(stage);
    const drained = peer.drained();
    peer.terminate();
    assert.equal(await drained, false);
    assert.equal((await closures.next()).code, 1006);
    client.socket.resume();
    await client.closed.next();
    assert.equal(closures.size, 0);
  },

  "a reader that paused gets all in order, and drained() waits for it": async (stage) => {
    const { client, peer } = await fill(stage);
    let isDrained = false;
    const drained = peer.drained().then((outcome) => (isDrained = outcome));
    await turns(20);
    assert.ok(peer.bufferedAmount > MEBIBYTE, "much is buffered");
    assert.equal(isDrained, false);
    // Data that is sent while the system accepts no more is queued behind the waiting data.
    peer.send("late");
    client.socket.resume();
    await checkMuch(client);
    assert.equal(await client.text(), "late");
    assert.equal(await drained, true);
    assert.equal(peer.bufferedAmount, 0);
    peer.send("and on");
    assert.equal(await client.text(), "and on");
  },

  "a close that was sent behind much arrives behind it": async (stage) => {
    const { client, peer, closures } = await fill(stage);
    peer.close(4007, "later");
    await turns(20);
    client.socket.resume();
    await checkMuch(client);
    const { opcode, payload } = await client.received.next();
    assert.deepEqual([opcode, payload.readUInt16BE(0)], [8, 4007]);
    assert.equal(payload.toString("utf8", 2), "later");
    await client.write(closeFrame(4007));
    assert.equal((await closures.next()).code, 4007);
    await client.closed.next();
  },

  "a client that closes before it has read much gets all, and the end behind it": async (stage) => {
    const { client, closures } = await fill(stage);
    await client.write(closeFrame(4009));
    await turns(20);
    client.socket.resume();
    await checkMuch(client);
    assert.equal((await client.received.next()).opcode, 8);
    await client.closed.next();
    assert.equal((await closures.next()).code, 4009);
  },

  "a reset while much is unsent ends drained() with false": async (stage) => {
    const { client, peer, closures } = await fill(stage);
    const drained = peer.drained();
    await turns();
    client.socket.resetAndDestroy();
    assert.equal(await drained, false);
    assert.equal((await closures.next()).code, 1006);
    assert.equal(peer.send("too late"), false);
  },

  "a peer that is paused delivers nothing until resume(), then all": async (stage) => {
    const seen = new Arrivals();
    const onMessage = (peer, message) => {
      seen.push(message);
      if (message === "pause") peer.pause();
    };
    const { url, peers } = await serveOne(stage, { onMessage });
    const { socket } = await stage.open(url);
    const peer = await peers.next();
    for (let round = 0; round < 3; round += 1) {
      socket.send("pause");
      assert.equal(await seen.next(), "pause");
      const texts = Array.from({ length: 50 }, (_, index) => `${round}/${index}`);
      for (const text of texts) socket.send(text);
      socket.send(new Uint8Array(300_000));
      await turns(10);
      assert.equal(seen.size, 0, "nothing is delivered meanwhile");
      peer.resume();
      assert.deepEqual(await seen.take(50), texts);
      assert.equal((await seen.next()).length, 300_000);
    }
  },

  "a peer that is paused is not read from": async (stage) => {
    let bytes = 0;
    const onMessage = (_, message) => void (bytes += message.length);
    const { port, peers, closures } = await serveOne(stage, { onMessage });
    const client = await stage.rawOpen(port);
    const peer = await peers.next();
    peer.pause();
    const count = 300_000;
    client.socket.write(Buffer.alloc(count * 106, frame(2, Buffer.alloc(100, 7))));
    client.socket.end();
    await turns(100);
    assert.ok(client.socket.writableLength > 0, "the client could not write it all");
    assert.equal(bytes, 0);
    peer.resume();
    assert.equal((await closures.next()).code, 1006);
    assert.equal(bytes, count * 100);
  },

  "pause() and resume() in one turn, many times, lose nothing": async (stage) => {
    const seen = new Arrivals();
    const onMessage = (_, message) => seen.push(message);
    const { port, peers } = await serveOne(stage, { onMessage });
    const client = await stage.rawOpen(port);
    const peer = await peers.next();
    const texts = Array.from({ length: 300 }, (_, index) => `${index}`);
    for (const [index, text] of texts.entries()) {
      client.socket.write(frame(1, text));
      peer.pause();
      if (index % 2 === 0) await turns(1);
      peer.resume();
      if (index % 3 === 0) await turns(1);
    }
    assert.deepEqual(await seen.take(300), texts);
  },

  "what came before the end is delivered by resume(), and then the end": async (stage) => {
    const seen = new Arrivals();
    const onMessage = (_, message) => seen.push(message);
    const { port, peers, closures } = await serveOne(stage, { onMessage });
    const endings = [
      { texts: ["a", "b"], last: [closeFrame(4001)], code: 4001 },
      { texts: ["a", "b"], last: [], code: 1006 },
      { texts: [], last: [closeFrame(4001)], code: 4001 },
      { texts: [], last: [], code: 1006 },
    ];
    for (const { texts, last, code } of endings) {
      const client = await stage.rawOpen(port);
      const peer = await peers.next();
      peer.pause();
      await client.write(...texts.map((text) => frame(1, text)), ...last);
      client.socket.end();
      await turns(10);
      assert.equal(seen.size + closures.size, 0);
      peer.resume();
      assert.deepEqual(await seen.take(texts.length), texts);
      assert.equal((await closures.next()).code, code);
      await turns();
      assert.equal(closures.size, 0);
    }
  },

  "a paused peer whose client has reset is notified when it is written to": async (stage) => {
    const { port, peers, closures } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    const peer = await peers.next();
    peer.pause();
    // Then nothing is read any more.
    await client.write(frame(1, "held"));
    client.socket.resetAndDestroy();
    await turns();
    peer.send("hello");
    await turns();
    peer.resume();
    assert.equal((await closures.next()).code, 1006);
  },

  "a message waits for the promise of the one before": async (stage) => {
    let running = 0;
    const onMessage = async (peer, message) => {
      running += 1;
      assert.equal(running, 1);
      await turns(message === "0" ? 10 : 1);
      running -= 1;
      peer.send(message);
    };
    const { url } = await serveOne(stage, { onMessage });
    const { socket, messages } = await stage.open(url);
    const texts = Array.from({ length: 30 }, (_, index) => String(index));
    for (const text of texts) socket.send(text);
    assert.deepEqual(await messages.take(30), texts);
  },

  "a client that writes much before it reads gets every answer": async (stage) => {
    const { port } = await stage.serve(echo);
    const client = await stage.rawOpen(port);
    client.socket.pause();
    const count = 60_000;
    client.socket.write(Buffer.alloc(count * 106, frame(2, Buffer.alloc(100, 7))));
    await turns(20);
    client.socket.resume();
    const frames = await client.received.take(count);
    assert.ok(frames.every(({ payload }) => payload.length === 100 && payload[99] === 7));
  },
};
