import { createServer } from "node:http";
import { liveEvent } from "./roles/live-event.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "engine.io",
  says: "engine.io, which has no topics: JSON is serialized once and sent to each client",
  packages: ["engine.io"],
  env: { WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" },
  roles: { "live-keyed": serve },
  live: {
    subscriber: { path: "/engine.io/?EIO=4&transport=websocket" },
    subscribe: async (connection) => {
      await connection.nextText();
      return {};
    },
    sequenceOf: (text) => (text.startsWith("4") ? JSON.parse(text.slice(1)).sequence : undefined),
    control: { path: "/engine.io/?EIO=4&transport=websocket" },
    openControl: async (connection) => {
      await connection.nextText();
      connection.sendText("4control");
    },
    publish: (count) => `4${count}`,
  },
};

async function serve({ text }) {
  const { attach } = await import("engine.io");
  const http = createServer();
  const server = attach(http, { transports: ["websocket"] });
  const listeners = new Set();
  let sequence = 0;
  server.on("connection", (socket) => {
    listeners.add(socket);
    socket.on("close", () => listeners.delete(socket));
    socket.on("message", (message) => {
      if (message === "control") return listeners.delete(socket);
      for (let left = Number(message); left > 0; left -= 1) {
        sequence += 1;
        const event = JSON.stringify(liveEvent(sequence, text));
        for (const listener of listeners) listener.send(event);
      }
    });
  });
  const port = await new Promise((resolve) => {
    http.listen(0, "127.0.0.1", 511, () => resolve(http.address().port));
  });
  return { port, commands: { connections: () => server.clientsCount } };
}
