/** A promise that is settled from outside. If it rejects, nothing has to handle the rejection. */
export class Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve!: (value: Value) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Marked as handled, because an application that awaits only `opened` must not get an unhandled
    // rejection for `closed`.
    this.promise.catch(() => {});
  }
}
