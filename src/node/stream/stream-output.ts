import type { MemoryAccount } from "../../base/index.ts";
import type { Connection } from "../../protocol/index.ts";
import type { Flushable } from "./flush-queue.ts";
import { joinedOnce } from "./joined-chunks.ts";
import type { Transport } from "../transport/transport.ts";

/** What a connection's owner hears of its output. */
export interface OutputWatcher {
  /** Pays for what is buffered. */
  readonly account: MemoryAccount | undefined;
  /** More is buffered than the peer should have caused; see `stopReadingBytes`. */
  onTooMuch(): void;
  /** Writing threw. */
  onWriteFailed(error: unknown): void;
  /** Memory that was sent by reference is gone before it was written. */
  onMemoryGone(): void;
  /** The account has no room for what is buffered. */
  onOverShare(bufferedBytes: number): void;
  /** All that was buffered has gone to the operating system, after it had not at once. */
  onDrained(): void;
}

/** Takes what a protocol connection has to send to its transport, and knows when it is gone. */
export class StreamOutput implements Flushable {
  readonly #transport: Transport;
  readonly #connection: Connection;
  readonly #watcher: OutputWatcher;
  readonly #limits: { readonly stopReadingBytes: number };
  /** What of the buffered bytes is charged. */
  #chargedBytes = 0;
  #owesDrain = false;
  /** Whether the transport will call back once it has written what it has. */
  #watchingDrain = false;

  constructor(
    transport: Transport,
    connection: Connection,
    { watcher, limits }: { watcher: OutputWatcher; limits: { readonly stopReadingBytes: number } },
  ) {
    this.#transport = transport;
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
    return pendingBytes + outgoing.size + this.#transport.unsentBytes;
  }

  /** Writes out what is waiting. */
  flush(): void {
    const { outgoing, pendingBytes } = this.#connection;
    const { stopReadingBytes } = this.#limits;
    if (pendingBytes > stopReadingBytes) this.#watcher.onTooMuch();
    if (outgoing.size === 0) return;
    const transport = this.#transport;
    if (!outgoing.writeTo(this)) return this.#watcher.onMemoryGone();
    if (!transport.isWritable) return;
    // Nothing is left of it: the kernel has copied it, and the block can serve again.
    if (transport.unsentBytes > 0) {
      this.#onUnsent(stopReadingBytes);
    } else {
      outgoing.release();
      if (this.#chargedBytes > 0) this.#settle();
    }
    if (this.#owesDrain) this.#awaitDrain();
  }

  /** Only what the kernel did not take at once meets the account. */
  #onUnsent(stopReadingBytes: number): void {
    const { bufferedBytes } = this;
    if (bufferedBytes > stopReadingBytes) this.#watcher.onTooMuch();
    const { account } = this.#watcher;
    if (account === undefined) return;
    const growth = bufferedBytes - this.#chargedBytes;
    if (growth > 0 && !account.charge(growth)) {
      return this.#watcher.onOverShare(bufferedBytes);
    }
    this.#chargedBytes = Math.max(bufferedBytes, this.#chargedBytes);
    this.#awaitDrain();
  }

  /** Refunds what is buffered no longer. */
  #settle(): void {
    const excess = this.#chargedBytes - this.bufferedBytes;
    if (excess <= 0) return;
    this.#chargedBytes -= excess;
    this.#watcher.account?.refund(excess);
  }

  onFlushFailed(error: unknown): void {
    this.#watcher.onWriteFailed(error);
  }

  write(chunk: Uint8Array): void {
    this.#transport.write(chunk);
  }

  writeAll(chunks: readonly Uint8Array[]): void {
    const joined = joinedOnce(chunks);
    if (joined === undefined) this.#transport.writeAll(chunks);
    else this.#transport.write(joined);
  }

  /** Makes sure that `onDrained` is called once nothing is buffered. */
  watchDrain(): void {
    this.#owesDrain = true;
    this.flush();
    this.#awaitDrain();
  }

  /** The transport has written all that it had. */
  drained(): void {
    this.#settle();
    this.flush();
    if (this.bufferedBytes > 0) {
      // More was sent meanwhile, perhaps too little for a stream to speak up again.
      if (this.#owesDrain) this.#awaitDrain();
      return;
    }
    this.#owesDrain = false;
    this.#watcher.onDrained();
  }

  #awaitDrain(): void {
    // What is being compressed comes by `flush`, and this is called again.
    if (this.#watchingDrain || this.#connection.pendingBytes > 0) return;
    if (!this.#transport.isWritable) return;
    this.#watchingDrain = true;
    this.#transport.afterWritten(() => {
      this.#watchingDrain = false;
      this.#settle();
      if (this.#owesDrain) this.drained();
      else if (this.#chargedBytes > 0) this.#awaitDrain();
    });
  }
}
