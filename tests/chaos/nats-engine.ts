import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { brokerAuditor } from "./auditor.ts";
import type { Engine, EngineServer } from "./engine.ts";

/** Debian's NATS, one server with its streams on disk. */
export async function natsEngine(): Promise<Engine> {
  const server = await NatsServer.start();
  return engineOf("nats", [server], () => Promise.resolve(server));
}

/** Three of them, each of which keeps all streams. */
export async function natsClusterEngine(): Promise<Engine> {
  const servers = await NatsServer.startCluster(3);
  return engineOf("nats-cluster", servers, () => leaderOf(servers));
}

function engineOf(
  name: Engine["name"],
  servers: readonly NatsServer[],
  leader: () => Promise<EngineServer>,
): Engine {
  const replicas = servers.length;
  const location = (ports: readonly number[]): string =>
    ports.map((port) => `nats://127.0.0.1:${port}`).join(",");
  return {
    name,
    servers,
    nodes: 3,
    location,
    audit: async () => {
      const url = location(servers.map(({ port }) => port));
      return brokerAuditor(await NatsBroker.open({ url, replicas }));
    },
    leader,
    loseNode: (node) => node.close(),
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** The server that orders what is published to `news`. */
async function leaderOf(servers: readonly NatsServer[]): Promise<NatsServer> {
  const connection = await connect({ servers: servers.map(({ port }) => `127.0.0.1:${port}`) });
  try {
    const manager = await jetstreamManager(connection);
    for await (const { config, cluster } of manager.streams.list()) {
      if (!config.subjects.some((subject) => subject.includes("news"))) continue;
      const leader = servers.find(({ name }) => name === cluster?.leader);
      if (leader !== undefined) return leader;
    }
    return servers[0]!;
  } catch {
    // They are electing one just now.
    return servers[0]!;
  } finally {
    await connection.close();
  }
}
