import { constants, type InflateRaw } from "node:zlib";
import type { SyncZlib } from "../internals/sync-zlib.ts";

/** What every message's end was without. (RFC 7692 §7.2.2) */
export const TAIL: Uint8Array = new Uint8Array([0x00, 0x00, 0xff, 0xff]);

/** A block without data: with it the DEFLATE data goes on. (RFC 1951 §3.2.4) */
const EMPTY_BLOCK = [0x00, 0x00, 0x00, 0xff, 0xff];
const EMPTY_FINAL_BLOCK = [0x01, 0x00, 0x00, 0xff, 0xff];
/** Not read by an inflater that has reached an end. */
const UNREAD = [0xff];

/** The tail, a final block, and a byte that is left over if the data has ended there. */
export const FINAL_ENDING: Uint8Array = Uint8Array.from([...TAIL, ...EMPTY_FINAL_BLOCK, ...UNREAD]);

/**
 * The tail and more empty blocks than the longest header of a block has bytes: data that was cut
 * off inside one becomes wrong, or output.
 */
export const OPEN_ENDING: Uint8Array = Uint8Array.from([
  ...TAIL,
  ...Array.from({ length: 64 }, () => EMPTY_BLOCK).flat(),
]);

const probe = Uint8Array.from([...TAIL, ...UNREAD, ...UNREAD, ...UNREAD, ...UNREAD]);
const scratch = new Uint8Array(64);

/**
 * Reads a message's tail, once its payload was read and all output taken, and says where that was:
 * `"open"` behind a whole block, as it should; `"ended"` behind a final block (RFC 7692 §7.2.3.4);
 * `"cut"` inside a block, so that the message is not the one that was sent.
 *
 * zlib itself waits for the rest of a block for ever. But at the end of one it can be told to stop,
 * and the only block that ends with exactly the tail, and gives nothing, is the empty one whose
 * header the payload ends with.
 */
export function isAtMessageEnd(zlib: SyncZlib<InflateRaw>): "open" | "ended" | "cut" {
  const progress = zlib.run(probe, 0, probe.length, scratch, 0, constants.Z_BLOCK);
  const hasOutput = progress.unusedBytes < scratch.length;
  if (progress.failed || hasOutput) return "cut";
  if (progress.unreadBytes === probe.length) return "ended";
  return progress.unreadBytes === probe.length - TAIL.length ? "open" : "cut";
}
