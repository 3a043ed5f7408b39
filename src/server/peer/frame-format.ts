import { nodeByteOperations } from "../../node/index.ts";
import { encodeTextFrame } from "../../protocol/index.ts";

/**
 * Encodes texts as frames that many peers can share.
 *
 * Peers that accept the same bytes have the same format: all peers without compression, and all
 * peers that agreed to the same window size and to messages that do not refer to earlier ones.
 */
export interface FrameFormat {
  /** `plain`, or `deflate` with the window size as its base-2 logarithm. */
  readonly name: string;
  /**
   * Returns `text` as a frame for `sendFrames` of every peer with this format. A compressing format
   * compresses texts from `thresholdBytes` to 256 KiB, if that makes them shorter.
   */
  encodeText(text: string): Uint8Array;
}

/** Frames that every peer accepts, because uncompressed frames are always allowed. (RFC 7692 §6) */
export const plainFrames: FrameFormat = {
  name: "plain",
  encodeText: (text) => encodeTextFrame(text, nodeByteOperations),
};
