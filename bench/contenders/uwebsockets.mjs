/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "uwebsockets",
  says: "uWebSockets.js, written in C++ (the npm package uwebsockets)",
  packages: ["uwebsockets"],
  compression: "SHARED_COMPRESSOR | SHARED_DECOMPRESSOR, compress: true",
  roles: { echo, broadcast },
};

async function echo({ compression, tls }) {
  const { app, uws } = await open(tls);
  app.ws("/*", {
    ...settings(uws, compression),
    message: (socket, data, isBinary) => void socket.send(data, isBinary, compression),
  });
  return listen(app, uws);
}

async function broadcast({ compression, text }) {
  const { app, uws } = await open();
  app.ws("/control", {
    message: (_, data) => {
      const count = Number(Buffer.from(data));
      for (let left = count; left > 0; left -= 1) app.publish("all", text, false, compression);
    },
  });
  app.ws("/*", {
    ...settings(uws, compression),
    open: (socket) => void socket.subscribe("all"),
  });
  return listen(app, uws);
}

async function open(tls) {
  const { default: uws } = await import("uwebsockets");
  if (tls === undefined) return { uws, app: uws.App() };
  return { uws, app: uws.SSLApp({ key_file_name: tls.keyFile, cert_file_name: tls.certFile }) };
}

/** Its limits are below what 1 MiB messages need. */
function settings(uws, compression) {
  return {
    compression: compression ? uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR : uws.DISABLED,
    maxPayloadLength: 16 * 1024 * 1024,
    maxBackpressure: 64 * 1024 * 1024,
  };
}

function listen(app, uws) {
  return new Promise((resolve, reject) => {
    app.listen("127.0.0.1", 0, (socket) => {
      if (!socket) return reject(new Error("it cannot listen"));
      resolve({ port: uws.us_socket_local_port(socket) });
    });
  });
}
