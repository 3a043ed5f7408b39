import type { Clock, Timer } from "../../base/index.ts";
import type { HeldKey, Offset } from "../../topics/index.ts";

/** So many leases expire in one turn of the event loop: after a suspend, all of a server's may. */
const MOST_AT_ONCE = 500;

/** The leases of keys, which expire unless they are renewed. */
export class KeyLeases {
  readonly #clock: Clock;
  readonly #expire: (held: HeldKey) => void;
  readonly #held = new Map<string, { offset: Offset; until: number }>();
  #timer: Timer | undefined;
  #wakesAt: number = Number.POSITIVE_INFINITY;

  /** @param expire receives a key whose lease has expired */
  constructor(clock: Clock, expire: (held: HeldKey) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Whether the key has a lease that can be renewed. */
  has(key: string): boolean {
    return this.#held.has(key);
  }

  renew({ key, offset }: HeldKey, leaseMs: number): void {
    this.#held.set(key, { offset, until: this.#clock.now() + leaseMs });
    this.#wakeIn(leaseMs);
  }

  /** Replaces the key's lease, because its value has changed. */
  replace(held: HeldKey, leaseMs: number | undefined): void {
    this.#held.delete(held.key);
    if (leaseMs !== undefined) this.renew(held, leaseMs);
  }

  close(): void {
    this.#timer?.cancel();
    this.#held.clear();
  }

  /** One timer, for the lease that expires first. */
  #wakeIn(delayMs: number): void {
    const at = this.#clock.now() + delayMs;
    if (at >= this.#wakesAt) return;
    this.#timer?.cancel();
    this.#wakesAt = at;
    this.#timer = this.#clock.after(delayMs, () => this.#turn());
  }

  #turn(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    let expired = 0;
    for (const [key, { offset, until }] of this.#held) {
      if (until > now) {
        next = Math.min(next, until);
        continue;
      }
      if (expired === MOST_AT_ONCE) return this.#wakeIn(1);
      expired += 1;
      this.#held.delete(key);
      this.#expire({ key, offset });
    }
    if (next !== Number.POSITIVE_INFINITY) this.#wakeIn(next - now);
  }
}
