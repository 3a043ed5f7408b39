import { standardClient } from "./roles/standard-client.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "bun",
  says: "Bun's own server, on Bun",
  packages: ["bun"],
  runtime: "bun",
  compression: "perMessageDeflate: true, compress: true",
  roles: {
    echo,
    broadcast,
    client: (options) => standardClient(globalThis.WebSocket, options),
  },
};

function echo({ compression, tls }) {
  return serve({ compression, tls }, { message: (socket, data) => socket.send(data, compression) });
}

function broadcast({ compression, text }) {
  const server = serve(
    { compression },
    {
      open: (socket) => {
        if (socket.data.path !== "/control") socket.subscribe("all");
      },
      message: (_, count) => {
        for (let left = Number(count); left > 0; left -= 1) {
          server.publish("all", text, compression);
        }
      },
    },
  );
  return server;
}

function serve({ compression, tls }, websocket) {
  return globalThis.Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: tls && { key: tls.key, cert: tls.cert },
    fetch(request, server) {
      const data = { path: new URL(request.url).pathname };
      if (!server.upgrade(request, { data })) return new Response("no WebSocket", { status: 400 });
    },
    websocket: { perMessageDeflate: compression, ...websocket },
  });
}
