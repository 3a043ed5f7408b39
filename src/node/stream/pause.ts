/** The reasons why a connection is not reading. Each is a bit, so they can be combined. */
export const Pause = {
  /** The owner called `pause`. */
  Owner: 1,
  /** The peer does not read the output. */
  Output: 2,
  /** Other connections go first in this turn of the event loop. */
  Turn: 4,
} as const;

export type Pause = (typeof Pause)[keyof typeof Pause];
