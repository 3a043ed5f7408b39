import { connect, createServer } from "node:net";
import { NotSupported } from "../answering.mjs";
import { frame, TEXT } from "../load/frames.mjs";
import { ACCEPT, KEY } from "../load/handshake-key.mjs";

/**
 * The floor under everything that is written for Node: the same bytes through `node:net`, and no
 * WebSocket. Received bytes are sent back unchanged, still masked.
 *
 * @type {import("../contenders.mjs").Contender}
 */
export default {
  name: "net",
  says: "the same bytes through node:net, without WebSocket: the lower bound",
  packages: [],
  roles: { echo, broadcast, client, http2 },
};

async function echo({ compression, tls }) {
  if (compression) throw new NotSupported("it compresses nothing");
  const open = tls ? (await import("node:tls")).createServer : createServer;
  const server = open({ ...tls, noDelay: true }, (socket) =>
    answer(socket, () => socket.on("data", (data) => socket.write(data))),
  );
  return listen(server);
}

function broadcast({ compression, text }) {
  if (compression) throw new NotSupported("it compresses nothing");
  const message = frame(TEXT, Buffer.from(text), { isMasked: false });
  const listeners = new Set();
  const publish = (masked) => {
    const burst = Buffer.concat(Array.from({ length: digitOf(masked) }, () => message));
    for (const listener of listeners) listener.write(burst);
  };
  const server = createServer({ noDelay: true }, (socket) =>
    answer(socket, (path) => {
      if (path === "/control") return socket.on("data", publish);
      listeners.add(socket);
      socket.on("close", () => listeners.delete(socket));
    }),
  );
  return listen(server);
}

/** Says what the load generator's handshake wants to hear; its key is always the same. */
function answer(socket, opened) {
  socket.on("error", () => {});
  socket.once("data", (request) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
    );
    opened(request.toString("latin1").split(" ")[1]);
  });
}

/** The one digit of a masked message. */
function digitOf(masked) {
  return Number(String.fromCharCode(masked[6] ^ masked[2]));
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", 511, () => resolve(server.address()));
  });
}

function client({ url, connections, batch, text }) {
  const message = frame(TEXT, Buffer.from(text));
  const block = Buffer.concat(Array.from({ length: batch }, () => message));
  // The server has unmasked the answer.
  const size = (message.length - 4) * batch;
  const { port } = new URL(url);
  for (let left = connections; left > 0; left -= 1) {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.write(`GET / HTTP/1.1\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`);
    socket.once("data", () => {
      let awaited = size;
      socket.on("data", (data) => {
        awaited -= data.length;
        if (awaited > 0) return;
        awaited = size;
        socket.write(block);
      });
      socket.write(block);
    });
  }
}

/** The floor of HTTP/2: streams that echo. */
async function http2({ tls }) {
  const { createSecureServer } = await import("node:http2");
  const server = createSecureServer({ ...tls, settings: { enableConnectProtocol: true } });
  server.on("connect", () => {});
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.on("error", () => {});
    stream.on("data", (data) => stream.write(data));
  });
  return listen(server);
}
