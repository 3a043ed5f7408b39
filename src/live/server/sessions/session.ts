import type { Clock, Ledger, TimerWheel } from "../../../base/index.ts";
import type { Authority, Catalog, Encoding, Report } from "../../../topics/index.ts";
import type { LiveLimits } from "../limits.ts";
import type { Admission } from "../access/admission.ts";
import type { Calls } from "../calls/calls.ts";
import type { Rates } from "./caller.ts";
import type { Credentials } from "../access/credentials.ts";
import type { Diagnostics } from "../observing/diagnostics.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { KeyOwners } from "../keys/key-owners.ts";
import type { LoginGuard } from "../access/login-guard.ts";
import type { Presence } from "../keys/presence.ts";
import type { Statistics } from "../observing/statistics.ts";

/** What the sessions of one live server share. */
export interface LiveCore {
  readonly catalog: Catalog;
  readonly authenticator: Authenticator;
  /** Counts credentials that were refused. */
  readonly logins: LoginGuard;
  /** What the memory that clients hold is charged to. */
  readonly ledger: Ledger;
  /** Decides where a topic or a method does not decide itself. */
  readonly authority: Authority;
  readonly calls: Calls;
  readonly rates: Rates;
  readonly owners: KeyOwners;
  readonly presence: Presence;
  readonly admission: Admission;
  readonly statistics: Statistics;
  readonly diagnostics: Diagnostics;
  /** The name in a URL's query that holds a token, if any does. */
  readonly tokenQuery: string | undefined;
  readonly limits: LiveLimits;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly report: Report;
}

/** A limit of the connection that its client has exceeded. */
export interface LimitReached {
  /** Such as `message_too_big`, `message_timeout`, `over_share`. */
  readonly code: string;
}

/** One client's connection, at either level. */
export interface Session {
  /** Called once, when the peer leads to this session. */
  start(credentials: Credentials): void;
  /** How many topics it follows. */
  readonly subscriptionCount: number;
  /** Whether some of what it is to get waits for room. */
  readonly isWaiting: boolean;
  /** If a promise is returned, the next message shall wait for it. */
  onMessage(message: string | Uint8Array): void | Promise<void>;
  /** The connection is about to be closed because its client exceeds a limit. */
  onLimit(reached: LimitReached): void;
  /** There is room in the socket again. */
  onDrain(): void;
  /** Called twice per heartbeat interval. */
  onTick(): void;
  /** The server is about to close all connections; `retryAfterMs` is when to come back. */
  onDraining(retryAfterMs: number): void;
  onClosed(): void;
}

export interface SessionEncodings {
  data: Encoding;
  event: Encoding;
}
