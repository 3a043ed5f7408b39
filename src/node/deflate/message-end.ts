import { constants, type InflateRaw } from "node:zlib";
import type { SyncZlib } from "../internals/sync-zlib.ts";

/** The bytes that were removed from the end of every message. (RFC 7692 §7.2.2) */
export const TAIL: Uint8Array = new Uint8Array([0x00, 0x00, 0xff, 0xff]);

/** A block without data, after which the DEFLATE data continues. (RFC 1951 §3.2.4) */
const EMPTY_BLOCK = [0x00, 0x00, 0x00, 0xff, 0xff];
const EMPTY_FINAL_BLOCK = [0x01, 0x00, 0x00, 0xff, 0xff];
/** A byte that an inflater does not read after the end of the data. */
const UNREAD = [0xff];

/** The tail, a final block, and a byte that stays unread if the data ends there. */
export const FINAL_ENDING: Uint8Array = Uint8Array.from([...TAIL, ...EMPTY_FINAL_BLOCK, ...UNREAD]);

/**
 * The tail, followed by more empty blocks than the longest block header has bytes. If the data was
 * cut off inside a block, this makes it invalid or produces output.
 */
export const OPEN_ENDING: Uint8Array = Uint8Array.from([
  ...TAIL,
  ...Array.from({ length: 64 }, () => EMPTY_BLOCK).flat(),
]);

const probe = Uint8Array.from([...TAIL, ...UNREAD, ...UNREAD, ...UNREAD, ...UNREAD]);
const scratch = new Uint8Array(64);

/**
 * Reads a message's tail after its payload was read and all output taken, and returns where the
 * payload ended: `"open"` after a complete block, as it should; `"ended"` after a final block (RFC
 * 7692 §7.2.3.4); `"cut"` inside a block, so that the message is incomplete.
 *
 * zlib itself would wait for the rest of a block for ever. But it can be told to stop at the end of
 * one. The only block that ends with exactly the tail, and produces no output, is the empty one
 * whose header ends the payload.
 */
export function isAtMessageEnd(zlib: SyncZlib<InflateRaw>): "open" | "ended" | "cut" {
  const progress = zlib.run(probe, 0, probe.length, scratch, 0, constants.Z_BLOCK);
  const hasOutput = progress.unusedBytes < scratch.length;
  if (progress.failed || hasOutput) return "cut";
  if (progress.unreadBytes === probe.length) return "ended";
  return progress.unreadBytes === probe.length - TAIL.length ? "open" : "cut";
}
