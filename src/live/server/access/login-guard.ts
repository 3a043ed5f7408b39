import { type Clock, OldestFirst } from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import { FAILED_LOGINS_KEPT, type LiveLimits } from "../limits.ts";
import { TokenBucket } from "./token-bucket.ts";

interface Failing {
  readonly bucket: TokenBucket;
  /**
   * Whether the bucket has been empty since it was last full. From then on, a token is taken before
   * the check: otherwise each new token would admit everything that is sent until a check fails.
   */
  isSuspect: boolean;
}

/**
 * Counts failed logins per address to prevent guessing.
 *
 * While an address exceeds its rate, its credentials are refused without being checked.
 */
export class LoginGuard {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  /** Ordered by the most recent failure, so that the oldest are forgotten first. */
  readonly #failing = new OldestFirst<string, Failing>();

  constructor(clock: Clock, limits: LiveLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Returns the error for credentials from `address`, or `undefined` if they may be checked. If
   * they turn out not to be wrong, `onNotFailed` must follow.
   */
  refusal(address: string): LiveError | undefined {
    const failing = this.#failing.get(address);
    if (failing === undefined) return undefined;
    const { bucket, isSuspect } = failing;
    const now = this.#clock.now();
    if (isSuspect ? bucket.take(now) : bucket.has(now)) return undefined;
    const message = "Too many logins failed from this address; try again later.";
    return new LiveError("rate_limited", message);
  }

  /** Records that credentials were refused, or that a connection ended without valid ones. */
  onFailed(address: string): void {
    const now = this.#clock.now();
    const { failedLoginsPerSecond: perSecond, failedLoginBurst: burst } = this.#limits;
    const failing = this.#failing.get(address) ?? {
      bucket: new TokenBucket({ perSecond, burst }, now),
      isSuspect: false,
    };
    if (!failing.isSuspect) {
      failing.bucket.take(now);
      failing.isSuspect = !failing.bucket.has(now);
    }
    this.#failing.set(address, failing);
    const { oldest } = this.#failing;
    if (oldest !== undefined && this.#failing.size > FAILED_LOGINS_KEPT) {
      this.#failing.delete(oldest[0]);
    }
  }

  /** Records that credentials that were checked are valid, or that there were none to check. */
  onNotFailed(address: string): void {
    const failing = this.#failing.get(address);
    if (failing?.isSuspect) failing.bucket.giveBack();
  }

  /** Forgets addresses that have not failed recently. */
  tidy(): void {
    const now = this.#clock.now();
    for (const [address, { bucket }] of this.#failing) {
      if (bucket.isFull(now)) this.#failing.delete(address);
    }
  }
}
