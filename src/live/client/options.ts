import { LongwireError, type Clock } from "../../base/index.ts";
import { clientClock } from "./link/client-clock.ts";
import { browserPage, type Page } from "./link/page.ts";
import type { SavedPositions } from "./positions/saved-positions.ts";
import type { CommandStore } from "./answering/command-store.ts";

/** The part of a WebSocket that the client uses. The browser's class has it, and so has Longwire's. */
export interface ClientSocket {
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(text: string): void;
  close(): void;
}

export interface RetryOptions {
  /** The upper bound of the first wait, in milliseconds. Default 500. */
  firstMs?: number;
  /** The longest wait, in milliseconds, unless the server asks for a longer one. Default 30,000. */
  longestMs?: number;
  /** Returns a number in [0, 1). Default `Math.random`. */
  random?: () => number;
}

export interface ConnectOptions {
  /**
   * The token, or a function that returns it. The function is called for each connection, and
   * before a token expires.
   */
  token?: string | (() => string | Promise<string>) | undefined;
  /** The WebSocket class. Default: `globalThis.WebSocket`. */
  webSocket?: (new (url: string, protocol: string) => ClientSocket) | undefined;
  /**
   * Keeps the positions of log topics, so that they outlive the page: what `savePositions` of
   * `longwire/live/client/positions` returns. Default: not kept.
   */
  positions?: SavedPositions | undefined;
  /**
   * Stores which commands were begun, so that a program that was restarted carries none out twice.
   * Default: not stored, and a command whose outcome the program did not report before it ended is
   * `unconfirmed`.
   */
  commands?: CommandStore | undefined;
  /** The most unanswered requests, sent or not. Default 1,000. Beyond that: `queue_full`. */
  maxQueuedRequests?: number;
  /**
   * The most events of a log topic that may wait for a listener. Default 1,000. Beyond that, the
   * client unsubscribes until they are handled.
   */
  maxQueuedEvents?: number;
  /**
   * The longest message that the `webSocket` class accepts, in bytes; sent to the server in
   * `hello`. Default: not sent.
   */
  maxMessageBytes?: number | undefined;
  /**
   * How long to wait for the server's welcome after starting to connect, in milliseconds. Default
   * 10,000.
   */
  connectTimeoutMs?: number;
  /** The waits between attempts: exponential with full jitter. */
  backoff?: RetryOptions;
  /** Source of page events, for tests. */
  page?: Page;
  /** The clock, for tests. */
  clock?: Clock;
}

export type Settings = Required<
  Omit<ConnectOptions, "token" | "positions" | "commands" | "webSocket" | "maxMessageBytes">
> &
  Pick<ConnectOptions, "token" | "positions" | "commands" | "maxMessageBytes"> & {
    url: string;
    webSocket: NonNullable<ConnectOptions["webSocket"]>;
  };

export function settingsOf(url: string, options: ConnectOptions): Settings {
  const { webSocket = globalThis.WebSocket } = options;
  if (!webSocket) {
    // Node has a built-in WebSocket from version 22.
    throw new LongwireError(
      "no_web_socket",
      'No WebSocket found; pass webSocket: WebSocket from "longwire".',
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
