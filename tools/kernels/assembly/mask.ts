/**
 * XORs memory from `at` to `end` with a masking key. (RFC 6455 §5.3)
 *
 * @param key its octets in order, the first one the lowest
 * @returns 0 if all resulting octets are ASCII
 */
export function mask(at: usize, end: usize, key: u32): u32 {
  const keys = i32x4.splat(key);
  let seen = i32x4.splat(0);
  for (; at + 16 <= end; at += 16) {
    const octets = v128.xor(v128.load(at), keys);
    v128.store(at, octets);
    seen = v128.or(seen, octets);
  }
  let rest: u32 = 0;
  for (; at + 4 <= end; at += 4) {
    const octets = load<u32>(at) ^ key;
    store<u32>(at, octets);
    rest |= octets;
  }
  for (; at < end; at++) {
    const octet = load<u8>(at) ^ <u8>key;
    store<u8>(at, octet);
    rest |= octet;
    key >>= 8;
  }
  return i8x16.bitmask(seen) | (rest & 0x80808080);
}
