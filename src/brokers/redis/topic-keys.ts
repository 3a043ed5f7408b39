/** What a topic's keys begin with; all are in one slot of a cluster by the braces. */
export function topicTag(prefix: string, topic: string): string {
  return `{${prefix}:${topic}}`;
}

/** The keys that every script takes, in its order. */
export function topicKeys(tag: string): string[] {
  return ["meta", "log", "state", "order", "gone", "leases"].map((name) => `${tag}:${name}`);
}

/** Where a repeated append finds the first one. */
export function repeatKey(tag: string, idempotencyKey: string): string {
  return `${tag}:once:${idempotencyKey}`;
}
