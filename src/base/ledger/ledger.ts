import { resolveLimits } from "../resolve-limits.ts";
import { memoryOfProcess } from "./memory-of-process.ts";
import type { Payer } from "./account.ts";
import { LedgerPayer, type Budget } from "./ledger-payer.ts";

/** What a ledger allows. */
export interface LedgerLimits {
  /**
   * What all payers, topics and caches may hold together, in bytes. Default half of what the
   * process may use: the smaller of V8's heap limit and the container's limit.
   */
  budgetBytes: number;
  /** What one payer may hold, in bytes. Default 48 MiB, or an eighth of a budget below 384 MiB. */
  shareBytes: number;
  /** How many connections and requests one payer may have open. Default 20,000. */
  maxConnectionsPerPayer: number;
}

/** Something that holds memory which can be made again. It counts, and is charged to nobody. */
export interface Cache {
  /** What it holds, in bytes. */
  readonly bytes: number;
  /** Drops all that it can do without. */
  drop(): void;
}

const DEFAULT_SHARE_BYTES: number = 48 * 1024 * 1024;
/** A payer's share is at most this part of the budget. */
const SHARES_IN_BUDGET = 8;

let ofProcess: Ledger | undefined;

/**
 * Who holds how much of the process's memory.
 *
 * Everything that waits or is kept for a peer is charged to a payer and to the budget of the
 * process. A payer that would exceed its share is refused, or loses what holds most. When the
 * budget is used up, caches go first, then what the largest payer holds: never whoever came last.
 */
export class Ledger {
  readonly limits: Readonly<LedgerLimits>;
  /**
   * Pays for what is kept for everybody, such as the logs of topics. It has no share, and nothing
   * of it is evicted.
   */
  readonly common: Payer;
  readonly #payers = new Map<string, LedgerPayer>();
  /** Those worth evicting, so that finding the largest is no walk over everybody. */
  readonly #large = new Set<LedgerPayer>();
  readonly #caches = new Set<Cache>();
  #heldBytes = 0;
  /** What payers draw on. */
  readonly #budget: Budget = {
    take: (bytes, payer) => this.#take(bytes, payer),
    owe: (bytes) => void (this.#heldBytes += bytes),
    give: (bytes) => void (this.#heldBytes -= bytes),
    onSize: (payer, isLarge) => {
      if (isLarge) this.#large.add(payer);
      else this.#large.delete(payer);
    },
    onUnused: (payer) => {
      // One that was charged again after its end must not end its successor.
      if (this.#payers.get(payer.name) === payer) this.#payers.delete(payer.name);
    },
  };

  /** @throws LongwireError `invalid_limit` for anything but positive integers */
  constructor(limits: Partial<LedgerLimits> = {}) {
    const budgetBytes = limits.budgetBytes ?? Math.floor(memoryOfProcess() / 2);
    const share = Math.min(DEFAULT_SHARE_BYTES, Math.ceil(budgetBytes / SHARES_IN_BUDGET));
    const defaults = { budgetBytes, shareBytes: share, maxConnectionsPerPayer: 20_000 };
    this.limits = resolveLimits<LedgerLimits>(defaults, limits);
    const common = new LedgerPayer("common", Number.POSITIVE_INFINITY, this.#budget);
    common.join();
    this.common = common;
  }

  /** The one that all servers of this process share unless they are given another. */
  static get ofProcess(): Ledger {
    return (ofProcess ??= new Ledger());
  }

  /** What is charged now, and what caches hold, in bytes. */
  get heldBytes(): number {
    let bytes = this.#heldBytes;
    for (const cache of this.#caches) bytes += cache.bytes;
    return bytes;
  }

  /** Those that hold something or have something open. */
  get payers(): Iterable<Payer> {
    return this.#payers.values();
  }

  /** The payer of this name; join or charge it now. It ends when it has no members and holds nothing. */
  payer(name: string): Payer {
    let payer = this.#payers.get(name);
    if (payer === undefined) {
      payer = new LedgerPayer(name, this.limits.shareBytes, this.#budget);
      this.#payers.set(name, payer);
    }
    return payer;
  }

  /** Whether `payer` has no more connections and requests open than it may. */
  hasPlace({ members }: Payer): boolean {
    return members <= this.limits.maxConnectionsPerPayer;
  }

  /** Says what can be dropped when the budget is used up. Returns how to take it back. */
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
   * Drops caches, then evicts what payers hold that are larger than the one that asks, the largest
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
