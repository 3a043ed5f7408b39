/** After so many microtasks whoever called has taken the promise, if it is taken at all. */
const TAKEN_WITHIN = 8;

function nextMicrotask(): Promise<void> {
  return Promise.resolve();
}

/**
 * A promise whose rejection is reported when nobody handles it, instead of ending the process.
 *
 * Whoever awaits it, or calls `then`, `catch` or `finally`, has it rejected as any other promise,
 * and what they make of it is an ordinary promise.
 */
export class ReportedPromise<Value> extends Promise<Value> {
  #isTaken = false;

  /** What `then` returns is the caller's own. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @param report called once if `pending` rejects and nobody has taken the promise by then */
  static watch<Value>(
    pending: Promise<Value>,
    report: (error: unknown) => void,
  ): ReportedPromise<Value> {
    const watched = new ReportedPromise<Value>((resolve, reject) => {
      pending.then(resolve, reject);
    });
    // Node takes it for handled from here on.
    void super.prototype.then.call(watched, undefined, async (error: unknown) => {
      // One that was rejected at once comes here before the caller's `await` has been run.
      for (let turn = 0; turn < TAKEN_WITHIN && !watched.#isTaken; turn += 1) await nextMicrotask();
      if (!watched.#isTaken) report(error);
    });
    return watched;
  }

  // `await` and all other ways of taking a promise that is not of the class itself call this.
  // oxlint-disable-next-line unicorn/no-thenable
  override then<Fulfilled = Value, Rejected = never>(
    onFulfilled?: ((value: Value) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    this.#isTaken = true;
    return super.then(onFulfilled, onRejected);
  }
}
