import type { Duplex } from "node:stream";
import type { WireFrame } from "../../rigs/protocol/read-frames.ts";
import { FrameReader } from "./frame-reader.ts";

/**
 * The raw end of a connection. It writes arbitrary bytes, reads whole frames, and detects each kind
 * of end.
 */
export class RawPipe {
  readonly #stream: Duplex;
  readonly #reset: () => void;
  readonly #reader = new FrameReader();
  readonly #waiting = new Set<() => void>();
  #ended = false;
  #closed = false;
  #error: Error | undefined;

  /**
   * @param stream stays half open when the other end has ended
   * @param reset breaks the transport, if it supports that
   */
  constructor(stream: Duplex, reset: () => void) {
    this.#stream = stream;
    this.#reset = reset;
    stream.on("data", (chunk: Buffer) => this.#wake(() => this.#reader.push(chunk)));
    stream.on("end", () => this.#wake(() => (this.#ended = true)));
    stream.on("error", (error) => this.#wake(() => (this.#error ??= error)));
    stream.on("close", () => this.#wake(() => (this.#closed = true)));
    // The handshake may have left it paused.
    stream.resume();
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Ends this half cleanly, with a FIN or END_STREAM. */
  end(): void {
    this.#stream.end();
  }

  reset(): void {
    this.#reset();
  }

  /** Whether the other end has ended its half cleanly. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The error of the transport, such as a reset. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Received bytes that were not requested. */
  get leftBytes(): number {
    return this.#reader.leftBytes;
  }

  /** Resolves with the next `count` frames, or with fewer if no more can arrive. */
  async frames(count: number): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    while (frames.length < count) {
      const next = this.#reader.next();
      if (next !== undefined) frames.push(next);
      else if (this.#isOver) break;
      else await this.#change();
    }
    return frames;
  }

  /** Resolves once the other end has ended its half, or the transport is gone. */
  async ended(): Promise<void> {
    while (!this.#isOver) await this.#change();
  }

  /** Resolves once the transport is gone. */
  async closed(): Promise<void> {
    while (!this.#closed) await this.#change();
  }

  get #isOver(): boolean {
    return this.#ended || this.#closed;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(note: () => void): void {
    note();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
