import { Ledger } from "../../../src/base/index.ts";

type Cache = Parameters<Ledger["addCache"]>[0];

/**
 * How far topics may exceed the budget: each one charges its log in blocks of 16 KiB, after the
 * event that fills a block has been appended.
 */
const BLOCKS_BYTES: number = 16 * 16 * 1024;

/** A ledger that checks its own books. */
export class WatchedLedger extends Ledger {
  readonly #caches = new Set<Cache>();

  override addCache(cache: Cache): () => void {
    this.#caches.add(cache);
    const remove = super.addCache(cache);
    return () => {
      this.#caches.delete(cache);
      remove();
    };
  }

  /** The amount that payers and topics are charged, in bytes. */
  get chargedBytes(): number {
    let bytes = this.heldBytes;
    for (const cache of this.#caches) bytes -= cache.bytes;
    return bytes;
  }

  /** @throws Error if more is held than the limits allow, or if the sums differ */
  check(): void {
    const { chargedBytes, common } = this;
    const { budgetBytes } = this.limits;
    if (chargedBytes > budgetBytes + BLOCKS_BYTES) {
      throw new Error(`${chargedBytes} bytes are charged, and the budget is ${budgetBytes}`);
    }
    let sum = common.heldBytes;
    for (const { name, heldBytes, shareBytes } of this.payers) {
      if (heldBytes < 0 || heldBytes > shareBytes) {
        throw new Error(`${name} holds ${heldBytes} bytes of its ${shareBytes}`);
      }
      sum += heldBytes;
    }
    // A payer that is charged but not listed has a second share.
    if (sum !== chargedBytes) throw new Error(`payers hold ${sum} of ${chargedBytes} bytes`);
  }

  /**
   * All clients have left, and what was remembered for them has expired.
   *
   * @throws Error if somebody is still charged
   */
  checkRefunded(): void {
    this.check();
    for (const { name, heldBytes, members } of this.payers) {
      throw new Error(`${name} is left with ${members} members and ${heldBytes} bytes`);
    }
  }
}
