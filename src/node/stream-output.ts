import type { Duplex } from "node:stream";
import type { Connection } from "../protocol/index.ts";
import type { Flushable } from "./flush-queue.ts";

/** What a connection's owner hears of its output. */
export interface OutputWatcher {
  /** More is buffered than the peer should have caused; see `stopReadingBytes`. */
  onTooMuch(): void;
  /** All that was buffered has gone to the operating system, after it had not at once. */
  onDrained(): void;
}

const NOTHING = Buffer.alloc(0);

/** Takes what a protocol connection has to send to its stream, and knows when it is gone. */
export class StreamOutput implements Flushable {
  readonly #stream: Duplex;
  readonly #connection: Connection;
  readonly #watcher: OutputWatcher;
  readonly #limits: { readonly stopReadingBytes: number };
  #owesDrain = false;
  /** Whether the stream will call back once it has written what it has. */
  #watchingDrain = false;

  constructor(
    stream: Duplex,
    connection: Connection,
    { watcher, limits }: { watcher: OutputWatcher; limits: { readonly stopReadingBytes: number } },
  ) {
    this.#stream = stream;
    this.#connection = connection;
    this.#watcher = watcher;
    this.#limits = limits;
  }

  /**
   * Bytes that were sent and not yet given to the operating system, frame headers included; what is
   * still being compressed counts as it was sent.
   */
  get bufferedBytes(): number {
    const { pendingBytes, outgoing } = this.#connection;
    return pendingBytes + outgoing.size + this.#stream.writableLength;
  }

  /** Writes out what is waiting. */
  flush(): void {
    const { outgoing, pendingBytes } = this.#connection;
    const { stopReadingBytes } = this.#limits;
    if (pendingBytes > stopReadingBytes) this.#watcher.onTooMuch();
    if (outgoing.size === 0) return;
    const stream = this.#stream;
    const chunks = outgoing.take();
    if (!stream.writable) return;
    if (chunks.length === 1) {
      stream.write(chunks[0]);
    } else {
      stream.cork();
      for (const chunk of chunks) stream.write(chunk);
      stream.uncork();
    }
    // Nothing left in the stream: the kernel has copied it, and the block can serve again.
    if (stream.writableLength === 0) outgoing.release();
    else if (this.bufferedBytes > stopReadingBytes) this.#watcher.onTooMuch();
    if (this.#owesDrain) this.#awaitDrain();
  }

  /** Makes sure that `onDrained` is called once nothing is buffered. */
  watchDrain(): void {
    this.#owesDrain = true;
    this.flush();
    this.#awaitDrain();
  }

  /** The stream has written all that it had. */
  drained(): void {
    this.flush();
    if (this.bufferedBytes > 0) {
      // More was sent meanwhile, perhaps too little for the stream to speak up again.
      if (this.#owesDrain) this.#awaitDrain();
      return;
    }
    this.#owesDrain = false;
    this.#watcher.onDrained();
  }

  #awaitDrain(): void {
    // What is being compressed comes by `flush`, and this is called again.
    if (this.#watchingDrain || this.#connection.pendingBytes > 0) return;
    const stream = this.#stream;
    // With `writableNeedDrain` the stream says so by itself.
    if (stream.writableNeedDrain || !stream.writable) return;
    this.#watchingDrain = true;
    stream.write(NOTHING, () => {
      this.#watchingDrain = false;
      this.drained();
    });
  }
}
