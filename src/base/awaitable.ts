/** What is there already, or comes. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * Goes on with a value when it is there: now, if it is. What needs no waiting so keeps its order,
 * and costs no promise.
 */
export function onceAvailable<T, U>(
  value: Awaitable<T>,
  proceed: (value: T) => U | Promise<U>,
): U | Promise<U> {
  return isPending(value) ? Promise.resolve(value).then(proceed) : proceed(value);
}

/** Whether it is to be waited for: a promise, of whatever making. */
export function isPending<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === "function";
}
