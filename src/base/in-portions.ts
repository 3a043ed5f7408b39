/**
 * Yields the result of `pick` for each item, in arrays of at most `size`. The items are read on
 * demand.
 */
export function* inPortions<Item, Part>(
  items: Iterable<Item>,
  size: number,
  pick: (item: Item) => Part,
): Generator<Part[], void, undefined> {
  let portion: Part[] = [];
  for (const item of items) {
    portion.push(pick(item));
    if (portion.length < size) continue;
    yield portion;
    portion = [];
  }
  if (portion.length > 0) yield portion;
}
