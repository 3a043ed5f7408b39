import { createServer } from "node:http";

/**
 * What a program written for `ws` does, on any implementation of its API.
 *
 * @param {() => Promise<typeof import("ws")>} load
 */
export function rolesOverWs(load) {
  return {
    echo: (options) => echo(load, options),
    broadcast: (options) => broadcast(load, options),
    client: (options) => client(load, options),
  };
}

async function echo(load, { compression, tls }) {
  const { server, http } = await open(load, { compression, tls });
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", ignore);
  });
  return listen(http);
}

async function broadcast(load, { compression, text }) {
  const { server, http } = await open(load, { compression });
  const listeners = new Set();
  // A Buffer, as in its documentation's example; a string is converted for every client.
  const message = Buffer.from(text);
  server.on("connection", (socket, { url }) => {
    socket.on("error", ignore);
    if (url !== "/control") {
      listeners.add(socket);
      socket.on("close", () => listeners.delete(socket));
      return;
    }
    socket.on("message", (count) => {
      for (let left = Number(count); left > 0; left -= 1) {
        for (const listener of listeners) listener.send(message, { binary: false });
      }
    });
  });
  return listen(http);
}

async function open(load, { compression, tls }) {
  const { WebSocketServer } = await load();
  const http = tls ? (await import("node:https")).createServer(tls) : createServer();
  return { http, server: new WebSocketServer({ server: http, perMessageDeflate: compression }) };
}

function listen(http) {
  return new Promise((resolve) => {
    http.listen(0, "127.0.0.1", 511, () => resolve(http.address()));
  });
}

function ignore() {}

async function client(load, { url, connections, batch, text }) {
  const { WebSocket } = await load();
  for (let left = connections; left > 0; left -= 1) {
    const socket = new WebSocket(url);
    let awaited = 0;
    const send = () => {
      awaited = batch;
      for (let sent = 0; sent < batch; sent += 1) socket.send(text);
    };
    socket.on("open", send);
    socket.on("message", () => {
      awaited -= 1;
      if (awaited === 0) send();
    });
  }
}
