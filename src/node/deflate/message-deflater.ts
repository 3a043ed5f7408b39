import type { DeflateRaw } from "node:zlib";
import type { Deflater, LaterWork } from "../../protocol/index.ts";
import type { ContextSource } from "./context-pool.ts";
import { deflateNow, TAIL_BYTES } from "./deflate-now.ts";
import { LATER_FROM_BYTES } from "./limits.ts";
import { runLater } from "./run-later.ts";
import type { ThreadTurns } from "./thread-turns.ts";
import type { DeflateShape } from "./zlib-context.ts";

export interface MessageDeflaterOptions {
  contexts: ContextSource<DeflateRaw>;
  /** What `contexts` are made with. */
  shape: DeflateShape;
  thresholdBytes: number;
  turns: ThreadTurns;
}

/**
 * Compresses messages: one connection's, on a context of its own, or on whichever is free those of
 * all connections that keep none; nothing of any of them stays here.
 */
export class MessageDeflater implements Deflater {
  readonly thresholdBytes: number;
  readonly laterFromBytes: number;
  readonly #options: MessageDeflaterOptions;

  constructor(options: MessageDeflaterOptions) {
    this.#options = options;
    this.thresholdBytes = options.thresholdBytes;
    // Node has no documented way to go on with a context at once.
    const isNeverNow = options.contexts.keepsContext && !options.contexts.isSynchronous;
    this.laterFromBytes = isNeverNow ? 0 : LATER_FROM_BYTES;
  }

  deflate(
    payload: Uint8Array,
    whenDone: (result: Uint8Array | "plain") => void,
  ): Uint8Array | "plain" | LaterWork {
    if (payload.length >= this.laterFromBytes) return this.#deflateLater(payload, whenDone);
    const deflated = deflateNow(this.#options.contexts, this.#options.shape, payload);
    // After a failure, of memory most likely, a message goes as it is and the next one begins with
    // an empty window, which is always right.
    return deflated !== undefined && this.#isShorter(deflated.length, payload) ? deflated : "plain";
  }

  #deflateLater(payload: Uint8Array, whenDone: (result: Uint8Array | "plain") => void): LaterWork {
    let isAbandoned = false;
    let abandonRun = (): void => {};
    this.#options.turns.take((giveBack) => {
      if (isAbandoned) return giveBack();
      abandonRun = this.#runLater(payload, (result) => {
        // The context may be another's from now on.
        abandonRun = () => {};
        giveBack();
        if (!isAbandoned) whenDone(result);
      });
    });
    return {
      abandon: () => {
        isAbandoned = true;
        abandonRun();
      },
    };
  }

  /** Returns what gives it up; `settle` is called once, also then. */
  #runLater(payload: Uint8Array, settle: (result: Uint8Array | "plain") => void): () => void {
    const { contexts } = this.#options;
    const context = contexts.take();
    const pieces: Uint8Array[] = [];
    const fail = (): void => {
      contexts.discard(context);
      settle("plain");
    };
    const run = runLater(context.stream, payload, {
      onPiece: (piece) => void pieces.push(piece),
      onDone: () => {
        contexts.give(context);
        const result = Buffer.concat(pieces);
        const size = result.length - TAIL_BYTES;
        settle(this.#isShorter(size, payload) ? result.subarray(0, size) : "plain");
      },
      onEnded: fail,
      onFailed: fail,
    });
    return () => {
      run.abandon();
      fail();
    };
  }

  /** With a context that is kept the peer must see all that went into it. */
  #isShorter(size: number, payload: Uint8Array): boolean {
    return this.#options.contexts.keepsContext || size < payload.length;
  }
}
