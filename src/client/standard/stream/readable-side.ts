import type { ClientConnection } from "../../connection/client-connection.ts";
import { ProcessHold } from "../../connection/process-hold.ts";

/**
 * The `readable` of a WebSocketStream.
 *
 * While its queue is full, the connection stops reading, so the server has to wait.
 */
export class ReadableSide {
  readonly stream: ReadableStream<string | Uint8Array>;
  readonly #connection: ClientConnection;
  readonly #hold = new ProcessHold();
  #controller: ReadableStreamDefaultController<string | Uint8Array> | undefined;
  #isFull = false;

  /** @param cancel closes the connection because of the given reason */
  constructor(connection: ClientConnection, cancel: (reason: unknown) => void) {
    this.#connection = connection;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#setFull(false),
      cancel: (reason) => {
        this.#finish();
        cancel(reason);
      },
    });
  }

  add(chunk: string | Uint8Array): void {
    const controller = this.#controller;
    controller?.enqueue(chunk);
    this.#setFull((controller?.desiredSize ?? 1) <= 0);
  }

  /** Messages that were received before can still be read. */
  close(): void {
    this.#finish()?.close();
  }

  fail(error: DOMException): void {
    this.#finish()?.error(error);
  }

  #setFull(isFull: boolean): void {
    if (this.#isFull === isFull) return;
    this.#isFull = isFull;
    this.#hold.set(isFull);
    if (isFull) this.#connection.pause();
    else this.#connection.resume();
  }

  #finish(): ReadableStreamDefaultController<string | Uint8Array> | undefined {
    const controller = this.#controller;
    this.#controller = undefined;
    this.#hold.set(false);
    return controller;
  }
}
