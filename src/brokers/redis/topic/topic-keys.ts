/** The prefix of a topic's keys; the braces put them in the same slot of a cluster. */
export function topicTag(prefix: string, topic: string): string {
  return `{${prefix}:${topic}}`;
}

/**
 * The keys of every script, in order.
 *
 * The last one never exists. While a cluster migrates a slot, its server checks before a script,
 * and at each call within it, whether the keys exist: a script whose keys all exist would start,
 * and fail midway after deleting one. Because of the last key, it is refused as a whole.
 */
export function topicKeys(tag: string): string[] {
  const names = ["meta", "log", "state", "order", "gone", "leases", "never"];
  return names.map((name) => `${tag}:${name}`);
}

/** The key under which the first append with an idempotency key is stored. */
export function repeatKey(tag: string, idempotencyKey: string): string {
  return `${tag}:once:${idempotencyKey}`;
}
