import type { Clock, Timer } from "../../../base/index.ts";
import type { HeldKey, Offset } from "../../../topics/index.ts";

/** A key's lease, with its start by this node's clock. */
interface Lease {
  readonly offset: Offset;
  readonly leaseMs: number;
  readonly from: number;
}

export interface Renewal extends HeldKey, Lease {
  offset: Offset;
}

/** The leases of keys, as this node knows them. */
export class Leases {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #held = new Map<string, Lease>();
  /** Renewals for events that have not been followed yet. */
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

  /** Replaces the key's lease, because its value has changed. */
  replace({ key, offset }: HeldKey, lease: { leaseMs: number; from: number } | undefined): void {
    this.#held.delete(key);
    const early = this.#early.get(key);
    if (early !== undefined && early.offset <= offset) this.#early.delete(key);
    if (lease !== undefined) this.#hold(key, { offset, ...lease });
    if (early?.offset === offset) this.#hold(key, early);
  }

  /** @param newest the offset of the key's newest event; undefined if the key has no value */
  renew({ key, ...lease }: Renewal, newest: Offset | undefined): void {
    if (lease.offset === newest) this.#hold(key, lease);
    else if (lease.offset > (newest ?? 0)) this.#early.set(key, lease);
  }

  /** Extends each lease for which `applies` is true to start no earlier than `from`. */
  runFrom(from: number, applies: (leaseMs: number) => boolean): void {
    for (const [key, { offset, leaseMs }] of this.#held) {
      if (applies(leaseMs)) this.#hold(key, { offset, leaseMs, from });
    }
  }

  /** The keys whose leases have expired. */
  due(): HeldKey[] {
    const now = this.#clock.now();
    const due: HeldKey[] = [];
    for (const [key, lease] of this.#held) {
      if (endOf(lease) <= now) due.push({ key, offset: lease.offset });
    }
    return due;
  }

  /** Calls back when the next lease expires, but not before `leastMs` have passed. */
  arm(leastMs: number): void {
    let next = Number.POSITIVE_INFINITY;
    for (const lease of this.#held.values()) next = Math.min(next, endOf(lease));
    this.#timer?.cancel();
    this.#wakesAt = Number.POSITIVE_INFINITY;
    if (next !== Number.POSITIVE_INFINITY) {
      this.#wakeAt(Math.max(next, this.#clock.now() + leastMs));
    }
  }

  /** Drops renewals for events up to `last`, which is followed. */
  forgetEarly(last: Offset): void {
    for (const [key, { offset }] of this.#early) if (offset <= last) this.#early.delete(key);
  }

  close(): void {
    this.#timer?.cancel();
    this.#held.clear();
  }

  /** The newest renewal counts, in whatever order they arrive. */
  #hold(key: string, lease: Lease): void {
    const held = this.#held.get(key);
    if (held?.offset === lease.offset && held.from >= lease.from) return;
    this.#held.set(key, lease);
    this.#wakeAt(endOf(lease));
  }

  /** One timer, for the lease that expires first. */
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
