import { constants, inflateRawSync, type InflateRaw } from "node:zlib";
import { AT_ONCE_BYTES, LATER_FROM_BYTES, MAX_FINAL_BLOCKS } from "./limits.ts";
import type { SyncZlib } from "../internals/sync-zlib.ts";
import { FINAL_ENDING, isAtMessageEnd, TAIL } from "./message-end.ts";

/**
 * Inflates the beginning of a message on the calling thread; for most messages, this is all of it.
 *
 * It does not call back while it runs, so one instance serves all connections.
 */
export class InstantInflation {
  /** The number of bytes written to the output. */
  usedBytes = 0;
  /** The position in the payload at which it stopped, after `"more"`. */
  readTo = 0;
  finalBlocks = 0;
  #zlib: SyncZlib<InflateRaw> | undefined;

  /**
   * Inflates `source` from `start` to `end`, up to `AT_ONCE_BYTES` of input and the size of
   * `output`.
   */
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

  /** Returns the position reached in the input, or −1 if it is not valid DEFLATE data. */
  #feed(input: Uint8Array, start: number, end: number, output: Uint8Array): number {
    let at = start;
    for (;;) {
      const progress = this.#zlib!.run(input, at, end, output, this.usedBytes);
      if (progress.failed) return -1;
      at = end - progress.unreadBytes;
      this.usedBytes = output.length - progress.unusedBytes;
      if (at === end || progress.unusedBytes === 0) return at;
      // Output room and input are left: a final block ended the data, and new data follows.
      this.finalBlocks += 1;
      if (this.finalBlocks > MAX_FINAL_BLOCKS) return -1;
      this.#zlib!.reset();
    }
  }
}

/**
 * Inflates a short message with a new context, using only Node's documented API. This takes a
 * quarter of the time of the thread pool.
 *
 * @returns `"failed"` if it is not valid DEFLATE data, or is cut off inside a block; `"unsuited"`
 *   if it has to be inflated in steps, because it is long, or because new data follows a final
 *   block
 */
export function inflateAlone(payload: Uint8Array): Uint8Array | "failed" | "unsuited" {
  if (payload.length > LATER_FROM_BYTES) return "unsuited";
  try {
    const { buffer, engine } = inflatePublicly(Buffer.concat([payload, FINAL_ENDING]));
    const readBytes = engine.bytesWritten;
    // The bytes after a final block are new data.
    if (readBytes < payload.length) return "unsuited";
    if (readBytes === payload.length) return buffer;
    // Not the last byte, which distinguishes the end from missing input.
    if (readBytes !== payload.length + FINAL_ENDING.length - 1) return "failed";
    return mayHoldTail(buffer) && holdsTail(payload, buffer) ? "failed" : buffer;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "unsuited" : "failed";
  }
}

/** Whether an uncompressed block may have consumed the tail as its data. */
function mayHoldTail(output: Buffer): boolean {
  return output.length >= TAIL.length && output.subarray(-TAIL.length).equals(TAIL);
}

function holdsTail(payload: Uint8Array, output: Buffer): boolean {
  return inflatePublicly(payload).buffer.length < output.length;
}

/** The result with the option `info`. */
interface Inflated {
  buffer: Buffer;
  /** The stream that was created for the call. */
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
