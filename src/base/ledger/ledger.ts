import { resolveLimits } from "../resolve-limits.ts";
import { memoryOfProcess } from "./memory-of-process.ts";
import type { Payer } from "./account.ts";
import { LedgerPayer, type Budget } from "./ledger-payer.ts";

/** The limits of a ledger. */
export interface LedgerLimits {
  /**
   * The maximum that all payers, topics and caches may hold together, in bytes. Default: half of
   * what the process may use, which is the smaller of V8's heap limit and the container's limit.
   */
  budgetBytes: number;
  /**
   * The maximum that one payer may hold, in bytes. Default 48 MiB, or an eighth of a budget below
   * 384 MiB.
   */
  shareBytes: number;
  /** The maximum of open connections and requests per payer. Default 20,000. */
  maxConnectionsPerPayer: number;
}

/**
 * A holder of memory that can be rebuilt. It counts towards the budget, but is not charged to a
 * payer.
 */
export interface Cache {
  /** The memory that it holds, in bytes. */
  readonly bytes: number;
  /** Drops everything that it can do without. */
  drop(): void;
}

const DEFAULT_SHARE_BYTES: number = 48 * 1024 * 1024;
/** The fraction of the budget that a payer's share may be at most. */
const SHARES_IN_BUDGET = 8;

let ofProcess: Ledger | undefined;

/**
 * Records which payer holds how much of the process's memory.
 *
 * All memory that waits or is stored for a peer is charged to a payer and to the budget of the
 * process. If a payer would exceed its share, the request for memory is refused, or the payer's
 * largest holder is closed. When the budget is used up, caches are dropped first. Then the largest
 * payers lose memory, not the most recent ones.
 */
export class Ledger {
  readonly limits: Readonly<LedgerLimits>;
  /**
   * Is charged for shared data, such as the logs of topics. It has no share, and its memory is not
   * evicted.
   */
  readonly common: Payer;
  readonly #payers = new Map<string, LedgerPayer>();
  /** The payers worth evicting. This avoids searching all payers for the largest. */
  readonly #large = new Set<LedgerPayer>();
  readonly #caches = new Set<Cache>();
  #heldBytes = 0;
  /** The budget that payers draw on. */
  readonly #budget: Budget = {
    take: (bytes, payer) => this.#take(bytes, payer),
    owe: (bytes) => void (this.#heldBytes += bytes),
    give: (bytes) => void (this.#heldBytes -= bytes),
    onSize: (payer, isLarge) => {
      if (isLarge) this.#large.add(payer);
      else this.#large.delete(payer);
    },
    onUnused: (payer) => {
      // A payer that was charged again after it ended must not remove its successor.
      if (this.#payers.get(payer.name) === payer) this.#payers.delete(payer.name);
    },
  };

  /** @throws LongwireError `invalid_limit` unless all limits are positive integers */
  constructor(limits: Partial<LedgerLimits> = {}) {
    const budgetBytes = limits.budgetBytes ?? Math.floor(memoryOfProcess() / 2);
    const share = Math.min(DEFAULT_SHARE_BYTES, Math.ceil(budgetBytes / SHARES_IN_BUDGET));
    const defaults = { budgetBytes, shareBytes: share, maxConnectionsPerPayer: 20_000 };
    this.limits = resolveLimits<LedgerLimits>(defaults, limits);
    const common = new LedgerPayer("common", Number.POSITIVE_INFINITY, this.#budget);
    common.join();
    this.common = common;
  }

  /** The default ledger, shared by all servers of this process. */
  static get ofProcess(): Ledger {
    return (ofProcess ??= new Ledger());
  }

  /** The memory that is charged now, and that caches hold, in bytes. */
  get heldBytes(): number {
    let bytes = this.#heldBytes;
    for (const cache of this.#caches) bytes += cache.bytes;
    return bytes;
  }

  /** The payers that hold memory or have open connections or requests. */
  get payers(): Iterable<Payer> {
    return this.#payers.values();
  }

  /**
   * Returns the payer of this name. Join or charge it immediately, because it ends when it has no
   * members and holds nothing.
   */
  payer(name: string): Payer {
    let payer = this.#payers.get(name);
    if (payer === undefined) {
      payer = new LedgerPayer(name, this.limits.shareBytes, this.#budget);
      this.#payers.set(name, payer);
    }
    return payer;
  }

  /** Whether `payer` is within its limit of open connections and requests. */
  hasPlace({ members }: Payer): boolean {
    return members <= this.limits.maxConnectionsPerPayer;
  }

  /**
   * Registers a cache that is dropped when the budget is used up. Returns a function that
   * unregisters it.
   */
  addCache(cache: Cache): () => void {
    this.#caches.add(cache);
    return () => void this.#caches.delete(cache);
  }

  #take(bytes: number, payer: LedgerPayer): boolean {
    const fits = (): boolean => this.heldBytes + bytes <= this.limits.budgetBytes;
    if (!fits() && (bytes > this.limits.budgetBytes || !this.#makeRoom(fits, payer, bytes)))
      return false;
    this.#heldBytes += bytes;
    return true;
  }

  /**
   * Drops caches, then evicts memory from payers that are larger than the requester, the largest
   * first.
   */
  #makeRoom(fits: () => boolean, requester: LedgerPayer, bytes: number): boolean {
    for (const cache of this.#caches) {
      if (fits()) return true;
      cache.drop();
    }
    const least = bytes + (requester === this.common ? 0 : requester.heldBytes);
    const larger = [...this.#large]
      .filter((payer) => payer.heldBytes > least)
      .sort((one, other) => other.heldBytes - one.heldBytes);
    for (const payer of larger) if (payer.evictUntil(fits, 0)) break;
    return fits();
  }
}
