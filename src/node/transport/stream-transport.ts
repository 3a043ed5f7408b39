import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { cutStream } from "../stream/cut-stream.ts";
import type { Transport, TransportOwner } from "./transport.ts";

const NOTHING = Buffer.alloc(0);

const owner: unique symbol = Symbol("owner");

interface OwnedStream extends Duplex {
  [owner]: TransportOwner;
}

/** A Node stream as a transport: TCP, TLS, HTTP/2, or anything similar. */
export class StreamTransport implements Transport {
  protected readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
  }

  start(told: TransportOwner, head: Uint8Array): void {
    const stream = this.stream as OwnedStream;
    if (stream.destroyed) return told.onGone();
    stream[owner] = told;
    // The end of the peer's data must not end this side's.
    stream.allowHalfOpen = true;
    stream.on("drain", onDrain);
    stream.on("end", onEnd);
    stream.on("error", onError);
    stream.on("close", onClose);
    const hasEnded = stream.readableEnded;
    const behind = this.read(told);
    if (head.length > 0) told.onChunk(head, head.length, false);
    if (behind !== undefined) told.onChunk(behind, behind.length, false);
    // The stream ended before it had a listener, and will not emit `end` again.
    if (hasEnded) process.nextTick(() => told.onEnd());
  }

  /** Starts reading. Returns data that was read before, to be delivered after the head. */
  protected read(_owner: TransportOwner): Uint8Array | undefined {
    this.stream.on("data", onData);
    return undefined;
  }

  get isGone(): boolean {
    return this.stream.destroyed;
  }

  get isWritable(): boolean {
    return this.stream.writable;
  }

  get isFinished(): boolean {
    return this.stream.writableFinished;
  }

  get unsentBytes(): number {
    return this.stream.writableLength;
  }

  /** For HTTP/2, nghttp2 reads a chunk when flow control permits. TLS copies what has to wait. */
  get readsInProcess(): boolean {
    return "rstCode" in this.stream;
  }

  get remoteAddress(): string | undefined {
    const stream = this.stream as Partial<Socket> & Partial<ServerHttp2Stream>;
    return stream.remoteAddress ?? stream.session?.socket.remoteAddress;
  }

  write(chunk: Uint8Array): void {
    if (this.stream.writable) this.stream.write(chunk);
  }

  writeAll(chunks: readonly Uint8Array[]): void {
    const stream = this.stream;
    if (!stream.writable) return;
    stream.cork();
    for (const chunk of chunks) stream.write(chunk);
    stream.uncork();
  }

  afterWritten(step: () => void): void {
    // A stream writes in order, so when an empty write completes, all earlier writes have
    // completed.
    this.stream.write(NOTHING, (error) => {
      if (error === null || error === undefined) step();
    });
  }

  end(): void {
    this.stream.end();
  }

  destroy(): void {
    this.stream.destroy();
  }

  cut(): void {
    cutStream(this.stream);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  get isPaused(): boolean {
    return this.stream.isPaused();
  }
}

// Shared by all streams as listeners, because closures per stream would add up.

function onData(this: OwnedStream, chunk: Uint8Array): void {
  this[owner].onChunk(chunk, chunk.length, false);
}

function onDrain(this: OwnedStream): void {
  this[owner].onWritten();
}

function onEnd(this: OwnedStream): void {
  this[owner].onEnd();
}

function onError(this: OwnedStream, error: Error): void {
  this[owner].onError(error);
}

function onClose(this: OwnedStream): void {
  this[owner].onGone();
}
