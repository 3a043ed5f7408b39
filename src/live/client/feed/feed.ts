import type { Position, StartingPoint } from "../../../topics/index.ts";

export interface TopicOptions {
  /**
   * Which of a log topic's kept events are read first, for example `{ last: 50 }` or
   * `{ sinceMs: 60_000 }`. A feed that has a position resumes there instead. If it cannot, a gap is
   * followed by these events. Default: none, the feed starts with the next event. Older servers
   * ignore it.
   */
  readonly from?: StartingPoint | undefined;
  /**
   * How often this reader of a keyed topic is sent the newest values of what has changed, at most 10
   * a second; steps between are skipped. Default: each change at once. Older servers ignore it.
   */
  readonly maxPerSecond?: number | undefined;
}

/** The status of a feed. */
export type FeedStatus =
  /** It has no readers. */
  | { readonly state: "closed" }
  /** It has not received everything yet. */
  | { readonly state: "catching-up" }
  /** Nothing is known to be missing. */
  | { readonly state: "live" }
  /** The server refused the connection; `reconnect()` of the client continues the feed. */
  | { readonly state: "refused"; readonly error: Error }
  /**
   * The server refused or ended the subscription with a LongwireError; a new reader subscribes
   * again.
   */
  | { readonly state: "ended"; readonly error: Error };

/**
 * A topic narrowed by one set of params.
 *
 * It is subscribed while it has an iterator, a listener or an `onChange` listener. Every iterator
 * and listener receives every item at its own pace.
 */
export interface Feed<Item, Data> extends AsyncIterable<Item> {
  /** The topic's name. */
  readonly name: string;
  /** As reported by the server; `undefined` before its first answer. */
  readonly kind: "log" | "keyed" | undefined;
  readonly status: FeedStatus;
  /** The position up to which everything was received; the next connection resumes there. */
  readonly position: Position | undefined;
  /**
   * The state of a keyed topic. The map stays the same object and changes with the topic. Empty for
   * a log topic.
   */
  readonly entries: ReadonlyMap<string, Data>;
  /** Changes whenever `entries`, `kind` or `status` changes. */
  readonly version: number;
  /**
   * Calls `listener` with each item. If a keyed topic is already open, its current entries come
   * first, synchronously, as `set` items.
   *
   * @param listener if it returns a promise, the next item waits for it. If it throws, the error is
   *   reported and the item counts as handled
   * @param onError called after the last item if the server refused or ended the subscription.
   *   Default: the error is reported
   * @returns a function that stops it
   */
  subscribe(listener: (item: Item) => unknown, onError?: (error: Error) => void): () => void;
  /**
   * Calls `listener` whenever `version` changes, at most once per server message.
   *
   * @returns a function that stops it
   */
  onChange(listener: () => void): () => void;
  /**
   * Starts reading immediately. The iteration ends when the client is closed, and throws the
   * LongwireError with which the server refused or ended the subscription, or what the position
   * store threw.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item>;
}
