import { LongwireError, resolveLimits } from "../../base/index.ts";

/** How messages are compressed, if the peer agrees to permessage-deflate. (RFC 7692) */
export interface CompressionOptions {
  /**
   * The minimum size of a message to compress, in bytes. Default 1024, because shorter messages
   * gain little for the same cost.
   */
  thresholdBytes: number;
  /**
   * The compression level, 1 (fast) to 9 (small). Default 5, or 6 with `outgoingContextTakeover`.
   * Up to level 6, messages of 512 bytes to 8 KiB without context takeover are compressed by
   * Longwire's own code instead of zlib: faster than zlib's level 1, with the size of its level 6.
   */
  level: number;
  /** zlib's memory level, 1 to 9. Default 8, as in zlib. */
  memLevel: number;
  /** The LZ77 window for sent messages, as its base-2 logarithm, 8 to 15. Default 15, 32 KiB. */
  outgoingWindowBits: number;
  /** The window that the peer is asked to use, 8 to 15. Default 15, 32 KiB. */
  incomingWindowBits: number;
  /**
   * Whether sent messages may refer to earlier messages of the same connection. This makes similar
   * messages much shorter, and costs 262 KiB per connection. Default false: all connections share a
   * few contexts.
   */
  outgoingContextTakeover: boolean;
  /**
   * Whether the peer's messages may refer to its earlier ones; costs 39 KiB per connection. Default
   * false: the peer is asked not to do this.
   */
  incomingContextTakeover: boolean;
  /**
   * The maximum memory for the contexts of single connections together, in bytes. A connection that
   * exceeds it works without context takeover. Default 256 MiB.
   */
  maxContextBytes: number;
  /**
   * Whether to run zlib with undocumented parts of Node, if they exist in the expected form. This
   * takes less than half the time for a short message. Default: the setting of the server or
   * client, true.
   */
  nodeInternals: boolean;
}

/**
 * zlib's own default is 6. Measured for messages that zlib compresses on their own, above 8 KiB,
 * JSON and prose of seven kinds: level 5 takes 7 to 29 % less time for 16 KiB, and the result is
 * 0.1 to 2.2 % longer. For 60 KiB, which block the event loop the longest, it takes 20 to 55 % less
 * and is 0.4 to 0.8 % longer, for very repetitive JSON 4.4 %. Level 4 is up to 11 % longer, level 1
 * up to 26 %. `memLevel` changes neither time nor length.
 */
const LEVEL_ALONE = 5;
/**
 * A message that resembles the previous one becomes a third shorter than with level 5, which stops
 * searching at a match of 32 bytes.
 */
const LEVEL_WITH_TAKEOVER = 6;

const defaultNumbers = {
  thresholdBytes: 1024,
  memLevel: 8,
  outgoingWindowBits: 15,
  incomingWindowBits: 15,
  maxContextBytes: 256 * 1024 * 1024,
};

/**
 * Returns the options, completed with defaults.
 *
 * @throws LongwireError `invalid_limit`, `invalid_compression`
 */
export function resolveCompression(given: Partial<CompressionOptions> = {}): CompressionOptions {
  // A threshold of 0 is valid, too: then every message is compressed.
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
  const message = `compression.${name} is ${value}; use an integer from ${least} to ${most}.`;
  throw new LongwireError("invalid_compression", message);
}
