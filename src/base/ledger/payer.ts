/** Something that holds memory for a payer and can be made to release it. */
export interface Holder {
  /** What it holds now, in bytes. */
  readonly heldBytes: number;
  /** Ends what holds the memory. Everything it held has been refunded when this returns. */
  evict(): void;
}

/** A payer that holds more than this part of its share is large: worth evicting for others. */
const LARGE_PART = 16;

/** What all payers draw on together. */
export interface Budget {
  /** Takes `bytes` for `payer`, after others had to make room; false if they could not. */
  take(bytes: number, payer: Payer): boolean;
  /** Takes `bytes`, whatever there is. */
  owe(bytes: number): void;
  give(bytes: number): void;
  /** Called when the payer comes to hold a large part of its share, and when it no longer does. */
  onSize(payer: Payer, isLarge: boolean): void;
  /** Called when nobody uses the payer and it holds nothing. */
  onUnused(payer: Payer): void;
}

/**
 * One party that memory is charged to: an identity, or an address where there is no identity.
 *
 * However many connections it opens, it has one share. When the share is used up, the holder that
 * holds most goes first; a holder that is itself the largest is refused.
 */
export class Payer {
  readonly name: string;
  readonly shareBytes: number;
  readonly #budget: Budget;
  /** Those that hold something now. */
  readonly #holders = new Set<Holder>();
  #heldBytes = 0;
  #isLarge = false;
  #members = 0;

  constructor(name: string, shareBytes: number, budget: Budget) {
    this.name = name;
    this.shareBytes = shareBytes;
    this.#budget = budget;
  }

  /** What is charged to it now, in bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How many connections and requests are open on its account. */
  get members(): number {
    return this.#members;
  }

  /**
   * Charges `bytes` and returns true, or charges nothing and returns false.
   *
   * @param holder for whom; only larger ones are evicted to make room for it. Without one it is for
   *   something that outlives connections, and none of them ends for it
   */
  charge(bytes: number, holder?: Holder): boolean {
    const fits = (): boolean => this.#heldBytes + bytes <= this.shareBytes;
    if (!fits() && !this.#makeRoom(fits, bytes, holder)) return false;
    if (!this.#budget.take(bytes, this)) return false;
    this.#resize(this.#heldBytes + bytes);
    return true;
  }

  /** Charges what is held already, also where there is no room for it. */
  owe(bytes: number): void {
    this.#budget.owe(bytes);
    this.#resize(this.#heldBytes + bytes);
  }

  refund(bytes: number): void {
    this.#resize(this.#heldBytes - bytes);
    this.#budget.give(bytes);
    this.#endIfUnused();
  }

  /** Nothing: it is of this process, and a draft that a broker sends elsewhere goes without it. */
  toJSON(): undefined {
    return undefined;
  }

  /** Says that `holder` holds something from now on. */
  hold(holder: Holder): void {
    this.#holders.add(holder);
  }

  /** Says that `holder` holds nothing any more. */
  release(holder: Holder): void {
    this.#holders.delete(holder);
  }

  join(): void {
    this.#members += 1;
  }

  leave(): void {
    this.#members -= 1;
    this.#endIfUnused();
  }

  #makeRoom(fits: () => boolean, bytes: number, holder: Holder | undefined): boolean {
    if (bytes > this.shareBytes || holder === undefined) return false;
    return this.evictUntil(fits, holder.heldBytes + bytes);
  }

  /**
   * Evicts holders, the largest first, until `isEnough`.
   *
   * @param size only those that hold more than this are evicted
   * @returns whether it was enough
   */
  evictUntil(isEnough: () => boolean, size: number): boolean {
    while (!isEnough()) {
      const largest = largestOf(this.#holders, (holder) => holder.heldBytes);
      if (largest === undefined || largest.heldBytes <= size) return false;
      largest.evict();
    }
    return true;
  }

  #resize(bytes: number): void {
    this.#heldBytes = bytes;
    const isLarge = bytes > this.shareBytes / LARGE_PART;
    if (isLarge === this.#isLarge) return;
    this.#isLarge = isLarge;
    this.#budget.onSize(this, isLarge);
  }

  #endIfUnused(): void {
    if (this.#members === 0 && this.#heldBytes === 0) this.#budget.onUnused(this);
  }
}

/** The item of which `sizeOf` is greatest; `undefined` if there is none. */
function largestOf<Item>(items: Iterable<Item>, sizeOf: (item: Item) => number): Item | undefined {
  let largest: Item | undefined;
  let size = -1;
  for (const item of items) {
    if (sizeOf(item) <= size) continue;
    largest = item;
    size = sizeOf(item);
  }
  return largest;
}
