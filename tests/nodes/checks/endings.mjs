import assert from "node:assert/strict";
import { Arrivals, turns } from "../arrivals.mjs";
import { frame } from "../raw-client.mjs";

async function serveOne(stage) {
  const peers = new Arrivals();
  const closures = new Arrivals();
  const onClose = (_, { code, reason, wasClean }) => closures.push({ code, reason, wasClean });
  const served = await stage.serve({ onOpen: (peer) => peers.push(peer), onClose });
  return { ...served, peers, closures };
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
    const { port, closures } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    client.socket.end();
    assert.deepEqual(await closures.next(), CUT);
    await client.closed.next();
  },

  "a client that resets is 1006": async (stage) => {
    const { port, closures } = await serveOne(stage);
    const client = await stage.rawOpen(port);
    client.socket.resetAndDestroy();
    assert.deepEqual(await closures.next(), CUT);
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
    await client.write(frame(8, [0x03, 0xe8]));
    assert.equal((await client.received.next()).opcode, 8);
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
