import type { World } from "../row.ts";

/** Of messages or bodies of 1 MiB a payer's share has room for 48, and the rest costs, too. */
const MOST_IN_A_SHARE = 60;
/** A deadline of 10 s, and what it takes to look for those that have missed it. */
const LONGEST_HANDSHAKE_MS = 12_500;

/** No more stay unfinished at one time than one payer's share has room for. */
export function asManyAsAShareHas({ abuser }: World): Promise<string | undefined> {
  const count = abuser?.most.heldAtOnce ?? 0;
  return Promise.resolve(
    count <= MOST_IN_A_SHARE
      ? undefined
      : `${count} of 1 MiB each were kept unfinished at one time, for 5 s and longer`,
  );
}

/** A handshake that does not end is ended. */
export function noLongHandshake({ abuser }: World): Promise<string | undefined> {
  const longestMs = abuser?.most.longestHeldMs ?? 0;
  return Promise.resolve(
    longestMs <= LONGEST_HANDSHAKE_MS
      ? undefined
      : `an unfinished handshake was kept for ${(longestMs / 1_000).toFixed(1)} s`,
  );
}
