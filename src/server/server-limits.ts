import { resolveLimits } from "../base/index.ts";
import {
  defaultConnectionLimits,
  defaultHandshakeLimits,
  type ConnectionLimits,
  type HandshakeLimits,
} from "../protocol/index.ts";

/** What one server lets its peers cost, and how long it waits for them. */
export interface ServerLimits extends ConnectionLimits, Pick<HandshakeLimits, "maxHeaderBytes"> {
  /**
   * From how many unsent bytes of a peer on nothing more is read from it until they are gone.
   * So an application that only answers needs no back-pressure of its own. Default 1 MiB.
   */
  stopReadingBytes: number;
  /**
   * How many unsent bytes a peer may have when a further message is sent to it; with more it is
   * cut off, since it does not keep up. Default 64 MiB.
   */
  maxBufferedBytes: number;
  /** From the first byte of a request to the end of `authorize`, in milliseconds. Default 10,000. */
  handshakeTimeoutMs: number;
  /** How long a peer may take to finish closing, in milliseconds. Default 10,000. */
  closeTimeoutMs: number;
  /**
   * Every so often a peer is pinged; one that is silent for two such intervals is cut off. In
   * milliseconds, default 30,000: below what NAT and proxies usually allow.
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
 * An unfinished message has to grow by so much from one keepalive interval to the next, or its peer
 * is closed with 1008: what it holds would be held for ever.
 */
export const LEAST_PROGRESS_BYTES: number = 16 * 1024;

/**
 * What a plain HTTP request costs beside its body and its answer, in bytes: the objects that Node
 * makes for it and its headers. Measured with 10,000 requests that wait.
 */
export const REQUEST_BYTES: number = 8 * 1024;

/** What Node may have read of a body that nobody has asked for yet, in bytes. */
export const UNREAD_BODY_BYTES: number = 64 * 1024;

/** What each piece costs that a body comes in, beside its bytes. */
export const BODY_CHUNK_BYTES = 256;

/** An answer of which the client took nothing for so long is cut off, in milliseconds. */
export const ANSWER_STALL_MS = 30_000;
