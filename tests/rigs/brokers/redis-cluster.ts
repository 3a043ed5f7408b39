import { createClient } from "redis";
import { slotOf } from "../../../src/brokers/redis/cluster/slots.ts";
import { RedisServer, type RedisServerOptions } from "./redis-server.ts";

const DEADLINE_MS = 40_000;

type Answer = string | number | null | Answer[];

/** Three primaries of one Redis Cluster, each with a third of the slots. */
export class RedisCluster {
  readonly primaries: readonly RedisServer[];

  private constructor(primaries: readonly RedisServer[]) {
    this.primaries = primaries;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisCluster> {
    const primaries = [];
    for (let n = 0; n < 3; n += 1) primaries.push(await startServer(options));
    const cluster = new RedisCluster(primaries);
    for (const [at, [first, last]] of RANGES.entries()) {
      await command(primaries[at]!, "CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
      await command(primaries[at]!, "CLUSTER", "SET-CONFIG-EPOCH", String(at + 1));
    }
    for (const other of primaries.slice(1)) await meet(primaries[0]!, other);
    await cluster.isReady();
    return cluster;
  }

  /** The URL for a broker, which discovers the other servers. */
  get url(): string {
    const protocol = new URL(this.primaries[0]!.url).protocol.replace(":", "+cluster:");
    return `${protocol}//${this.primaries.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  /** Resolves when all servers know each other, and every slot has a running server. */
  async isReady(servers: readonly RedisServer[] = this.primaries): Promise<void> {
    for (const server of servers) {
      await comesTrue(async () => {
        const info = String(await command(server, "CLUSTER", "INFO"));
        const nodes = String(await command(server, "CLUSTER", "NODES"));
        const isComplete = nodes.trim().split("\n").length >= servers.length;
        return info.includes("state:ok") && isComplete && !/fail|handshake/.test(nodes);
      });
    }
  }

  /** Adds a replica of a primary, which has all of its data when this resolves. */
  async addReplica(primary: RedisServer, options: RedisServerOptions = {}): Promise<RedisServer> {
    const replica = await startServer(options);
    await meet(primary, replica);
    const id = String(await command(primary, "CLUSTER", "MYID"));
    // This fails until the replica knows the primary.
    await comesTrue(async () => (await command(replica, "CLUSTER", "REPLICATE", id)) === "OK");
    await comesTrue(async () =>
      String(await command(replica, "INFO", "replication")).includes("master_link_status:up"),
    );
    await this.isReady([...this.primaries, replica]);
    return replica;
  }

  /** Which of the primaries had the slot of a topic at first. */
  shardOf(topic: string, prefix: string): RedisServer {
    const slot = slotOf(`{${prefix}:${topic}}`);
    return this.primaries[RANGES.findIndex(([, last]) => slot <= last)]!;
  }

  /** As many topics' names as there are primaries, one at each, in their order. */
  namesAtEach(prefix: string): string[] {
    return this.primaries.map((primary) => {
      for (let n = 0; ; n += 1) {
        if (this.shardOf(`topic-${n}`, prefix) === primary) return `topic-${n}`;
      }
    });
  }

  /** Says that a slot is on its way; nothing of it is sent yet. */
  async beginMove(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    const [source, target] = await Promise.all(
      [from, to].map((at) => command(at, "CLUSTER", "MYID")),
    );
    await command(to, "CLUSTER", "SETSLOT", String(slot), "IMPORTING", String(source));
    await command(from, "CLUSTER", "SETSLOT", String(slot), "MIGRATING", String(target));
  }

  /** Sends a slot's keys to the server that it is on the way to. */
  async moveKeys(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    for (;;) {
      const keys = await command(from, "CLUSTER", "GETKEYSINSLOT", String(slot), "100");
      if (!Array.isArray(keys) || keys.length === 0) return;
      const where = ["127.0.0.1", String(to.port), "", "0", "5000"];
      await command(from, "MIGRATE", ...where, "KEYS", ...keys.map(String));
    }
  }

  /** Says that the slot has arrived, first to who has it now. */
  async endMove(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    const id = String(await command(to, "CLUSTER", "MYID"));
    for (const server of new Set([to, from, ...this.primaries])) {
      await command(server, "CLUSTER", "SETSLOT", String(slot), "NODE", id);
    }
  }

  /** Lets a replica become the primary while both live. */
  async failOverTo(replica: RedisServer): Promise<void> {
    await comesTrue(async () =>
      String(await command(replica, "INFO", "replication")).includes("master_link_status:up"),
    );
    await this.isReady([...this.primaries, replica]);
    await command(replica, "CLUSTER", "FAILOVER");
    await comesTrue(async () => String(await command(replica, "ROLE")).startsWith("master"));
  }

  async move(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    await this.beginMove(slot, from, to);
    await this.moveKeys(slot, from, to);
    await this.endMove(slot, from, to);
  }
}

const RANGES = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
] as const;

/** Resolves when `isSo` returns true; an error counts as false. Also for `beforeAll`. */
export async function comesTrue(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`It has not come true: ${String(isSo)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends a command to one server. */
export async function command(server: RedisServer, ...words: string[]): Promise<Answer> {
  const tls = server.url.startsWith("rediss:")
    ? { tls: true as const, rejectUnauthorized: false }
    : {};
  const client = createClient({ url: server.url, socket: { reconnectStrategy: false, ...tls } });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.sendCommand<Answer>(words);
  } finally {
    client.destroy();
  }
}

function startServer({ settings = [], ...options }: RedisServerOptions): Promise<RedisServer> {
  const patience = ["--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"];
  return RedisServer.start({ ...options, cluster: true, settings: [...patience, ...settings] });
}

async function meet(server: RedisServer, other: RedisServer): Promise<void> {
  const where = ["127.0.0.1", String(other.port), String(other.busPort)];
  await command(server, "CLUSTER", "MEET", ...where);
}
