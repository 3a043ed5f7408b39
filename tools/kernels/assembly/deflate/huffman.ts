import { increment } from "./layout";

/** Counts from here on share a bucket, which is sorted by insertion: few symbols are so frequent. */
const BUCKETS: u32 = 64;
const buckets: usize = memory.data(65 * 4, 4);
/** Symbols in the order of their counts, as count << 9 | symbol. (u32) */
const sorted: usize = memory.data(288 * 4, 4);
/** First the counts, then what is made of them in place. (u32) */
const nodes: usize = memory.data(288 * 4, 4);
const lengthCounts: usize = memory.data(17 * 4, 4);
const nextCodes: usize = memory.data(17 * 4, 4);
const LONGEST_CODE: usize = 15;

function at(array: usize, index: u32): u32 {
  return load<u32>(array + ((<usize>index) << 2));
}

function put(array: usize, index: u32, value: u32): void {
  store<u32>(array + ((<usize>index) << 2), value);
}

/**
 * Writes the lengths of a code with the least total for `counts`, each at most `longest`, as bytes;
 * 0 for what does not occur.
 *
 * Sorted by counting, and in place, it takes a third of what zlib's heap does.
 *
 * @returns how many symbols there are to the last one that has a code
 */
export function codeLengths(counts: usize, symbols: u32, longest: u32, lengths: usize): u32 {
  memory.fill(lengths, 0, symbols);
  let size: u32 = 0;
  let end: u32 = 0;
  memory.fill(buckets, 0, (BUCKETS + 1) << 2);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = at(counts, symbol);
    if (count === 0) continue;
    increment(buckets, min(count, BUCKETS));
    size++;
    end = symbol + 1;
  }
  if (size < 2) {
    // As zlib does: a code of two symbols where fewer occur, which all that inflates can read.
    store<u8>(lengths, 1);
    store<u8>(lengths + max(end, 2) - 1, 1);
    return max(end, 2);
  }
  sort(counts, end, size);
  for (let n: u32 = 0; n < size; n++) put(nodes, n, at(sorted, n) >> 9);
  toDepths(size);
  if (at(nodes, 0) > longest) shorten(size, longest);
  for (let n: u32 = 0; n < size; n++) store<u8>(lengths + (at(sorted, n) & 511), <u8>at(nodes, n));
  return end;
}

function sort(counts: usize, end: u32, size: u32): void {
  let start: u32 = 0;
  for (let bucket: u32 = 1; bucket <= BUCKETS; bucket++) {
    const count = at(buckets, bucket);
    put(buckets, bucket, start);
    start += count;
  }
  const frequent = at(buckets, BUCKETS);
  for (let symbol: u32 = 0; symbol < end; symbol++) {
    const count = at(counts, symbol);
    if (count === 0) continue;
    const bucket = min(count, BUCKETS);
    put(sorted, at(buckets, bucket), (count << 9) | symbol);
    increment(buckets, bucket);
  }
  for (let n = frequent + 1; n < size; n++) {
    const one = at(sorted, n);
    let place = n;
    for (; place > frequent && at(sorted, place - 1) > one; place--) {
      put(sorted, place, at(sorted, place - 1));
    }
    put(sorted, place, one);
  }
}

/**
 * Makes of ascending counts in `nodes` the depths of their leaves.
 *
 * (A. Moffat, J. Katajainen, In-Place Calculation of Minimum-Redundancy Codes, 1995)
 */
function toDepths(size: u32): void {
  // The tree: each inner node stands where a count stood, and then says which is above it.
  let inner: u32 = 0;
  let leaf: u32 = 0;
  for (let next: u32 = 0; next < size - 1; next++) {
    let sum: u32 = 0;
    for (let taken = 0; taken < 2; taken++) {
      if (leaf >= size || (inner < next && at(nodes, inner) < at(nodes, leaf))) {
        sum += at(nodes, inner);
        put(nodes, inner++, next);
      } else {
        sum += at(nodes, leaf++);
      }
    }
    put(nodes, next, sum);
  }
  put(nodes, size - 2, 0);
  for (let n: u32 = size - 2; n > 0; n--) put(nodes, n - 1, at(nodes, at(nodes, n - 1)) + 1);
  // What is not an inner node at a depth is a leaf there.
  let available: u32 = 1;
  let depth: u32 = 0;
  inner = size - 1;
  for (let next = size; available > 0; depth++) {
    let used: u32 = 0;
    for (; inner > 0 && at(nodes, inner - 1) === depth; inner--) used++;
    for (; available > used; available--) put(nodes, --next, depth);
    available = 2 * used;
  }
}

/** Makes codes that are too long shorter, and others longer for them; the least frequent first. */
function shorten(size: u32, longest: u32): void {
  const full = (<u32>1) << longest;
  let used: u32 = 0;
  for (let n: u32 = 0; n < size; n++) {
    put(nodes, n, min(at(nodes, n), longest));
    used += full >> at(nodes, n);
  }
  for (let n: u32 = 0; used > full;) {
    const length = at(nodes, n);
    if (length === longest) {
      n++;
      continue;
    }
    used -= full >> (length + 1);
    put(nodes, n, length + 1);
  }
  // What that left over goes to the most frequent that can use it, so that the code is complete.
  for (let n = size; n > 0; n--) {
    for (let length = at(nodes, n - 1); length > 1 && used + (full >> length) <= full; length--) {
      used += full >> length;
      put(nodes, n - 1, length - 1);
    }
  }
}

/** Writes the codes for `lengths` as u16, their bits in the order in which they are sent. (§3.2.2) */
export function codesOf(lengths: usize, symbols: u32, codes: usize): void {
  memory.fill(lengthCounts, 0, 17 << 2);
  for (let n: u32 = 0; n < symbols; n++) increment(lengthCounts, load<u8>(lengths + n));
  put(lengthCounts, 0, 0);
  let code: u32 = 0;
  for (let length: u32 = 1; length <= <u32>LONGEST_CODE; length++) {
    code = (code + at(lengthCounts, length - 1)) << 1;
    put(nextCodes, length, code);
  }
  for (let n: u32 = 0; n < symbols; n++) {
    const length = <u32>load<u8>(lengths + n);
    if (length === 0) continue;
    const next = at(nextCodes, length);
    put(nextCodes, length, next + 1);
    store<u16>(codes + (n << 1), <u16>(reversed(next) >> (16 - length)));
  }
}

/** Reverses 16 bits. */
function reversed(bits: u32): u32 {
  let turned = ((bits & 0xaaaa) >> 1) | ((bits & 0x5555) << 1);
  turned = ((turned & 0xcccc) >> 2) | ((turned & 0x3333) << 2);
  turned = ((turned & 0xf0f0) >> 4) | ((turned & 0x0f0f) << 4);
  return ((turned & 0xff00) >> 8) | ((turned & 0x00ff) << 8);
}
