/** Values in the order of their arrival, and the callers that wait for one. */
export class Arrivals {
  #waiting = [];
  #came = [];

  push(one) {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.#came.push(one);
    else resolve(one);
  }

  next() {
    if (this.#came.length > 0) return Promise.resolve(this.#came.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async take(count) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** How many have come that nobody took. */
  get size() {
    return this.#came.length;
  }
}

/** Lets the event loop look for I/O a few times: what was written to this process has come then. */
export async function turns(count = 3) {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
