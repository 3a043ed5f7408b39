import type { Abuser, Tally } from "./abuser.ts";
import type { Bystander } from "./bystander.ts";
import type { RunningTarget } from "./servers.ts";

/** A kind of server; servers.ts starts them. */
export type ServerKind = "serve" | "serve-tls" | "fixture" | "monitor" | "on-redis" | "on-nats";

/** One attack. */
export interface Row {
  name: string;
  /** One line that describes the attack. */
  what: string;
  server: ServerKind;
  /** How long it takes. */
  seconds: number;
  /** Memory that the topics keep by their declaration, which does not count as growth. */
  allowance?: { mib: number; reason: string };
  /** Runs in the abuser's process, until the abuser's time is over or it is done. */
  move?: (abuser: Abuser) => Promise<void>;
  /** Runs in the harness before the abuser starts. */
  before?: (world: World) => Promise<void>;
  /** Runs in the harness after the abuser has left; returns why the row fails, if it does. */
  after?: (world: World) => Promise<string | undefined>;
  /** Whether the broker is away, so that no publish can be acknowledged. */
  withoutPublishes?: boolean;
}

/** The objects that a row's own steps use. */
export interface World {
  target: RunningTarget;
  bystander: Bystander;
  /** Carries data from one step to the next. */
  notes: Map<string, unknown>;
  /** The abuser's own report, once it has left. */
  abuser?: Tally | undefined;
}
