import type { Position } from "../../../topics/index.ts";
import { callSafely, report } from "../report.ts";
import type { Item } from "./topic-items.ts";

/** How far a feed has come: a counter of position changes, and the position. */
export interface Mark {
  readonly count: number;
  readonly position: Position | undefined;
}

export const START: Mark = { count: 0, position: undefined };

interface Queued {
  readonly item: Item;
  readonly mark: Mark;
}

/** The part of a feed that its readers use. */
interface ReaderFeed {
  /** A reader has handled more items. */
  onHandled(): void;
  leave(reader: Reader): void;
}

/**
 * The queue of one listener or iterator, read at its own pace.
 *
 * For a keyed topic, only the newest item of each key is queued, in the place of the first one.
 */
export class Reader {
  readonly #feed: ReaderFeed;
  readonly #queue = new Map<string | number, Queued>();
  /** Kept between items, because a new iterator would step over all removed items again. */
  #next = this.#queue.entries();
  #handled = START;
  #taken: Mark | undefined;
  /** Set if no more items follow; `null` is an end without an error. */
  end: Error | null | undefined;
  /** Called when items can be taken. */
  onReady: () => void = () => {};

  constructor(feed: ReaderFeed) {
    this.#feed = feed;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** @param received how far its feed has come */
  handledOf(received: Mark): Mark {
    return this.size === 0 && this.#taken === undefined ? received : this.#handled;
  }

  push(item: Item, mark: Mark): void {
    this.#queue.set("key" in item ? item.key : mark.count, { item, mark });
  }

  /** Returns the next item. The previous one then counts as handled. */
  take(): Item | undefined {
    this.#handled = this.#taken ?? this.#handled;
    this.#taken = undefined;
    // First, because this may let the next item arrive.
    this.#feed.onHandled();
    let next = this.#next.next();
    if (next.done) next = (this.#next = this.#queue.entries()).next();
    if (next.done) return undefined;
    const [key, { item, mark }] = next.value;
    this.#queue.delete(key);
    this.#taken = mark;
    return item;
  }

  /** Marks the end; queued items can still be taken. */
  finish(error: Error | null = null): void {
    this.end ??= error;
    this.onReady();
  }

  /** Stops reading. */
  stop(): void {
    this.#queue.clear();
    this.#feed.leave(this);
    this.finish();
  }
}

/** Calls `listener` with each item; the next one waits for the promise that it may return. */
export function listen(
  reader: Reader,
  listener: (item: Item) => unknown,
  onError: (error: Error) => void,
): void {
  let isBusy = false;
  const goOn = (): void => {
    isBusy = false;
    reader.onReady();
  };
  reader.onReady = () => {
    if (isBusy) return;
    isBusy = true;
    for (let item = reader.take(); item !== undefined; item = reader.take()) {
      const handling = callSafely(listener, item);
      if (handling instanceof Object && "then" in handling) {
        return void Promise.resolve(handling).catch(report).then(goOn);
      }
    }
    isBusy = false;
    const error = reader.end;
    if (!error) return;
    reader.onReady = () => {};
    callSafely(onError, error);
  };
}

/** Returns the items as an async iterator. */
export function iterate(reader: Reader): AsyncIterableIterator<Item> {
  const wanting: {
    readonly resolve: (result: IteratorResult<Item>) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  let isBusy = false;
  reader.onReady = () => {
    if (isBusy) return;
    isBusy = true;
    while (wanting.length > 0) {
      const value = reader.take();
      const { end } = reader;
      if (value === undefined && end === undefined) break;
      const { resolve, reject } = wanting.shift()!;
      if (value !== undefined) resolve({ value });
      else if (end) reject(end);
      else resolve({ done: true, value });
    }
    isBusy = false;
  };
  const iteration: AsyncIterableIterator<Item> = {
    next: () =>
      new Promise((resolve, reject) => {
        wanting.push({ resolve, reject });
        reader.onReady();
      }),
    return: () => {
      reader.stop();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => iteration,
  };
  return iteration;
}
