import { createServer } from "node:http";
import { liveEvent } from "./roles/live-event.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "socket.io",
  says: "a socket.io room, over WebSocket only",
  packages: ["socket.io"],
  env: { WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" },
  roles: {
    "live-keyed": (options) => serve(options),
    "live-log": (options) => serve({ ...options, connectionStateRecovery: {} }),
  },
  live: {
    subscriber: { path: "/socket.io/?EIO=4&transport=websocket" },
    subscribe,
    sequenceOf(text, state) {
      if (text.startsWith("40")) checkResumed(text, state);
      if (!text.startsWith("42")) return undefined;
      const [, data, offset] = JSON.parse(text.slice(2));
      state.offset = offset;
      return data.sequence;
    },
    control: { path: "/socket.io/?EIO=4&transport=websocket" },
    openControl: async (connection) => {
      await subscribe(connection);
      connection.sendText('42["control"]');
    },
    publish: (count) => `42["publish",${count}]`,
  },
};

async function subscribe(connection, state) {
  await connection.nextText();
  connection.sendText(state === undefined ? "40" : `40${JSON.stringify(state)}`);
  // Missed events arrive before the answer.
  if (state !== undefined) return state;
  const text = await connection.nextText();
  if (!text.startsWith("40")) throw new Error(`it answered ${text.slice(0, 80)}`);
  return { pid: JSON.parse(text.slice(2)).pid, offset: undefined };
}

function checkResumed(text, { pid }) {
  if (JSON.parse(text.slice(2)).pid !== pid) throw new Error("it was not resumed");
}

async function serve({ text, connectionStateRecovery, brokerUrl }) {
  const { Server } = await import("socket.io");
  const http = createServer();
  const adapter = brokerUrl === undefined ? undefined : await streamsAdapter(brokerUrl);
  const io = new Server(http, { transports: ["websocket"], connectionStateRecovery, adapter });
  let sequence = 0;
  io.on("connection", (socket) => {
    socket.join("prices");
    socket.on("control", () => socket.leave("prices"));
    socket.on("publish", (count) => {
      for (let left = count; left > 0; left -= 1) {
        sequence += 1;
        io.to("prices").emit("price", liveEvent(sequence, text));
      }
    });
  });
  const port = await new Promise((resolve) => {
    http.listen(0, "127.0.0.1", 511, () => resolve(http.address().port));
  });
  return { port, commands: { connections: () => io.engine.clientsCount } };
}

async function streamsAdapter(url) {
  const [{ createClient }, { createAdapter }] = await Promise.all([
    import("redis"),
    import("@socket.io/redis-streams-adapter"),
  ]);
  return createAdapter(await createClient({ url }).connect());
}
