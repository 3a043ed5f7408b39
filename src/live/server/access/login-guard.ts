import type { Clock } from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import { FAILED_LOGINS_KEPT, type LiveLimits } from "../limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * Counts credentials that were refused, by address, and lets nobody guess without end.
 *
 * While an address has failed too often, its credentials are not even looked at.
 */
export class LoginGuard {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  /** The most recent ones, in the order in which they failed last. */
  readonly #failing = new Map<string, TokenBucket>();

  constructor(clock: Clock, limits: LiveLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Why nobody at `address` is asked for credentials now; `undefined` if anybody may show some. */
  refusal(address: string): LiveError | undefined {
    const bucket = this.#failing.get(address);
    if (bucket === undefined || bucket.has(this.#clock.now())) return undefined;
    const message = "Too many logins failed from this address; try again later.";
    return new LiveError("rate_limited", message);
  }

  /** Credentials from `address` were refused, or it ended without having shown any that are good. */
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

  /** Forgets those that have not failed for a while. */
  tidy(): void {
    const now = this.#clock.now();
    for (const [address, bucket] of this.#failing) {
      if (bucket.isFull(now)) this.#failing.delete(address);
    }
  }
}
