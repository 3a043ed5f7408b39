/** A value that is available now or later. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * Calls `step` with a value once it is available: synchronously if it already is. A step that does
 * not have to wait keeps its order and costs no promise.
 */
export function onceAvailable<T, U>(
  value: Awaitable<T>,
  proceed: (value: T) => U | Promise<U>,
): U | Promise<U> {
  return isPending(value) ? Promise.resolve(value).then(proceed) : proceed(value);
}

/** Whether the value has to be awaited: any kind of promise. */
export function isPending<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === "function";
}
