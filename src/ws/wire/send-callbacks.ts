import { afterWritten, DrainWaiters, type StreamConnection } from "../../node/index.ts";

/** Called when a message has been written, or with the reason why it will not be. */
export type SendCallback = (error?: Error | null) => void;

/** The callbacks that wait until messages have been handed to the operating system. */
export class SendCallbacks {
  readonly #connection: StreamConnection;
  readonly #waiters = new DrainWaiters();
  /** Those of the current turn, which share one check of the output. */
  #fresh: SendCallback[] | undefined;
  readonly #written = new Set<SendCallback[]>();

  constructor(connection: StreamConnection) {
    this.#connection = connection;
  }

  add(callback: SendCallback): void {
    if (this.#fresh === undefined) {
      this.#fresh = [];
      process.nextTick(() => this.#await());
    }
    this.#fresh.push(callback);
  }

  drained(): void {
    this.#waiters.drained();
  }

  /** Fails all callbacks, because nothing more will be written. */
  fail(error: Error): void {
    const lost = [...this.#written, this.#fresh ?? []].flat();
    this.#written.clear();
    this.#fresh = undefined;
    failAll(lost, error);
  }

  #await(): void {
    const callbacks = this.#fresh;
    if (callbacks === undefined) return;
    this.#fresh = undefined;
    this.#written.add(callbacks);
    afterWritten(this.#connection, this.#waiters, () => {
      if (!this.#written.delete(callbacks)) return;
      for (const callback of callbacks) callback();
    });
  }
}

/**
 * Calls all callbacks with an error. An exception in one goes to the process, because the others,
 * and `close`, must not depend on it.
 */
export function failAll(callbacks: readonly SendCallback[], error: Error): void {
  for (const callback of callbacks) {
    try {
      callback(error);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
