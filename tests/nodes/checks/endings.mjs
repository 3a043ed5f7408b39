import assert from "node:assert/strict";
import { Arrivals, turns } from "../arrivals.mjs";
import { closeFrame, frame } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

async function serveOne(stage, endpoint = {}, options = {}) {
  const peers = new Arrivals();
  const closures = new Arrivals();
  const errors = new Arrivals();
  const onClose = (_, { code, reason, wasClean, error }) => {
    closures.push({ code, reason, wasClean });
    errors.push(error?.code);
  };
  const onOpen = (peer) => peers.push(peer);
  const served = await stage.serve({ ...endpoint, onOpen, onClose }, options);
  return { ...served, peers, closures, errors };
}

const CLOSED = { code: 4002, reason: "über", wasClean: true };
const CUT = { code: 1006, reason: "", wasClean: false };

export const endings = {
  "a close by either end tells both code and reason": async (stage) => {
    const { url, peers, closures } = await serveOne(stage);
    const first = await stage.open(url);
    (await peers.next()).close(4002, "über");
    assert.deepEqual(await first.closed, CLOSED);
    assert.deepEqual(await closures.next(), CLOSED);
    const second = await stage.open(url);
    second.socket.close(4002, "über");
    assert.deepEqual(await second.closed, CLOSED);
    assert.deepEqual(await closures.next(), CLOSED);
  },

  "terminate() is 1006 at both ends": async (stage) => {
    const { url, peers, closures } = await serveOne(stage);
    const { closed } = await stage.open(url);
    (await peers.next()).terminate();
    assert.deepEqual(await closed, CUT);
    assert.deepEqual(await closures.next(), CUT);
  },

  "a client that ends without a Close is 1006, and its connection ends": async (stage) => {
    const { port, closures, errors } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    client.socket.end();
    assert.deepEqual(await closures.next(), CUT);
    assert.equal(await errors.next(), undefined);
    await client.closed.next();
  },

  "a client that resets is 1006, and an error": async (stage) => {
    const { port, closures, errors } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    client.socket.resetAndDestroy();
    assert.deepEqual(await closures.next(), CUT);
    assert.equal(await errors.next(), "connection_lost");
  },

  "terminate() inside onMessage drops the rest of what was read": async (stage) => {
    const seen = new Arrivals();
    const onMessage = (peer, message) => {
      seen.push(message);
      peer.terminate();
    };
    const { port, closures } = await serveOne(stage, { onMessage });
    const client = await stage.rawOpen(port);
    await client.write(Buffer.concat([frame(1, "one"), frame(1, "two")]));
    await client.closed.next();
    assert.deepEqual(await closures.next(), CUT);
    assert.deepEqual([await seen.next(), seen.size], ["one", 0]);
  },

  "a message, a Close and the end in one packet are all read": async (stage) => {
    const seen = new Arrivals();
    const onMessage = (_, message) => seen.push(message);
    const { port, closures } = await serveOne(stage, { onMessage });
    const client = await stage.rawOpen(port);
    client.socket.end(Buffer.concat([frame(1, "last"), closeFrame(4002)]));
    assert.equal(await seen.next(), "last");
    assert.deepEqual(await closures.next(), { code: 4002, reason: "", wasClean: true });
    assert.equal(await client.closeCode(), 4002);
    await client.closed.next();
  },

  "a client that answers no Close is cut, by closeTimeoutMs or by the server's close()": async (
    stage,
  ) => {
    const patient = await serveOne(stage, {}, { closeTimeoutMs: 60_000 });
    const cut = await stage.rawOpen(patient.port);
    const drained = patient.server.close({ timeoutMs: 50 });
    const { port, peers, closures } = await serveOne(stage, {}, { closeTimeoutMs: 50 });
    const client = await stage.rawOpen(port);
    (await peers.next()).close(4001);
    assert.deepEqual(await closures.next(), CUT);
    await client.closed.next();
    await drained;
    assert.deepEqual(await patient.closures.next(), CUT);
    await cut.closed.next();
  },

  "a client that answers no ping is cut, and one that does is not": async (stage) => {
    const options = { keepaliveIntervalMs: 60 };
    const { port, url, peers, closures, errors } = await serveOne(stage, echo, options);
    const { socket, messages } = await stage.open(url);
    await peers.next();
    const client = await stage.rawOpen(port);
    assert.deepEqual(await closures.next(), CUT);
    assert.equal(await errors.next(), "keepalive_timeout");
    await client.closed.next();
    assert.equal((await client.received.next()).opcode, 9);
    socket.send("still here");
    assert.equal(await messages.next(), "still here");
  },

  "a client that resets while it is written to is 1006": async (stage) => {
    const { port, peers, closures } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    const peer = await peers.next();
    client.socket.resetAndDestroy();
    peer.send("into nothing");
    peer.send(new Uint8Array(1 << 20));
    assert.deepEqual(await closures.next(), CUT);
  },

  "after the closing handshake the server ends the connection": async (stage) => {
    const { port, closures } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    await client.write(closeFrame(1000));
    assert.equal(await client.closeCode(), 1000);
    await client.closed.next();
    assert.equal((await closures.next()).code, 1000);
  },

  "close() of a server drains all, also who is silent, undecided or a plain request": async (
    stage,
  ) => {
    const peers = new Arrivals();
    const asked = new Arrivals();
    const never = new Promise(() => {});
    const waiting = { path: "/waits", authorize: () => (asked.push(true), never) };
    const { server, port, url } = await stage.serve([
      waiting,
      { path: "/hangs", onRequest: () => (asked.push(true), never) },
      { onOpen: (peer) => peers.push(peer) },
    ]);
    const clients = await Promise.all([stage.open(url), stage.open(url)]);
    await peers.take(2);
    const silent = stage.raw(port);
    const partial = stage.raw(port);
    await Promise.all([silent.connected, partial.write("GET / HT")]);
    await stage.raw(port).write("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n");
    const undecided = stage.raw(port);
    await undecided.write(
      "GET /waits HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    await undecided.write(
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await asked.take(2);
    await turns();
    await server.close({ timeoutMs: 1000, reason: "done" });
    for (const { closed } of clients) assert.equal((await closed).code, 1001);
    await Promise.all([silent, partial, undecided].map(({ closed }) => closed.next()));
    assert.equal(server.peers.size, 0);
  },
};
