import { LongwireError, onAbort, type TimerWheel } from "../../../base/index.ts";
import type { JsonPart } from "../../../topics/index.ts";

/** How long an answer is awaited. */
interface Wait {
  readonly method: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

interface OpenAnswer {
  readonly method: string;
  readonly resolve: (data: JsonPart | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

/** The answers of clients that are awaited, by the ids of their requests. */
export class OpenAnswers<Id> {
  readonly #wheel: TimerWheel;
  readonly #open = new Map<Id, OpenAnswer>();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /**
   * Resolves with the answer to a request.
   *
   * @throws LongwireError as a rejection: `unconfirmed` after the time, the signal's reason, and what
   *   `reject` is given
   */
  wait(id: Id, { method, timeoutMs, signal }: Wait): Promise<JsonPart | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.#wheel.after(timeoutMs, () => {
        this.reject(id, () => unanswered(method, `within ${timeoutMs} ms`));
      });
      const stop = signal && onAbort(signal, () => void this.reject(id, () => signal.reason));
      const settle = (act: () => void): void => {
        this.#open.delete(id);
        timer.cancel();
        stop?.();
        act();
      };
      this.#open.set(id, {
        method,
        resolve: (data) => settle(() => resolve(data)),
        // A signal's reason may be anything.
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors
        reject: (reason) => settle(() => reject(reason)),
      });
    });
  }

  /** Returns whether the answer was awaited. */
  resolve(id: Id, data: JsonPart | undefined): boolean {
    const answer = this.#open.get(id);
    answer?.resolve(data);
    return answer !== undefined;
  }

  /**
   * Returns whether the answer was awaited.
   *
   * @param reasonOf receives the request's method
   */
  reject(id: Id, reasonOf: (method: string) => unknown): boolean {
    const answer = this.#open.get(id);
    answer?.reject(reasonOf(answer.method));
    return answer !== undefined;
  }

  rejectAll(reasonOf: (method: string) => unknown): void {
    for (const { method, reject } of this.#open.values()) reject(reasonOf(method));
  }
}

/** The error for a client that was asked, and whose answer will not come. */
export function unanswered(method: string, when: string): LongwireError {
  const message = `The client did not answer ${method} ${when}; it may or may not be done.`;
  return new LongwireError("unconfirmed", message);
}
