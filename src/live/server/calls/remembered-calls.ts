import { type Clock, OldestFirst, type Payer } from "../../../base/index.ts";
import { IDEMPOTENCY_WINDOW_MS, REMEMBERED_BYTES, textBytes } from "../../../topics/index.ts";
import { MAX_REMEMBERED_CALLS, MAX_REMEMBERED_RESULT_LENGTH } from "../limits.ts";
import { overShare } from "../access/paying.ts";

/** A call whose result is kept for repeats. */
interface Remembered {
  readonly answer: Promise<string>;
  readonly at: number;
  /** The part that is charged. */
  bytes: number;
}

/**
 * Remembers the results of recent calls that had an idempotency key.
 *
 * Each payer has its own list and pays for it, so that one client cannot displace another's
 * results.
 */
export class RememberedCalls {
  readonly #clock: Clock;
  /** Per payer, keyed by caller, method and idempotency key; in arrival order. */
  readonly #calls = new Map<Payer, OldestFirst<string, Remembered>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs a call, or returns its remembered result. A failed call is not remembered and may run
   * again.
   *
   * @throws LiveError `rate_limited`
   */
  once(payer: Payer, name: string, call: () => Promise<string>): Promise<string> {
    const own = this.#calls.get(payer) ?? new OldestFirst<string, Remembered>();
    this.#forgetOld(payer, own);
    const known = own.get(name);
    if (known !== undefined) return known.answer;
    const bytes = REMEMBERED_BYTES + textBytes(name);
    if (!payer.charge(bytes)) throw overShare();
    const made = { answer: call(), at: this.#clock.now(), bytes };
    own.set(name, made);
    this.#calls.set(payer, own);
    const forget = (): void => {
      if (own.get(name) === made) this.#forget(payer, own, name);
    };
    made.answer.then((json) => {
      const size = textBytes(json);
      const isKept = json.length <= MAX_REMEMBERED_RESULT_LENGTH && own.get(name) === made;
      if (!isKept || !payer.charge(size)) return forget();
      made.bytes += size;
    }, forget);
    return made.answer;
  }

  tidy(): void {
    for (const [payer, own] of this.#calls) this.#forgetOld(payer, own);
  }

  #forgetOld(payer: Payer, own: OldestFirst<string, Remembered>): void {
    const oldest = this.#clock.now() - IDEMPOTENCY_WINDOW_MS;
    for (;;) {
      const [name, call] = own.oldest ?? [];
      if (name === undefined || call === undefined) return;
      if (call.at >= oldest && own.size < MAX_REMEMBERED_CALLS) return;
      this.#forget(payer, own, name);
    }
  }

  #forget(payer: Payer, own: OldestFirst<string, Remembered>, name: string): void {
    const forgotten = own.get(name);
    own.delete(name);
    if (forgotten !== undefined) payer.refund(forgotten.bytes);
    if (own.size === 0) this.#calls.delete(payer);
  }
}
