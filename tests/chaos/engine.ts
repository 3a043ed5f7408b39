import type { Auditor } from "./auditor.ts";
import type { ChaosNode } from "./chaos-node.ts";

/** A server program of an engine. */
export interface EngineServer {
  readonly port: number;
  /** SIGKILL, and it is gone when this resolves. */
  kill(): Promise<void>;
  /** Starts it again, with what it has on its disk. */
  restart(): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
}

export type EngineName = "redis" | "nats" | "nats-cluster" | "disk" | "memory";

/** The storage of the topics, with its server programs. */
export interface Engine {
  readonly name: EngineName;
  /** None where the topics are kept in the node's own process. */
  readonly servers: readonly EngineServer[];
  /** How many nodes a cluster on it has. */
  readonly nodes: number;
  /** Returns the location that a node opens: a URL with these ports, or a folder. */
  location(ports: readonly number[]): string;
  /** Opens the checker's own view of the topics, past every fault. */
  audit(nodes: readonly ChaosNode[]): Promise<Auditor>;
  /** The one on whom all others depend at the moment. */
  leader(): Promise<EngineServer>;
  /** Ends a node without notice, as far as the topics survive that. */
  loseNode(node: ChaosNode): Promise<void>;
  stop(): Promise<void>;
}
