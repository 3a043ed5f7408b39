import type { MemoryAccount } from "../../../base/index.ts";
import type { Offset } from "../../../topics/index.ts";
import { chargeKey, refundKey, RememberedKeys } from "../../shared/remembered-keys.ts";

/**
 * How much longer than the window a key is kept, in ms, because the clocks of NATS's servers may
 * differ.
 */
const SLACK_MS = 60_000;

/**
 * The idempotency keys of a topic's recent events, read from the stream like the events.
 *
 * Whether a message is a repeat follows from the stream and its times alone, so that all nodes
 * agree. NATS's own window (`Nats-Msg-Id`) is not reliable: a restarted server rebuilds it from the
 * messages that it still has, and then replicas disagree.
 */
export class Repeats {
  readonly #windowMs: number;
  readonly #firsts = new RememberedKeys();
  /** The payers of keys that this node has published and not read yet. */
  readonly #claims = new Map<string, MemoryAccount | undefined>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The offset of the first event with this key, if one stored at `at` repeats it. */
  find(key: string, at: number): Offset | undefined {
    const first = this.#firsts.find(key);
    return first !== undefined && at - first.at <= this.#windowMs ? first.offset : undefined;
  }

  /** Remembers the key of a valid event. */
  remember(key: string, offset: Offset, at: number): void {
    this.#firsts.add(key, { offset, at }, this.#claims.get(key));
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
    chargeKey(key, payer);
    const isOnly = !this.#claims.has(key);
    if (isOnly) this.#claims.set(key, payer);
    return () => {
      // Otherwise the key is remembered, and refunded when it is dropped.
      if (!isOnly || this.#claims.delete(key)) refundKey(key, payer);
    };
  }

  /** Drops keys that no message stored at `now` or later can repeat, at most 1,000 in one call. */
  forget(now: number): void {
    this.#firsts.dropBefore(now - this.#windowMs - SLACK_MS);
  }

  close(): void {
    this.#firsts.close();
  }
}
