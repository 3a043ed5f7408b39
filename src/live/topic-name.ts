const NAME = /^[A-Za-z0-9._~/-]{1,255}$/;

/** Says whether `name` can name a topic: 1–255 of `A-Z a-z 0-9 . _ ~ / -`, no slash at an end. */
export function isTopicName(name: string): boolean {
  return NAME.test(name) && !name.startsWith("/") && !name.endsWith("/");
}
