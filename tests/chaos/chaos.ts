import { setTimeout as pause } from "node:timers/promises";
import type { TopicEvent } from "../../src/live/index.ts";
import { Random } from "../rigs/random.ts";
import type { Auditor } from "./auditor.ts";
import { Tally, type Subscriber } from "./clients.ts";
import { Cluster, type Cuts, type Mutation } from "./cluster.ts";
import { Cutter } from "./cutter.ts";
import type { Engine } from "./engine.ts";
import { letFaultsHappen, usualFaults, type FaultName } from "./faults.ts";
import { type CommandFindings, CommandedDevices } from "./commanded-devices.ts";
import { check, type Findings } from "./history.ts";
import { Population } from "./population.ts";
import { figuresOf, type RevocationFigures, type RevocationFindings } from "./revocation-record.ts";
import { RevokedIdentities } from "./revoked-identities.ts";
import { SocketAbuser } from "./socket-abuser.ts";
import { viewText } from "./view-text.ts";

export interface ChaosOptions {
  engine: () => Promise<Engine>;
  seed: number;
  /** For how long faults happen, in ms; with `until`, at most. */
  forMs: number;
  /** Faults happen until there have been so many of each. */
  until?: Goals;
  subscribers: number;
  /** Of all publishers together. */
  eventsPerSecond: number;
  /** Published also after the last fault, until there are so many. Default 0. */
  atLeastEvents?: number;
  faults?: readonly FaultName[];
  mutation?: Mutation;
  /** How many identities that are revoked there are at the same time. */
  revokedAtOnce?: number;
  /** Whether it is judged how long revocations took. Default false. */
  areRevocationsTimed?: boolean;
  tell?: (line: string) => void;
}

/** The numbers that a run goes on for. */
export interface Goals {
  /** Connections cut without killing a client or a server. */
  cuts: number;
  /** None where the topics end with the server. */
  serverKills: number;
  deviceKills: number;
}

export interface ChaosReport {
  findings: Findings & CommandFindings & RevocationFindings;
  faults: Partial<Record<FaultName, number>>;
  events: number;
  deliveries: number;
  gaps: number;
  /** Views of a keyed topic that were compared, each at its position. */
  views: number;
  /** And over plain HTTP, by how. */
  httpViews: Record<string, number>;
  /** Views, also over plain HTTP, that could not be compared: the truth is not known there. */
  unknownViews: number;
  /** Publishes that were never answered. */
  unconfirmed: number;
  /** Attempts to connect after the first. */
  attempts: number;
  attemptsInWorstSecond: number;
  /** Of deliveries, from the publisher's call on, in ms. */
  lateness: { median: number; p99: number; longest: number };
  /** Connections that the abuser opened. */
  abuserConnections: number;
  /** Commands to devices that are killed, how many of them are unconfirmed, and those kills. */
  commands: { given: number; unconfirmed: number; deviceKills: number };
  serverKills: number;
  /** Connections of clients that ended without a close. */
  cuts: Cuts;
  revocations: RevocationFigures;
  /** From when all was mended until all had read all, in ms. */
  recoveryMs: number;
}

/** Short, so that a run sees them end; longer than a broker's restart takes. */
const SERVER_LEASE_MS = 10_000;
/** How long all may take to be right again once everything is mended. */
const RECOVERY_MS = 90_000;
/** In what time the cuts of a run with goals are to happen, in ms. */
const GOAL_MS = 120_000;
/** Between two cuts of a run without goals, on average, in ms. */
const BETWEEN_CUTS_MS = 500;
/** Between two faults, in ms; with goals, shorter. */
const LONGEST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_WITH_GOALS_MS = 500;

