import { join } from "node:path";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { RedisServer } from "../rigs/brokers/redis-server.ts";
import { makeCertificate } from "./certificate.ts";
import type { ServerKind } from "./row.ts";
import { ServerProcess } from "./server-process.ts";
import type { Target } from "./target.ts";

/** A server that runs, and the broker's program behind it, if it has one. */
export interface RunningTarget extends Target {
  process: ServerProcess;
  engine: RedisServer | NatsServer | undefined;
  stop(): Promise<void>;
}

export const FIXTURE = "tests/abuse/fixture-server.mjs";
// The defaults, and a topic that is the bystander's alone.
const SERVE = ["dist/cli/main.js", "serve", "--port", "0", "--topic", "events:log"].concat(
  ["--topic", "state:keyed"],
  ["--topic", "bystander:keyed"],
);
const MONITOR = ["demo/dist/server/main.js", "--port", "0", "--no-agent", "--simulate", "0"];

/**
 * Starts a server of a kind.
 *
 * @param root the folder that has `dist`, `demo/dist` and the fixture
 */
export async function startServer(kind: ServerKind, root: string): Promise<RunningTarget> {
  const engine = await startEngine(kind);
  const [program = "", ...args] = commandOf(kind, engine?.url);
  const server = await ServerProcess.start([join(root, program), ...args]);
  const kill = (): void => {
    void server.kill();
    void engine?.kill();
  };
  // Neither may outlive a harness that is interrupted.
  process.once("exit", kill);
  return {
    kind,
    host: "127.0.0.1",
    port: server.port,
    isTls: kind === "serve-tls",
    asksForToken: kind === "fixture" || kind === "on-redis" || kind === "on-nats",
    bystanderTopic: kind === "monitor" ? "devices" : "bystander",
    process: server,
    engine,
    stop: async () => {
      process.off("exit", kill);
      await server.kill();
      await engine?.stop();
    },
  };
}

async function startEngine(kind: ServerKind): Promise<RedisServer | NatsServer | undefined> {
  if (kind === "on-redis") return RedisServer.start();
  if (kind === "on-nats") return NatsServer.start();
  return undefined;
}

function commandOf(kind: ServerKind, url: string | undefined): string[] {
  switch (kind) {
    case "serve":
      return SERVE;
    case "serve-tls": {
      const { cert, key } = makeCertificate();
      return [...SERVE, "--cert", cert, "--key", key];
    }
    case "monitor":
      return MONITOR;
    case "fixture":
      return [FIXTURE, JSON.stringify({ broker: "memory" })];
    case "on-redis":
      return [FIXTURE, JSON.stringify({ broker: "redis", url })];
    case "on-nats":
      return [FIXTURE, JSON.stringify({ broker: "nats", url })];
  }
}
