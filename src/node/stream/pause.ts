/** Why a connection reads nothing; each is a bit, and together they are a set. */
export const Pause = {
  /** Its owner asked for it. */
  Owner: 1,
  /** The peer does not take what it is sent. */
  Output: 2,
  /** Others go first in this turn of the event loop. */
  Turn: 4,
} as const;

export type Pause = (typeof Pause)[keyof typeof Pause];
