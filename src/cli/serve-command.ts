import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { Command, InvalidArgumentError, Option } from "commander";
import { LongwireError } from "../base/index.ts";
import { openBroker } from "../brokers/index.ts";
import {
  keyedTopic,
  LiveServer,
  logTopic,
  matchFields,
  type Broker,
  type TopicDeclaration,
} from "../live/index.ts";
import {
  healthEndpoints,
  hostPolicyFor,
  WebSocketServer,
  type OriginPolicy,
} from "../server/index.ts";
import { collect, portNumber } from "./option-values.ts";
import { untilSignal } from "./until-signal.ts";

interface ServeOptions {
  port: number;
  host: string;
  path: string;
  topic: TopicDeclaration[];
  origin: string[];
  allowHost: string[];
  trustProxy: string[];
  broker?: string;
  data?: string;
  cert?: string;
  key?: string;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("run a live server whose topics clients may subscribe to and publish to")
    .option("-p, --port <port>", "the port to listen on; 0 picks a free one", portNumber, 8080)
    .option(
      "--host <host>",
      "the address to listen on; 0.0.0.0 accepts other machines",
      "127.0.0.1",
    )
    .option("--path <path>", "the path of the live endpoint", mountPath, "/live")
    .option(
      "-t, --topic <name:kind>",
      "a topic of kind log or keyed; may be repeated (default: events:log and state:keyed)",
      collectTopic,
      [],
    )
    .option(
      "--origin <origin>",
      "an origin whose pages may connect, or any; may be repeated",
      collect,
      [],
    )
    .option(
      "--allow-host <name>",
      "an accepted Host name, or any; may be repeated (default on a loopback address: names of this machine)",
      collect,
      [],
    )
    .option(
      "--trust-proxy <address>",
      "the address or subnet of a proxy whose forwarding headers are trusted; may be repeated",
      collect,
      [],
    )
    .addOption(
      new Option(
        "--broker <url>",
        "the broker that stores topics, such as redis://127.0.0.1:6379 or nats://127.0.0.1:4222 (default: in memory)",
      ).env("LONGWIRE_BROKER"),
    )
    .option("--data <folder>", "store topics in this folder, so that they survive a restart")
    .option("--cert <file>", "TLS certificate in PEM; with --key, the server uses wss:")
    .option("--key <file>", "TLS key in PEM")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

const EXAMPLES = `
Examples:
  $ longwire serve --topic devices:keyed --topic alerts:log
  $ longwire serve --data ./data
  $ longwire serve --broker redis://127.0.0.1:6379
  $ longwire serve --host 0.0.0.0 --port 8443 --cert cert.pem --key key.pem`;

async function run(options: ServeOptions): Promise<void> {
  const broker = await openBroker(options);
  try {
    await serve(options, broker);
  } finally {
    // Its connection would keep the process alive.
    await broker.close();
  }
}

async function serve(options: ServeOptions, broker: Broker): Promise<void> {
  const topics =
    options.topic.length > 0 ? options.topic : [topicOf("events:log"), topicOf("state:keyed")];
  const live = await LiveServer.open({ topics, broker });
  const endpoint = { ...live.endpoint(options.path), origins: originsOf(options.origin) };
  const { port, host } = options;
  const server = new WebSocketServer([endpoint, ...healthEndpoints(() => live.whyNotReady)], {
    hosts: hostPolicyFor(host, options.allowHost),
    trustedProxies: options.trustProxy,
  });
  const tls = tlsOf(options);
  const { url } = await server.listen({ port, host, ...(tls && { tls }) });
  console.log(`${url}${options.path}`);
  for (const { name, kind } of topics) console.error(`topic ${name} (${kind})`);
  await untilSignal();
  await server.close();
  await live.close();
}

function mountPath(text: string): string {
  if (/^\/[^?#\s]*[^?#\s/]$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Give a path that starts with a slash and ends without one, like /live.",
  );
}

function collectTopic(text: string, previous: TopicDeclaration[]): TopicDeclaration[] {
  return [...previous, topicOf(text)];
}

function topicOf(text: string): TopicDeclaration {
  const colon = text.lastIndexOf(":");
  const [name, kind] = [text.slice(0, colon), text.slice(colon + 1)];
  const options = { clientPublish: true, match: matchFields };
  if (colon > 0 && kind === "log") return logTopic(name, options);
  if (colon > 0 && kind === "keyed") return keyedTopic(name, options);
  throw new InvalidArgumentError("Give a name and a kind, like devices:keyed or alerts:log.");
}

function originsOf(origins: readonly string[]): OriginPolicy {
  if (origins.includes("any")) return "any";
  return origins.length === 0 ? "same" : origins;
}

function tlsOf({ cert, key }: ServeOptions): { cert: Buffer; key: Buffer } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const message = "TLS needs both --cert and --key; give both or neither.";
    throw new LongwireError("bad_option", message);
  }
  const tls = { cert: readPem(cert), key: readPem(key) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const message = `${cert} and ${key} are not a PEM certificate and its key (${(cause as Error).message}).`;
    throw new LongwireError("bad_option", message, { cause });
  }
  return tls;
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "unknown reason";
    const message = `${path} cannot be read (${reason}); give the path of a PEM file.`;
    throw new LongwireError("bad_option", message, { cause });
  }
}
