import type { MemoryAccount } from "../../../base/index.ts";
import { LiveError, type Offset, REMEMBERED_BYTES, textBytes } from "../../../topics/index.ts";

/** The most keys that a topic remembers; beyond that, the oldest are dropped early. */
const MAX_KEYS = 1_000_000;
/**
 * How much longer than the window a key is kept, in ms, because the clocks of NATS's servers may
 * differ.
 */
const SLACK_MS = 60_000;

interface First {
  readonly offset: Offset;
  readonly at: number;
  readonly payer: MemoryAccount | undefined;
}

/**
 * The idempotency keys of a topic's recent events, read from the stream like the events.
 *
 * Whether a message is a repeat follows from the stream and its times alone, so that all nodes
 * agree. NATS's own window (`Nats-Msg-Id`) is not reliable: a restarted server rebuilds it from the
 * messages that it still has, and then replicas disagree.
 */
export class Repeats {
  readonly #windowMs: number;
  /** Oldest first. */
  readonly #firsts = new Map<string, First>();
  /** The payers of keys that this node has published and not read yet. */
  readonly #claims = new Map<string, MemoryAccount | undefined>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The offset of the first event with this key, if one stored at `at` repeats it. */
  find(key: string, at: number): Offset | undefined {
    const first = this.#firsts.get(key);
    return first !== undefined && at - first.at <= this.#windowMs ? first.offset : undefined;
  }

  /** Remembers the key of a valid event. */
  remember(key: string, offset: Offset, at: number): void {
    this.#refund(key);
    this.#firsts.delete(key);
    this.#firsts.set(key, { offset, at, payer: this.#claims.get(key) });
    this.#claims.delete(key);
    this.forget(at);
  }

  /**
   * Charges `payer` for a key that is about to be published. Returns a function to call when it is
   * known whether the key is remembered; if not, it refunds the charge.
   *
   * @throws LiveError `rate_limited` if the payer has no room for it
   */
  claim(key: string, payer: MemoryAccount | undefined): () => void {
    if (payer === undefined) return () => {};
    if (!payer.charge(costOf(key))) {
      const message =
        "Your share of this server's memory is used up by keys of recent publishes; publish more slowly, or without idempotencyKey.";
      throw new LiveError("rate_limited", message);
    }
    const isOnly = !this.#claims.has(key);
    if (isOnly) this.#claims.set(key, payer);
    return () => {
      // Otherwise the key is remembered, and refunded when it is dropped.
      if (!isOnly || this.#claims.delete(key)) payer.refund(costOf(key));
    };
  }

  /** Drops the keys that no message stored at `now` or later can repeat. */
  forget(now: number): void {
    const oldest = now - this.#windowMs - SLACK_MS;
    for (const [key, { at }] of this.#firsts) {
      if (at >= oldest && this.#firsts.size <= MAX_KEYS) return;
      this.#refund(key);
      this.#firsts.delete(key);
    }
  }

  close(): void {
    for (const key of this.#firsts.keys()) this.#refund(key);
    this.#firsts.clear();
  }

  #refund(key: string): void {
    this.#firsts.get(key)?.payer?.refund(costOf(key));
  }
}

function costOf(key: string): number {
  return REMEMBERED_BYTES + textBytes(key);
}
