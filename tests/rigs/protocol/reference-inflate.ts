/** The result of an inflation. */
export interface Inflation {
  bytes: Uint8Array;
  /** The largest distance of a reference, in bytes. */
  farthest: number;
}

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * Inflates DEFLATE data slowly and plainly, following RFC 1951, to check the window that is used;
 * zlib does not report how far back it had to look.
 *
 * @param data a message without the tail, which is added. (RFC 7692 §7.2.2)
 * @param before the inflated earlier messages
 */
export function referenceInflate(data: Uint8Array, before: readonly number[] = []): Inflation {
  const bits = new Bits(Uint8Array.from([...data, 0x00, 0x00, 0xff, 0xff]));
  const out: number[] = [...before];
  let farthest = 0;
  const copy = (length: number, distance: number): void => {
    if (distance > out.length) throw new Error(`a reference ${distance} back, before the start`);
    farthest = Math.max(farthest, distance);
    for (let count = 0; count < length; count += 1) out.push(out[out.length - distance]!);
  };
  for (let isFinal = false; !isFinal && !bits.isAtEnd;) {
    isFinal = bits.take(1) === 1;
    const type = bits.take(2);
    if (type === 0) {
      bits.alignToByte();
      const length = bits.take(16);
      bits.take(16);
      for (let count = 0; count < length; count += 1) out.push(bits.take(8));
      continue;
    }
    if (type === 3) throw new Error("a block of the reserved type");
    const [literals, distances] = type === 1 ? fixedCodes() : dynamicCodes(bits);
    for (;;) {
      const symbol = literals.read(bits);
      if (symbol === 256) break;
      if (symbol < 256) {
        out.push(symbol);
        continue;
      }
      const length = LENGTH_BASE[symbol - 257]! + bits.take(LENGTH_EXTRA[symbol - 257]!);
      const slot = distances.read(bits);
      const extra = slot < 2 ? 0 : (slot >> 1) - 1;
      const base = slot < 2 ? slot + 1 : ((2 + (slot & 1)) << extra) + 1;
      copy(length, base + bits.take(extra));
    }
  }
  return { bytes: Uint8Array.from(out.slice(before.length)), farthest };
}

class Bits {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length * 8;
  }

  take(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1) {
      if (this.isAtEnd) throw new Error("the data ended in the middle");
      value |= ((this.#data[this.#at >> 3]! >> (this.#at & 7)) & 1) << bit;
      this.#at += 1;
    }
    return value;
  }

  alignToByte(): void {
    this.#at = (this.#at + 7) & ~7;
  }
}

/** A canonical Huffman code. (RFC 1951 §3.2.2) */
class Code {
  readonly #symbols = new Map<number, number>();

  constructor(lengths: readonly number[]) {
    let code = 0;
    for (let length = 1; length <= 15; length += 1) {
      for (const [symbol, present] of lengths.entries()) {
        if (present === length) this.#symbols.set((length << 16) | code++, symbol);
      }
      code <<= 1;
    }
  }

  read(bits: Bits): number {
    let code = 0;
    for (let length = 1; length <= 15; length += 1) {
      code = (code << 1) | bits.take(1);
      const symbol = this.#symbols.get((length << 16) | code);
      if (symbol !== undefined) return symbol;
    }
    throw new Error("no such code");
  }
}

function fixedCodes(): [Code, Code] {
  const lengths = Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  );
  return [new Code(lengths), new Code(Array.from({ length: 30 }, () => 5))];
}

function dynamicCodes(bits: Bits): [Code, Code] {
  const literals = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const count = bits.take(4) + 4;
  const codeLengths = Array.from({ length: 19 }, () => 0);
  for (const place of CODE_LENGTH_ORDER.slice(0, count)) codeLengths[place] = bits.take(3);
  const code = new Code(codeLengths);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = code.read(bits);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) repeat(lengths, lengths.at(-1)!, bits.take(2) + 3);
    else if (symbol === 17) repeat(lengths, 0, bits.take(3) + 3);
    else repeat(lengths, 0, bits.take(7) + 11);
  }
  return [new Code(lengths.slice(0, literals)), new Code(lengths.slice(literals))];
}

function repeat(lengths: number[], length: number, times: number): void {
  for (let count = 0; count < times; count += 1) lengths.push(length);
}
