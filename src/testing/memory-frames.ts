import type { FrameFormat } from "../live/index.ts";

/** Ends a frame; no JSON text has one inside. */
const LINE_FEED = 10;

/** How texts are framed on a network in memory. */
export const memoryFrames: FrameFormat = {
  name: "memory",
  encodeText: (text) => new TextEncoder().encode(`${text}\n`),
};

/** The frames in what was written, by reference: who wrote over them too early would be seen. */
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
