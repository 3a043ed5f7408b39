import { ServerBroker } from "../../../src/testing/server-broker.ts";
import type { Broker } from "../../../src/live/index.ts";
import { stopEngines } from "../../rigs/brokers/engine-process.ts";
import { NatsServer } from "../../rigs/brokers/nats-server.ts";
import { RedisServer } from "../../rigs/brokers/redis-server.ts";
import { thisVersion, type Version } from "../../rigs/live/older-version.ts";
import { type LiveOptions, RunningLive } from "../../rigs/live/running-live.ts";
import { everything, ordinary } from "./everything.ts";

/** The storage that several servers share. */
interface Storage {
  /** Opens it with the broker of this version. */
  readonly open: (version: Version) => Promise<Broker>;
  /** Kills its process and starts it again. */
  readonly restart: () => Promise<void>;
}

/** They do not poll, which would hide faults. */
const patient = { longestRetryMs: 100, lookMs: 3_600_000 };

/** Storage in a process of its own. */
const engines: Record<string, () => Promise<Storage>> = {
  Redis: async () => {
    const server = await RedisServer.start({ durable: true });
    return {
      open: ({ RedisBroker }) => RedisBroker.open({ url: server.url, ...patient }),
      restart: () => restart(server),
    };
  },
  NATS: async () => {
    const server = await NatsServer.start();
    return {
      open: ({ NatsBroker }) => NatsBroker.open({ url: server.url, ...patient }),
      restart: () => restart(server),
    };
  },
};

/** A `MemoryBroker` of this version, which both servers use. */
const memory = (): Promise<Storage> => {
  const shared = new thisVersion.MemoryBroker();
  return Promise.resolve({
    open: () => Promise.resolve(new ServerBroker(shared)),
    restart: () => Promise.reject(new Error("Memory is lost.")),
  });
};

/** For `describe.each`. */
export const durableStorages: [string, () => Promise<Storage>][] = Object.entries(engines);
export const storages: typeof durableStorages = [...durableStorages, ["MemoryBroker", memory]];

const nodes: RunningLive[] = [];

/** Ends all servers and their storage; for `afterAll`, because tests can share them. */
export async function closeNodes(): Promise<void> {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
  await stopEngines();
}

export interface TestNode extends RunningLive {
  /** The errors that were reported to `onError`. */
  readonly errors: readonly Error[];
  /** Ends its access to the storage, as if its process were killed. */
  kill(): Promise<void>;
}

/** Starts a server of this version, with all that the version can declare. */
export async function startNode(
  version: Version,
  storage: Storage,
  options: Partial<LiveOptions> = {},
): Promise<TestNode> {
  const errors: Error[] = [];
  const broker = await storage.open(version);
  const declared = version === thisVersion ? everything : ordinary(version);
  const onError = (error: Error): void => void errors.push(error);
  const running = await RunningLive.open({ ...declared, ...options, broker, onError }, version);
  nodes.push(running);
  return Object.assign(running, { errors, kill: () => broker.close() });
}

export interface Pair {
  readonly old: TestNode;
  readonly new: TestNode;
}

/** Starts two servers with the same storage. */
export async function startPair(
  older: Version,
  storage: Storage,
  options: Partial<LiveOptions> = {},
): Promise<Pair> {
  const starting = [older, thisVersion].map((version) => startNode(version, storage, options));
  const [first, second] = await Promise.all(starting);
  return { old: first!, new: second! };
}

async function restart(server: NatsServer | RedisServer): Promise<void> {
  await server.kill();
  await server.restart();
}
