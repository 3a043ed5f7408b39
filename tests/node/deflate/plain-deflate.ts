/**
 * A plain implementation of `tools/kernels`, with which tests compare the kernel's output byte by
 * byte. Every message has its own tables.
 */
export function plainDeflate(message: Uint8Array, window: number): Uint8Array {
  const tokens = findMatches(message, window);
  const literals = Array.from({ length: 286 }, () => 0);
  const distances = Array.from({ length: 30 }, () => 0);
  literals[256] = 1;
  for (const token of tokens) {
    if (typeof token === "number") literals[token]! += 1;
    else {
      literals[257 + lengthSymbol(token.length)]! += 1;
      distances[distanceSymbol(token.distance)]! += 1;
    }
  }
  const literalCode = codeOf(codeLengths(literals, 15));
  const distanceCode = codeOf(codeLengths(distances, 15));
  const bits = new BitWriter();
  sendCodes(bits, literalCode, distanceCode);
  for (const token of tokens) {
    if (typeof token === "number") {
      bits.sendCode(literalCode, token);
      continue;
    }
    const length = lengthSymbol(token.length);
    bits.sendCode(literalCode, 257 + length);
    bits.send(token.length - LENGTH_BASE[length]!, LENGTH_EXTRA[length]!);
    const distance = distanceSymbol(token.distance);
    bits.sendCode(distanceCode, distance);
    bits.send(token.distance - DISTANCE_BASE[distance]!, DISTANCE_EXTRA[distance]!);
  }
  bits.sendCode(literalCode, 256);
  bits.send(0, 3);
  return Uint8Array.from(bits.bytes);
}

/** How often codes had to be shortened to 15 bits, and to 7. */
export const shortened: Record<number, number> = { 7: 0, 15: 0 };

type Token = number | { length: number; distance: number };

const LENGTH_EXTRA = Array.from({ length: 29 }, (_, n) => (n < 8 || n === 28 ? 0 : (n >> 2) - 1));
const LENGTH_BASE = [...basesOf(LENGTH_EXTRA.slice(0, 28), 3), 258];
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, n) => (n < 2 ? 0 : (n >> 1) - 1));
const DISTANCE_BASE = basesOf(DISTANCE_EXTRA, 1);
const SENDING_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function basesOf(extra: readonly number[], first: number): number[] {
  const bases: number[] = [];
  let base = first;
  for (const bits of extra) {
    bases.push(base);
    base += 2 ** bits;
  }
  return bases;
}

const lengthSymbol = (length: number): number =>
  LENGTH_BASE.findLastIndex((base) => base <= length);
const distanceSymbol = (distance: number): number =>
  DISTANCE_BASE.findLastIndex((base) => base <= distance);

function findMatches(message: Uint8Array, window: number): Token[] {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const heads = new Map<number, number>();
  const previous: (number | undefined)[] = [];
  const remember = (at: number): number | undefined => {
    if (at > message.length - 4) return undefined;
    const hash = Math.imul(view.getUint32(at, true), 0x9e3779b1) >>> 20;
    previous[at] = heads.get(hash);
    heads.set(hash, at);
    return previous[at];
  };
  const common = (a: number, b: number, most: number): number => {
    let length = 0;
    while (length < most && message[a + length] === message[b + length]) length += 1;
    return length;
  };
  const longest = (at: number, from: number | undefined, present: number): Token | undefined => {
    const most = Math.min(message.length - at, 258);
    let best = Math.max(present, 3);
    let match: Token | undefined;
    let place = from;
    for (let left = present >= 8 ? 8 : 32; place !== undefined && left > 0; left -= 1) {
      if (best >= most || at - place > window) break;
      const length = common(place, at, most);
      if (length > best) {
        best = length;
        match = { length, distance: at - place };
        if (length >= 128) break;
      }
      place = previous[place];
    }
    return match;
  };
  const tokens: Token[] = [];
  let pending: { length: number; distance: number } | undefined;
  for (let at = 0; at < message.length;) {
    const candidate = remember(at);
    const present = pending?.length ?? 0;
    const found = present < 16 ? longest(at, candidate, present) : undefined;
    if (pending !== undefined && found === undefined) {
      tokens.push(pending);
      const next = at - 1 + pending.length;
      for (at += 1; at < next; at += 1) remember(at);
      pending = undefined;
      continue;
    }
    if (pending !== undefined) tokens.push(message[at - 1]!);
    else if (found === undefined) tokens.push(message[at]!);
    pending = typeof found === "object" ? found : undefined;
    at += 1;
  }
  if (pending !== undefined) tokens.push(pending);
  return tokens;
}

/** A leaf or inner node of a tree, with the depths of its leaves. */
interface Node {
  count: number;
  symbols: readonly { symbol: number; depth: number }[];
}

