/** What a topic's keys begin with; all are in one slot of a cluster by the braces. */
export function topicTag(prefix: string, topic: string): string {
  return `{${prefix}:${topic}}`;
}

/**
 * The keys that every script takes, in its order.
 *
 * The last one never is. While a cluster moves a slot, its server looks before a script, and at
 * each call within it, whether the keys are there: one that has all of them would be begun, and
 * end in the middle when it has deleted one. Because of the last one it is refused as a whole.
 */
export function topicKeys(tag: string): string[] {
  const names = ["meta", "log", "state", "order", "gone", "leases", "never"];
  return names.map((name) => `${tag}:${name}`);
}

/** Where a repeated append finds the first one. */
export function repeatKey(tag: string, idempotencyKey: string): string {
  return `${tag}:once:${idempotencyKey}`;
}
