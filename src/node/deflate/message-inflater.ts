import type { InflateRaw } from "node:zlib";
import type { CompressedPayload, InflateSink, Inflater, LaterWork } from "../../protocol/index.ts";
import type { ContextSource } from "./context-pool.ts";
import { inflateAlone, InstantInflation } from "./inflate-now.ts";
import { LaterInflation } from "./later-inflation.ts";
import { AT_ONCE_BYTES } from "./limits.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** An output buffer that one message at a time borrows, so that short messages do not allocate. */
let spare: Uint8Array | undefined;

const instant = new InstantInflation();

/**
 * Inflates messages. With context takeover it belongs to one connection; otherwise it uses any free
 * context, and all connections can share it because it keeps nothing between messages.
 */
export class MessageInflater implements Inflater {
  readonly #contexts: ContextSource<InflateRaw>;

  constructor(contexts: ContextSource<InflateRaw>) {
    this.#contexts = contexts;
  }

  inflate(payload: CompressedPayload, sink: InflateSink): "done" | LaterWork {
    if (payload.start === payload.end) {
      // A payload without any block is not cut off, and some peers send it for an empty message.
      sink.onInflated(NOTHING, 0, 0, true);
      return "done";
    }
    if (!this.#contexts.isSynchronous) return this.#inflatePublicly(payload, sink);
    const output = spare ?? Buffer.allocUnsafeSlow(AT_ONCE_BYTES);
    // Taken, because the sink may cause the next message to be inflated.
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
      // The earlier end of the data may have left the context in an intermediate state.
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

/** Returns the payload in a form that stays valid after the call. */
function kept({ source, start, end, lent }: CompressedPayload): Uint8Array {
  const part = source.subarray(start, end);
  return lent ? new Uint8Array(part) : part;
}