function codeLengths(counts: readonly number[], longest: number): number[] {
  const lengths = counts.map(() => 0);
  const leaves: Node[] = counts
    .map((count, symbol) => ({ count, symbols: [{ symbol, depth: 0 }] }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => a.count - b.count);
  if (leaves.length < 2) {
    const only = leaves[0]?.symbols[0]!.symbol ?? 0;
    lengths[0] = 1;
    lengths[Math.max(1, only)] = 1;
    return lengths;
  }
  const order = leaves.map(({ symbols }) => symbols[0]!.symbol);
  const inner: Node[] = [];
  const takeLeast = (): Node =>
    leaves.length === 0 || (inner.length > 0 && inner[0]!.count < leaves[0]!.count)
      ? inner.shift()!
      : leaves.shift()!;
  while (leaves.length + inner.length > 1) {
    const [a, b] = [takeLeast(), takeLeast()];
    const symbols = [...a.symbols, ...b.symbols].map((one) => ({ ...one, depth: one.depth + 1 }));
    inner.push({ count: a.count + b.count, symbols });
  }
  // Among equal counts the choice is arbitrary; the kernel gives the first in order the longer
  // code.
  const depths = inner[0]!.symbols.map(({ depth }) => depth).toSorted((a, b) => b - a);
  if (depths[0]! > longest) shorten(depths, longest);
  for (const [n, symbol] of order.entries()) lengths[symbol] = depths[n]!;
  return lengths;
}

function shorten(depths: number[], longest: number): void {
  shortened[longest]! += 1;
  for (const [n, depth] of depths.entries()) depths[n] = Math.min(depth, longest);
  const used = (): number => depths.reduce((sum, depth) => sum + 2 ** (longest - depth), 0);
  while (used() > 2 ** longest) depths[depths.findIndex((depth) => depth < longest)]! += 1;
  for (let n = depths.length - 1; n >= 0; n -= 1) {
    while (depths[n]! > 1 && used() + 2 ** (longest - depths[n]!) <= 2 ** longest) depths[n]! -= 1;
  }
}

/** Codes by symbol, with the highest bit first. */
type Code = readonly string[];

/** (RFC 1951 §3.2.2) */
function codeOf(lengths: readonly number[]): Code {
  const codes = lengths.map(() => "");
  let code = 0;
  for (let length = 1; length <= 15; length += 1) {
    for (const [symbol, present] of lengths.entries()) {
      if (present === length) codes[symbol] = (code++).toString(2).padStart(length, "0");
    }
    code *= 2;
  }
  return codes;
}

/** (RFC 1951 §3.2.7) */
function sendCodes(bits: BitWriter, literals: Code, distances: Code): void {
  const used = (code: Code, least: number): Code =>
    code.slice(0, Math.max(least, code.findLastIndex((one) => one !== "") + 1));
  const sentLiterals = used(literals, 257);
  const sentDistances = used(distances, 1);
  const runs = runsOf([...sentLiterals, ...sentDistances].map((code) => code.length));
  const counts = Array.from({ length: 19 }, () => 0);
  for (const { symbol } of runs) counts[symbol]! += 1;
  const lengthCode = codeOf(codeLengths(counts, 7));
  const sent = SENDING_ORDER.findLastIndex((symbol) => lengthCode[symbol] !== "") + 1;
  bits.send(4, 3);
  bits.send(sentLiterals.length - 257, 5);
  bits.send(sentDistances.length - 1, 5);
  bits.send(sent - 4, 4);
  for (const symbol of SENDING_ORDER.slice(0, sent)) bits.send(lengthCode[symbol]!.length, 3);
  for (const { symbol, repeats } of runs) {
    bits.sendCode(lengthCode, symbol);
    if (symbol >= 16) bits.send(repeats, [2, 3, 7][symbol - 16]!);
  }
}

function runsOf(lengths: readonly number[]): { symbol: number; repeats: number }[] {
  const runs: { symbol: number; repeats: number }[] = [];
  for (let n = 0; n < lengths.length;) {
    const length = lengths[n]!;
    const end = lengths.findIndex((other, at) => at > n && other !== length);
    let same = (end < 0 ? lengths.length : end) - n;
    n += same;
    if (length > 0) {
      runs.push({ symbol: length, repeats: 0 });
      same -= 1;
    }
    while (same >= 3) {
      const now = Math.min(same, length > 0 ? 6 : 138);
      if (length > 0) runs.push({ symbol: 16, repeats: now - 3 });
      else
        runs.push(now <= 10 ? { symbol: 17, repeats: now - 3 } : { symbol: 18, repeats: now - 11 });
      same -= now;
    }
    for (; same > 0; same -= 1) runs.push({ symbol: length, repeats: 0 });
  }
  return runs;
}

class BitWriter {
  readonly bytes: number[] = [];
  #bits = 0;

  /**
   * Numbers are written with the lowest bit first, codes with the highest bit first. (RFC 1951
   * §3.1.1)
   */
  send(value: number, count: number): void {
    for (let bit = 0; bit < count; bit += 1) this.#sendBit((value >> bit) & 1);
  }

  sendCode(code: Code, symbol: number): void {
    for (const bit of code[symbol]!) this.#sendBit(Number(bit));
  }

  #sendBit(bit: number): void {
    if (this.#bits % 8 === 0) this.bytes.push(0);
    this.bytes[this.bytes.length - 1]! |= bit << (this.#bits % 8);
    this.#bits += 1;
  }
}