/**
 * Runs a cluster under load and faults, and holds what everybody was told against the log.
 *
 * @throws Error as a rejection if something does not come right after all was mended
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, mutation, forMs, until, tell = () => {} } = options;
  const random = new Random(seed);
  const engine = await options.engine();
  const names = options.faults ?? usualFaults(engine.name, until !== undefined);
  const settings = { serverLeaseMs: SERVER_LEASE_MS, mutation, random: new Random(seed + 1) };
  const cluster = await Cluster.start(engine, settings);
  const tally = new Tally();
  const population = new Population((client) => cluster.url(client), options.subscribers, tally);
  const { subscribers } = population;
  const commanded = new CommandedDevices(cluster, new Random(seed + 3));
  const revoked = new RevokedIdentities(cluster, new Random(seed + 4));
  let cutter: Cutter | undefined;
  let abuser: SocketAbuser | undefined;
  try {
    await comeRight("not live", () => subscribers.filter(({ isLive }) => !isLive));
    // From here on it is told every change, or that it has missed one.
    const auditor = await engine.audit(cluster.nodes);
    tally.begin();
    population.begin(options.eventsPerSecond);
    // A broker that drops events on purpose drops what they are given.
    if (mutation === undefined) commanded.begin();
    // A checker that is itself checked needs no other clients.
    if (mutation === undefined) {
      abuser = new SocketAbuser(() => cluster.portsUp, new Random(seed + 2));
      revoked.begin(options.revokedAtOnce ?? 2);
      const betweenCutsMs = until === undefined ? BETWEEN_CUTS_MS : GOAL_MS / until.cuts;
      cutter = new Cutter(cluster, new Random(seed + 5), betweenCutsMs);
    }
    const latest = performance.now() + forMs;
    const isOver = (): boolean =>
      performance.now() > latest || (until !== undefined && isReached(until, cluster, commanded));
    const longestPauseMs = until === undefined ? LONGEST_PAUSE_MS : LONGEST_PAUSE_WITH_GOALS_MS;
    const faults = await letFaultsHappen(cluster, random, { isOver, names, longestPauseMs, tell });
    abuser?.leave();
    cutter?.stop();
    const mendedAt = performance.now();
    await population.fallSilent(options.atLeastEvents ?? 0);
    await commanded.fallSilent();
    await comeRight("open, of the commands", () => commanded.open);
    const log = await auditor.read("news");
    // Events that the broker drops on purpose never arrive; the last one is not among them.
    await haveReadAll(subscribers, log);
    // The next step ends a node without a close, and is not part of the measurement.
    const figures = { ...deliveriesOf(tally), recoveryMs: performance.now() - mendedAt };
    await revoked.fallSilent(RECOVERY_MS);
    await revoked.tryAll();
    if (mutation === undefined) await seeEveryone(auditor, cluster, population);
    // An engine in the node's own process is read from its disk only now.
    const kept = await auditor.read("news");
    const devices = await auditor.devices();
    const views = population.witness.check(devices);
    const httpViews = [...population.httpWitnesses].map(([form, witness]) => {
      return { form, ...witness.check(devices) };
    });
    await auditor.close();
    const { histories, publishers } = population;
    const ledgers = publishers.map(({ ledger }) => ledger);
    return {
      findings: {
        ...check(kept, { histories, ledgers }),
        ...commanded.check(),
        ...revoked.check(options.areRevocationsTimed ?? false),
        wrongViews: views.wrong,
        wrongHttpViews: sum(httpViews.map(({ wrong }) => wrong)),
      },
      views: views.compared,
      httpViews: Object.fromEntries(httpViews.map(({ form, compared }) => [form, compared])),
      unknownViews: sum([views, ...httpViews].map(({ unknown }) => unknown)),
      faults,
      events: kept.length,
      gaps: sum(histories.map(({ gaps }) => gaps.length)),
      unconfirmed: sum(ledgers.map(({ unconfirmed }) => unconfirmed.size)),
      abuserConnections: abuser?.connections ?? 0,
      commands: {
        given: commanded.given,
        unconfirmed: commanded.unconfirmed,
        deviceKills: commanded.kills,
      },
      serverKills: cluster.serverKills,
      cuts: cluster.cuts,
      revocations: figuresOf(revoked.revocations),
      ...figures,
    };
  } finally {
    abuser?.leave();
    cutter?.stop();
    revoked.close();
    population.close();
    commanded.close();
    await cluster.close();
  }
}

function isReached(goals: Goals, cluster: Cluster, commanded: CommandedDevices): boolean {
  const { single, crowd } = cluster.cuts;
  return (
    single + crowd >= goals.cuts &&
    cluster.serverKills >= goals.serverKills &&
    commanded.kills >= goals.deviceKills
  );
}

function deliveriesOf(
  tally: Tally,
): Pick<ChaosReport, "deliveries" | "attempts" | "attemptsInWorstSecond" | "lateness"> {
  return {
    deliveries: tally.deliveries,
    attempts: tally.attempts.length,
    attemptsInWorstSecond: tally.attemptsInWorstSecond,
    lateness: {
      median: tally.percentile(0.5),
      p99: tally.percentile(0.99),
      longest: tally.percentile(1),
    },
  };
}

/** Every subscriber has the log's last event, and its view is what the log says. */
async function haveReadAll(
  subscribers: readonly Subscriber[],
  log: readonly TopicEvent[],
): Promise<void> {
  const last = log.at(-1)?.offset ?? 0;
  await comeRight("behind", () =>
    subscribers.filter(
      ({ isLive, news, history }) =>
        !isLive || news.position?.offset !== last || (history.offsets.at(-1) ?? last) !== last,
    ),
  );
}

/** Views are equal; and who is there is known, also when a node ends without a word. */
async function seeEveryone(
  auditor: Auditor,
  cluster: Cluster,
  population: Population,
): Promise<void> {
  const { subscribers, devices } = population;
  await comeRight("with another view", async () => {
    // Read each time: what the abuser has sent may be appended after it has left.
    const events = await auditor.read("devices");
    const state = viewText(events.map(({ key, data }) => [key!, data]));
    return subscribers.filter((one) => viewText([...one.devices.entries]) !== state);
  });
  await comeRight("in the wrong, of those online", () => keysAre(auditor, "online", devices));
  population.letSomeGo();
  await cluster.engine.loseNode(cluster.nodes[0]!);
  await comeRight("in the wrong, of those online", () => keysAre(auditor, "online", devices));
  const present = subscribers.map(({ history }) => history);
  await comeRight("in the wrong, of those present", () =>
    keysAre(auditor, "news/$presence", present),
  );
}

/** Keys that are there and should not be, or the other way round. */
async function keysAre(
  auditor: Auditor,
  name: string,
  wanted: readonly { id: string }[],
): Promise<string[]> {
  const keys = new Set((await auditor.read(name)).map(({ key }) => key!));
  const ids = new Set(wanted.map(({ id }) => id));
  return [...keys, ...ids].filter((id) => keys.has(id) !== ids.has(id));
}

/** Waits until nothing is wrong any more. */
async function comeRight(
  what: string,
  wrong: () => readonly unknown[] | Promise<readonly unknown[]>,
): Promise<void> {
  const until = performance.now() + RECOVERY_MS;
  for (;;) {
    const left = await wrong();
    if (left.length === 0) return;
    if (performance.now() > until) {
      throw new Error(`${left.length} are still ${what}, such as ${nameOf(left[0])}`);
    }
    await pause(100);
  }
}

function nameOf(wrong: unknown): string {
  return typeof wrong === "string" ? wrong : (wrong as Subscriber).history.id;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
