import { setTimeout as pause } from "node:timers/promises";

/** A node, as far as its broker is concerned. */
export interface BrokerClient {
  /** Stores something at the broker; resolves with whether the broker confirmed it. */
  confirmsBroker(): Promise<boolean>;
}

/** A time during which a node could not be relied on to reach its broker, in ms. */
interface Outage {
  readonly node: BrokerClient;
  readonly from: number;
  until: number;
}

/** After a fault, a node counts as connected again at the latest after this time. */
const RETURN_MS = 10_000;
const RETRY_MS = 100;

/**
 * Records when which node could not reach its broker, or did not run, by the faults that were on.
 *
 * After a fault, the outage ends when the node has stored something at its broker.
 */
export class Reachability {
  readonly #outages: Outage[] = [];

  /** Runs a fault that separates these nodes from their broker. */
  async without(nodes: readonly BrokerClient[], fault: () => Promise<void>): Promise<void> {
    const from = performance.now();
    const outages = nodes.map((node) => ({ node, from, until: Number.POSITIVE_INFINITY }));
    this.#outages.push(...outages);
    await fault();
    for (const outage of outages) void endOnReturn(outage);
  }

  /**
   * Returns the time at which the last outage of these nodes ended that falls into a period:
   * `Infinity` if it has not ended, `undefined` if there was none.
   */
  lastOutageEnd(
    nodes: ReadonlySet<BrokerClient>,
    { from, until }: { from: number; until: number },
  ): number | undefined {
    const ends = this.#outages
      .filter((outage) => nodes.has(outage.node) && outage.from <= until && outage.until >= from)
      .map((outage) => outage.until);
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  /** Whether a node reaches its broker now. */
  isConnected(node: BrokerClient): boolean {
    const now = performance.now();
    return this.lastOutageEnd(new Set([node]), { from: now, until: now }) === undefined;
  }
}

async function endOnReturn(outage: Outage): Promise<void> {
  const latest = performance.now() + RETURN_MS;
  const late = pause(RETURN_MS, true, { ref: false });
  while (performance.now() < latest) {
    const isThere = await Promise.race([outage.node.confirmsBroker(), late]);
    if (isThere) break;
    await pause(RETRY_MS, undefined, { ref: false });
  }
  outage.until = performance.now();
}
