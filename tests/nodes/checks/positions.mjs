import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { turns } from "../arrivals.mjs";
import { areInternalsExpected, echo, isPublicApiOnly } from "../stage.mjs";
import { callsOf } from "../spies.mjs";

/** Collects the sockets that Node reports on `channel`, until the check is over. */
function watchSockets(stage, channel) {
  const sockets = [];
  const onSocket = ({ socket }) => sockets.push(socket);
  subscribe(channel, onSocket);
  stage.after(() => unsubscribe(channel, onSocket));
  return sockets;
}

const connectionsOf = (http) => promisify(http.getConnections.bind(http))();

async function checkEcho({ socket, messages }) {
  socket.send("echo");
  assert.equal(await messages.next(), "echo");
}

/** Methods of Buffer's, which the environment alone turns off. */
const OF_BUFFERS = ["latin1Slice", "utf8Slice", "utf8Write"];
const OF_CONNECTIONS = ["_addHeaderLines", "process.binding", "writeSync"];

export const positions = {
  "Longwire calls of Node's inside what its position lets it, and nothing else": async (stage) => {
    const called = await callsOf(async () => {
      const compression = { thresholdBytes: 1 };
      const onOpen = (_, request) =>
        assert.equal(request.incoming.headers.host, `127.0.0.1:${port}`);
      const { port, url } = await stage.serve({ ...echo, onOpen }, { compression });
      const client = await stage.open(url, { compression });
      for (const text of ["short", "grüße", "漢字".repeat(20_000), "x".repeat(100_000)]) {
        client.socket.send(text);
        assert.ok((await client.messages.next()) === text);
      }
    });
    const further = areInternalsExpected ? OF_CONNECTIONS : [];
    assert.deepEqual(called, new Set(isPublicApiOnly ? [] : [...OF_BUFFERS, ...further]));
  },

  "Node makes a socket of what a server accepts where internals are off, and only there": async (
    stage,
  ) => {
    const sockets = watchSockets(stage, "net.server.socket");
    const { port, url } = await stage.serve(echo);
    const client = await stage.open(url);
    await checkEcho(client);
    assert.equal(sockets.length, areInternalsExpected ? 0 : 1);
    const plain = stage.raw(port);
    await plain.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await plain.received.next();
    assert.equal(sockets.length, areInternalsExpected ? 1 : 2, "a plain request has one");
  },

  "a client works without the socket of Node's where internals are on, and only there": async (
    stage,
  ) => {
    const { url } = await stage.serve(echo);
    const sockets = watchSockets(stage, "net.client.socket");
    const client = await stage.open(url);
    await checkEcho(client);
    assert.deepEqual(
      sockets.map(({ destroyed }) => destroyed),
      [areInternalsExpected],
    );
  },

  "an attached server does so too, and http.close() waits for the last WebSocket": async (
    stage,
  ) => {
    const http = createServer();
    const { port } = await stage.attach(http);
    const sockets = [];
    http.prependListener("upgrade", (_, socket) => sockets.push(socket));
    const url = `ws://127.0.0.1:${port}`;
    const clients = await Promise.all([stage.open(url), stage.open(url), stage.open(url)]);
    for (const client of clients) await checkEcho(client);
    assert.deepEqual(
      new Set(sockets.map(({ destroyed }) => destroyed)),
      new Set([areInternalsExpected]),
    );
    let isClosed = false;
    const closed = new Promise((resolve) => http.close(resolve)).then(() => (isClosed = true));
    for (const [index, client] of clients.entries()) {
      await turns(10);
      assert.equal(isClosed, false);
      assert.equal(await connectionsOf(http), clients.length - index);
      client.socket.close();
      await client.closed;
    }
    await closed;
    assert.equal(await connectionsOf(http), 0);
  },

  "a Unix socket serves as well": async (stage) => {
    const folder = mkdtempSync(join(tmpdir(), "longwire-nodes-"));
    stage.after(() => rmSync(folder, { recursive: true, force: true }));
    const socketPath = join(folder, "socket");
    await stage.attach(createServer(), echo, { path: socketPath });
    const client = await stage.open("ws://localhost/", { socketPath });
    const long = "x".repeat(3_000_000);
    client.socket.send(long);
    assert.ok((await client.messages.next()) === long);
    client.socket.close();
    await client.closed;
  },
};
