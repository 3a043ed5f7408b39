import { PAGE_BYTES } from "../../topics/index.ts";

/** What clients may ask of the live layer; options of `LiveServer.open`. */
export interface LiveLimits {
  /**
   * The longest message or HTTP body from a client, in bytes. Default 1 MiB. Closed with 4413. A
   * longer value that the server's own code publishes is refused with `too_large`.
   */
  maxMessageBytes: number;
  /** Subscriptions of one connection. Default 1,000. Beyond: `rate_limited`. */
  maxSubscriptions: number;
  /** How long a Level 0 client may take to say its params. Default 10,000 ms. Closed with 4408. */
  paramsTimeoutMs: number;
  /**
   * How long a client may take to say who it is, closed with 4401; and how long `authenticate` may
   * take to say whether it is, closed with 4503. Default 10,000 ms.
   */
  helloTimeoutMs: number;
  /** A Level 1 client hears something at least this often. Default 15,000 ms. */
  heartbeatMs: number;
  /** How long a method may take to answer a call. Default 30,000 ms. Beyond: `internal`. */
  callTimeoutMs: number;
  /** Requests of one connection in the long run. Default 1,000. Beyond: `rate_limited`, 4429. */
  requestsPerSecond: number;
  /** Requests of one connection at once. Default 10,000. */
  requestBurst: number;
  /**
   * Requests of all connections of one identity, and of plain HTTP requests without one of one
   * address. Default 2,000. Beyond: `rate_limited`.
   */
  identityRequestsPerSecond: number;
  /** Requests of one identity at once. Default 20,000. */
  identityRequestBurst: number;
  /**
   * Credentials that may be refused from one address in the long run, in a second. Default 1.
   * Beyond: `rate_limited`, 4429, and nobody looks at them.
   */
  failedLoginsPerSecond: number;
  /** Credentials that may be refused from one address at once. Default 100. */
  failedLoginBurst: number;
  /** Topics that are open at one time. Default 100,000. Beyond: `unavailable`. */
  maxTopics: number;
  /** Connections at one time. Default 1,000,000. Beyond: closed with 4503. */
  maxSessions: number;
  /**
   * How late the event loop's timers may be before newcomers are turned away, in milliseconds.
   * Default 2,000. Beyond: closed with 4503.
   */
  maxLagMs: number;
  /**
   * Over how long clients are asked to spread when they come back from a server that drains or
   * has too much to do, in milliseconds. Default 10,000, and longer where they are very many.
   */
  returnWindowMs: number;
  /**
   * What lives with a server, presence and the keys of its connections, is gone this long after
   * the server has ended without a word, or was stopped, in milliseconds. Default 75,000. Shorter
   * is sooner noticed; three renewals have to fit into it, whatever the broker is doing.
   */
  serverLeaseMs: number;
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
};

// What follows is the same for everybody.

/**
 * How long a message may be before its client has shown who it is, where the server asks for
 * credentials, in bytes. Tokens are shorter. Beyond: closed with 4413.
 */
const MAX_UNKNOWN_MESSAGE_BYTES: number = 16 * 1024;

/** How long a message may be before its client has shown who it is, under these limits. */
export function mostUnknownBytes({ maxMessageBytes }: LiveLimits): number {
  return Math.min(MAX_UNKNOWN_MESSAGE_BYTES, maxMessageBytes);
}

/** The least that a client may say it takes, in bytes; the server's own messages are shorter. */
export const MIN_CLIENT_MESSAGE_BYTES = 1_024;

/** No message of the server is longer than this, in bytes: a page, and one entry beyond it. */
export function longestMessage({ maxMessageBytes }: LiveLimits): number {
  return maxMessageBytes + 4 * PAGE_BYTES;
}

/** How many addresses whose credentials were refused are remembered, the most recent ones. */
export const FAILED_LOGINS_KEPT = 10_000;

/** With this many publishes unanswered, nothing more is taken from a connection meanwhile. */
export const MAX_UNANSWERED = 256;

/** A keyed topic's `leaseMs`, unless its declaration says otherwise. */
export const DEFAULT_LEASE_MS = 30_000;

/** The longest long poll, in seconds; a longer wait is shortened to it. */
export const MAX_WAIT_S = 60;

/** How many answers of one payer are remembered for repeated calls; beyond it the oldest go early. */
export const MAX_REMEMBERED_CALLS = 10_000;

/** A longer answer is not remembered. */
export const MAX_REMEMBERED_RESULT_LENGTH: number = 32 * 1024;

/** A presence's `graceMs`, unless its declaration says otherwise. */
export const DEFAULT_GRACE_MS = 10_000;

/**
 * How long a stream of server-sent events goes on, in milliseconds. Nothing tells a client that is
 * gone from one that listens, so all of them show that they are there by coming back.
 */
export const MAX_STREAM_MS = 120_000;

/** When an EventSource whose stream has come to its end asks again, in milliseconds. */
export const STREAM_RETURN_MS = 1_000;

/** How many clients a second come back to a server that takes all of them, at most. */
export const RETURNS_PER_SECOND = 2_000;

/** How often it is looked at how late the event loop is. */
export const LAG_PROBE_MS = 1_000;

/** After this many requests in a row that came too fast the connection is closed with 4429. */
export const MAX_IGNORED_REFUSALS = 1_000;
