import { constants, deflateRawSync, type DeflateRaw } from "node:zlib";
import type { ContextSource } from "./context-pool.ts";
import {
  deflateKernel,
  KERNEL_FROM_BYTES,
  KERNEL_TO_BYTES,
  KERNEL_TO_LEVEL,
} from "./deflate-kernel.ts";
import { MAX_SHARED_BYTES } from "./limits.ts";
import { zlibOptions, type DeflateShape } from "./zlib-context.ts";

/** The number of octets at the end of every flush, which are not sent. (RFC 7692 §7.2.1) */
export const TAIL_BYTES = 4;

/**
 * Large enough for any output, because DEFLATE never doubles its input. Untouched pages cost no
 * memory. If zlib wrote directly into the frame, this would save a copy of 50 ns, but reserve
 * memory for each frame.
 */
let scratch: Uint8Array | undefined;

/**
 * Compresses at most `MAX_SHARED_BYTES` on the calling thread.
 *
 * @param contexts without context takeover, if only Node's documented API may be used
 * @returns the message without its tail, valid until the next call; `undefined` if zlib failed
 */
export function deflateNow(
  contexts: ContextSource<DeflateRaw>,
  shape: DeflateShape,
  payload: Uint8Array,
): Uint8Array | undefined {
  const kernel = isForKernel(contexts, shape, payload) ? deflateKernel() : undefined;
  if (kernel !== undefined) return kernel.run(payload, shape.windowBits);
  if (!contexts.isSynchronous) return deflateAlone(shape, payload);
  const context = contexts.take();
  scratch ??= new Uint8Array(2 * MAX_SHARED_BYTES);
  const { unusedBytes, failed } = context.sync!.run(payload, 0, payload.length, scratch, 0);
  if (failed) {
    contexts.discard(context);
    return undefined;
  }
  contexts.give(context);
  return scratch.subarray(0, scratch.length - unusedBytes - TAIL_BYTES);
}

function isForKernel(
  { keepsContext }: ContextSource<DeflateRaw>,
  { level }: DeflateShape,
  { length }: Uint8Array,
): boolean {
  const fits = length >= KERNEL_FROM_BYTES && length <= KERNEL_TO_BYTES;
  return fits && !keepsContext && level <= KERNEL_TO_LEVEL;
}

/**
 * Creates a context for a single message. This takes twice the time of a reused context, and a
 * quarter of the time of the thread pool.
 */
function deflateAlone(shape: DeflateShape, payload: Uint8Array): Uint8Array {
  const options = { ...zlibOptions(shape), finishFlush: constants.Z_SYNC_FLUSH };
  return deflateRawSync(payload, options).subarray(0, -TAIL_BYTES);
}
