import type { Clock, MemoryAccount, Timer } from "../../base/index.ts";
import {
  LiveError,
  type Offset,
  type Receipt,
  REMEMBERED_BYTES,
  textBytes,
} from "../../topics/index.ts";

/** How long a repeated publish is recognized, in milliseconds. */
const WINDOW_MS = 300_000;
/** The most keys to remember; beyond that, the oldest are dropped early. */
const MAX_KEYS = 1_000_000;

interface Remembered {
  readonly offset: Offset;
  readonly at: number;
  readonly payer: MemoryAccount | undefined;
}

/** The idempotency keys of recent publishes, with the offsets of their events. */
export class IdempotencyWindow {
  readonly #clock: Clock;
  readonly #onForgotten: ((offset: Offset) => void) | undefined;
  /** In arrival order, which a Map keeps. */
  readonly #seen = new Map<string, Remembered>();
  /** Runs while keys are remembered, because their payers are charged until they expire. */
  #timer: Timer | undefined;

  /** @param onForgotten called for each key that is no longer remembered */
  constructor(clock: Clock, onForgotten?: (offset: Offset) => void) {
    this.#clock = clock;
    this.#onForgotten = onForgotten;
  }

  /** Whether no key is remembered. */
  get isEmpty(): boolean {
    this.#forgetOld();
    return this.#seen.size === 0;
  }

  find(key: string): Offset | undefined {
    this.#forgetOld();
    return this.#seen.get(key)?.offset;
  }

  /**
   * Runs an append whose key is charged to the payer, and refunds it if the key is not remembered.
   *
   * @throws LiveError `rate_limited` as a rejection if the payer has no room for it
   */
  async charged(
    { key, payer }: { key: string; payer: MemoryAccount | undefined },
    append: () => Promise<Receipt>,
  ): Promise<Receipt> {
    this.charge(key, payer);
    let isRemembered = false;
    try {
      const receipt = await append();
      isRemembered = !receipt.duplicate;
      return receipt;
    } finally {
      if (!isRemembered) payer?.refund(costOf(key));
    }
  }

  /**
   * Charges the payer for remembering `key`.
   *
   * @throws LiveError `rate_limited` if the payer has no room for it
   */
  charge(key: string, payer: MemoryAccount | undefined): void {
    if (payer === undefined || payer.charge(costOf(key))) return;
    const message =
      "Your share of this server's memory is used up by keys of recent publishes; publish more slowly, or without idempotencyKey.";
    throw new LiveError("rate_limited", message);
  }

  /**
   * Remembers a key. Keys must be passed in the order of their times.
   *
   * @param at when it was appended
   * @param payer has been charged for it
   */
  remember(
    key: string,
    offset: Offset,
    { at = this.#clock.now(), payer }: { at?: number; payer?: MemoryAccount | undefined } = {},
  ): void {
    this.#seen.set(key, { offset, at, payer });
    if (this.#seen.size > MAX_KEYS) this.#forgetOld();
    this.#timer ??= this.#clock.after(WINDOW_MS, () => this.#expire());
  }

  /** Refunds everything, because the topic is closed. */
  close(): void {
    this.#timer?.cancel();
    for (const [key, { payer }] of this.#seen) payer?.refund(costOf(key));
    this.#seen.clear();
  }

  #expire(): void {
    this.#timer = undefined;
    this.#forgetOld();
    const [oldest] = this.#seen.values();
    if (oldest === undefined) return;
    // One more, because a key that is exactly as old as the window is still remembered.
    const delayMs = Math.max(oldest.at + WINDOW_MS - this.#clock.now(), 0) + 1;
    this.#timer = this.#clock.after(delayMs, () => this.#expire());
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - WINDOW_MS;
    for (const [key, { at, offset, payer }] of this.#seen) {
      if (at >= oldest && this.#seen.size <= MAX_KEYS) return;
      this.#seen.delete(key);
      payer?.refund(costOf(key));
      this.#onForgotten?.(offset);
    }
  }
}

function costOf(key: string): number {
  return REMEMBERED_BYTES + textBytes(key);
}
