import { Ledger, resolveLimits, systemClock, TimerWheel } from "../../base/index.ts";
import { type Authority, Catalog } from "../../topics/index.ts";
import { defaultLiveLimits } from "./limits.ts";
import { Admission } from "./access/admission.ts";
import { ClusterClients } from "./asking/cluster-clients.ts";
import { OfferDirectory } from "./asking/offer-directory.ts";
import { Offers } from "./asking/offers.ts";
import { RemoteAsks } from "./asking/remote-asks.ts";
import { RemoteFollowers } from "./asking/remote-followers.ts";
import { ClusterLog } from "./cluster/cluster-log.ts";
import { CutOff } from "./cluster/cut-off.ts";
import { Lifecycle } from "./cluster/lifecycle.ts";
import { Orders } from "./cluster/orders.ts";
import { ReaderCounts } from "./cluster/reader-counts.ts";
import { Revocations } from "./cluster/revocations.ts";
import { Roster } from "./cluster/roster.ts";
import { Shedding } from "./cluster/shedding.ts";
import { Courier } from "./mailbox/courier.ts";
import { Mailbox } from "./mailbox/mailbox.ts";
import { COMMANDS } from "../system-topics.ts";
import { featuresOf } from "../wire/features.ts";
import { LiveCloseCode } from "../wire/close-code.ts";
import { Calls } from "./calls/calls.ts";
import { Rates } from "./sessions/caller.ts";
import { checkOptions } from "./check-options.ts";
import type { LiveServerOptions } from "./live-server-options.ts";
import { Diagnostics } from "./observing/diagnostics.ts";
import { Authenticator } from "./access/authenticator.ts";
import { KeyOwners } from "./keys/key-owners.ts";
import { LoginGuard } from "./access/login-guard.ts";
import { Logins } from "./access/logins.ts";
import { Presence } from "./keys/presence.ts";
import { reporter } from "./observing/reporter.ts";
import type { LiveCore } from "./sessions/session.ts";
import type { ConnectedClient } from "./sessions/connected-client.ts";
import { Statistics } from "./observing/statistics.ts";

/**
 * Creates what the sessions of a server share, and opens its topics.
 *
 * @param connected the lists of its clients, which may be added later
 * @throws LongwireError `missing_broker`, `invalid_topic`, `invalid_method`, `invalid_schema`,
 *   `invalid_option`, `invalid_limit` as a rejection, and what the broker rejects with
 */
export async function openLiveCore(
  options: LiveServerOptions,
  connected: readonly ReadonlySet<ConnectedClient>[],
): Promise<LiveCore> {
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
  const node = crypto.randomUUID();
  const cluster = new ClusterLog("$cluster", node, report);
  const orderLog = new ClusterLog("$orders", node, report);
  const { nodeName = node } = options;
  const leaseMs = limits.serverLeaseMs;
  const lifecycle = new Lifecycle({ clock, node });
  const readers = new ReaderCounts({
    wheel,
    leaseMs,
    report,
    node,
    onChanged: (topic, event, change) => lifecycle.onReaders(topic, event, change),
  });
  const presence = new Presence({
    readers,
    clock,
    wheel,
    report,
    leaseMs: limits.serverLeaseMs,
    catalog: () => catalog,
  });
  const roster = new Roster({ clock, leaseMs, report, nodeName, node });
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
      roster.onEvent(topic, event);
    },
    onStartedAgain: (topic, isKept) => {
      owners.onStartedAgain(topic, isKept);
      presence.onStartedAgain(topic, isKept);
      roster.onStartedAgain(topic, isKept);
      readers.onStartedAgain(topic, isKept);
      if (topic.name === COMMANDS) mailbox.readAgain();
    },
  });
  const authority: Authority = options;
  const { slices } = catalog;
  const random = options.random ?? Math.random;
  const admission = new Admission(clock, limits, { random, diagnostics });
  const all = (): Iterable<ConnectedClient> => chained(connected);
  const orders = new Orders({
    clock,
    nodeName,
    log: orderLog,
    slices,
    clients: all,
    population: () => sizeOf(connected),
    returnAfter: (count) => admission.returnAfter(count),
  });
  const revocations = new Revocations(clock, (order) => orders.execute(order, 0));
  const cutOff = new CutOff({
    clock,
    broker,
    cutOffMs: limits.cutOffMs,
    disconnectAll: (message) => {
      // Without identities there is nothing to revoke.
      if (authenticate === undefined) return;
      const code = LiveCloseCode.Overloaded;
      orders.execute({ kind: "disconnect", filter: {}, code, message, retry: true }, 0);
    },
  });
  const directory = new OfferDirectory({ node, leaseMs: limits.serverLeaseMs, report });
  const offers = new Offers(clientMethods, authority, {
    report,
    onOffered: (caller, offered) => {
      directory.set(caller, offered);
      if (caller.identity !== undefined) courier.deliver(caller.identity.id);
    },
  });
  const host = { log: cluster, offers, wheel, report };
  const clients = new ClusterClients({
    offers,
    directory,
    asks: new RemoteAsks(host),
    followers: new RemoteFollowers(host),
  });
  const hasClientMethods = Object.keys(clientMethods).length > 0;
  const asked = { methods: clientMethods, timeoutMs: limits.callTimeoutMs };
  const mailbox = new Mailbox(asked, { statistics, maxBytes: limits.maxMessageBytes });
  const courier = new Courier({ asked, clients, mailbox, report, slices });
  const shedding = new Shedding({ limits, clock, wheel, random, clients: all });
  lifecycle.open(catalog);
  readers.open(catalog);
  roster.open(catalog);
  await orderLog.open(catalog);
  if (hasClientMethods) await cluster.open(catalog);
  await revocations.open(catalog);
  const commands = catalog.get(COMMANDS);
  if (hasClientMethods || commands !== undefined) await directory.open(catalog);
  if (commands !== undefined) mailbox.start(commands, (identity) => courier.deliver(identity));
  const authenticator = new Authenticator(authenticate, {
    clock,
    wheel,
    timeoutMs: limits.helloTimeoutMs,
    report,
    refusalOf: (identity) => revocations.refusalOf(identity) ?? cutOff.refusal,
  });
  return {
    catalog,
    authenticator,
    logins: new Logins(authenticator, new LoginGuard(clock, limits), wheel),
    ledger,
    authority,
    calls: new Calls(
      methods,
      authority,
      { clock, wheel, timeoutMs: limits.callTimeoutMs },
      { diagnostics, report },
    ),
    offers,
    directory,
    clients,
    orders,
    revocations,
    cutOff,
    roster,
    readers,
    lifecycle,
    shedding,
    features: featuresOf(commands !== undefined),
    asked,
    mailbox,
    courier,
    rates: new Rates(clock, limits),
    owners,
    presence,
    admission,
    statistics,
    diagnostics,
    tokenQuery,
    limits,
    clock,
    wheel,
    report,
  };
}

function* chained<Item>(lists: readonly Iterable<Item>[]): Generator<Item, void, undefined> {
  for (const list of lists) yield* list;
}

function sizeOf(lists: readonly ReadonlySet<unknown>[]): number {
  return lists.reduce((total, { size }) => total + size, 0);
}
