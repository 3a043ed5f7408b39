import type { DeflateRaw } from "node:zlib";
import { MAX_SHARED_BYTES } from "./limits.ts";
import type { SyncZlib } from "./sync-zlib.ts";

/** The octets at the end of every flush, which do not travel. (RFC 7692 §7.2.1) */
export const TAIL_BYTES = 4;

/** Any output fits: DEFLATE never doubles anything. What is not written to costs no memory. */
let scratch: Uint8Array | undefined;

/**
 * Compresses at most `MAX_SHARED_BYTES` on the calling thread.
 *
 * @returns the message without its tail, good until the next call; `undefined` if zlib failed
 */
export function deflateNow(
  zlib: SyncZlib<DeflateRaw>,
  payload: Uint8Array,
): Uint8Array | undefined {
  scratch ??= Buffer.allocUnsafeSlow(2 * MAX_SHARED_BYTES);
  const { unusedBytes, failed } = zlib.run(payload, 0, payload.length, scratch, 0);
  return failed ? undefined : scratch.subarray(0, scratch.length - unusedBytes - TAIL_BYTES);
}
