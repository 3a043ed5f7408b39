import type { Clock } from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import { FAILED_LOGINS_KEPT, type LiveLimits } from "../limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * Counts failed logins per address to prevent guessing.
 *
 * While an address exceeds its rate, its credentials are refused without being checked.
 */
export class LoginGuard {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  /** Ordered by the most recent failure, so that the oldest are forgotten first. */
  readonly #failing = new Map<string, TokenBucket>();

  constructor(clock: Clock, limits: LiveLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Returns the error for credentials from `address`, or `undefined` if they may be checked. */
  refusal(address: string): LiveError | undefined {
    const bucket = this.#failing.get(address);
    if (bucket === undefined || bucket.has(this.#clock.now())) return undefined;
    const message = "Too many logins failed from this address; try again later.";
    return new LiveError("rate_limited", message);
  }

  /** Records that credentials were refused, or that a connection ended without valid ones. */
  onFailed(address: string): void {
    const now = this.#clock.now();
    const { failedLoginsPerSecond: perSecond, failedLoginBurst: burst } = this.#limits;
    const bucket = this.#failing.get(address) ?? new TokenBucket({ perSecond, burst }, now);
    bucket.take(now);
    this.#failing.delete(address);
    this.#failing.set(address, bucket);
    const [oldest] = this.#failing.keys();
    if (oldest !== undefined && this.#failing.size > FAILED_LOGINS_KEPT) {
      this.#failing.delete(oldest);
    }
  }

  /** Forgets addresses that have not failed recently. */
  tidy(): void {
    const now = this.#clock.now();
    for (const [address, bucket] of this.#failing) {
      if (bucket.isFull(now)) this.#failing.delete(address);
    }
  }
}
