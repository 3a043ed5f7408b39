import { Ledger, resolveLimits, systemClock, TimerWheel } from "../../base/index.ts";
import { type Authority, Catalog } from "../../topics/index.ts";
import { defaultLiveLimits } from "./limits.ts";
import { Admission } from "./access/admission.ts";
import { Offers } from "./asking/offers.ts";
import { Calls } from "./calls/calls.ts";
import { Rates } from "./sessions/caller.ts";
import { checkOptions } from "./check-options.ts";
import type { LiveServerOptions } from "./live-server-options.ts";
import { Diagnostics } from "./observing/diagnostics.ts";
import { Authenticator } from "./access/authenticator.ts";
import { KeyOwners } from "./keys/key-owners.ts";
import { LoginGuard } from "./access/login-guard.ts";
import { Presence } from "./keys/presence.ts";
import { reporter } from "./observing/reporter.ts";
import type { LiveCore } from "./sessions/session.ts";
import { Statistics } from "./observing/statistics.ts";

/**
 * Creates what the sessions of a server share, and opens its topics.
 *
 * @throws LongwireError `missing_broker`, `invalid_topic`, `invalid_method`, `invalid_schema`,
 *   `invalid_option`, `invalid_limit` as a rejection, and what the broker rejects with
 */
export async function openLiveCore(options: LiveServerOptions): Promise<LiveCore> {
  checkOptions(options);
  const {
    clock = systemClock,
    broker,
    methods = {},
    clientMethods = {},
    authenticate,
    tokenQuery,
  } = options;
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
    offers: new Offers(clientMethods, authority, report),
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
