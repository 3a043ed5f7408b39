import type { DeflateRaw } from "node:zlib";
import type { Deflater } from "../../protocol/index.ts";
import { deflateNow, TAIL_BYTES } from "./deflate-now.ts";
import { LATER_FROM_BYTES } from "./limits.ts";
import { runLater, type LaterRun } from "./run-later.ts";
import type { ThreadTurns } from "./thread-turns.ts";
import type { ContextPool, DeflateContext } from "./zlib-context.ts";

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
    const deflated = deflateNow(context.sync!, payload);
    if (deflated === undefined) {
      this.#discard();
      return "plain";
    }
    this.#release();
    return this.#isShorter(deflated.length, payload) ? deflated : "plain";
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
