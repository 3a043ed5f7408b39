/** One text for equal views, whatever the order of their keys. */
export function viewText(entries: Iterable<readonly [string, unknown]>): string {
  return JSON.stringify([...entries].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
