import type { ConnectionBehavior, ConnectionLimits } from "../protocol/index.ts";

/** What `ws` takes for each connection, of a server as of a client. */
export interface ConnectionOptions {
  /**
   * Whether several messages may be emitted in one turn of the event loop. Default true. With false
   * promises settle between any two of them.
   */
  allowSynchronousEvents?: boolean | undefined;
  /** Whether pings are answered. Default true. */
  autoPong?: boolean | undefined;
  /** How long the closing handshake may take, in milliseconds. Default 30,000. */
  closeTimeout?: number | undefined;
  /** How many pieces a frame may come in. Default 262,144; 0 for any number. */
  maxBufferedChunks?: number | undefined;
  /** How many fragments a message may have. Default 16,384; 0 for any number. */
  maxFragments?: number | undefined;
  /** The longest message, in bytes, inflated. Default 100 MiB; 0 for any length. */
  maxPayload?: number | undefined;
  /** How many automatic pongs may wait to be written. Default 60; 0 for any number. */
  maxPendingAutoPongs?: number | undefined;
  /** Whether text need not be UTF-8. Default false. */
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

/** What is left out or 0 is no limit, as in `ws`. */
export function limitsOf({ maxPayload, maxFragments }: ConnectionOptions): ConnectionLimits {
  return { maxMessageBytes: limitOf(maxPayload), maxMessageFragments: limitOf(maxFragments) };
}

export function habitsOf(
  { skipUTF8Validation, maxBufferedChunks }: ConnectionOptions,
  generateMask?: GenerateMask,
): ConnectionBehavior {
  return {
    // Whoever stands on it does, and counts them.
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
