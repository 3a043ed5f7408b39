import type { DeflateRaw } from "node:zlib";
import type { Deflater } from "../../protocol/index.ts";
import { runLater, type LaterRun } from "./run-later.ts";
import type { SyncZlib } from "./sync-zlib.ts";
import type { ThreadTurns } from "./thread-turns.ts";
import type { ContextPool, DeflateContext } from "./zlib-context.ts";

/** From how many bytes on a message is compressed in the thread pool: here it would take 2 ms. */
export const LATER_FROM_BYTES: number = 64 * 1024;
/** The octets at the end of every flush, which do not travel. (RFC 7692 §7.2.1) */
const TAIL_BYTES = 4;

/** All output of a message that is compressed at once fits: DEFLATE never doubles anything. */
let scratch: Uint8Array | undefined;

export interface MessageDeflaterOptions {
  pool: ContextPool<DeflateRaw>;
  /** Whether messages may refer to earlier ones. */
  keepsContext: boolean;
  thresholdBytes: number;
  turns: ThreadTurns;
  /** Whether contexts run on this thread. */
  isSynchronous: boolean;
}

/** Compresses one connection's messages: on a context of its own, or on whichever is free. */
export class MessageDeflater implements Deflater {
  readonly thresholdBytes: number;
  readonly laterFromBytes: number;
  readonly #options: MessageDeflaterOptions;
  #context: DeflateContext | undefined;
  #later: LaterRun | undefined;
  #isClosed = false;

  constructor(options: MessageDeflaterOptions) {
    this.#options = options;
    this.thresholdBytes = options.thresholdBytes;
    this.laterFromBytes = options.isSynchronous ? LATER_FROM_BYTES : 0;
  }

  deflate(
    payload: Uint8Array,
    whenDone: (result: Uint8Array | "plain") => void,
  ): Uint8Array | "plain" | "later" {
    if (payload.length >= this.laterFromBytes) {
      this.#deflateLater(payload, whenDone);
      return "later";
    }
    const context = (this.#context ??= this.#options.pool.take());
    const size = deflateNow(context.sync!, payload);
    if (size < 0) {
      this.#discard();
      return "plain";
    }
    this.#release();
    return this.#isShorter(size, payload) ? scratch!.subarray(0, size) : "plain";
  }

  /** Lets go of the context; no result comes any more. */
  close(): void {
    this.#isClosed = true;
    this.#later?.abandon();
    this.#discard();
  }

  #deflateLater(payload: Uint8Array, whenDone: (result: Uint8Array | "plain") => void): void {
    const { turns, pool } = this.#options;
    turns.take((giveBack) => {
      if (this.#isClosed) return giveBack();
      const context = (this.#context ??= pool.take());
      const pieces: Uint8Array[] = [];
      const finish = (result: Uint8Array | "plain"): void => {
        this.#later = undefined;
        giveBack();
        whenDone(result);
      };
      const run = runLater(context.stream, [payload], {
        onPiece: (piece) => void pieces.push(piece),
        onDone: () => {
          this.#release();
          const result = Buffer.concat(pieces);
          const size = result.length - TAIL_BYTES;
          finish(this.#isShorter(size, payload) ? result.subarray(0, size) : "plain");
        },
        onEnded: () => finish("plain"),
        onFailed: () => {
          this.#discard();
          finish("plain");
        },
      });
      this.#later = {
        abandon: () => {
          run.abandon();
          giveBack();
        },
      };
    });
  }

  /** With a context that is kept the peer must see all that went into it. */
  #isShorter(size: number, payload: Uint8Array): boolean {
    return this.#options.keepsContext || size < payload.length;
  }

  /**
   * After a failure, of memory most likely, a message goes as it is and the next one begins with an
   * empty window, which is always right.
   */
  #discard(): void {
    this.#context?.stream.destroy();
    this.#context = undefined;
  }

  #release(): void {
    if (this.#options.keepsContext || this.#context === undefined) return;
    this.#options.pool.give(this.#context);
    this.#context = undefined;
  }
}

/** Compresses into `scratch`; returns the length without the tail, or −1 if zlib failed. */
function deflateNow(zlib: SyncZlib<DeflateRaw>, payload: Uint8Array): number {
  scratch ??= Buffer.allocUnsafeSlow(2 * LATER_FROM_BYTES);
  const { unusedBytes, failed } = zlib.run(payload, 0, payload.length, scratch, 0);
  return failed ? -1 : scratch.length - unusedBytes - TAIL_BYTES;
}
