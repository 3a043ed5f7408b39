/** What one client may ask of the live layer; options of `LiveServer.open`. */
export interface LiveLimits {
  /** The longest message or HTTP body from a client, in bytes. Default 1 MiB. Closed with 4413. */
  maxMessageBytes: number;
  /** Subscriptions of one connection. Default 1,000. Beyond: `rate_limited`. */
  maxSubscriptions: number;
  /** How long a Level 0 client may take to say its params. Default 10,000 ms. Closed with 4408. */
  paramsTimeoutMs: number;
  /** A Level 1 client hears something at least this often. Default 15,000 ms. */
  heartbeatMs: number;
}

export const defaultLiveLimits: LiveLimits = {
  maxMessageBytes: 1024 * 1024,
  maxSubscriptions: 1_000,
  paramsTimeoutMs: 10_000,
  heartbeatMs: 15_000,
};

// What follows is the same for everybody.

/**
 * How many unsent bytes a subscriber may have before nothing more is written to it. It is all
 * that a slow one costs: the events that it lacks wait in the log, for everybody.
 */
export const OUTSTANDING_BYTES: number = 64 * 1024;

/** With this many publishes unanswered, nothing more is taken from a connection meanwhile. */
export const MAX_UNANSWERED = 256;

/** A lane is for those who keep up; who falls behind it is served from the log again. */
export const MAX_LANE_BYTES: number = 512 * 1024;

/** The longest key, in UTF-16 units. Beyond: `bad_request`. */
export const MAX_KEY_LENGTH = 255;

/** A keyed topic's `maxKeys`, unless its declaration says otherwise. Beyond: `too_large`. */
export const DEFAULT_MAX_KEYS = 100_000;

/** A keyed topic's `leaseMs`, unless its declaration says otherwise. */
export const DEFAULT_LEASE_MS = 30_000;

/** How many different params a topic is narrowed by at one time. Beyond: `unavailable`, 4503. */
export const MAX_VIEWS = 10_000;

/** How long params may be as JSON, since each view keeps its own. Beyond: `invalid_params`. */
export const MAX_PARAMS_LENGTH: number = 16 * 1024;

/** The longest long poll, in seconds; a longer wait is shortened to it. */
export const MAX_WAIT_S = 60;
