import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { selfSigned } from "./conformance/self-signed.mjs";
import { install } from "./install.mjs";

const HELP = `npm run conformance:server -- [--port 9001] [--host 127.0.0.1] [--tls]

Starts a server with its defaults that answers every message with itself, for conformance suites to
be run against. It prints its URL when it listens and runs until it is told to stop (SIGTERM).

--tls serves wss: over HTTP/1.1 and HTTP/2 with a certificate made at start.`;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "9001" },
    host: { type: "string", default: "127.0.0.1" },
    tls: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
  console.error(`--port is ${values.port}; give a number from 0 to 65535.`);
  process.exit(2);
}

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
install();
build();
const { WebSocketServer } = await import("../dist/server/index.js");

/** Any page and any subprotocol is welcome. */
const echo = {
  origins: "any",
  protocols: (request) => request.protocols[0],
  onMessage: (peer, message) => void peer.send(message),
};

const server = new WebSocketServer(echo);
const stop = () => void server.close({ timeoutMs: 1_000 });
process.once("SIGTERM", stop).once("SIGINT", stop);

try {
  const { port, host } = { port: Number(values.port), host: values.host };
  const tls = values.tls ? selfSigned() : undefined;
  const { url } = await server.listen({ port, host, ...(tls && { tls }) });
  console.log(url);
} catch (error) {
  if (error.code === undefined) throw error;
  console.error(`longwire: ${error.message}`);
  process.exitCode = 1;
}
