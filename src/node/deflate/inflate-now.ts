import { constants, inflateRawSync, type InflateRaw } from "node:zlib";
import { AT_ONCE_BYTES, LATER_FROM_BYTES, MAX_FINAL_BLOCKS } from "./limits.ts";
import type { SyncZlib } from "../internals/sync-zlib.ts";
import { FINAL_ENDING, isAtMessageEnd, TAIL } from "./message-end.ts";

/**
 * Inflates the beginning of one message on the calling thread: most often all of it.
 *
 * Nothing is called back meanwhile, so that one of these serves everybody.
 */
export class InstantInflation {
  /** How much of the output is written. */
  usedBytes = 0;
  /** How much of the payload was read, where it stopped at `"more"`. */
  readTo = 0;
  finalBlocks = 0;
  #zlib: SyncZlib<InflateRaw> | undefined;

  /** Reads `source` from `start` to `end`, as far as `AT_ONCE_BYTES` of it and `output` go. */
  run(
    zlib: SyncZlib<InflateRaw>,
    { source, start, end }: { source: Uint8Array; start: number; end: number },
    output: Uint8Array,
  ): "done" | "more" | "failed" {
    this.#zlib = zlib;
    this.usedBytes = 0;
    this.finalBlocks = 0;
    this.readTo = this.#feed(source, start, Math.min(end, start + AT_ONCE_BYTES), output);
    if (this.readTo < 0) return "failed";
    if (this.readTo < end || this.usedBytes === output.length) return "more";
    const ending = isAtMessageEnd(zlib);
    if (ending === "ended") this.finalBlocks += 1;
    return ending === "cut" ? "failed" : "done";
  }

  /** Returns how far the input was read, or −1 if it is no DEFLATE data. */
  #feed(input: Uint8Array, start: number, end: number, output: Uint8Array): number {
    let at = start;
    for (;;) {
      const progress = this.#zlib!.run(input, at, end, output, this.usedBytes);
      if (progress.failed) return -1;
      at = end - progress.unreadBytes;
      this.usedBytes = output.length - progress.unusedBytes;
      if (at === end || progress.unusedBytes === 0) return at;
      // Room and input left: the data has ended with a final block, and what follows is new data.
      this.finalBlocks += 1;
      if (this.finalBlocks > MAX_FINAL_BLOCKS) return -1;
      this.#zlib!.reset();
    }
  }
}

/**
 * Inflates a short message on a context of its own, by Node's documented ways alone: a quarter of
 * the thread pool's time.
 *
 * @returns `"failed"` if it is not DEFLATE data, or is cut off inside a block; `"unsuited"` if it
 *   has to be read in steps, being long, or data that ends and starts again
 */
export function inflateAlone(payload: Uint8Array): Uint8Array | "failed" | "unsuited" {
  if (payload.length > LATER_FROM_BYTES) return "unsuited";
  try {
    const { buffer, engine } = inflatePublicly(Buffer.concat([payload, FINAL_ENDING]));
    const readBytes = engine.bytesWritten;
    // What follows a final block is new data.
    if (readBytes < payload.length) return "unsuited";
    if (readBytes === payload.length) return buffer;
    // All but the last byte, which tells an end from the need of more.
    if (readBytes !== payload.length + FINAL_ENDING.length - 1) return "failed";
    return mayHoldTail(buffer) && holdsTail(payload, buffer) ? "failed" : buffer;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "unsuited" : "failed";
  }
}

/** Says whether a block without compression may have taken the tail for the rest of its data. */
function mayHoldTail(output: Buffer): boolean {
  return output.length >= TAIL.length && output.subarray(-TAIL.length).equals(TAIL);
}

function holdsTail(payload: Uint8Array, output: Buffer): boolean {
  return inflatePublicly(payload).buffer.length < output.length;
}

/** What `info` makes of the result. */
interface Inflated {
  buffer: Buffer;
  /** The stream that was made for it. */
  engine: { bytesWritten: number };
}

function inflatePublicly(data: Uint8Array): Inflated {
  return inflateRawSync(data, publicOptions) as unknown as Inflated;
}

const publicOptions = {
  finishFlush: constants.Z_SYNC_FLUSH,
  maxOutputLength: AT_ONCE_BYTES,
  info: true,
};
