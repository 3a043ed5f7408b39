import type { Duplex } from "node:stream";
import { areInternalsAllowed } from "../internals/allowed.ts";
import { borrowHandle, type BorrowedHandle, type Borrower } from "../internals/borrowed-handle.ts";
import { StreamTransport } from "./stream-transport.ts";
import type { TransportOwner } from "./transport.ts";

const shared: unique symbol = Symbol("shared");

interface SharedStream extends Duplex {
  [shared]: SharedTransport;
}

/**
 * A stream that others may also hold, read, write, pause and end.
 *
 * If it is a TCP or Unix socket, bytes bypass its streams while it has no other reader. Measured
 * against the streams: an echo takes a seventh less CPU time.
 */
export class SharedTransport extends StreamTransport implements Borrower {
  /** The owner's buffer; kept while the handle may read into it. */
  room: Uint8Array | undefined;
  #owner: TransportOwner | undefined;
  /** Present until another reader wants to read the stream. */
  #handle: BorrowedHandle | undefined;
  /** Bytes that were passed to the kernel past the stream and not accepted yet. */
  #writingBytes = 0;
  /** The steps that wait for those bytes. */
  #steps: (() => void)[] | undefined;
  #isPaused = false;

  override get unsentBytes(): number {
    return this.#writingBytes + super.unsentBytes;
  }

  override get isPaused(): boolean {
    return this.#handle === undefined ? super.isPaused : this.#isPaused;
  }

  override write(chunk: Uint8Array): void {
    if (!this.isWritable) return;
    if (this.#goesPast) this.#settle(this.#handle!.write(chunk), chunk.length);
    else super.write(chunk);
  }

  override writeAll(chunks: readonly Uint8Array[]): void {
    if (!this.isWritable) return;
    if (!this.#goesPast) return super.writeAll(chunks);
    const size = chunks.reduce((sum, { length }) => sum + length, 0);
    this.#settle(this.#handle!.write(chunks), size);
  }

  override afterWritten(step: () => void): void {
    if (this.isGone) return;
    // Without pending writes of its own, the stream would report completion immediately. Otherwise,
    // bytes past it and through it leave in order.
    if (this.#writingBytes > 0 && super.unsentBytes === 0) (this.#steps ??= []).push(step);
    else super.afterWritten(step);
  }

  override pause(): void {
    this.#isPaused = true;
    if (this.#handle === undefined) super.pause();
  }

  override resume(): void {
    this.#isPaused = false;
    if (this.#handle === undefined) super.resume();
    else this.#handle.resume();
  }

  onRead(chunk: Uint8Array, length: number): void {
    if (this.isGone) return;
    // Reading stops only when data arrives while paused, because most pauses end before that and
    // then cost nothing.
    if (this.#isPaused) this.#handle?.pause();
    const owner = this.#owner!;
    owner.onChunk(chunk, length, true);
    this.room = this.#handle === undefined ? undefined : owner.room;
  }

  onWriteEnd(): void {
    this.#writingBytes = 0;
    const steps = this.#steps ?? [];
    this.#steps = undefined;
    for (const step of steps) step();
    if (!this.isGone && this.unsentBytes === 0) this.#owner?.onWritten();
  }

  /** Reads past the stream, if possible. */
  protected override read(owner: TransportOwner): Uint8Array | undefined {
    const stream = this.stream as SharedStream;
    this.#owner = owner;
    stream[shared] = this;
    const loan = areInternalsAllowed() ? borrowHandle(stream, this) : undefined;
    if (loan === undefined) return super.read(owner);
    this.#handle = loan.handle;
    stream.on("newListener", onNewListener);
    stream.on("pause", onPause);
    stream.on("resume", onResume);
    return loan.head;
  }

  /** Whether nothing waits in the stream, so that writes past it keep the order. */
  get #goesPast(): boolean {
    const { writableLength, writableCorked } = this.stream;
    const isClear = this.#writingBytes === 0 && writableLength === 0 && writableCorked === 0;
    return isClear && this.#handle !== undefined;
  }

  #settle(outcome: "done" | "later" | Error, size: number): void {
    if (outcome === "later") this.#writingBytes = size;
    else if (outcome !== "done") this.stream.destroy(outcome);
  }

  /** Switches to the stream, because only a stream can have several readers. */
  #shareReading(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    handle.giveBack();
    super.read(this.#owner!);
    if (this.#isPaused) this.stream.pause();
  }

  static onListener(this: void, stream: SharedStream, event: string | symbol): void {
    if (event === "data" || event === "readable") stream[shared].#shareReading();
  }

  /** Called when other code pauses or resumes the stream. */
  static onFlow(this: void, stream: SharedStream, flows: boolean): void {
    const transport = stream[shared];
    if (!flows) transport.#handle?.pause();
    else if (!transport.#isPaused) transport.#handle?.resume();
  }
}

// Shared by all streams as listeners, because closures per stream would add up.

function onNewListener(this: SharedStream, event: string | symbol): void {
  SharedTransport.onListener(this, event);
}

function onPause(this: SharedStream): void {
  SharedTransport.onFlow(this, false);
}

function onResume(this: SharedStream): void {
  SharedTransport.onFlow(this, true);
}
