/** Reports an error of application code that no caller receives. */
export function report(error: unknown): void {
  // Some Node versions lack `reportError`.
  (globalThis.reportError ?? console.error)(error);
}

/** Calls application code; an error is reported instead of thrown. */
export function callSafely<Value>(listener: (value: Value) => unknown, value: Value): unknown {
  try {
    return listener(value);
  } catch (error) {
    report(error);
  }
}

/** Returns a function that removes the listener. The same listener can be added more than once. */
export function addListener<Value>(
  listeners: Set<(value: Value) => void>,
  listener: (value: Value) => unknown,
): () => void {
  const own = (value: Value): void => void callSafely(listener, value);
  listeners.add(own);
  return () => void listeners.delete(own);
}
