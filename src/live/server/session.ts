import type { Encoding } from "../encoding.ts";
import type { Report, Topic } from "../topic.ts";
import type { Clock, TimerWheel } from "../../base/index.ts";
import type { KeyOwners } from "./key-owners.ts";
import type { LiveLimits } from "../limits.ts";

/** What the sessions of one live server share. */
export interface Realm {
  readonly topics: ReadonlyMap<string, Topic>;
  readonly owners: KeyOwners;
  readonly limits: LiveLimits;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly report: Report;
}

/** One client's connection, at either level. */
export interface Session {
  /** Called once, when the peer leads to this session. */
  start(): void;
  /** If a promise is returned, the next message shall wait for it. */
  onMessage(message: string | Uint8Array): void | Promise<void>;
  /** A message came that is longer than `maxMessageBytes`. */
  onTooLarge(): void;
  /** There is room in the socket again. */
  onDrain(): void;
  /** Called twice per heartbeat interval. */
  onTick(): void;
  /** The server is about to close all connections. */
  onDraining(): void;
  onClosed(): void;
}

export interface SessionEncodings {
  data: Encoding;
  event: Encoding;
}
