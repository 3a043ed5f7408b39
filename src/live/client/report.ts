/** Tells of what application code threw, where nobody waits for it. */
export function report(error: unknown): void {
  // Not all of Node's versions have the first.
  (globalThis.reportError ?? console.error)(error);
}

/** Calls application code, which may throw, and must not end what called it. */
export function callSafely<Value>(listener: (value: Value) => unknown, value: Value): unknown {
  try {
    return listener(value);
  } catch (error) {
    report(error);
  }
}

/** Returns a function that takes it away again. The same listener can be added more than once. */
export function addListener<Value>(
  listeners: Set<(value: Value) => void>,
  listener: (value: Value) => unknown,
): () => void {
  const own = (value: Value): void => void callSafely(listener, value);
  listeners.add(own);
  return () => void listeners.delete(own);
}
