import { setTimeout as pause } from "node:timers/promises";
import { keyedTopic, logTopic, type Broker, type TopicEvent } from "../../src/live/index.ts";
import type { Offset } from "../../src/topics/position.ts";
import { Random } from "../live/simulation/random.ts";
import { Tally, type Subscriber } from "./clients.ts";
import { Cluster, type Mutation } from "./cluster.ts";
import type { Engine } from "./engine.ts";
import { faultNames, letFaultsHappen, type FaultName } from "./faults.ts";
import { check, type Findings } from "./history.ts";
import { Population } from "./population.ts";
import { SocketAbuser } from "./socket-abuser.ts";
import { viewText } from "./view-witness.ts";

export interface ChaosOptions {
  engine: () => Promise<Engine>;
  seed: number;
  /** For how long faults happen, in ms. */
  forMs: number;
  nodes?: number;
  subscribers: number;
  /** Of all publishers together. */
  eventsPerSecond: number;
  /** Published also after the last fault, until there are so many. Default 0. */
  atLeastEvents?: number;
  faults?: readonly FaultName[];
  mutation?: Mutation;
  tell?: (line: string) => void;
}

export interface ChaosReport {
  findings: Findings;
  faults: Partial<Record<FaultName, number>>;
  events: number;
  deliveries: number;
  gaps: number;
  /** Views of a keyed topic that were seen, each at its position. */
  views: number;
  /** And over plain HTTP, by how. */
  httpViews: Record<string, number>;
  /** Publishes that were never answered. */
  unconfirmed: number;
  /** Attempts to connect after the first. */
  attempts: number;
  attemptsInWorstSecond: number;
  /** Of deliveries, from the publisher's call on, in ms. */
  lateness: { median: number; p99: number; longest: number };
  /** Connections that the abuser opened. */
  abuserConnections: number;
  /** From when all was mended until all had read all, in ms. */
  recoveryMs: number;
}

/** Short, so that a run sees them end; longer than a broker's restart takes. */
const SERVER_LEASE_MS = 10_000;
/** How long all may take to be right again once everything is mended. */
const RECOVERY_MS = 90_000;

const retention = { maxEvents: 1_000_000, maxBytes: 1e9, maxAgeMs: 3_600_000 };

/**
 * Runs a cluster under load and faults, and holds what everybody was told against the log.
 *
 * @throws Error as a rejection if something does not come right after all was mended
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, mutation, forMs, tell = () => {}, faults: names = faultNames } = options;
  const random = new Random(seed);
  const engine = await options.engine();
  const settings = { serverLeaseMs: SERVER_LEASE_MS, mutation, random: new Random(seed + 1) };
  const cluster = await Cluster.start(engine, options.nodes ?? 3, settings);
  const tally = new Tally();
  const population = new Population((client) => cluster.url(client), options.subscribers, tally);
  const { subscribers } = population;
  let abuser: SocketAbuser | undefined;
  try {
    await comeRight("not live", () => subscribers.filter(({ isLive }) => !isLive));
    // From here on it is told every change, or that it has missed one.
    const auditor = await engine.open();
    const truth = await everyChange(auditor, "devices");
    tally.begin();
    population.begin(options.eventsPerSecond);
    // A checker that is itself checked needs no other clients.
    if (mutation === undefined) {
      abuser = new SocketAbuser(() => cluster.portsUp, new Random(seed + 2));
    }
    const faults = await letFaultsHappen(cluster, random, { forMs, names, tell });
    abuser?.leave();
    const mendedAt = performance.now();
    await population.fallSilent(options.atLeastEvents ?? 0);
    const log = await read(auditor, "news");
    // What a broker drops on purpose nobody can wait for.
    if (mutation === undefined) await haveReadAll(subscribers, log);
    else await pause(3_000);
    // What follows has a node end without a word, and is no part of what is measured.
    const figures = { ...figuresOf(tally), recoveryMs: performance.now() - mendedAt };
    if (mutation === undefined) await seeEveryone(auditor, cluster, population);
    const changes = truth.changes();
    const views = population.witness.check(truth.epoch, truth.start, changes);
    const httpViews = [...population.httpWitnesses].map(([form, witness]) => {
      return { form, ...witness.check(truth.epoch, truth.start, changes) };
    });
    await auditor.close();
    const { histories, publishers } = population;
    const ledgers = publishers.map(({ ledger }) => ledger);
    return {
      findings: {
        ...check(log, { histories, ledgers }),
        wrongViews: views.wrong,
        wrongHttpViews: sum(httpViews.map(({ wrong }) => wrong)),
      },
      views: views.seen,
      httpViews: Object.fromEntries(httpViews.map(({ form, seen }) => [form, seen])),
      faults,
      events: log.length,
      gaps: sum(histories.map(({ gaps }) => gaps.length)),
      unconfirmed: sum(ledgers.map(({ unconfirmed }) => unconfirmed.size)),
      abuserConnections: abuser?.connections ?? 0,
      ...figures,
    };
  } finally {
    abuser?.leave();
    population.close();
    await cluster.close();
  }
}

function figuresOf(
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
  auditor: Broker,
  cluster: Cluster,
  population: Population,
): Promise<void> {
  const { subscribers, devices } = population;
  await comeRight("with another view", async () => {
    // Read each time: what the abuser has sent may be appended after it has left.
    const events = await read(auditor, "devices");
    const state = viewText(events.map(({ key, data }) => [key!, data]));
    return subscribers.filter((one) => viewText([...one.devices.entries]) !== state);
  });
  await comeRight("in the wrong, of those online", () => keysAre(auditor, "online", devices));
  population.letSomeGo();
  await cluster.nodes[0]!.close();
  await comeRight("in the wrong, of those online", () => keysAre(auditor, "online", devices));
  const present = subscribers.map(({ history }) => history);
  await comeRight("in the wrong, of those present", () =>
    keysAre(auditor, "news/$presence", present),
  );
}

/** Keys that are there and should not be, or the other way round. */
async function keysAre(
  auditor: Broker,
  name: string,
  wanted: readonly { id: string }[],
): Promise<string[]> {
  const keys = new Set((await read(auditor, name)).map(({ key }) => key!));
  const ids = new Set(wanted.map(({ id }) => id));
  return [...keys, ...ids].filter((id) => keys.has(id) !== ids.has(id));
}

interface Changes {
  readonly epoch: string;
  /** From here on each change is among them; before it the state. */
  readonly start: Offset;
  /** @throws Error if some were missed */
  changes(): readonly TopicEvent[];
}

async function everyChange(broker: Broker, name: string): Promise<Changes> {
  const events: TopicEvent[] = [];
  let isLost = false;
  const { epoch, offset } = await broker.openTopic(
    keyedTopic(name, { retention }),
    (event) => events.push(event),
    () => (isLost = true),
  );
  const changes = (): readonly TopicEvent[] => {
    if (isLost) throw new Error(`The auditor has missed changes of ${name}.`);
    return events;
  };
  return { epoch, start: offset, changes };
}

/** What a topic has: all of a log, or a keyed topic's present values. */
async function read(broker: Broker, name: string): Promise<TopicEvent[]> {
  const events: TopicEvent[] = [];
  const declaration =
    name === "news" ? logTopic(name, { retention }) : keyedTopic(name, { retention });
  const topic = await broker.openTopic(declaration, (event) => events.push(event));
  await topic.close();
  return events.filter(({ removed }) => !removed);
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
