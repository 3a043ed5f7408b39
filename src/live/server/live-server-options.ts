import type { Clock, Ledger, LongwireError } from "../../base/index.ts";
import type { Authority, Broker } from "../../topics/index.ts";
import type { LiveApi } from "../live-api.ts";
import type { Authenticate, Identity } from "./access/credentials.ts";
import type { LiveLimits } from "./limits.ts";

/** `Who` is what `authenticate` returns and what `authorize` receives. */
export interface LiveServerOptions<Who extends Identity = Identity>
  extends LiveApi, Partial<LiveLimits>, Authority<Who | undefined> {
  /**
   * The name of this server, as `$nodes`, `$connections` and filters show it, such as its host name.
   * Default: a random one.
   */
  nodeName?: string;
  /** Stores and numbers events, such as a `MemoryBroker`. */
  broker: Broker;
  /**
   * Identifies a client by its credentials. Default: clients are not authenticated, and identities
   * are `undefined`.
   */
  authenticate?: Authenticate<Who>;
  /**
   * The name of a query parameter that holds a token, such as `token`; it is not one of the params
   * then. Default: none, because URLs end up in logs.
   */
  tokenQuery?: string;
  /**
   * Receives errors that no caller receives. Default: one line each on standard error.
   *
   * - `application_failed`: a function of the application threw, or a broker failed. The message
   *   names the function and its occasion; `cause` is the original error with its stack. Identical
   *   errors are reported at most ten times a second, then counted.
   * - `append_failed`, `open_failed`: a `publish`, `set`, `remove` or `ready` of the server's own
   *   code failed, and nobody awaited its promise. Reported once, then once a minute with a count
   *   while the failure lasts.
   * - `invalid_identity`: `authenticate` returned an invalid identity. Reported in the same way.
   */
  onError?: (error: LongwireError) => void;
  /**
   * Charges the memory that clients hold and topics keep. Default `Ledger.ofProcess`; pass the same
   * one to the `WebSocketServer`.
   */
  ledger?: Ledger;
  /** The clock, for tests. */
  clock?: Clock;
  /** Returns numbers in [0, 1), for tests. Default `Math.random`. */
  random?: () => number;
}
