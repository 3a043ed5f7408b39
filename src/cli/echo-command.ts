import { Command } from "commander";
import { WebSocketServer, type Endpoint } from "../server/index.ts";
import { portNumber } from "./option-values.ts";
import { untilSignal } from "./until-signal.ts";

export function echoCommand(): Command {
  return new Command("echo")
    .description("echo every message, for tools and conformance tests")
    .option("-p, --port <port>", "the port to listen on; 0 picks a free one", portNumber, 0)
    .option("--host <host>", "the address to listen on", "127.0.0.1")
    .action(run);
}

/** Text is echoed as text and binary as binary. Any origin and any subprotocol is accepted. */
const echo: Endpoint = {
  origins: "any",
  protocols: (request) => request.protocols[0],
  onMessage: (peer, message) => void peer.send(message),
};

async function run(options: { port: number; host: string }): Promise<void> {
  const server = new WebSocketServer(echo);
  const { url } = await server.listen(options);
  console.log(url);
  await untilSignal();
  await server.close({ timeoutMs: 3_000 });
}
