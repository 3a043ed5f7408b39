import { PAGE_BYTES } from "../../topics/index.ts";

/** Limits on what clients may ask of the live layer; options of `LiveServer.open`. */
export interface LiveLimits {
  /**
   * The longest message or HTTP body from a client, in bytes. Default 1 MiB. A client that exceeds
   * it is closed with 4413. A longer value published by the server's own code is rejected with
   * `too_large`.
   */
  maxMessageBytes: number;
  /** The most subscriptions per connection. Default 1,000. Beyond that: `rate_limited`. */
  maxSubscriptions: number;
  /** How long a Level 0 client may take to send its params. Default 10,000 ms. Closed with 4408. */
  paramsTimeoutMs: number;
  /**
   * How long a client may take to authenticate (closed with 4401), and how long `authenticate` may
   * take to answer (closed with 4503). Default 10,000 ms.
   */
  helloTimeoutMs: number;
  /** A Level 1 client receives a message at least this often. Default 15,000 ms. */
  heartbeatMs: number;
  /** How long a method may take to answer a call. Default 30,000 ms. Beyond that: `internal`. */
  callTimeoutMs: number;
  /**
   * Sustained requests per second of one connection. Default 1,000. Beyond that: `rate_limited`,
   * then 4429.
   */
  requestsPerSecond: number;
  /** Requests that one connection may send in a burst. Default 10,000. */
  requestBurst: number;
  /**
   * Sustained requests per second of one identity over all its connections, or, without an
   * identity, of one address over plain HTTP. Default 2,000. Beyond that: `rate_limited`.
   */
  identityRequestsPerSecond: number;
  /** Requests that one identity may send in a burst. Default 20,000. */
  identityRequestBurst: number;
  /**
   * Sustained failed logins per second from one address. Default 1. Beyond that, credentials from
   * the address are refused unchecked after a second, with `rate_limited` or 4429.
   */
  failedLoginsPerSecond: number;
  /** Failed logins from one address in a burst. Default 100. */
  failedLoginBurst: number;
  /** The most topics open at the same time. Default 100,000. Beyond that: `unavailable`. */
  maxTopics: number;
  /** The most connections at the same time. Default 1,000,000. Beyond that: closed with 4503. */
  maxSessions: number;
  /**
   * How late the event loop's timers may be before new clients are refused, in milliseconds.
   * Default 2,000. Beyond that: closed with 4503.
   */
  maxLagMs: number;
  /**
   * The window over which clients are asked to spread their reconnects when the server drains or is
   * overloaded, in milliseconds. Default 10,000; longer if there are very many clients.
   */
  returnWindowMs: number;
  /**
   * How long presence and connection-owned keys outlive a server that crashed or was suspended, in
   * milliseconds. Default 75,000. A shorter lease notices a crash sooner, but three renewals must
   * fit into it even when the broker is slow.
   */
  serverLeaseMs: number;
  /**
   * How old a Level 1 connection may get before its client is asked to reconnect, in milliseconds,
   * 10 % more or less. Default: as old as it will. With a load balancer in front, the load spreads
   * over servers that were added.
   */
  maxConnectionAgeMs: number;
  /**
   * How long a server that cannot reach its broker trusts identities that may have been revoked
   * meanwhile, in milliseconds. Default 60,000. Beyond that, their connections are closed with 4503,
   * and refused until the broker is back.
   */
  cutOffMs: number;
}

export const defaultLiveLimits: LiveLimits = {
  maxMessageBytes: 1024 * 1024,
  maxSubscriptions: 1_000,
  paramsTimeoutMs: 10_000,
  helloTimeoutMs: 10_000,
  heartbeatMs: 15_000,
  callTimeoutMs: 30_000,
  requestsPerSecond: 1_000,
  requestBurst: 10_000,
  identityRequestsPerSecond: 2_000,
  identityRequestBurst: 20_000,
  failedLoginsPerSecond: 1,
  failedLoginBurst: 100,
  maxTopics: 100_000,
  maxSessions: 1_000_000,
  maxLagMs: 2_000,
  returnWindowMs: 10_000,
  serverLeaseMs: 75_000,
  maxConnectionAgeMs: Number.MAX_SAFE_INTEGER,
  cutOffMs: 60_000,
};

// The constants below are not configurable.

/**
 * The longest message in bytes before a client has authenticated, if the server requires
 * authentication. Tokens are shorter. Beyond that: closed with 4413.
 */
const MAX_UNKNOWN_MESSAGE_BYTES: number = 16 * 1024;

/** Returns the longest message accepted before authentication under these limits, in bytes. */
export function mostUnknownBytes({ maxMessageBytes }: LiveLimits): number {
  return Math.min(MAX_UNKNOWN_MESSAGE_BYTES, maxMessageBytes);
}

/**
 * The smallest `maxMessage` that a client may send, in bytes; the server's own messages are
 * shorter.
 */
export const MIN_CLIENT_MESSAGE_BYTES = 1_024;

/** Returns the upper bound of a server message in bytes: a page plus one entry. */
export function longestMessage({ maxMessageBytes }: LiveLimits): number {
  return maxMessageBytes + 4 * PAGE_BYTES;
}

/**
 * How long credentials that are refused without being checked wait for the refusal, in
 * milliseconds.
 */
export const REFUSED_LOGIN_MS = 1_000;

/** How many addresses with failed logins are remembered; the oldest are forgotten first. */
export const FAILED_LOGINS_KEPT = 10_000;

/**
 * With this many unanswered publishes, reading from the connection stops until some are answered.
 */
export const MAX_UNANSWERED = 256;

/** The most methods that one connection may offer. */
export const MAX_OFFERS = 100;

/** The default `leaseMs` of a keyed topic. */
export const DEFAULT_LEASE_MS = 30_000;

/** The most events in a page of history; more are on the next page. */
export const MAX_HISTORY_EVENTS = 1_000;

/**
 * The highest `maxPerSecond` of a subscription: a coarse timer paces it. Readers that want more take
 * every change.
 */
export const MAX_RATE = 10;

/** The longest long poll in seconds; longer waits are shortened to it. */
export const MAX_WAIT_S = 60;

/**
 * How many results of one payer are remembered for repeated calls; beyond that, the oldest are
 * dropped early.
 */
export const MAX_REMEMBERED_CALLS = 10_000;

/** Longer results are not remembered. */
export const MAX_REMEMBERED_RESULT_LENGTH: number = 32 * 1024;

/** The longest update of a presence, in characters of JSON. */
export const MAX_PRESENCE_UPDATE: number = 4 * 1_024;

/** The default `graceMs` of presence. */
export const DEFAULT_GRACE_MS = 10_000;

/**
 * The longest duration of a stream of server-sent events, in milliseconds. A vanished client looks
 * the same as a quiet one, so every client must prove that it is alive by reconnecting.
 */
export const MAX_STREAM_MS = 120_000;

/** The reconnect delay of an EventSource whose stream has ended, in milliseconds. */
export const STREAM_RETURN_MS = 1_000;

/** The most clients per second that a draining or overloaded server asks to reconnect. */
export const RETURNS_PER_SECOND = 2_000;

/** How often the lag of the event loop is measured, in milliseconds. */
export const LAG_PROBE_MS = 1_000;

/** After this many consecutive `rate_limited` refusals, the connection is closed with 4429. */
export const MAX_IGNORED_REFUSALS = 1_000;
