/** Not `randomUUID`: pages of insecure origins lack it. React Native has no `crypto` at all. */
export function randomKey(): string {
  // It must be unique, not secret.
  const parts = globalThis.crypto?.getRandomValues(new Uint32Array(4));
  return (parts ?? [Math.random(), Math.random()]).join("-");
}
