import type { InflateRaw } from "node:zlib";
import type { InflateSink, LaterWork } from "../../protocol/index.ts";
import type { ContextSource } from "./context-pool.ts";
import { MAX_FINAL_BLOCKS } from "./limits.ts";
import { FINAL_ENDING, isAtMessageEnd, OPEN_ENDING } from "./message-end.ts";
import { runLater } from "./run-later.ts";
import type { InflateContext } from "./zlib-context.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** A message, or the rest of one, that Node's thread pool inflates. */
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

  /** Continues with `input` on `context`, which belongs to this message from now on. */
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

  /** The payload was read completely, but may be cut off inside a block. */
  #checkEnd(context: InflateContext): void {
    if (context.sync === undefined) return this.#checkEndPublicly(context);
    const end = isAtMessageEnd(context.sync);
    if (end === "cut") return this.#fail();
    if (end === "ended") this.#finalBlocks += 1;
    this.#end(context);
  }

  #checkEndPublicly(context: InflateContext): void {
    const { keepsContext } = this.#contexts;
    // After data that has ended, a context cannot continue with the next message.
    const ending = keepsContext ? OPEN_ENDING : FINAL_ENDING;
    this.#run = runLater(context.stream, ending, {
      // All output was received before, so this must be the tail, read as data.
      onPiece: () => this.#fail(),
      onDone: () => (keepsContext ? this.#end(context) : this.#fail()),
      onEnded: (readBytes) => {
        // If the payload ended with a final block, nothing of the ending is read.
        const isWhole = readBytes === 0 || (!keepsContext && readBytes === ending.length - 1);
        if (!isWhole) return this.#fail();
        this.#contexts.discard(context);
        this.#end(undefined);
      },
      onFailed: () => this.#fail(),
    });
  }

  /** @param context to return; `undefined` if it cannot be used any more */
  #end(context: InflateContext | undefined): void {
    this.#run = undefined;
    this.#context = undefined;
    if (context !== undefined) {
      // A final block ends the data, so the context must be reset before the next message.
      if (this.#finalBlocks > 0) context.sync?.reset();
      this.#contexts.give(context);
    }
    this.#sink.onInflated(NOTHING, 0, 0, true);
  }

  /** A final block ended the data, and a stream that has ended cannot be used again. */
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
