import {
  distanceCounts,
  distanceSymbol,
  DISTANCES,
  END_OF_BLOCK,
  FIRST_LENGTH,
  increment,
  literalCounts,
  LITERALS,
  source,
  symbolOfLength,
  tokens,
} from "./layout";

/** How many places that begin alike are looked at; fewer where there is a fair match already. */
const DEPTH: u32 = 32;
const DEPTH_IF_GOOD: u32 = 8;
const GOOD: u32 = 8;
/** A match so long is taken without looking whether the next byte begins a longer one. */
const LAZY: u32 = 16;
/** One so long ends the search for a longer one. */
const NICE: u32 = 128;
const LONGEST: u32 = 258;

/** As zlib does here: matches of three bytes cost more than they save, in numbers above all. */
const SHORTEST: u32 = 4;

const HASH_BITS: u32 = 12;
/** The last place with each hash, and before each place the one with the same hash. (u32) */
const heads: usize = memory.data(4096 * 4, 4);
const previous: usize = memory.data(8192 * 4, 4);

/**
 * Places count on from message to message, and what is below a message's first one is not its own:
 * so nothing has to be cleared between two, of which zlib clears 64 KiB, and nothing of another
 * message is ever referred to.
 */
let nextPlace: u32 = 1;
const MOST_PLACES: u32 = 0x3fff0000;

let token: usize = 0;
/** How far back the match is that was found last. */
let foundDistance: u32 = 0;

/**
 * Finds what repeats within `size` bytes of `source`, no farther back than `window`, and counts the
 * symbols.
 *
 * @returns where the tokens end
 */
export function findMatches(size: u32, window: u32): usize {
  memory.fill(literalCounts, 0, LITERALS << 2);
  memory.fill(distanceCounts, 0, DISTANCES << 2);
  const first = takePlaces(size);
  // No match begins where four bytes cannot be read.
  const end: u32 = size < SHORTEST ? 0 : size - SHORTEST + 1;
  token = tokens;
  let at: u32 = 0;
  // A match that begins a byte before `at`, and is taken if none that begins here is longer.
  let length: u32 = 0;
  let distance: u32 = 0;
  while (at < size) {
    const candidate = at < end ? remember(at, first) : 0;
    const found =
      candidate >= first && length < LAZY
        ? longestMatch(at, candidate, first, length, size, window)
        : 0;
    if (length > 0 && found === 0) {
      putMatch(length, distance);
      const next = at - 1 + length;
      const stop = min(next, end);
      for (at++; at < stop; at++) remember(at, first);
      at = next;
      length = 0;
      continue;
    }
    if (length > 0) putLiteral(at - 1);
    else if (found === 0) putLiteral(at);
    length = found;
    distance = foundDistance;
    at++;
  }
  if (length > 0) putMatch(length, distance);
  store<u32>(literalCounts + (END_OF_BLOCK << 2), 1);
  return token;
}

function takePlaces(size: u32): u32 {
  if (nextPlace > MOST_PLACES) {
    memory.fill(heads, 0, 4 << HASH_BITS);
    nextPlace = 1;
  }
  const first = nextPlace;
  nextPlace += size;
  return first;
}

/** Enters the place `at`, and returns the last one before it that has the same hash. */
function remember(at: u32, first: u32): u32 {
  const hash = (load<u32>(source + at) * 0x9e3779b1) >> (32 - HASH_BITS);
  const head = heads + ((<usize>hash) << 2);
  const before = load<u32>(head);
  store<u32>(previous + ((<usize>at) << 2), before);
  store<u32>(head, first + at);
  return before;
}

/** Returns the length of the longest match that is longer than `present`, 0 if there is none. */
function longestMatch(
  at: u32,
  candidate: u32,
  first: u32,
  present: u32,
  size: u32,
  window: u32,
): u32 {
  const most = min(size - at, LONGEST);
  let best = max(present, SHORTEST - 1);
  if (best >= most) return 0;
  let found: u32 = 0;
  const here = source + at;
  const head = load<u32>(here);
  // The last four bytes that a longer match must have.
  let tail = load<u32>(here + best - 3);
  let left = present >= GOOD ? DEPTH_IF_GOOD : DEPTH;
  for (; candidate >= first && left > 0; left--) {
    const place = candidate - first;
    if (at - place > window) break;
    const there = source + place;
    if (load<u32>(there + best - 3) === tail && load<u32>(there) === head) {
      const length = commonLength(here, there, most);
      if (length > best) {
        best = length;
        found = length;
        foundDistance = at - place;
        if (length >= NICE || length === most) break;
        tail = load<u32>(here + best - 3);
      }
    }
    candidate = load<u32>(previous + ((<usize>place) << 2));
  }
  return found;
}

/** Returns how many bytes are equal, of which four are known to be. */
function commonLength(here: usize, there: usize, most: u32): u32 {
  let length: u32 = SHORTEST;
  for (; length + 8 <= most; length += 8) {
    const differing = load<u64>(here + length) ^ load<u64>(there + length);
    if (differing !== 0) return length + (<u32>ctz(differing) >> 3);
  }
  while (length < most && load<u8>(here + length) === load<u8>(there + length)) length++;
  return length;
}

function putLiteral(at: u32): void {
  const literal = <u32>load<u8>(source + at);
  store<u32>(token, literal);
  token += 4;
  increment(literalCounts, literal);
}

function putMatch(length: u32, distance: u32): void {
  store<u32>(token, (length << 16) | distance);
  token += 4;
  increment(literalCounts, FIRST_LENGTH + load<u8>(symbolOfLength + length));
  increment(distanceCounts, distanceSymbol(distance));
}
