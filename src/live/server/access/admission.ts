import type { Clock, Timer } from "../../../base/index.ts";
import { LAG_PROBE_MS, type LiveLimits, RETURNS_PER_SECOND } from "../limits.ts";
import type { Diagnostics } from "../observing/diagnostics.ts";

/** Decides whether a new client may connect, and when a refused one should retry. */
export class Admission {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #random: () => number;
  readonly #diagnostics: Diagnostics;
  #probe: Timer | undefined;
  #lagMs = 0;

  /** @param random gives numbers in [0, 1) */
  constructor(
    clock: Clock,
    limits: LiveLimits,
    { random, diagnostics }: { random: () => number; diagnostics: Diagnostics },
  ) {
    this.#diagnostics = diagnostics;
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
    this.#watchLag();
  }

  /** How late the event loop was at the last probe, in milliseconds. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /**
   * Returns why new clients are refused, given `sessions` existing ones; `undefined` if they are
   * not.
   */
  refusal(sessions: number): string | undefined {
    const { maxSessions, maxLagMs } = this.#limits;
    if (sessions >= maxSessions) return `The server has ${maxSessions} connections, its limit`;
    if (this.#lagMs > maxLagMs) return "The server is overloaded";
    return undefined;
  }

  /**
   * Returns a random reconnect delay in ms, spread so that `clients` do not reconnect all together.
   */
  returnAfter(clients: number): number {
    const windowMs = Math.max(this.#limits.returnWindowMs, (clients / RETURNS_PER_SECOND) * 1_000);
    return Math.round(this.#random() * windowMs);
  }

  close(): void {
    this.#probe?.cancel();
  }

  #watchLag(): void {
    const due = this.#clock.now() + LAG_PROBE_MS;
    this.#probe = this.#clock.after(LAG_PROBE_MS, () => {
      this.#lagMs = Math.max(0, this.#clock.now() - due);
      const lagMs = this.#lagMs;
      this.#diagnostics.publish("lag", () => ({ lagMs }));
      this.#watchLag();
    });
  }
}
