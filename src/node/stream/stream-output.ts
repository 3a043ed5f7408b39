import type { MemoryAccount } from "../../base/index.ts";
import type { Connection } from "../../protocol/index.ts";
import type { Flushable } from "./flush-queue.ts";
import { joinedOnce } from "./joined-chunks.ts";
import { UnwrittenChunks } from "./unwritten-chunks.ts";
import type { Transport } from "../transport/transport.ts";

/** Receives the events of a connection's output. */
export interface OutputWatcher {
  /** Is charged for the buffered bytes. */
  readonly account: MemoryAccount | undefined;
  /** Called when more is buffered than a peer should cause; see `stopReadingBytes`. */
  onTooMuch(): void;
  /** Called when writing threw. */
  onWriteFailed(error: unknown): void;
  /**
   * Called when memory that was sent by reference was transferred or resized before the operating
   * system had taken it.
   */
  onMemoryGone(): void;
  /** Called when the account has no room for the buffered bytes. */
  onOverShare(bufferedBytes: number): void;
  /** Called when buffered output has been handed to the operating system. */
  onDrained(): void;
}

/** With more unsent output, in bytes, pongs are held until it is written. */
const MOST_UNSENT_BEFORE_PONG = 64 * 1024;

/** Writes a protocol connection's output to its transport, and tracks how much is unsent. */
export class StreamOutput implements Flushable {
  readonly #transport: Transport;
  readonly #connection: Connection;
  readonly #watcher: OutputWatcher;
  readonly #limits: { readonly stopReadingBytes: number };
  /** The part of the buffered bytes that is charged. */
  #chargedBytes = 0;
  #owesDrain = false;
  /** Exists only while the transport holds chunks. */
  #unwritten: UnwrittenChunks | undefined;
  /** Whether the transport will call back after its pending writes. */
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
   * Bytes that were sent but not handed to the operating system yet, including frame headers.
   * Messages that are being compressed count with their original size.
   */
  get bufferedBytes(): number {
    const { pendingBytes, outgoing } = this.#connection;
    return pendingBytes + outgoing.size + this.#transport.unsentBytes;
  }

  /** Writes all waiting output. */
  flush(): void {
    const { outgoing, pendingBytes } = this.#connection;
    const { stopReadingBytes } = this.#limits;
    if (pendingBytes > stopReadingBytes) this.#watcher.onTooMuch();
    if (outgoing.size === 0) return;
    const transport = this.#transport;
    const isIntact = outgoing.writeTo(this);
    if (!isIntact || !this.#isUnwrittenIntact()) return this.#watcher.onMemoryGone();
    if (!transport.isWritable) return;
    // If nothing is unsent, the kernel has copied everything, and the block can be reused.
    if (transport.unsentBytes > 0) {
      this.#holdPongs();
      this.#onUnsent(stopReadingBytes);
    } else {
      outgoing.release();
      if (this.#connection.holdsPongs) this.#connection.holdsPongs = false;
      if (this.#chargedBytes > 0) this.#settle();
    }
    if (this.#owesDrain) this.#awaitDrain();
  }

  /** Charges only the bytes that the kernel did not take immediately. */
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

  /** A peer that sends pings and does not read gets one pong when it reads again. */
  #holdPongs(): void {
    const connection = this.#connection;
    if (this.#transport.unsentBytes > MOST_UNSENT_BEFORE_PONG) connection.holdsPongs = true;
    if (connection.holdsPongs) this.#awaitDrain();
  }

  /** Refunds the bytes that are no longer buffered. */
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
    if (this.#transport.unsentBytes > 0) this.#hold(chunk);
  }

  writeAll(chunks: readonly Uint8Array[]): void {
    const joined = joinedOnce(chunks);
    // Joined bytes are a copy, but they count as well.
    if (joined !== undefined) return this.write(joined);
    this.#transport.writeAll(chunks);
    if (this.#transport.unsentBytes > 0) for (const chunk of chunks) this.#hold(chunk);
  }

  #hold(chunk: Uint8Array): void {
    // Only servers share memory with the application, and only for them `#onUnsent` waits for the
    // end of the writing, which drops the chunk.
    if (this.#watcher.account === undefined) return;
    (this.#unwritten ??= new UnwrittenChunks()).add(chunk);
  }

  /** Whether nobody has transferred or resized what has been written since the last call. */
  #isUnwrittenIntact(): boolean {
    if (this.#unwritten === undefined) return true;
    const { unsentBytes } = this.#transport;
    const isIntact = this.#unwritten.dropWritten(unsentBytes);
    if (unsentBytes === 0) this.#unwritten = undefined;
    return isIntact;
  }

  /** Ensures that `onDrained` is called once nothing is buffered. */
  watchDrain(): void {
    this.#owesDrain = true;
    this.flush();
    this.#awaitDrain();
  }

  /** Called when the transport has written everything. */
  drained(): void {
    this.#settle();
    this.flush();
    if (this.bufferedBytes > 0) {
      // More output was added meanwhile, perhaps too little for the stream to emit another `drain`.
      if (this.#owesDrain) this.#awaitDrain();
      return;
    }
    this.#owesDrain = false;
    this.#watcher.onDrained();
  }

  #awaitDrain(): void {
    // Compressed output arrives with `flush`, which calls this again.
    if (this.#watchingDrain || this.#connection.pendingBytes > 0) return;
    if (!this.#transport.isWritable) return;
    this.#watchingDrain = true;
    this.#transport.afterWritten(() => {
      this.#watchingDrain = false;
      if (!this.#isUnwrittenIntact()) return this.#watcher.onMemoryGone();
      this.#settle();
      this.#connection.holdsPongs = false;
      if (this.#owesDrain) this.drained();
      else if (this.#chargedBytes > 0) this.#awaitDrain();
    });
  }
}
