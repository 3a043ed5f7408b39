/** What `encode` makes of each, in one piece; it may use its memory again for the next one. */
export function joined<Item>(
  items: readonly Item[],
  encode: (item: Item) => Uint8Array,
): Uint8Array {
  const parts = items.map((item) => new Uint8Array(encode(item)));
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
