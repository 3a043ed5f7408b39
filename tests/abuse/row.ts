import type { Abuser, Tally } from "./abuser.ts";
import type { Bystander } from "./bystander.ts";
import type { RunningTarget } from "./servers.ts";

/** A kind of server; servers.ts starts them. */
export type ServerKind = "serve" | "serve-tls" | "fixture" | "monitor" | "on-redis" | "on-nats";

/** One attack. */
export interface Row {
  name: string;
  /** What the abuser does, in one line. */
  what: string;
  server: ServerKind;
  /** How long it goes on. */
  seconds: number;
  /** What the topics keep of it because they were declared so: no growth that counts. */
  allowance?: { mib: number; reason: string };
  /** Runs in the abuser's process, until the abuser is over or it has nothing more to do. */
  move?: (abuser: Abuser) => Promise<void>;
  /** Runs in the harness, before the abuser starts. */
  before?: (world: World) => Promise<void>;
  /** Runs in the harness after the abuser has left; what it returns is why the row fails. */
  after?: (world: World) => Promise<string | undefined>;
  /** The broker is away: no publish can be acknowledged. */
  withoutPublishes?: boolean;
}

/** What a row's own steps work with. */
export interface World {
  target: RunningTarget;
  bystander: Bystander;
  /** For what one step leaves to the next. */
  notes: Map<string, unknown>;
  /** What the abuser says of itself, once it has left. */
  abuser?: Tally | undefined;
}
