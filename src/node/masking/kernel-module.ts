/**
 * The masking of `src/protocol/masking.ts` for WebAssembly's vectors, as the bytes of a module.
 *
 * In WebAssembly's text format:
 *
 *     (memory (export "memory") PAGES PAGES)
 *     (func (export "mask") (param $at i32) (param $end i32) (param $key i32) (result i32)
 *       (local $keys v128) (local $seen v128) (local $octets v128)
 *       (local $word i32) (local $rest i32)
 *       (local.set $keys (i32x4.splat (local.get $key)))
 *       (block $few (loop $sixteen
 *         (br_if $few (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
 *         (local.set $octets (v128.xor (v128.load (local.get $at)) (local.get $keys)))
 *         (v128.store (local.get $at) (local.get $octets))
 *         (local.set $seen (v128.or (local.get $seen) (local.get $octets)))
 *         (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *         (br $sixteen)))
 *       (block $fewer (loop $four
 *         (br_if $fewer (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)))
 *         (local.set $word (i32.xor (i32.load (local.get $at)) (local.get $key)))
 *         (i32.store (local.get $at) (local.get $word))
 *         (local.set $rest (i32.or (local.get $rest) (local.get $word)))
 *         (local.set $at (i32.add (local.get $at) (i32.const 4)))
 *         (br $four)))
 *       (block $none (loop $one
 *         (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
 *         (local.set $word (i32.xor (i32.load8_u (local.get $at))
 *                                   (i32.and (local.get $key) (i32.const 255))))
 *         (i32.store8 (local.get $at) (local.get $word))
 *         (local.set $rest (i32.or (local.get $rest) (local.get $word)))
 *         (local.set $key (i32.shr_u (local.get $key) (i32.const 8)))
 *         (local.set $at (i32.add (local.get $at) (i32.const 1)))
 *         (br $one)))
 *       (i32.or (i8x16.bitmask (local.get $seen))
 *               (i32.and (local.get $rest) (i32.const 0x80808080))))
 *
 * @param pages of 64 KiB, at most 63
 */
export function kernelModule(pages: number): Uint8Array<ArrayBuffer> {
  const parts = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(TYPES, [1, FUNCTION, 3, I32, I32, I32, 1, I32]),
    section(FUNCTIONS, [1, 0]),
    section(MEMORIES, [1, HAS_MAXIMUM, pages, pages]),
    section(EXPORTS, [2, ...name("memory"), MEMORY, 0, ...name("mask"), FUNCTION_NUMBER, 0]),
    section(CODES, [1, ...sized(code)]),
  ];
  return new Uint8Array(parts.flat());
}

// Sections and kinds. (WebAssembly Core 2.0 §5.3, §5.5)
const TYPES = 1;
const FUNCTIONS = 3;
const MEMORIES = 5;
const EXPORTS = 7;
const CODES = 10;
const FUNCTION = 0x60;
const FUNCTION_NUMBER = 0;
const MEMORY = 2;
const HAS_MAXIMUM = 1;
const I32 = 0x7f;
const V128 = 0x7b;
const NO_RESULT = 0x40;

// Instructions. (§5.4)
const BLOCK = 0x02;
const LOOP = 0x03;
const END = 0x0b;
const BRANCH = 0x0c;
const BRANCH_IF = 0x0d;
const GET = 0x20;
const SET = 0x21;
const I32_CONST = 0x41;
const I32_GT_U = 0x4b;
const I32_GE_U = 0x4f;
const I32_ADD = 0x6a;
const I32_AND = 0x71;
const I32_OR = 0x72;
const I32_XOR = 0x73;
const I32_SHR_U = 0x76;
const ANY_ALIGNMENT = [0, 0];
const I32_LOAD = [0x28, ...ANY_ALIGNMENT];
const I32_LOAD8_U = [0x2d, ...ANY_ALIGNMENT];
const I32_STORE = [0x36, ...ANY_ALIGNMENT];
const I32_STORE8 = [0x3a, ...ANY_ALIGNMENT];
const V128_LOAD = [0xfd, 0x00, ...ANY_ALIGNMENT];
const V128_STORE = [0xfd, 0x0b, ...ANY_ALIGNMENT];
const I32X4_SPLAT = [0xfd, 0x11];
const V128_OR = [0xfd, 0x50];
const V128_XOR = [0xfd, 0x51];
const I8X16_BITMASK = [0xfd, 0x64];
/** Signed numbers go in groups of seven bits, the lowest first. (§5.2.2) */
const OCTET = [0xff, 0x01];
const HIGH_BITS = [0x80, 0x81, 0x82, 0x84, 0x78];

// Parameters and locals.
const AT = 0;
const STOP = 1;
const KEY = 2;
const KEYS = 3;
const SEEN = 4;
const OCTETS = 5;
const WORD = 6;
const REST = 7;

const code: readonly number[] = [
  [2, 3, V128, 2, I32],
  [GET, KEY, ...I32X4_SPLAT, SET, KEYS],

  [BLOCK, NO_RESULT, LOOP, NO_RESULT],
  [GET, AT, I32_CONST, 16, I32_ADD, GET, STOP, I32_GT_U, BRANCH_IF, 1],
  [GET, AT, ...V128_LOAD, GET, KEYS, ...V128_XOR, SET, OCTETS],
  [GET, AT, GET, OCTETS, ...V128_STORE],
  [GET, SEEN, GET, OCTETS, ...V128_OR, SET, SEEN],
  [GET, AT, I32_CONST, 16, I32_ADD, SET, AT],
  [BRANCH, 0, END, END],

  [BLOCK, NO_RESULT, LOOP, NO_RESULT],
  [GET, AT, I32_CONST, 4, I32_ADD, GET, STOP, I32_GT_U, BRANCH_IF, 1],
  [GET, AT, ...I32_LOAD, GET, KEY, I32_XOR, SET, WORD],
  [GET, AT, GET, WORD, ...I32_STORE],
  [GET, REST, GET, WORD, I32_OR, SET, REST],
  [GET, AT, I32_CONST, 4, I32_ADD, SET, AT],
  [BRANCH, 0, END, END],

  [BLOCK, NO_RESULT, LOOP, NO_RESULT],
  [GET, AT, GET, STOP, I32_GE_U, BRANCH_IF, 1],
  [GET, AT, ...I32_LOAD8_U, GET, KEY, I32_CONST, ...OCTET, I32_AND, I32_XOR, SET, WORD],
  [GET, AT, GET, WORD, ...I32_STORE8],
  [GET, REST, GET, WORD, I32_OR, SET, REST],
  [GET, KEY, I32_CONST, 8, I32_SHR_U, SET, KEY],
  [GET, AT, I32_CONST, 1, I32_ADD, SET, AT],
  [BRANCH, 0, END, END],

  [GET, SEEN, ...I8X16_BITMASK],
  [GET, REST, I32_CONST, ...HIGH_BITS, I32_AND, I32_OR],
  [END],
].flat();

function section(kind: number, content: readonly number[]): number[] {
  return [kind, ...sized(content)];
}

function sized(content: readonly number[]): number[] {
  const { length } = content;
  return length < 0x80 ? [length, ...content] : [(length & 0x7f) | 0x80, length >> 7, ...content];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}
