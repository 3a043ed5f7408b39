/** A promise that is settled from outside, and whose rejection nobody has to take note of. */
export class Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve!: (value: Value) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Marked as handled: who awaits `opened` only need not await `closed` too.
    this.promise.catch(() => {});
  }
}
