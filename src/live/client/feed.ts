import type { Position } from "../../topics/index.ts";

/** How a feed stands. */
export type FeedStatus =
  /** Nobody reads it. */
  | { readonly state: "closed" }
  /** Not everything has come that there is. */
  | { readonly state: "catching-up" }
  /** Nothing is known to be missing. */
  | { readonly state: "live" }
  /** The server refused the connection; it goes on with a `reconnect()` of the client. */
  | { readonly state: "refused"; readonly error: Error }
  /** The server refused it, or ended it, with a LongwireError; who reads it again asks again. */
  | { readonly state: "ended"; readonly error: Error };

/**
 * A topic as one set of params narrows it.
 *
 * It is subscribed to while somebody iterates, listens or watches. Each of those who iterate or
 * listen gets every item, at its own pace.
 */
export interface Feed<Item, Data> extends AsyncIterable<Item> {
  /** The topic's name. */
  readonly name: string;
  /** As the server said; `undefined` before its first answer. */
  readonly kind: "log" | "keyed" | undefined;
  readonly status: FeedStatus;
  /** Up to where everything was received: where the next connection goes on. */
  readonly position: Position | undefined;
  /** Of a keyed topic its state, live: the same map with other content. Else empty. */
  readonly entries: ReadonlyMap<string, Data>;
  /** Another number whenever `entries`, `kind` or `status` is another. */
  readonly version: number;
  /**
   * Calls `listener` with each item. Of a keyed topic that is open already the present entries
   * come first, at once, as `set` items.
   *
   * @param listener if it returns a promise, the next item waits for that. What it throws is
   *   reported, and the item counts as handled
   * @param onError called after the last item when the server refused or ended the subscription.
   *   Default: the error is reported
   * @returns a function that stops it
   */
  subscribe(listener: (item: Item) => unknown, onError?: (error: Error) => void): () => void;
  /**
   * Calls `listener` whenever `version` is another, which is once per message of the server.
   *
   * @returns a function that stops it
   */
  onChange(listener: () => void): () => void;
  /**
   * Begins to read at once. It ends with `close()` of the client, and throws the LongwireError
   * with which the server refused or ended the subscription, or what the store of positions threw.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item>;
}
