import type { InflateRaw } from "node:zlib";
import type { InflateSink, LaterWork } from "../../protocol/index.ts";
import type { ContextSource } from "./context-pool.ts";
import { MAX_FINAL_BLOCKS } from "./limits.ts";
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

  /** Goes on with `inputs` on `context`, which is this message's from now on. */
  start(context: InflateContext, inputs: readonly Uint8Array[]): void {
    this.#context = context;
    this.#run = runLater(context.stream, inputs, {
      onPiece: (piece) => {
        if (!this.#sink.onInflated(piece, 0, piece.length, false)) this.abandon();
      },
      onDone: () => this.#end(context),
      onEnded: (readBytes) => this.#startAnew(context, Buffer.concat(inputs).subarray(readBytes)),
      onFailed: () => this.#fail(),
    });
  }

  abandon(): void {
    this.#run?.abandon();
    this.#run = undefined;
    if (this.#context !== undefined) this.#contexts.discard(this.#context);
    this.#context = undefined;
  }

  #end(context: InflateContext): void {
    this.#run = undefined;
    this.#context = undefined;
    // The end of the data before it may have left the context in the middle of something.
    if (this.#finalBlocks > 0) context.sync?.reset();
    this.#contexts.give(context);
    this.#sink.onInflated(NOTHING, 0, 0, true);
  }

  /** The data has ended with a final block; a stream that has ended cannot be used again. */
  #startAnew(context: InflateContext, rest: Uint8Array): void {
    this.#contexts.discard(context);
    this.#context = undefined;
    this.#finalBlocks += 1;
    if (this.#finalBlocks > MAX_FINAL_BLOCKS) return this.#fail();
    this.start(this.#contexts.take(), [rest]);
  }

  #fail(): void {
    this.abandon();
    this.#sink.onInflateFailed();
  }
}
