import type { FrameFormat } from "../live/index.ts";

/** Ends a frame; JSON text does not contain it. */
const LINE_FEED = 10;

/** The framing of texts on an in-memory network. */
export const memoryFrames: FrameFormat = {
  name: "memory",
  encodeText: (text) => new TextEncoder().encode(`${text}\n`),
};

/**
 * Splits written bytes into frames by reference, so that tests notice if they are overwritten too
 * early.
 */
export function framesIn(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, from)) {
    frames.push(bytes.subarray(from, at + 1));
    from = at + 1;
  }
  return frames;
}

export function textOf(frame: Uint8Array): string {
  return new TextDecoder().decode(frame.subarray(0, -1));
}
