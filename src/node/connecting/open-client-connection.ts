import { ConnectionAttempt } from "./connection-attempt.ts";
import type { Attempt, OpenHandler, OpenOptions } from "./open-options.ts";

/**
 * Connects, through proxies and redirects if configured, sends the opening handshake, and checks
 * the response. (RFC 6455 §4.1)
 *
 * Attempts to the same address and port wait for each other.
 */
export function openClientConnection(options: OpenOptions, handler: OpenHandler): Attempt {
  return new ConnectionAttempt(options, handler);
}
