import type { Level } from "../observing/diagnostics.ts";
import type { Caller } from "./caller.ts";

/** How the server ends a connection on purpose. */
export interface Ending {
  readonly code: number;
  readonly message: string;
  /** Whether the client may reconnect. */
  readonly retry: boolean;
  /** When it shall reconnect, in milliseconds. Default: some time, spread with others. */
  readonly retryAfterMs?: number;
}

/** The identity and origin of a client. */
export interface ClientInfo {
  /** `undefined` until it is authenticated. */
  readonly caller: Caller | undefined;
  /** Its address; `undefined` if it is unknown. */
  readonly address: string | undefined;
  readonly level: Level;
  /** When it came, in ms of the clock that cannot be set. */
  readonly openedAt: number;
  /** When it came, in ms since the Unix epoch. */
  readonly since: number;
}

/** A client that stays: a connection, a stream of server-sent events, or a long poll. */
export interface ConnectedClient {
  readonly who: ClientInfo;
  /** The number of topics that it is subscribed to. */
  readonly subscriptionCount: number;
  /** Bytes that were written and not read yet. */
  readonly bufferedAmount: number;
  /** Whether it is subscribed to a topic. */
  follows(topic: string): boolean;
  disconnect(ending: Ending): void;
  /** Ends its subscription to a topic. */
  unsubscribe(topic: string): void;
  /** Asks `authorize` again, and ends what is not allowed any more. */
  recheck(): void;
}
