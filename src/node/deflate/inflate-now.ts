import { constants, inflateRawSync, type InflateRaw } from "node:zlib";
import { AT_ONCE_BYTES, LATER_FROM_BYTES, MAX_FINAL_BLOCKS } from "./limits.ts";
import type { SyncZlib } from "../internals/sync-zlib.ts";

/** What every message's end was without. (RFC 7692 §7.2.2) */
export const TAIL: Uint8Array = new Uint8Array([0x00, 0x00, 0xff, 0xff]);

/**
 * Inflates the beginning of one message on the calling thread: most often all of it.
 *
 * Nothing is called back meanwhile, so that one of these serves everybody.
 */
export class InstantInflation {
  /** How much of the output is written. */
  usedBytes = 0;
  /** How much of the payload was read, and then of the tail, where it stopped at `"more"`. */
  readTo = 0;
  tailReadTo = 0;
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
    this.tailReadTo = 0;
    this.readTo = this.#feed(source, start, Math.min(end, start + AT_ONCE_BYTES), output);
    if (this.readTo < 0) return "failed";
    if (this.readTo < end || this.usedBytes === output.length) return "more";
    // To write the tail behind the payload would save this call, 0.1 µs of 15: not worth the care.
    this.tailReadTo = this.#feed(TAIL, 0, TAIL.length, output);
    if (this.tailReadTo < 0) return "failed";
    return this.usedBytes === output.length ? "more" : "done";
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
 * @returns `"failed"` if it is no DEFLATE data; `"unsuited"` if it has to be read in steps, being
 *   long, or data that ends and starts anew
 */
export function inflateAlone(payload: Uint8Array): Uint8Array | "failed" | "unsuited" {
  if (payload.length > LATER_FROM_BYTES) return "unsuited";
  const whole = Buffer.concat([payload, TAIL]);
  try {
    const { buffer, engine } = inflateRawSync(whole, publicOptions) as unknown as Inflated;
    return engine.bytesWritten === whole.length ? buffer : "unsuited";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "unsuited" : "failed";
  }
}

/** What `info` makes of the result. */
interface Inflated {
  buffer: Buffer;
  /** The stream that was made for it. */
  engine: { bytesWritten: number };
}

const publicOptions = {
  finishFlush: constants.Z_SYNC_FLUSH,
  maxOutputLength: AT_ONCE_BYTES,
  info: true,
};
