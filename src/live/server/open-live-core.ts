import {
  Ledger,
  type LongwireError,
  resolveLimits,
  systemClock,
  TimerWheel,
  type Clock,
} from "../../base/index.ts";
import { type Authority, type Broker, Catalog } from "../../topics/index.ts";
import { defaultLiveLimits, type LiveLimits } from "./limits.ts";
import type { LiveApi } from "../live-api.ts";
import { Admission } from "./access/admission.ts";
import { Calls } from "./calls/calls.ts";
import { Rates } from "./sessions/caller.ts";
import { checkOptions } from "./check-options.ts";
import type { Authenticate, Identity } from "./access/credentials.ts";
import { Diagnostics } from "./observing/diagnostics.ts";
import { Authenticator } from "./access/authenticator.ts";
import { KeyOwners } from "./keys/key-owners.ts";
import { LoginGuard } from "./access/login-guard.ts";
import { Presence } from "./keys/presence.ts";
import { reporter } from "./observing/reporter.ts";
import type { LiveCore } from "./sessions/session.ts";
import { Statistics } from "./observing/statistics.ts";

/** `Who` is what `authenticate` returns and what `authorize` receives. */
export interface LiveServerOptions<Who extends Identity = Identity>
  extends LiveApi, Partial<LiveLimits>, Authority<Who | undefined> {
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

/**
 * Creates what the sessions of a server share, and opens its topics.
 *
 * @throws LongwireError `missing_broker`, `invalid_topic`, `invalid_method`, `invalid_schema`,
 *   `invalid_option`, `invalid_limit` as a rejection, and what the broker rejects with
 */
export async function openLiveCore(options: LiveServerOptions): Promise<LiveCore> {
  checkOptions(options);
  const { clock = systemClock, broker, methods = {}, authenticate, tokenQuery } = options;
  const report = reporter(options.onError, clock);
  const ledger = options.ledger ?? Ledger.ofProcess;
  const limits = resolveLimits(defaultLiveLimits, options);
  const wheel = new TimerWheel(clock);
  const diagnostics = new Diagnostics();
  const statistics = new Statistics(diagnostics);
  const owners = new KeyOwners(report, limits.serverLeaseMs);
  const presence = new Presence({
    clock,
    wheel,
    report,
    leaseMs: limits.serverLeaseMs,
    catalog: () => catalog,
  });
  const catalog = await Catalog.open(options.topics, broker, {
    clock,
    report,
    ledger,
    maxTopics: limits.maxTopics,
    maxValueBytes: limits.maxMessageBytes,
    onEvent: (topic, event) => {
      statistics.events += 1;
      owners.onEvent(topic, event);
      presence.onEvent(topic, event);
    },
    onStartedAgain: (topic, isKept) => {
      owners.onStartedAgain(topic, isKept);
      presence.onStartedAgain(topic, isKept);
    },
  });
  const authority: Authority = options;
  return {
    catalog,
    authenticator: new Authenticator(authenticate, {
      clock,
      wheel,
      timeoutMs: limits.helloTimeoutMs,
      report,
    }),
    logins: new LoginGuard(clock, limits),
    ledger,
    authority,
    calls: new Calls(
      methods,
      authority,
      { clock, wheel, timeoutMs: limits.callTimeoutMs },
      { diagnostics, report },
    ),
    rates: new Rates(clock, limits),
    owners,
    presence,
    admission: new Admission(clock, limits, { random: options.random ?? Math.random, diagnostics }),
    statistics,
    diagnostics,
    tokenQuery,
    limits,
    clock,
    wheel,
    report,
  };
}
