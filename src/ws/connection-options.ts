import type { ConnectionBehavior, ConnectionLimits } from "../protocol/index.ts";

/** The options of `ws` for each connection, of servers and clients. */
export interface ConnectionOptions {
  /**
   * Whether several messages may be emitted in one turn of the event loop. Default true. If false,
   * promises settle between two messages.
   */
  allowSynchronousEvents?: boolean | undefined;
  /** Whether pings are answered. Default true. */
  autoPong?: boolean | undefined;
  /** The time limit for the closing handshake, in milliseconds. Default 30,000. */
  closeTimeout?: number | undefined;
  /** The maximum number of pieces in which a frame may arrive. Default 262,144; 0 for no limit. */
  maxBufferedChunks?: number | undefined;
  /** The maximum number of fragments per message. Default 16,384; 0 for no limit. */
  maxFragments?: number | undefined;
  /** The maximum size of an inflated message, in bytes. Default 100 MiB; 0 for no limit. */
  maxPayload?: number | undefined;
  /** The maximum number of automatic pongs that wait to be written. Default 60; 0 for no limit. */
  maxPendingAutoPongs?: number | undefined;
  /** Whether to accept text that is not valid UTF-8. Default false. */
  skipUTF8Validation?: boolean | undefined;
}

export const defaultConnectionOptions: Required<ConnectionOptions> = {
  allowSynchronousEvents: true,
  autoPong: true,
  closeTimeout: 30_000,
  maxBufferedChunks: 256 * 1024,
  maxFragments: 16 * 1024,
  maxPayload: 100 * 1024 * 1024,
  maxPendingAutoPongs: 60,
  skipUTF8Validation: false,
};

/** Fills four bytes with a masking key. */
export type GenerateMask = (mask: Buffer) => void;

/** As in `ws`, 0 or a missing option means no limit. */
export function limitsOf({ maxPayload, maxFragments }: ConnectionOptions): ConnectionLimits {
  return { maxMessageBytes: limitOf(maxPayload), maxMessageFragments: limitOf(maxFragments) };
}

export function habitsOf(
  { skipUTF8Validation, maxBufferedChunks }: ConnectionOptions,
  generateMask?: GenerateMask,
): ConnectionBehavior {
  return {
    // Pings are answered by the user of the connection, who counts the pongs.
    answersPings: false,
    checksText: skipUTF8Validation !== true,
    maxFramePieces: limitOf(maxBufferedChunks),
    maskingKey: generateMask && (() => maskingKeyFrom(generateMask)),
  };
}

export function maskingKeyFrom(generateMask: GenerateMask): number {
  const mask = Buffer.alloc(4);
  generateMask(mask);
  return mask.readUInt32BE(0);
}

function limitOf(value: number | undefined): number {
  return value !== undefined && value > 0 ? Math.trunc(value) : Number.MAX_SAFE_INTEGER;
}
