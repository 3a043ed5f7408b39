import type { Clock, MemoryAccount, Timer } from "../../base/index.ts";
import type { Offset, Receipt } from "../../topics/index.ts";
import { chargeKey, refundKey, RememberedKeys } from "./remembered-keys.ts";

/** How long a repeated publish is recognized, in milliseconds. */
const WINDOW_MS = 300_000;

/** The idempotency keys of recent publishes, with the offsets of their events. */
export class IdempotencyWindow {
  readonly #clock: Clock;
  readonly #keys: RememberedKeys;
  /** Runs while keys are remembered, because their payers are charged until they expire. */
  #timer: Timer | undefined;

  /** @param onForgotten called for each key that is no longer remembered */
  constructor(clock: Clock, onForgotten?: (offset: Offset) => void) {
    this.#clock = clock;
    this.#keys = new RememberedKeys(onForgotten);
  }

  /** Whether no key is kept. Keys that have expired are dropped step by step. */
  get isEmpty(): boolean {
    this.#forgetOld();
    return this.#keys.isEmpty;
  }

  find(key: string): Offset | undefined {
    this.#forgetOld();
    const first = this.#keys.find(key);
    return first !== undefined && first.at >= this.#oldest() ? first.offset : undefined;
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
      if (!isRemembered) refundKey(key, payer);
    }
  }

  /**
   * Charges the payer for remembering `key`.
   *
   * @throws LiveError `rate_limited` if the payer has no room for it
   */
  charge(key: string, payer: MemoryAccount | undefined): void {
    chargeKey(key, payer);
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
    this.#keys.add(key, { offset, at }, payer);
    this.#timer ??= this.#clock.after(WINDOW_MS, () => this.#expire());
  }

  /** Refunds everything, because the topic is closed. */
  close(): void {
    this.#timer?.cancel();
    this.#keys.close();
  }

  #expire(): void {
    this.#timer = undefined;
    this.#forgetOld();
    const { oldestAt } = this.#keys;
    if (oldestAt === undefined) return;
    // One more, because a key that is exactly as old as the window is still remembered.
    const delayMs = Math.max(oldestAt - this.#oldest(), 0) + 1;
    this.#timer = this.#clock.after(delayMs, () => this.#expire());
  }

  #forgetOld(): void {
    this.#keys.dropBefore(this.#oldest());
  }

  #oldest(): number {
    return this.#clock.now() - WINDOW_MS;
  }
}
