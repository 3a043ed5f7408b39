/** The longest message, in bytes; beyond it zlib is as fast. */
export const MOST_BYTES: u32 = 8192;

/** The symbols of literals and lengths, of distances, and of code lengths. (RFC 1951 §3.2.5, §3.2.7) */
export const LITERALS: u32 = 286;
export const DISTANCES: u32 = 30;
export const CODE_LENGTHS: u32 = 19;
export const END_OF_BLOCK: u32 = 256;
export const FIRST_LENGTH: u32 = 257;

/** The message, and what becomes of it: 15 bits for a byte at most, and the head. */
export const source: usize = memory.data(8192);
export const output: usize = memory.data(16384 + 2048, 8);

/** What was found: a literal, or a match as its length << 16 | its distance. (u32) */
export const tokens: usize = memory.data(8192 * 4, 4);

/** How often each symbol stands in the tokens. (u32) */
export const literalCounts: usize = memory.data(286 * 4, 4);
export const distanceCounts: usize = memory.data(30 * 4, 4);

/** Which symbol a length or a distance has, and what it begins with; see `fillTables`. */
export const symbolOfLength: usize = memory.data(259);
export const baseOfLength: usize = memory.data(29 * 2, 2);
const symbolOfDistance: usize = memory.data(512);
export const baseOfDistance: usize = memory.data(30 * 2, 2);

/** How many bits follow the symbol of a length; its index counts from 0. */
export function extraOfLength(symbol: u32): u32 {
  return symbol < 8 || symbol === 28 ? 0 : (symbol >> 2) - 1;
}

export function extraOfDistance(symbol: u32): u32 {
  return symbol < 2 ? 0 : (symbol >> 1) - 1;
}

/** Distances to 256 have an entry each, and those beyond one for each 128. */
export function distanceSymbol(distance: u32): u32 {
  const last = distance - 1;
  return load<u8>(symbolOfDistance + (last < 256 ? last : 256 + (last >> 7)));
}

/** Adds one to the u32 at `index` of `array`. */
export function increment(array: usize, index: u32): void {
  const at = array + ((<usize>index) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** (RFC 1951 §3.2.5) */
export function fillTables(): void {
  let length: u32 = 3;
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    store<u16>(baseOfLength + (symbol << 1), <u16>length);
    for (let n: u32 = 0; n < (<u32>1) << extraOfLength(symbol); n++) {
      store<u8>(symbolOfLength + length++, <u8>symbol);
    }
  }
  store<u16>(baseOfLength + 56, 258);
  store<u8>(symbolOfLength + 258, 28);
  let distance: u32 = 1;
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    store<u16>(baseOfDistance + (symbol << 1), <u16>distance);
    const next = distance + ((<u32>1) << extraOfDistance(symbol));
    for (; distance < next; distance++) {
      const last = distance - 1;
      store<u8>(symbolOfDistance + (last < 256 ? last : 256 + (last >> 7)), <u8>symbol);
    }
  }
}
