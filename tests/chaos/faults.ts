import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../rigs/random.ts";
import type { ChaosNode } from "./chaos-node.ts";
import type { Cluster } from "./cluster.ts";
import type { EngineName, EngineServer } from "./engine.ts";
import type { NetworkLink } from "./network-link.ts";

/** Begins, waits, and mends what it did. */
type Fault = (cluster: Cluster, random: Random) => Promise<void>;

/** How long a node is stopped: longer than the leases of what lives with it. */
const STOPPED_MS = 20_000;

/** How long a deploy waits between two nodes: until those of the first are back. */
const BETWEEN_DEPLOYS_MS = 10_000;

/** The faults of a cluster, by name. */
export const faults = {
  "node killed": (cluster, random) =>
    withNode(cluster, random, async (node) => {
      await cluster.kill(node);
      await pause(random.integer(0, 3_000));
      await node.start();
    }),
  "node drained": (cluster, random) => withNode(cluster, random, restart),
  "all nodes drained in turn": async ({ nodes, reachability }) => {
    for (const node of nodes) await reachability.without([node], () => restart(node));
  },
  "rolling deploy": async ({ nodes, reachability }) => {
    for (const node of nodes) {
      await reachability.without([node], () => restart(node));
      await pause(BETWEEN_DEPLOYS_MS);
    }
  },
  "node stopped for 20 s": (cluster, random) =>
    withNode(cluster, random, async (node) => {
      node.pause();
      await pause(STOPPED_MS);
      node.resume();
    }),
  "broker killed": (cluster, random) =>
    withoutBroker(cluster, random.pick(cluster.engine.servers), (server) =>
      killForAWhile(server, random),
    ),
  "broker's leader killed": async (cluster, random) =>
    withoutBroker(cluster, await cluster.engine.leader(), (server) =>
      killForAWhile(server, random),
    ),
  "broker stopped": (cluster, random) =>
    withoutBroker(cluster, random.pick(cluster.engine.servers), async (server) => {
      server.signal("SIGSTOP");
      await pause(random.integer(1_000, 8_000));
      server.signal("SIGCONT");
    }),
  "a node cut from the broker": (cluster, random) =>
    separate(cluster, [random.pick(cluster.nodes)], {
      condition: { kind: "cut" },
      forMs: random.integer(500, 8_000),
    }),
  "all nodes cut from the broker": (cluster, random) =>
    separate(cluster, cluster.nodes, {
      condition: { kind: "cut" },
      forMs: random.integer(500, 4_000),
    }),
  "a node's network to the broker stalled": (cluster, random) =>
    separate(cluster, [random.pick(cluster.nodes)], {
      condition: { kind: "stalled" },
      forMs: random.integer(1_000, 10_000),
    }),
  // The nodes still reach it.
  "broker slow": ({ links }, random) =>
    become(links.flat(), { kind: "slow", delayMs: random.integer(20, 400) }, 4_000),
  "clients cut": (cluster, random) => {
    cluster.cutCrowd(random);
    return Promise.resolve();
  },
  "clients' network stalled": ({ entrances }, random) =>
    become(entrances, { kind: "stalled" }, random.integer(500, 5_000)),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** These leave the one node alive, with the topics in its memory. */
const onMemory: readonly FaultName[] = [
  "node stopped for 20 s",
  "clients cut",
  "clients' network stalled",
];
const onDisk: readonly FaultName[] = [...onMemory, "node killed", "node drained"];

/** How often each other fault happens for one stop of the only node, which stops all publishing. */
const PER_STOP = 8;

/** The faults that can happen to a cluster on this engine. */
export function faultsOn(engine: EngineName): readonly FaultName[] {
  if (engine === "memory") return onMemory;
  return engine === "disk" ? onDisk : (Object.keys(faults) as FaultName[]);
}

/**
 * The faults that happen unless others are asked for, each as often as it is named.
 *
 * @param areKillsFrequent whether nodes are killed as often as all other faults together happen
 */
export function usualFaults(engine: EngineName, areKillsFrequent: boolean): readonly FaultName[] {
  // A deploy is not a fault, and takes long.
  const names = faultsOn(engine).filter((name) => name !== "rolling deploy");
  const isAlone = engine === "disk" || engine === "memory";
  const usual = names.flatMap((name) => {
    return Array<FaultName>(isAlone && name !== "node stopped for 20 s" ? PER_STOP : 1).fill(name);
  });
  if (!areKillsFrequent || !names.includes("node killed")) return usual;
  return [...usual, ...Array<FaultName>(usual.length - 1).fill("node killed")];
}

/** These need a node that no other fault has. */
const onFreeNode: ReadonlySet<FaultName> = new Set([
  "node killed",
  "node drained",
  "node stopped for 20 s",
]);

/** Those that hold up nothing else meanwhile. */
const inBackground: ReadonlySet<FaultName> = new Set(["node stopped for 20 s"]);

/**
 * Lets faults happen, one after the other, until it is over and all is mended.
 *
 * @returns how often each has happened
 */
export async function letFaultsHappen(
  cluster: Cluster,
  random: Random,
  {
    isOver,
    names,
    longestPauseMs,
    tell,
  }: {
    isOver: () => boolean;
    names: readonly FaultName[];
    longestPauseMs: number;
    tell: (line: string) => void;
  },
): Promise<Partial<Record<FaultName, number>>> {
  const counts: Partial<Record<FaultName, number>> = {};
  const background: Promise<void>[] = [];
  // Each once, as far as there is time, before any comes again.
  let bag: FaultName[] = [];
  while (!isOver()) {
    await pause(random.integer(100, longestPauseMs));
    if (bag.length === 0) bag = shuffled(names, random);
    const name = bag.pop();
    if (name === undefined) continue;
    if (onFreeNode.has(name) && cluster.nodes.every(({ isBusy }) => isBusy)) continue;
    const started = performance.now();
    const fault = faults[name](cluster, random);
    if (inBackground.has(name)) background.push(fault);
    else await fault;
    counts[name] = (counts[name] ?? 0) + 1;
    tell(`${name} (${Math.round(performance.now() - started)} ms)`);
  }
  await Promise.all(background);
  return counts;
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

async function restart(node: ChaosNode): Promise<void> {
  await node.drain();
  await node.start();
}

/** One that no other fault has. */
async function withNode(
  { nodes, reachability }: Cluster,
  random: Random,
  act: (node: ChaosNode) => Promise<void>,
): Promise<void> {
  const node = random.pick(nodes.filter(({ isBusy }) => !isBusy));
  node.isBusy = true;
  await reachability.without([node], () => act(node));
  node.isBusy = false;
}

/** No node reaches its broker for sure while one of its servers is away. */
function withoutBroker(
  { nodes, reachability }: Cluster,
  server: EngineServer,
  act: (server: EngineServer) => Promise<void>,
): Promise<void> {
  return reachability.without(nodes, () => act(server));
}

async function killForAWhile(server: EngineServer, random: Random): Promise<void> {
  await server.kill();
  await pause(random.integer(0, 3_000));
  await server.restart();
}

/** Separates nodes from the broker. */
function separate(
  cluster: Cluster,
  nodes: readonly ChaosNode[],
  { condition, forMs }: { condition: Parameters<NetworkLink["become"]>[0]; forMs: number },
): Promise<void> {
  const links = nodes.flatMap((node) => cluster.linksOf(node));
  return cluster.reachability.without(nodes, () => become(links, condition, forMs));
}

async function become(
  links: readonly NetworkLink[],
  condition: Parameters<NetworkLink["become"]>[0],
  forMs: number,
): Promise<void> {
  for (const link of links) link.become(condition);
  await pause(forMs);
  for (const link of links) link.become({ kind: "whole" });
}
