import {
  Ledger,
  LongwireError,
  resolveLimits,
  systemClock,
  TimerWheel,
  type Clock,
} from "../../base/index.ts";
import type { Broker } from "../broker.ts";
import { Catalog } from "../catalog.ts";
import type { LiveApi } from "../live-api.ts";
import { defaultLiveLimits, type LiveLimits } from "../limits.ts";
import type { Authority } from "../topic-declaration.ts";
import type { Report } from "../topic.ts";
import { Admission } from "./admission.ts";
import { Calls } from "./calls.ts";
import { Rates } from "./caller.ts";
import type { Authenticate } from "./credentials.ts";
import { Diagnostics } from "./diagnostics.ts";
import { Gate } from "./gate.ts";
import { KeyOwners } from "./key-owners.ts";
import { LoginGuard } from "./login-guard.ts";
import { Presence } from "./presence.ts";
import type { Realm } from "./session.ts";
import { Statistics } from "./statistics.ts";

export interface LiveServerOptions extends LiveApi, Partial<LiveLimits>, Authority {
  /** Where events are kept and numbered, such as a `MemoryBroker`. */
  broker: Broker;
  /** Says who a client is. Default: nobody is asked, and identities are `undefined`. */
  authenticate?: Authenticate;
  /**
   * The name in a URL's query under which a token is looked for, such as `token`; it is no param
   * then. Default: none, since URLs end up in logs.
   */
  tokenQuery?: string;
  /**
   * A function of the application, `match` say, threw, or a broker failed. Default: one line on
   * standard error.
   */
  onError?: (error: LongwireError) => void;
  /**
   * What is charged for the memory that clients hold and topics keep. Default `Ledger.ofProcess`;
   * give the same one to the `WebSocketServer`.
   */
  ledger?: Ledger;
  /** Where time comes from; for tests. */
  clock?: Clock;
  /** Gives numbers in [0, 1); for tests. Default `Math.random`. */
  random?: () => number;
}

/**
 * Makes what the sessions of a server share, and opens its topics.
 *
 * @throws LongwireError `invalid_topic`, `invalid_limit` as a rejection, and what the broker
 *   rejects with
 */
export async function openRealm(options: LiveServerOptions): Promise<Realm> {
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
    gate: new Gate(authenticate, { clock, wheel, timeoutMs: limits.helloTimeoutMs, report }),
    logins: new LoginGuard(clock, limits),
    ledger,
    authority,
    calls: new Calls(
      methods,
      authority,
      { clock, wheel, timeoutMs: limits.callTimeoutMs },
      diagnostics,
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

/** How often the same error is reported within a second; then it is counted. */
const REPORTS_PER_SECOND = 10;
/** How many different errors are told apart. */
const MAX_KINDS = 100;

/**
 * Makes one kind of error of all, and gives it to who asked for it: the same one ten times a second,
 * since clients could repeat what causes it as fast as they like.
 */
function reporter(onError: LiveServerOptions["onError"], clock: Clock): Report {
  const repeats = new Map<string, number>();
  const tell = (message: string, cause: unknown): void => {
    try {
      if (onError === undefined) console.error(`longwire: ${message}`);
      else onError(new LongwireError("application_failed", message, { cause }));
    } catch {
      // Who is told of errors and fails has nobody left to tell.
    }
  };
  return (cause) => {
    const seen = cause instanceof Error ? cause.message : String(cause);
    const message = `The application or its broker failed: ${seen}. See cause.`;
    const before = repeats.get(message) ?? 0;
    if (before === 0 && repeats.size >= MAX_KINDS) return;
    repeats.set(message, before + 1);
    if (before < REPORTS_PER_SECOND) tell(message, cause);
    if (before > 0) return;
    clock.after(1_000, () => {
      const more = (repeats.get(message) ?? 0) - REPORTS_PER_SECOND;
      repeats.delete(message);
      if (more > 0) tell(`${message} It came ${more} more times within a second.`, cause);
    });
  };
}
