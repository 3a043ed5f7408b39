/** By the end of this many microtasks, the caller has awaited the promise if it ever will. */
const TAKEN_WITHIN = 8;

function nextMicrotask(): Promise<void> {
  return Promise.resolve();
}

/**
 * A promise whose rejection is reported when nobody handles it, instead of ending the process.
 *
 * If the caller awaits it, or calls `then`, `catch` or `finally`, it rejects like any other
 * promise, and the promises derived from it are ordinary ones.
 */
export class ReportedPromise<Value> extends Promise<Value> {
  #isTaken = false;

  /** `then` returns an ordinary promise, which the caller must handle. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @param report called once if `pending` rejects and nobody has awaited the promise by then */
  static watch<Value>(
    pending: Promise<Value>,
    report: (error: unknown) => void,
  ): ReportedPromise<Value> {
    const watched = new ReportedPromise<Value>((resolve, reject) => {
      pending.then(resolve, reject);
    });
    // From here on, Node considers the rejection handled.
    void super.prototype.then.call(watched, undefined, async (error: unknown) => {
      // An immediate rejection gets here before the caller's `await` has run.
      for (let turn = 0; turn < TAKEN_WITHIN && !watched.#isTaken; turn += 1) await nextMicrotask();
      if (!watched.#isTaken) report(error);
    });
    return watched;
  }

  // `await` and all ways of adopting a promise, except from the class itself, call this.
  // oxlint-disable-next-line unicorn/no-thenable
  override then<Fulfilled = Value, Rejected = never>(
    onFulfilled?: ((value: Value) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    this.#isTaken = true;
    return super.then(onFulfilled, onRejected);
  }
}
