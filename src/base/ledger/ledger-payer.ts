import type { Account, Payer } from "./account.ts";

/** An account that can be made to release what it holds. */
export interface Holder extends Account {
  /** Ends what holds the memory. Everything it held has been refunded when this returns. */
  evict(): void;
}

/** A payer that holds more than this part of its share is large: worth evicting for others. */
const LARGE_PART = 16;

/** What all payers draw on together. */
export interface Budget {
  /** Takes `bytes` for `payer`, after others had to make room; false if they could not. */
  take(bytes: number, payer: LedgerPayer): boolean;
  /** Takes `bytes`, whatever there is. */
  owe(bytes: number): void;
  give(bytes: number): void;
  /** Called when the payer comes to hold a large part of its share, and when it no longer does. */
  onSize(payer: LedgerPayer, isLarge: boolean): void;
  /** Called when nobody uses the payer and it holds nothing. */
  onUnused(payer: LedgerPayer): void;
}

/** A payer with its holders: the accounts that hold something now. */
export class LedgerPayer implements Payer {
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

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get members(): number {
    return this.#members;
  }

  charge(bytes: number, holder?: Account): boolean {
    const fits = (): boolean => this.#heldBytes + bytes <= this.shareBytes;
    if (!fits() && !this.#makeRoom(fits, bytes, holder)) return false;
    if (!this.#budget.take(bytes, this)) return false;
    this.#resize(this.#heldBytes + bytes);
    return true;
  }

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

  #makeRoom(fits: () => boolean, bytes: number, holder: Account | undefined): boolean {
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

/** @throws TypeError for a payer that no ledger made */
export function ledgerPayer(payer: Payer): LedgerPayer {
  if (payer instanceof LedgerPayer) return payer;
  throw new TypeError("The payer was not made by a ledger; pass one from `ledger.payer(name)`.");
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
