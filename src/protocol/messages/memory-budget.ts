import type { MemoryAccount } from "../../base/index.ts";

/** A memory account of its own, for connections that are not charged to a ledger. */
export class MemoryBudget implements MemoryAccount {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  charge(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.limitBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  refund(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}
