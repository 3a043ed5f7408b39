import { resolveLimits } from "../base/index.ts";
import {
  defaultConnectionLimits,
  defaultHandshakeLimits,
  type ConnectionLimits,
  type HandshakeLimits,
} from "../protocol/index.ts";

/** The limits and timeouts that one server applies to its peers. */
export interface ServerLimits extends ConnectionLimits, Pick<HandshakeLimits, "maxHeaderBytes"> {
  /**
   * While a peer has at least this many unsent bytes, nothing is read from it. So an application
   * that only answers needs no back-pressure of its own. In bytes, default 1 MiB.
   */
  stopReadingBytes: number;
  /**
   * The maximum of unsent bytes for a peer. If it is exceeded when another message is sent, the
   * peer does not keep up and is cut off. In bytes, default 64 MiB.
   */
  maxBufferedBytes: number;
  /**
   * The time limit from the first byte of a request to the end of `authorize`, in milliseconds.
   * Default 10,000.
   */
  handshakeTimeoutMs: number;
  /** The time limit for the closing handshake, in milliseconds. Default 10,000. */
  closeTimeoutMs: number;
  /**
   * How often a peer is pinged. A peer that is silent for two intervals is cut off. In
   * milliseconds, default 30,000, which is below the usual timeout of NAT and proxies.
   */
  keepaliveIntervalMs: number;
}

const defaultServerLimits: ServerLimits = {
  ...defaultConnectionLimits,
  maxHeaderBytes: defaultHandshakeLimits.maxHeaderBytes,
  stopReadingBytes: 1024 * 1024,
  maxBufferedBytes: 64 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  closeTimeoutMs: 10_000,
  keepaliveIntervalMs: 30_000,
};

/** @throws LongwireError `invalid_limit` */
export function resolveServerLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  return resolveLimits(defaultServerLimits, given);
}

/**
 * How much an unfinished message must grow from one keepalive interval to the next. If it does not,
 * its peer is closed with 1008, because the received part would be held for ever.
 */
export const LEAST_PROGRESS_BYTES: number = 16 * 1024;

/**
 * The cost of a plain HTTP request without its body and response, in bytes: its headers and the
 * objects that Node creates. Measured with 10,000 waiting requests.
 */
export const REQUEST_BYTES: number = 8 * 1024;

/** The part of an unread body that Node may have buffered, in bytes. */
export const UNREAD_BODY_BYTES: number = 64 * 1024;

/** The overhead of each chunk of a body, in bytes. */
export const BODY_CHUNK_BYTES = 256;

/** A response is cut off after its client has read nothing for this long, in milliseconds. */
export const ANSWER_STALL_MS = 30_000;
