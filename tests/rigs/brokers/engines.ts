import type { Clock, LongwireError } from "../../../src/base/index.ts";
import type { Broker } from "../../../src/live/index.ts";
import { open as openNats } from "./nats-node.ts";
import { NatsServer } from "./nats-server.ts";
import { open as openRedis } from "./redis-node.ts";
import { forPatterns } from "./of-pattern.ts";
import { RedisServer } from "./redis-server.ts";

/** The common options of brokers on other machines. */
interface BrokerOptions {
  timeoutMs?: number;
  lookMs?: number;
  clock?: Clock;
  onError?: (error: LongwireError) => void;
}

export interface Engine {
  start: () => Promise<NatsServer | RedisServer>;
  /** Starts a server that keeps everything it has acknowledged, even if it is killed. */
  startDurable: () => Promise<NatsServer | RedisServer>;
  open: (url: string, options?: BrokerOptions) => Promise<Broker>;
  /** Returns its URL behind a proxy on `port`. */
  urlAt: (port: number) => string;
}

/** The engines by name, for `describe.each`. */
export const engines: [name: string, engine: Engine][] = [
  [
    "NATS",
    {
      start: () => NatsServer.start(),
      startDurable: () => NatsServer.start(),
      open: openNats,
      urlAt: (port) => `nats://127.0.0.1:${port}`,
    },
  ],
  [
    "NATS, with topics of a pattern,",
    {
      start: () => NatsServer.start(),
      startDurable: () => NatsServer.start(),
      open: async (url, options) => forPatterns(await openNats(url, options)),
      urlAt: (port) => `nats://127.0.0.1:${port}`,
    },
  ],
  [
    "Redis",
    {
      start: () => RedisServer.start(),
      startDurable: () => RedisServer.start({ durable: true }),
      open: openRedis,
      urlAt: (port) => `redis://127.0.0.1:${port}`,
    },
  ],
];
