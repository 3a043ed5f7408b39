import type { Clock, Timer } from "../../base/index.ts";
import type { HeldKey, Offset } from "../../topics/index.ts";

/** From when a key's lease runs, by this node's clock. */
interface Lease {
  readonly offset: Offset;
  readonly leaseMs: number;
  readonly from: number;
}

export interface Renewal extends HeldKey, Lease {
  offset: Offset;
}

/** For how long keys live, as this node knows it. */
export class Leases {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #held = new Map<string, Lease>();
  /** Renewals of events that are not followed yet. */
  readonly #early = new Map<string, Lease>();
  #timer: Timer | undefined;
  #wakesAt: number = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  /** The key has changed, so nothing of what was held is there. */
  replace({ key, offset }: HeldKey, lease: { leaseMs: number; from: number } | undefined): void {
    this.#held.delete(key);
    const early = this.#early.get(key);
    if (early !== undefined && early.offset <= offset) this.#early.delete(key);
    if (lease !== undefined) this.#hold(key, { offset, ...lease });
    if (early?.offset === offset) this.#hold(key, early);
  }

  /** @param newest the offset of the key's newest event, if that has a value */
  renew({ key, ...lease }: Renewal, newest: Offset | undefined): void {
    if (lease.offset === newest) this.#hold(key, lease);
    else if (lease.offset > (newest ?? 0)) this.#early.set(key, lease);
  }

  /** Lets each lease that `applies` run from `from` at least. */
  runFrom(from: number, applies: (leaseMs: number) => boolean): void {
    for (const [key, { offset, leaseMs }] of this.#held) {
      if (applies(leaseMs)) this.#hold(key, { offset, leaseMs, from });
    }
  }

  /** Those that have run out. */
  due(): HeldKey[] {
    const now = this.#clock.now();
    const due: HeldKey[] = [];
    for (const [key, lease] of this.#held) {
      if (endOf(lease) <= now) due.push({ key, offset: lease.offset });
    }
    return due;
  }

  /** Calls when the next one runs out, but not before `leastMs` have passed. */
  arm(leastMs: number): void {
    let next = Number.POSITIVE_INFINITY;
    for (const lease of this.#held.values()) next = Math.min(next, endOf(lease));
    this.#timer?.cancel();
    this.#wakesAt = Number.POSITIVE_INFINITY;
    if (next !== Number.POSITIVE_INFINITY) {
      this.#wakeAt(Math.max(next, this.#clock.now() + leastMs));
    }
  }

  /** What is early will not come any more when `last` is followed. */
  forgetEarly(last: Offset): void {
    for (const [key, { offset }] of this.#early) if (offset <= last) this.#early.delete(key);
  }

  close(): void {
    this.#timer?.cancel();
    this.#held.clear();
  }

  /** The one that was said last counts, however they are heard. */
  #hold(key: string, lease: Lease): void {
    const held = this.#held.get(key);
    if (held?.offset === lease.offset && held.from >= lease.from) return;
    this.#held.set(key, lease);
    this.#wakeAt(endOf(lease));
  }

  /** One timer, for the lease that runs out first. */
  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return;
    this.#timer?.cancel();
    this.#wakesAt = time;
    this.#timer = this.#clock.after(time - this.#clock.now(), () => {
      this.#wakesAt = Number.POSITIVE_INFINITY;
      if (this.due().length > 0) this.#onDue();
      else this.arm(0);
    });
  }
}

function endOf({ from, leaseMs }: Lease): number {
  return from + leaseMs;
}
