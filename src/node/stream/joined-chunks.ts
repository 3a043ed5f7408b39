/**
 * Longer chunks are written as they are, because copying them would take longer than writing a
 * list.
 */
const MOST_BYTES = 16 * 1024;

let isRemembering = false;
let chunks: readonly Uint8Array[] = [];
let joined: Uint8Array | undefined;

/**
 * Returns `wanted` joined, if the chunks are short.
 *
 * In a burst of broadcasts, every connection writes the same frames. While many connections write,
 * the frames are joined only for the first one. Measured: a message in a burst of eight costs a
 * fifth less.
 */
export function joinedOnce(wanted: readonly Uint8Array[]): Uint8Array | undefined {
  if (joined !== undefined && areSame(wanted, chunks)) return joined;
  let bytes = 0;
  for (const chunk of wanted) bytes += chunk.length;
  if (bytes > MOST_BYTES) return undefined;
  const joinedNow = Buffer.concat(wanted, bytes);
  if (isRemembering) {
    chunks = wanted;
    joined = joinedNow;
  }
  return joinedNow;
}

/**
 * Calls `write`, during which the same chunks have the same content; afterwards they may change.
 */
export function whileManyWrite(write: () => void): void {
  isRemembering = true;
  try {
    write();
  } finally {
    isRemembering = false;
    chunks = [];
    joined = undefined;
  }
}

function areSame(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false;
  return true;
}
