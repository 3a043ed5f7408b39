import { LongwireError, resolveLimits } from "../base/index.ts";
import {
  defaultConnectionLimits,
  defaultHandshakeLimits,
  type ConnectionLimits,
  type HandshakeLimits,
} from "../protocol/index.ts";

/** What one server lets its peers cost, and how long it waits for them. */
export interface ServerLimits extends ConnectionLimits, Omit<HandshakeLimits, "maxHeaderLines"> {
  /**
   * What all unfinished messages of all peers may hold together, in bytes; who would exceed it is
   * closed with 1013. Default 512 MiB.
   */
  maxUnfinishedBytes: number;
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
  maxUnfinishedBytes: 512 * 1024 * 1024,
  stopReadingBytes: 1024 * 1024,
  maxBufferedBytes: 64 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  closeTimeoutMs: 10_000,
  keepaliveIntervalMs: 30_000,
};

/** @throws LongwireError `invalid_limit` */
export function resolveServerLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  const limits = resolveLimits(defaultServerLimits, given);
  if (limits.maxUnfinishedBytes < limits.maxMessageBytes) {
    const message = `maxUnfinishedBytes (${limits.maxUnfinishedBytes}) is below maxMessageBytes (${limits.maxMessageBytes}); raise it or lower the other.`;
    throw new LongwireError("invalid_limit", message);
  }
  return limits;
}
