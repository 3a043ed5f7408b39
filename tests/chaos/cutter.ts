import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../rigs/random.ts";
import type { Cluster } from "./cluster.ts";

/** The share of cuts that are those of devices which receive commands. */
const SHARE_OF_DEVICES = 1 / 3;

/** Cuts one connection of a client after the other, at random. */
export class Cutter {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #meanMs: number;
  #isOver = false;

  /** @param meanMs between two cuts */
  constructor(cluster: Cluster, random: Random, meanMs: number) {
    this.#cluster = cluster;
    this.#random = random;
    this.#meanMs = meanMs;
    void this.#run();
  }

  stop(): void {
    this.#isOver = true;
  }

  async #run(): Promise<void> {
    const { entrances, deviceEntrances } = this.#cluster;
    while (!this.#isOver) {
      await pause(this.#random.next() * 2 * this.#meanMs);
      if (this.#isOver) return;
      const among = this.#random.chance(SHARE_OF_DEVICES) ? deviceEntrances : entrances;
      this.#cluster.cutOne(among, this.#random);
    }
  }
}
