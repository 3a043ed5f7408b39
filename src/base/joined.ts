type Encode<Item, Encoded> = (item: Item) => Encoded;

/**
 * Returns the encoded items, joined. `encode` may reuse its memory for the next item.
 *
 * @returns `undefined` if `encode` returns `undefined` for one of them
 */
export function joined<Item>(items: readonly Item[], encode: Encode<Item, Uint8Array>): Uint8Array;
export function joined<Item>(
  items: readonly Item[],
  encode: Encode<Item, Uint8Array | undefined>,
): Uint8Array | undefined;
export function joined<Item>(
  items: readonly Item[],
  encode: Encode<Item, Uint8Array | undefined>,
): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (const item of items) {
    const part = encode(item);
    if (part === undefined) return undefined;
    parts.push(new Uint8Array(part));
  }
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
