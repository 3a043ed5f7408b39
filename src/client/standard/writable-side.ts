import type { ClientConnection } from "../connection/client-connection.ts";
import { textOrBytes } from "./sendable.ts";

interface Closing {
  /** Closes the connection, and resolves when it is closed. */
  close(): Promise<void>;
  /** Closes the connection for the reason that was given. */
  abort(reason: unknown): void;
}

interface Write {
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * The `writable` of a WebSocketStream.
 *
 * A write is done when its message has gone to the operating system, and so the writer comes to
 * wait for a server that does not read. A WritableStream has one write under way at a time.
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
        // Else the abort would wait for a server that does not read.
        controller.signal.addEventListener("abort", () => {
          this.#settle()?.reject(controller.signal.reason);
        });
      },
      write: (chunk) => this.#send(chunk),
      close: () => closing.close(),
      abort: (reason) => closing.abort(reason),
    });
  }

  /** Whether a message is on its way out. */
  get isWriting(): boolean {
    return this.#write !== undefined;
  }

  /**
   * The server may not read what is on its way. The write fails when the connection is closed, and
   * not before: who awaits one of both must not miss the rejection of the other.
   */
  cutOff(): void {
    this.#isCutOff = true;
  }

  /** The server takes nothing more. */
  close(): void {
    this.#fail(
      new DOMException("The WebSocketStream is closed; open another.", "InvalidStateError"),
    );
  }

  /** The connection ended badly. */
  fail(error: DOMException): void {
    this.#fail(error);
  }

  /** (WebSocketStream draft, "write a chunk") */
  #send(chunk: unknown): Promise<void> {
    // Steps 2 to 5. What they throw rejects the write.
    const message = textOrBytes(chunk);
    // Step 6. Once the closing handshake has begun nothing is sent.
    if (!this.#connection.send(message)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#write = { resolve, reject };
      // What is sent leaves at the end of the turn; mostly it is gone at once then.
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
    // A write that fails brings its own error to all that wait behind it.
    if (write !== undefined) write.reject(cutOff());
    else this.#controller?.error(error);
  }
}

function cutOff(): DOMException {
  const message = "The connection was closed before the message had been written.";
  return new DOMException(message, "InvalidStateError");
}
