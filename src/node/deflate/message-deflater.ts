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
  /** The parameters of the contexts. */
  shape: DeflateShape;
  thresholdBytes: number;
  turns: ThreadTurns;
}

/**
 * Compresses messages. With context takeover it belongs to one connection; otherwise it uses any
 * free context, and all connections can share it because it keeps nothing between messages.
 */
export class MessageDeflater implements Deflater {
  readonly thresholdBytes: number;
  readonly laterFromBytes: number;
  readonly #options: MessageDeflaterOptions;

  constructor(options: MessageDeflaterOptions) {
    this.#options = options;
    this.thresholdBytes = options.thresholdBytes;
    // Node's documented API cannot continue a context synchronously.
    const isNeverNow = options.contexts.keepsContext && !options.contexts.isSynchronous;
    this.laterFromBytes = isNeverNow ? 0 : LATER_FROM_BYTES;
  }

  deflate(
    payload: Uint8Array,
    whenDone: (result: Uint8Array | "plain") => void,
  ): Uint8Array | "plain" | LaterWork {
    if (payload.length >= this.laterFromBytes) return this.#deflateLater(payload, whenDone);
    const deflated = deflateNow(this.#options.contexts, this.#options.shape, payload);
    // If compression fails, most likely for lack of memory, the message is sent uncompressed and
    // the next one starts with an empty window, which is always valid.
    return deflated !== undefined && this.#isShorter(deflated.length, payload) ? deflated : "plain";
  }

  #deflateLater(payload: Uint8Array, whenDone: (result: Uint8Array | "plain") => void): LaterWork {
    let isAbandoned = false;
    let abandonRun = (): void => {};
    this.#options.turns.take((giveBack) => {
      if (isAbandoned) return giveBack();
      abandonRun = this.#runLater(payload, (result) => {
        // From here on, the context may belong to another message.
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

  /** Returns a function that cancels the run; `settle` is called exactly once, even then. */
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

  /**
   * With context takeover the compressed message is always sent, because the peer must see
   * everything that went into the context.
   */
  #isShorter(size: number, payload: Uint8Array): boolean {
    return this.#options.contexts.keepsContext || size < payload.length;
  }
}
