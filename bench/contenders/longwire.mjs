import { live, liveRoles } from "./roles/longwire-live.mjs";
import { standardClient } from "./roles/standard-client.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "longwire",
  says: "Longwire with its defaults",
  packages: ["longwire"],
  compression: "the defaults: from 1 KiB on, no context takeover",
  roles: { echo, broadcast, client, http2: echo, ...liveRoles },
  live,
};

async function echo({ compression, tls }) {
  const { WebSocketServer } = await import("longwire/server");
  const server = new WebSocketServer(
    { onMessage: (peer, message) => void peer.send(message) },
    { compression },
  );
  return server.listen({ tls });
}

async function broadcast({ compression, text }) {
  const { WebSocketServer } = await import("longwire/server");
  const listeners = new Set();
  const publish = () => {
    const frames = new Map();
    for (const peer of listeners) {
      const { frameFormat } = peer;
      if (!frames.has(frameFormat)) frames.set(frameFormat, frameFormat.encodeText(text));
      peer.sendFrames(frames.get(frameFormat));
    }
  };
  const server = new WebSocketServer(
    [
      {
        path: "/control",
        onMessage: (_, count) => {
          for (let left = Number(count); left > 0; left -= 1) publish();
        },
      },
      {
        onOpen: (peer) => void listeners.add(peer),
        onClose: (peer) => void listeners.delete(peer),
      },
    ],
    { compression },
  );
  return server.listen();
}

async function client(options) {
  const { WebSocket } = await import("longwire");
  standardClient(WebSocket, options);
}
