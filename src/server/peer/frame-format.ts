import { nodeByteOperations } from "../../node/index.ts";
import { encodeTextFrame } from "../../protocol/index.ts";

/**
 * How texts become frames for a number of peers at once.
 *
 * Peers for whom the same bytes do have the same one: those without compression, and those that
 * agreed to the same window and to messages that do not refer to earlier ones.
 */
export interface FrameFormat {
  /** `plain`, or `deflate` and the window's size as its base-2 logarithm. Says what the frames fit. */
  readonly name: string;
  /**
   * Returns `text` as a frame that `sendFrames` takes, of every peer with this format. Compressed
   * formats compress what is as long as `thresholdBytes` and gets shorter, up to 256 KiB.
   */
  encodeText(text: string): Uint8Array;
}

/** Frames that any peer takes: uncompressed ones are always allowed. (RFC 7692 §6) */
export const plainFrames: FrameFormat = {
  name: "plain",
  encodeText: (text) => encodeTextFrame(text, nodeByteOperations),
};
