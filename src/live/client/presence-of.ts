/** Returns the name of the topic that lists who is subscribed to `topic`. */
export function presenceOf(topic: string): string {
  return `${topic}/$presence`;
}
