import type { InflateRaw } from "node:zlib";
import type { InflateSink, LaterWork } from "../../protocol/index.ts";
import type { ContextSource } from "./context-pool.ts";
import { MAX_FINAL_BLOCKS } from "./limits.ts";
import { FINAL_ENDING, isAtMessageEnd, OPEN_ENDING } from "./message-end.ts";
import { runLater } from "./run-later.ts";
import type { InflateContext } from "./zlib-context.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** A message, or the rest of it, that Node's thread pool inflates. */
export class LaterInflation implements LaterWork {
  readonly #contexts: ContextSource<InflateRaw>;
  readonly #sink: InflateSink;
  #context: InflateContext | undefined;
  #run: LaterWork | undefined;
  #finalBlocks: number;

  constructor(contexts: ContextSource<InflateRaw>, sink: InflateSink, finalBlocks: number) {
    this.#contexts = contexts;
    this.#sink = sink;
    this.#finalBlocks = finalBlocks;
  }

  /** Goes on with `input` on `context`, which is this message's from now on. */
  start(context: InflateContext, input: Uint8Array): void {
    this.#context = context;
    this.#run = runLater(context.stream, input, {
      onPiece: (piece) => {
        if (!this.#sink.onInflated(piece, 0, piece.length, false)) this.abandon();
      },
      onDone: () => this.#checkEnd(context),
      onEnded: (readBytes) => this.#startAnew(context, input.subarray(readBytes)),
      onFailed: () => this.#fail(),
    });
  }

  abandon(): void {
    this.#run?.abandon();
    this.#run = undefined;
    if (this.#context !== undefined) this.#contexts.discard(this.#context);
    this.#context = undefined;
  }

  /** The payload was read; but it may be cut off inside a block. */
  #checkEnd(context: InflateContext): void {
    if (context.sync === undefined) return this.#checkEndPublicly(context);
    const end = isAtMessageEnd(context.sync);
    if (end === "cut") return this.#fail();
    if (end === "ended") this.#finalBlocks += 1;
    this.#end(context);
  }

  #checkEndPublicly(context: InflateContext): void {
    const { keepsContext } = this.#contexts;
    // Data that has ended cannot go on with the next message.
    const ending = keepsContext ? OPEN_ENDING : FINAL_ENDING;
    this.#run = runLater(context.stream, ending, {
      // All output was there before, so this is what the tail was taken for.
      onPiece: () => this.#fail(),
      onDone: () => (keepsContext ? this.#end(context) : this.#fail()),
      onEnded: (readBytes) => {
        // Nothing of it is read if the payload ended with a final block.
        const isWhole = readBytes === 0 || (!keepsContext && readBytes === ending.length - 1);
        if (!isWhole) return this.#fail();
        this.#contexts.discard(context);
        this.#end(undefined);
      },
      onFailed: () => this.#fail(),
    });
  }

  /** @param context to give back; `undefined` if it is of no use any more */
  #end(context: InflateContext | undefined): void {
    this.#run = undefined;
    this.#context = undefined;
    if (context !== undefined) {
      // A final block ends the data, and a context must be reset to go on behind it.
      if (this.#finalBlocks > 0) context.sync?.reset();
      this.#contexts.give(context);
    }
    this.#sink.onInflated(NOTHING, 0, 0, true);
  }

  /** The data has ended with a final block; a stream that has ended cannot be used again. */
  #startAnew(context: InflateContext, rest: Uint8Array): void {
    this.#contexts.discard(context);
    this.#context = undefined;
    this.#finalBlocks += 1;
    if (this.#finalBlocks > MAX_FINAL_BLOCKS) return this.#fail();
    this.start(this.#contexts.take(), rest);
  }

  #fail(): void {
    this.abandon();
    this.#sink.onInflateFailed();
  }
}
