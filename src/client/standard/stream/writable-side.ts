import type { ClientConnection } from "../../connection/client-connection.ts";
import { textOrBytes } from "../arguments/sendable.ts";

interface Closing {
  /** Closes the connection, and resolves when it has closed. */
  close(): Promise<void>;
  /** Closes the connection because of the given reason. */
  abort(reason: unknown): void;
}

interface Write {
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * The `writable` of a WebSocketStream.
 *
 * A write completes when its message has been handed to the operating system, so the writer waits
 * for a server that does not read. A WritableStream has one write in progress at a time.
 */
export class WritableSide {
  readonly stream: WritableStream<unknown>;
  readonly #connection: ClientConnection;
  #controller: WritableStreamDefaultController | undefined;
  #write: Write | undefined;
  #isCutOff = false;

  constructor(connection: ClientConnection, closing: Closing) {
    this.#connection = connection;
    this.stream = new WritableStream({
      start: (controller) => {
        this.#controller = controller;
        // Otherwise the abort would wait for a server that does not read.
        controller.signal.addEventListener("abort", () => {
          this.#settle()?.reject(controller.signal.reason);
        });
      },
      write: (chunk) => this.#send(chunk),
      close: () => closing.close(),
      abort: (reason) => closing.abort(reason),
    });
  }

  /** Whether a message is being written. */
  get isWriting(): boolean {
    return this.#write !== undefined;
  }

  /**
   * Called when the server may not read the bytes in transit. The write fails only when the
   * connection has closed, because an application that awaits one of the two must not miss the
   * rejection of the other.
   */
  cutOff(): void {
    this.#isCutOff = true;
  }

  /** Called when the server accepts no more messages. */
  close(): void {
    this.#fail(
      new DOMException("The WebSocketStream is closed; open a new one.", "InvalidStateError"),
    );
  }

  /** Called when the connection did not close cleanly. */
  fail(error: DOMException): void {
    this.#fail(error);
  }

  /** (WebSocketStream draft, "write a chunk") */
  #send(chunk: unknown): Promise<void> {
    // Steps 2 to 5. If they throw, the write rejects.
    const message = textOrBytes(chunk);
    // Step 6. Nothing is sent after the closing handshake has begun.
    if (!this.#connection.send(message)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#write = { resolve, reject };
      // Messages leave at the end of the turn; usually they have all left by then.
      queueMicrotask(() => this.#connection.afterWritten(() => this.#written()));
    });
  }

  #written(): void {
    if (!this.#isCutOff) this.#settle()?.resolve();
  }

  #settle(): Write | undefined {
    const write = this.#write;
    this.#write = undefined;
    return write;
  }

  #fail(error: DOMException): void {
    const write = this.#settle();
    // A failed write passes its own error to all writes that wait behind it.
    if (write !== undefined) write.reject(cutOff());
    else this.#controller?.error(error);
  }
}

function cutOff(): DOMException {
  const message = "The connection was closed before the message was written.";
  return new DOMException(message, "InvalidStateError");
}
