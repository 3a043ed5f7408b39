/** What a budget can take memory from. */
export interface BudgetedLane {
  /** Drops its oldest block; false if it has none to drop. */
  dropOldest(): boolean;
}

/**
 * What all lanes of a server keep together. Beyond it lanes lose their oldest blocks, the one that
 * has grown least recently first; who reads there walks the log instead.
 */
export class LaneBudget {
  readonly #maxBytes: number;
  #limit: number;
  /** The one that has grown least recently first. */
  readonly #lanes = new Set<BudgetedLane>();
  /** How many blocks are the same piece of memory: a long frame is shared by the lanes of many views. */
  readonly #holders = new Map<Uint8Array, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#limit = maxBytes;
  }

  /** What is kept, in bytes; what several lanes share counts once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Drops what can be dropped, because the memory is needed. */
  drop(): void {
    this.#limit = 0;
    this.#makeRoom();
    this.#limit = this.#maxBytes;
  }

  /** `lane` has one more block. */
  add(lane: BudgetedLane, block: Uint8Array): void {
    const holders = this.#holders.get(block) ?? 0;
    this.#holders.set(block, holders + 1);
    if (holders === 0) this.#bytes += block.length;
    this.#lanes.delete(lane);
    if (this.#bytes > this.#maxBytes) this.#makeRoom();
    this.#lanes.add(lane);
  }

  /** A lane has dropped a block. */
  remove(block: Uint8Array): void {
    const holders = this.#holders.get(block) ?? 0;
    if (holders > 1) {
      this.#holders.set(block, holders - 1);
      return;
    }
    if (this.#holders.delete(block)) this.#bytes -= block.length;
  }

  /** `lane` is not used any more. */
  end(lane: BudgetedLane): void {
    this.#lanes.delete(lane);
  }

  #makeRoom(): void {
    for (const lane of this.#lanes) {
      while (this.#bytes > this.#limit && lane.dropOldest());
      if (this.#bytes <= this.#limit) return;
      this.#lanes.delete(lane);
    }
  }
}
