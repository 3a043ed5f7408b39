import { LongwireError, resolveLimits } from "../../base/index.ts";

/** How messages are compressed, where the peer agrees to permessage-deflate. (RFC 7692) */
export interface CompressionOptions {
  /**
   * From how many bytes on a message is compressed. Default 1024: shorter ones gain little and cost
   * as much.
   */
  thresholdBytes: number;
  /**
   * zlib's level, 1 (fast) to 9 (short). Default 5, and 6 with `outgoingContextTakeover`. To 6 it
   * leaves messages of 512 bytes to 8 KiB that stand alone as they are: what compresses them is not
   * zlib, and faster than its level 1 at the length of its level 6.
   */
  level: number;
  /** zlib's memory level, 1 to 9. Default 8, zlib's own. */
  memLevel: number;
  /** The LZ77 window for what is sent, as its base-2 logarithm, 8 to 15. Default 15, 32 KiB. */
  outgoingWindowBits: number;
  /** The window that the peer is asked to keep to, 8 to 15. Default 15, 32 KiB. */
  incomingWindowBits: number;
  /**
   * Whether what is sent may refer to earlier messages of the same connection. It makes messages
   * that resemble each other far shorter, and costs 262 KiB a connection. Default false: all
   * connections share a few contexts.
   */
  outgoingContextTakeover: boolean;
  /**
   * Whether the peer may refer to its earlier messages; costs 39 KiB a connection. Default
   * false: the peer is asked not to.
   */
  incomingContextTakeover: boolean;
  /**
   * What the contexts of single connections may hold together, in bytes; a connection for which
   * there is no room goes on without context takeover. Default 256 MiB.
   */
  maxContextBytes: number;
  /**
   * Whether zlib is run by what Node does not document, where that is known to be there: less than
   * half the time for a short message. Default that of the server or client, true.
   */
  nodeInternals: boolean;
}

/**
 * zlib's own default is 6. Where zlib is used, for messages beyond 8 KiB of JSON and prose of seven
 * kinds, each by itself, 5 takes 7 to 29 % less time for 16 KiB at a length within 0.1 to 2.2 %, and
 * for 60 KiB, which hold up everybody else the longest, 20 to 55 % less at 0.4 to 0.8 %, of very
 * repetitive JSON 4.4 %. 4 costs up to 11 % in length, 1 up to 26. `memLevel` changes neither.
 */
const LEVEL_ALONE = 5;
/** What is like the message before it takes a third less than with 5, which looks no farther for 32 bytes. */
const LEVEL_WITH_TAKEOVER = 6;

const defaultNumbers = {
  thresholdBytes: 1024,
  memLevel: 8,
  outgoingWindowBits: 15,
  incomingWindowBits: 15,
  maxContextBytes: 256 * 1024 * 1024,
};

/**
 * Returns the options with their defaults.
 *
 * @throws LongwireError `invalid_limit`, `invalid_compression`
 */
export function resolveCompression(given: Partial<CompressionOptions> = {}): CompressionOptions {
  // Zero is a threshold too: then every message is compressed.
  const thresholdBytes = given.thresholdBytes === 0 ? 1 : given.thresholdBytes;
  const outgoingContextTakeover = given.outgoingContextTakeover === true;
  const level = outgoingContextTakeover ? LEVEL_WITH_TAKEOVER : LEVEL_ALONE;
  const numbers = resolveLimits({ ...defaultNumbers, level }, { ...given, thresholdBytes });
  requireRange("level", numbers.level, 1, 9);
  requireRange("memLevel", numbers.memLevel, 1, 9);
  requireRange("outgoingWindowBits", numbers.outgoingWindowBits, 8, 15);
  requireRange("incomingWindowBits", numbers.incomingWindowBits, 8, 15);
  return {
    ...numbers,
    nodeInternals: given.nodeInternals !== false,
    outgoingContextTakeover,
    incomingContextTakeover: given.incomingContextTakeover === true,
  };
}

function requireRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  const message = `compression.${name} is ${value}; give an integer from ${least} to ${most}.`;
  throw new LongwireError("invalid_compression", message);
}
