import type { Account, Payer } from "./account.ts";

/** An account whose memory can be reclaimed. */
export interface Holder extends Account {
  /** Ends the owner of the memory. When this returns, everything has been refunded. */
  evict(): void;
}

/** A payer is large, so worth evicting, if it holds more than this fraction of its share. */
const LARGE_PART = 16;

/** The budget that all payers share. */
export interface Budget {
  /**
   * Charges `bytes` for `payer`, reclaiming memory from others if necessary; returns false if there
   * is not enough.
   */
  take(bytes: number, payer: LedgerPayer): boolean;
  /** Charges `bytes`, even beyond the budget. */
  owe(bytes: number): void;
  give(bytes: number): void;
  /** Called when the payer starts or ceases to hold a large part of its share. */
  onSize(payer: LedgerPayer, isLarge: boolean): void;
  /** Called when the payer has no members and holds nothing. */
  onUnused(payer: LedgerPayer): void;
}

/** A payer with its holders: the accounts that currently hold memory. */
export class LedgerPayer implements Payer {
  readonly name: string;
  readonly shareBytes: number;
  readonly #budget: Budget;
  /** The accounts that currently hold memory. */
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

  /**
   * Omitted from JSON, because it belongs to this process; a draft that a broker sends elsewhere
   * does not include it.
   */
  toJSON(): undefined {
    return undefined;
  }

  /** Adds a holder, which holds memory from now on. */
  hold(holder: Holder): void {
    this.#holders.add(holder);
  }

  /** Removes a holder, which no longer holds any memory. */
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
   * @param size only holders of more than this are evicted
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

/** @throws TypeError if the payer was not created by a ledger */
export function ledgerPayer(payer: Payer): LedgerPayer {
  if (payer instanceof LedgerPayer) return payer;
  throw new TypeError("The payer was not created by a ledger; pass one from `ledger.payer(name)`.");
}

/** Returns the item with the greatest `sizeOf`; `undefined` if there are no items. */
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
