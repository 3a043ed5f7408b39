/** A lane whose memory a budget can reclaim. */
export interface BudgetedLane {
  /** Drops the lane's oldest block; false if it has none. */
  dropOldest(): boolean;
}

/**
 * The memory budget of all lanes of a server. Beyond it, lanes lose their oldest blocks, starting
 * with the lane that grew least recently. Readers of a dropped block read from the log instead.
 */
export class LaneBudget {
  readonly #maxBytes: number;
  #limit: number;
  /** Ordered from the lane that grew least recently. */
  readonly #lanes = new Set<BudgetedLane>();
  /** How many lanes hold the same memory: a long frame is shared by the lanes of many views. */
  readonly #holders = new Map<Uint8Array, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#limit = maxBytes;
  }

  /** The memory in use, in bytes; shared blocks count once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Drops everything that can be dropped, because memory is low. */
  drop(): void {
    this.#limit = 0;
    this.#makeRoom();
    this.#limit = this.#maxBytes;
  }

  /** Records a new block of `lane`. */
  add(lane: BudgetedLane, block: Uint8Array): void {
    const holders = this.#holders.get(block) ?? 0;
    this.#holders.set(block, holders + 1);
    if (holders === 0) this.#bytes += block.length;
    this.#lanes.delete(lane);
    if (this.#bytes > this.#maxBytes) this.#makeRoom();
    this.#lanes.add(lane);
  }

  /** Records that a lane has dropped a block. */
  remove(block: Uint8Array): void {
    const holders = this.#holders.get(block) ?? 0;
    if (holders > 1) {
      this.#holders.set(block, holders - 1);
      return;
    }
    if (this.#holders.delete(block)) this.#bytes -= block.length;
  }

  /** Forgets a `lane` that is no longer used. */
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
