import type { InflateRaw } from "node:zlib";
import type { CompressedPayload, InflateSink, Inflater, LaterWork } from "../../protocol/index.ts";
import type { ContextSource } from "./context-pool.ts";
import { inflateAlone, InstantInflation } from "./inflate-now.ts";
import { LaterInflation } from "./later-inflation.ts";
import { AT_ONCE_BYTES } from "./limits.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** Output that one message at a time borrows, so that a short message allocates nothing. */
let spare: Uint8Array | undefined;

const instant = new InstantInflation();

/**
 * Inflates messages: one connection's, on a context of its own, or on whichever is free those of
 * all connections that keep none; nothing of any of them stays here.
 */
export class MessageInflater implements Inflater {
  readonly #contexts: ContextSource<InflateRaw>;

  constructor(contexts: ContextSource<InflateRaw>) {
    this.#contexts = contexts;
  }

  inflate(payload: CompressedPayload, sink: InflateSink): "done" | LaterWork {
    if (payload.start === payload.end) {
      // No block at all is not cut off inside one, and some peers send it for an empty message.
      sink.onInflated(NOTHING, 0, 0, true);
      return "done";
    }
    if (!this.#contexts.isSynchronous) return this.#inflatePublicly(payload, sink);
    const output = spare ?? Buffer.allocUnsafeSlow(AT_ONCE_BYTES);
    // What the sink does may bring the next message.
    spare = undefined;
    const progress = this.#inflateInto(output, payload, sink);
    spare = output;
    return progress;
  }

  #inflateInto(
    output: Uint8Array,
    payload: CompressedPayload,
    sink: InflateSink,
  ): "done" | LaterWork {
    const contexts = this.#contexts;
    const context = contexts.take();
    const outcome = instant.run(context.sync!, payload, output);
    const { usedBytes, finalBlocks, readTo } = instant;
    if (outcome === "done") {
      // The end of the data before it may have left the context in the middle of something.
      if (finalBlocks > 0) context.sync!.reset();
      contexts.give(context);
      sink.onInflated(output, 0, usedBytes, true);
      return "done";
    }
    if (outcome === "failed" || !sink.onInflated(output, 0, usedBytes, false)) {
      contexts.discard(context);
      if (outcome === "failed") sink.onInflateFailed();
      return "done";
    }
    const later = new LaterInflation(contexts, sink, finalBlocks);
    later.start(context, kept({ ...payload, start: readTo }));
    return later;
  }

  #inflatePublicly(payload: CompressedPayload, sink: InflateSink): "done" | LaterWork {
    const contexts = this.#contexts;
    const { source, start, end } = payload;
    const inflated = contexts.keepsContext ? "unsuited" : inflateAlone(source.subarray(start, end));
    if (inflated === "unsuited") {
      const later = new LaterInflation(contexts, sink, 0);
      later.start(contexts.take(), kept(payload));
      return later;
    }
    if (inflated === "failed") sink.onInflateFailed();
    else sink.onInflated(inflated, 0, inflated.length, true);
    return "done";
  }
}

/** What is still there when the call has returned. */
function kept({ source, start, end, lent }: CompressedPayload): Uint8Array {
  const part = source.subarray(start, end);
  return lent ? new Uint8Array(part) : part;
}
