import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { certificate } from "../certificate.mjs";
import { Arrivals, turns } from "../arrivals.mjs";
import { frame, handshake } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

const LONG = "long ".repeat(100_000);

/** The answer to a POST with a body in pieces. */
async function post(port, pieces) {
  const sent = request({ port, host: "127.0.0.1", method: "POST", path: "/plain", agent: false });
  const answered = new Promise((resolve, reject) => {
    sent.on("response", (response) => resolve(response.toArray()));
    sent.on("error", reject);
  });
  for (const piece of pieces) {
    sent.write(piece);
    await turns();
  }
  sent.end();
  return Buffer.concat(await answered);
}

async function checkEchoAndClose({ socket, messages, closed }) {
  for (const text of ["hello", LONG]) {
    socket.send(text);
    assert.ok((await messages.next()) === text);
  }
  socket.close(4000, "bye");
  assert.equal((await closed).code, 4000);
}

async function checkBodies(port) {
  for (const pieces of [[], ["hello"], ["grüße", "x".repeat(300_000), "end"]]) {
    const body = Buffer.from(pieces.join(""));
    assert.ok((await post(port, pieces)).equals(body), `a body of ${body.length} bytes`);
  }
}

export const attached = {
  "an attached server leaves other requests alone, and their bodies": async (stage) => {
    const http = createServer((incoming, response) => incoming.pipe(response));
    const { port } = await stage.attach(http);
    const client = await stage.open(`ws://127.0.0.1:${port}`);
    await checkBodies(port);
    await checkEchoAndClose(client);
  },

  "a server of its own gives a POST's body to onRequest as it came": async (stage) => {
    const onRequest = ({ incoming, response }) => void incoming.pipe(response);
    const { port, url } = await stage.serve([{ path: "/plain", onRequest }, echo]);
    const client = await stage.open(url);
    await checkBodies(port);
    await checkEchoAndClose(client);
  },

  "a listener for the close of a server's socket is called when it closes, and not before": async (
    stage,
  ) => {
    const http = createServer();
    const closes = new Arrivals();
    http.on("connection", (socket) => socket.on("close", () => closes.push(true)));
    const { port } = await stage.attach(http);
    const client = await stage.open(`ws://127.0.0.1:${port}`);
    client.socket.send("hello");
    assert.equal(await client.messages.next(), "hello");
    await turns(10);
    assert.equal(closes.size, 0);
    client.socket.close();
    await closes.next();
  },

  "an upgrade behind an answer that a slow client has not taken comes behind it": async (stage) => {
    const body = Buffer.alloc(24 << 20, "x");
    const http = createServer((_, response) => response.end(body));
    const peers = new Arrivals();
    const { port } = await stage.attach(http, { ...echo, onOpen: (peer) => peers.push(peer) });
    const client = stage.raw(port);
    const chunks = [];
    let bytes = 0;
    const ended = new Promise((resolve) => {
      client.socket.on("data", (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > body.length && chunk.includes("\x81\x05hello", 0, "latin1")) resolve();
      });
    });
    client.socket.pause();
    await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.write(Buffer.concat([handshake(), frame(1, "hello")]));
    await peers.next();
    client.socket.resume();
    await ended;
    const all = Buffer.concat(chunks);
    const behind = all.subarray(all.indexOf("\r\n\r\n") + 4);
    assert.ok(behind.subarray(0, body.length).equals(body));
    const answer = behind.toString("latin1", body.length);
    assert.ok(answer.startsWith("HTTP/1.1 101 ") && answer.endsWith("\x81\x05hello"));
  },

  "an https server works the same, and its close() waits for the WebSocket": async (stage) => {
    const http = createTlsServer(certificate(), (incoming, response) => incoming.pipe(response));
    const { port } = await stage.attach(http);
    const tls = { ca: certificate().cert };
    const client = await stage.open(`wss://127.0.0.1:${port}`, { tls });
    let isClosed = false;
    const closed = new Promise((resolve) => http.close(resolve)).then(() => (isClosed = true));
    await turns(10);
    assert.equal(isClosed, false);
    await checkEchoAndClose(client);
    await closed;
  },

  "a port with TLS works over HTTP/1.1 and HTTP/2, for peers and plain requests": async (stage) => {
    const peers = new Arrivals();
    const onOpen = (peer) => peers.push(peer);
    const { server, url } = await stage.serve({ ...echo, onOpen }, {}, { tls: certificate() });
    for (const http2 of [false, true]) {
      const client = await stage.open(url, { tls: { ca: certificate().cert }, http2 });
      assert.equal((await peers.next()).remoteAddress, "127.0.0.1");
      await checkEchoAndClose(client);
    }
    await turns();
    assert.equal(server.peers.size, 0);
  },
};
