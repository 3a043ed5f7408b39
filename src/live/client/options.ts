import { LongwireError, type Clock } from "../../base/index.ts";
import type { Position } from "../../topics/index.ts";
import { clientClock } from "./client-clock.ts";
import { browserPage, type Page } from "./page.ts";

/** What a client needs of a WebSocket; the browser's has it, and ours for Node. */
export interface ClientSocket {
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(text: string): void;
  close(): void;
}

/** Where a client keeps how far it has come, so that it can go on there after a restart. */
export interface PositionStore {
  /**
   * @param name the topic's name; if the feed has params, a space and their JSON follow
   * @throws whatever it wants, also as a rejection: the feed ends with that, for a position that
   *   could not be read must not become a start from now
   */
  load(name: string): Position | undefined | Promise<Position | undefined>;
  /**
   * Called with the last position up to which all of a log topic was handled. While its promise is
   * pending it is not called; then with the newest.
   */
  save(name: string, position: Position): void | Promise<void>;
}

export interface RetryOptions {
  /** The upper end of the first wait, in milliseconds. Default 500. */
  firstMs?: number;
  /** No wait is longer, unless the server asks for it, in milliseconds. Default 30,000. */
  longestMs?: number;
  /** A number in [0, 1); default `Math.random`. */
  random?: () => number;
}

export interface ConnectOptions {
  /** Who asks, or what tells it; called for each connection and before a token expires. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** Default: `globalThis.WebSocket`. */
  webSocket?: (new (url: string, protocol: string) => ClientSocket) | undefined;
  /** Where positions of log topics outlive the page. Default: nowhere. */
  positions?: PositionStore | undefined;
  /** How many requests may be unanswered, sent or not. Default 1,000. Beyond: `queue_full`. */
  maxQueuedRequests?: number;
  /**
   * How many events of a log topic may wait for a listener. Default 1,000. Then the client
   * unsubscribes, and comes back when they are handled.
   */
  maxQueuedEvents?: number;
  /**
   * The longest message that the `webSocket` class takes, in bytes; a `hello` tells the server.
   * Default: not told.
   */
  maxMessageBytes?: number | undefined;
  /** How long a connection may take to be welcomed, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number;
  /** How long to wait between attempts: exponential with full jitter. */
  backoff?: RetryOptions;
  /** How the page's events are heard; for tests. */
  page?: Page;
  /** Where time comes from; for tests. */
  clock?: Clock;
}

export type Settings = Required<
  Omit<ConnectOptions, "token" | "positions" | "webSocket" | "maxMessageBytes">
> &
  Pick<ConnectOptions, "token" | "positions" | "maxMessageBytes"> & {
    url: string;
    webSocket: NonNullable<ConnectOptions["webSocket"]>;
  };

export function settingsOf(url: string, options: ConnectOptions): Settings {
  const { webSocket = globalThis.WebSocket } = options;
  if (!webSocket) {
    // Node has one from version 22.
    throw new LongwireError(
      "no_web_socket",
      'There is no WebSocket; pass webSocket: WebSocket from "longwire".',
    );
  }
  return {
    url,
    backoff: {},
    maxQueuedRequests: 1_000,
    maxQueuedEvents: 1_000,
    connectTimeoutMs: 10_000,
    page: browserPage,
    clock: clientClock,
    ...options,
    webSocket,
  };
}
