/**
 * A map that finds its oldest entry in constant time.
 *
 * A `Map` keeps the order as well, but whoever starts at its beginning passes each entry that was
 * deleted there since V8 last copied the table: half of the map on average, if it is a queue.
 */
export class OldestFirst<K, V> {
  readonly #entries = new Map<K, V>();
  /** Everything before its place has been deleted, except for `#oldest`. */
  #rest: MapIterator<[K, V]> = this.#entries.entries();
  #oldest: [K, V] | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** The entry that was set first. */
  get oldest(): readonly [K, V] | undefined {
    this.#oldest ??= this.#next();
    return this.#oldest;
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Sets an entry, which becomes the newest one. */
  set(key: K, value: V): void {
    this.delete(key);
    this.#entries.set(key, value);
  }

  delete(key: K): boolean {
    if (this.#oldest !== undefined && this.#oldest[0] === key) this.#oldest = undefined;
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
    this.#rest = this.#entries.entries();
  }

  /** Oldest first. */
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#entries.entries();
  }

  #next(): [K, V] | undefined {
    const next = this.#rest.next();
    if (next.done !== true) return next.value;
    // An iterator that has ended does not see what was added later.
    this.#rest = this.#entries.entries();
    return this.#rest.next().value;
  }
}
