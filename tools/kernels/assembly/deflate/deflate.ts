import { findMatches } from "./find-matches";
import { codeLengths, codesOf } from "./huffman";
import {
  baseOfDistance,
  baseOfLength,
  CODE_LENGTHS,
  distanceCounts,
  distanceSymbol,
  DISTANCES,
  END_OF_BLOCK,
  extraOfDistance,
  extraOfLength,
  fillTables,
  FIRST_LENGTH,
  increment,
  literalCounts,
  LITERALS,
  output,
  source,
  symbolOfLength,
  tokens,
} from "./layout";

/** Lengths of codes, as bytes, those of distances right behind those of literals while they are sent. */
const literalLengths: usize = memory.data(286 + 30);
const distanceLengths: usize = memory.data(30);
const lengthLengths: usize = memory.data(19);
const literalCodes: usize = memory.data(286 * 2, 2);
const distanceCodes: usize = memory.data(30 * 2, 2);
const lengthCodes: usize = memory.data(19 * 2, 2);
/** The code lengths as they are sent: a symbol, and what repeats << 8. (u32) */
const runs: usize = memory.data(316 * 4, 4);
const runCounts: usize = memory.data(19 * 4, 4);
/** (RFC 1951 §3.2.7) */
const sendingOrder: usize = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);

let at: usize = 0;
let bits: u64 = 0;
let bitCount: u64 = 0;

fillTables();

/** Where the message is to be put. */
export function sourceAt(): usize {
  return source;
}

/** Where it will be compressed. */
export function outputAt(): usize {
  return output;
}

/**
 * Compresses `size` bytes into one block with codes of its own, and an empty one without its length,
 * as they travel. (RFC 1951 §3.2.7, RFC 7692 §7.2.1)
 *
 * @param window how far back it may refer, in bytes
 * @returns how many bytes that made
 */
export function deflate(size: u32, window: u32): u32 {
  const end = findMatches(size, window);
  at = output;
  bits = 0;
  bitCount = 0;
  sendCodes();
  for (let token = tokens; token < end; token += 4) {
    sendToken(load<u32>(token));
    flushBytes();
  }
  send(load<u16>(literalCodes + (END_OF_BLOCK << 1)), load<u8>(literalLengths + END_OF_BLOCK));
  // A block of no compression that is not the last, up to the next byte.
  send(0, 3);
  store<u64>(at, bits);
  return <u32>(at - output) + <u32>((bitCount + 7) >> 3);
}

/** Adds bits; there is room for 56 between two calls of `flushBytes`. */
function send(value: u32, count: u32): void {
  bits |= (<u64>value) << bitCount;
  bitCount += count;
}

function flushBytes(): void {
  store<u64>(at, bits);
  at += <usize>(bitCount >> 3);
  bits >>= bitCount & ~7;
  bitCount &= 7;
}

function sendToken(token: u32): void {
  if (token < 65536) {
    send(load<u16>(literalCodes + (token << 1)), load<u8>(literalLengths + token));
    return;
  }
  const length = token >> 16;
  const lengthSymbol = <u32>load<u8>(symbolOfLength + length);
  const literal = FIRST_LENGTH + lengthSymbol;
  send(load<u16>(literalCodes + (literal << 1)), load<u8>(literalLengths + literal));
  send(length - load<u16>(baseOfLength + (lengthSymbol << 1)), extraOfLength(lengthSymbol));
  const distance = token & 0xffff;
  const symbol = distanceSymbol(distance);
  send(load<u16>(distanceCodes + (symbol << 1)), load<u8>(distanceLengths + symbol));
  send(distance - load<u16>(baseOfDistance + (symbol << 1)), extraOfDistance(symbol));
}

/** Makes the codes and sends them. (RFC 1951 §3.2.7) */
function sendCodes(): void {
  const literals = codeLengths(literalCounts, LITERALS, 15, literalLengths);
  const distances = codeLengths(distanceCounts, DISTANCES, 15, distanceLengths);
  codesOf(literalLengths, literals, literalCodes);
  codesOf(distanceLengths, distances, distanceCodes);
  memory.copy(literalLengths + literals, distanceLengths, distances);
  const end = makeRuns(literals + distances);
  codeLengths(runCounts, CODE_LENGTHS, 7, lengthLengths);
  codesOf(lengthLengths, CODE_LENGTHS, lengthCodes);
  let sent: u32 = CODE_LENGTHS;
  while (load<u8>(lengthLengths + load<u8>(sendingOrder + sent - 1)) === 0) sent--;
  // Not the last block, with codes of its own.
  send(4, 3);
  send(literals - 257, 5);
  send(distances - 1, 5);
  send(sent - 4, 4);
  for (let n: u32 = 0; n < sent; n++) {
    send(load<u8>(lengthLengths + load<u8>(sendingOrder + n)), 3);
    flushBytes();
  }
  for (let run = runs; run < end; run += 4) {
    const symbol = load<u32>(run) & 255;
    send(load<u16>(lengthCodes + (symbol << 1)), load<u8>(lengthLengths + symbol));
    if (symbol >= 16) send(load<u32>(run) >> 8, symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
    flushBytes();
  }
}

/** Writes `size` code lengths as runs, and returns where they end. (RFC 1951 §3.2.7) */
function makeRuns(size: u32): usize {
  memory.fill(runCounts, 0, CODE_LENGTHS << 2);
  let run: usize = runs;
  for (let n: u32 = 0; n < size;) {
    const length = <u32>load<u8>(literalLengths + n);
    let same: u32 = 1;
    while (n + same < size && load<u8>(literalLengths + n + same) === length) same++;
    n += same;
    if (length !== 0) {
      run = putRun(run, length, 0);
      same--;
    }
    while (same >= 3) {
      const most: u32 = length !== 0 ? 6 : 138;
      const repeated = min(same, most);
      if (length !== 0) run = putRun(run, 16, repeated - 3);
      else if (repeated <= 10) run = putRun(run, 17, repeated - 3);
      else run = putRun(run, 18, repeated - 11);
      same -= repeated;
    }
    for (; same > 0; same--) run = putRun(run, length, 0);
  }
  return run;
}

function putRun(run: usize, symbol: u32, repeats: u32): usize {
  store<u32>(run, symbol | (repeats << 8));
  increment(runCounts, symbol);
  return run + 4;
}
