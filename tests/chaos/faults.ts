import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../rigs/random.ts";
import type { ChaosNode } from "./chaos-node.ts";
import type { Cluster } from "./cluster.ts";
import type { EngineName } from "./engine.ts";
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
      await node.kill();
      await pause(random.integer(0, 3_000));
      await node.start();
    }),
  "node drained": (cluster, random) => withNode(cluster, random, restart),
  "all nodes drained in turn": async ({ nodes }) => {
    for (const node of nodes) await restart(node);
  },
  "rolling deploy": async ({ nodes }) => {
    for (const node of nodes) {
      await restart(node);
      await pause(BETWEEN_DEPLOYS_MS);
    }
  },
  "node stopped for 20 s": (cluster, random) =>
    withNode(cluster, random, async (node) => {
      node.pause();
      await pause(STOPPED_MS);
      node.resume();
    }),
  "broker killed": async ({ engine }, random) => {
    const server = random.pick(engine.servers);
    await server.kill();
    await pause(random.integer(0, 3_000));
    await server.restart();
  },
  "broker's leader killed": async ({ engine }, random) => {
    const server = await engine.leader();
    await server.kill();
    await pause(random.integer(0, 3_000));
    await server.restart();
  },
  "broker stopped": async ({ engine }, random) => {
    const server = random.pick(engine.servers);
    server.signal("SIGSTOP");
    await pause(random.integer(1_000, 8_000));
    server.signal("SIGCONT");
  },
  "a node cut from the broker": ({ links }, random) =>
    become(random.pick(links), { kind: "cut" }, random.integer(500, 8_000)),
  "all nodes cut from the broker": ({ links }, random) =>
    become(links.flat(), { kind: "cut" }, random.integer(500, 4_000)),
  "a node's network to the broker stalled": ({ links }, random) =>
    become(random.pick(links), { kind: "stalled" }, random.integer(1_000, 10_000)),
  "broker slow": ({ links }, random) =>
    become(links.flat(), { kind: "slow", delayMs: random.integer(20, 400) }, 4_000),
  "clients cut": ({ entrances }, random) => {
    const share = random.next();
    for (const entrance of entrances) entrance.cutSome(share, () => random.next());
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

/** The faults that happen unless others are asked for, each as often as it is named. */
export function usualFaults(engine: EngineName): readonly FaultName[] {
  // A deploy is not a fault, and takes long.
  const names = faultsOn(engine).filter((name) => name !== "rolling deploy");
  if (engine !== "disk" && engine !== "memory") return names;
  return names.flatMap((name) => {
    return Array<FaultName>(name === "node stopped for 20 s" ? 1 : PER_STOP).fill(name);
  });
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
 * Lets faults happen, one after the other, until the time is over and all is mended.
 *
 * @returns how often each has happened
 */
export async function letFaultsHappen(
  cluster: Cluster,
  random: Random,
  {
    forMs,
    names,
    tell,
  }: { forMs: number; names: readonly FaultName[]; tell: (line: string) => void },
): Promise<Partial<Record<FaultName, number>>> {
  const counts: Partial<Record<FaultName, number>> = {};
  const until = performance.now() + forMs;
  const background: Promise<void>[] = [];
  // Each once, as far as there is time, before any comes again.
  let bag: FaultName[] = [];
  while (performance.now() < until) {
    await pause(random.integer(100, 2_000));
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
  { nodes }: Cluster,
  random: Random,
  act: (node: ChaosNode) => Promise<void>,
): Promise<void> {
  const node = random.pick(nodes.filter(({ isBusy }) => !isBusy));
  node.isBusy = true;
  await act(node);
  node.isBusy = false;
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
