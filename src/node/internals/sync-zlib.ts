import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import type { DeflateRaw, InflateRaw } from "node:zlib";
import { areInternalsAllowed } from "./allowed.ts";

/** The undocumented parts of Node's zlib streams. */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number,
  ): void;
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface StreamWithHandle {
  _handle?: Partial<Handle> | null;
  _writeState?: Uint32Array;
}

/** The result of one call of `run`. */
export interface ZlibProgress {
  /** Input that was not read, because the output was full or the DEFLATE data had ended. */
  unreadBytes: number;
  /** Output room that was not used. */
  unusedBytes: number;
  failed: boolean;
}

/**
 * Runs a Node zlib stream on the calling thread, step by step.
 *
 * Node's streams use the thread pool, which costs 150 µs per message, and its synchronous functions
 * create a context per call. Therefore this class uses undocumented parts of Node, which appear in
 * this file only; `canRunSynchronously` checks that they exist.
 */
export class SyncZlib<Stream extends DeflateRaw | InflateRaw> {
  readonly stream: Stream;
  readonly #handle: Handle;
  readonly #state: Uint32Array;
  readonly #flush: number;
  readonly #progress: ZlibProgress = { unreadBytes: 0, unusedBytes: 0, failed: false };
  #running = false;

  /**
   * @param flush zlib's constant for the end of a run
   * @throws TypeError if Node's streams are not as expected
   */
  constructor(stream: Stream, flush: number) {
    const { _handle: handle, _writeState: state } = stream as StreamWithHandle;
    if (typeof handle?.writeSync !== "function" || !(state instanceof Uint32Array)) {
      throw new TypeError("Node's zlib streams have no handle that writes synchronously.");
    }
    this.stream = stream;
    this.#handle = handle as Handle;
    this.#state = state;
    this.#flush = flush;
    const { onerror } = this.#handle;
    this.#handle.onerror = (...facts) => {
      // Node would destroy the stream, but a reset makes it usable again.
      if (this.#running) this.#progress.failed = true;
      else onerror.apply(this.#handle, facts);
    };
  }

  /**
   * Reads `input` from `start` to `end` and writes into `output` from `at`, until either is
   * exhausted.
   *
   * @param flush zlib's constant for this run
   */
  run(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    at: number,
    flush: number = this.#flush,
  ): Readonly<ZlibProgress> {
    const progress = this.#progress;
    progress.failed = false;
    this.#running = true;
    const room = output.length - at;
    this.#handle.writeSync(flush, input, start, end - start, output, at, room);
    this.#running = false;
    progress.unusedBytes = this.#state[0]!;
    progress.unreadBytes = this.#state[1]!;
    return progress;
  }

  /** Forgets the earlier data. */
  reset(): void {
    this.#handle.reset();
  }

  close(): void {
    this.stream.destroy();
  }
}

/**
 * Whether zlib streams can run synchronously; determined once, by a trial run in both directions.
 */
export function canRunSynchronously(): boolean {
  return (answer ??= areInternalsAllowed() && tryOnce());
}

let answer: boolean | undefined;

/** A sync flush ends with 00 00 ff ff. */
const TAIL_BYTES = 4;

function tryOnce(): boolean {
  const streams: (DeflateRaw | InflateRaw)[] = [];
  try {
    const plain = Buffer.from("Hello, hello, hello");
    const deflated = Buffer.alloc(64);
    const inflated = Buffer.alloc(64);
    const deflate = new SyncZlib(createDeflateRaw(), constants.Z_SYNC_FLUSH);
    streams.push(deflate.stream);
    const inflate = new SyncZlib(createInflateRaw(), constants.Z_SYNC_FLUSH);
    streams.push(inflate.stream);
    const size = 64 - deflate.run(plain, 0, plain.length, deflated, 0).unusedBytes;
    const { unusedBytes } = inflate.run(deflated, 0, size - TAIL_BYTES, inflated, 0);
    // `isAtMessageEnd` relies on zlib stopping at the end of a block.
    const end = inflate.run(deflated, size - TAIL_BYTES, 64, inflated, 0, constants.Z_BLOCK);
    return inflated.subarray(0, 64 - unusedBytes).equals(plain) && end.unreadBytes === 64 - size;
  } catch {
    return false;
  } finally {
    for (const stream of streams) stream.destroy();
  }
}
