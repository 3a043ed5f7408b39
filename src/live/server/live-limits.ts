/** What one client may ask of the live layer. */
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
