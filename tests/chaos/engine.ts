import type { Broker } from "../../src/live/index.ts";

/** A server program of an engine. */
export interface EngineServer {
  readonly port: number;
  /** SIGKILL, and it is gone when this resolves. */
  kill(): Promise<void>;
  /** Starts it again, with what it has on its disk. */
  restart(): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
}

/** What keeps the topics, with its server programs. */
export interface Engine {
  readonly name: "redis" | "nats" | "nats-cluster";
  readonly servers: readonly EngineServer[];
  /** What a node is told, to whom these ports lead. */
  url(ports: readonly number[]): string;
  /** A broker of the checker's own, past every fault. */
  open(): Promise<Broker>;
  /** The one on whom all others depend at the moment. */
  leader(): Promise<EngineServer>;
  stop(): Promise<void>;
}
