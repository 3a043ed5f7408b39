import type { CompressionOptions } from "./compression-options.ts";
import { DeflateCompression } from "./deflate-compression.ts";

/**
 * Compression for all connections of one owner: its options, shared contexts and ceiling.
 *
 * Passed to several servers and clients, it is one ceiling for all of them.
 */
export interface Compression {
  /** Bytes that the contexts of single connections hold. */
  readonly contextBytes: number;
}

/** @throws LongwireError `invalid_limit`, `invalid_compression` */
export const Compression: new (options?: Partial<CompressionOptions>) => Compression =
  DeflateCompression;

/** Whether and how an owner of connections compresses: yes or no, options, or a shared `Compression`. */
export type CompressionChoice = boolean | Partial<CompressionOptions> | Compression;

/**
 * Returns what compresses for such an owner; `undefined` for no compression. Default yes.
 *
 * @param nodeInternals whether to use Node's internals if the choice does not specify it
 */
export function compressionOf(
  choice: CompressionChoice = true,
  nodeInternals = true,
): DeflateCompression | undefined {
  if (choice === false) return undefined;
  if (choice instanceof DeflateCompression) return choice;
  const options = choice === true ? {} : (choice as Partial<CompressionOptions>);
  return new DeflateCompression({ nodeInternals, ...options });
}
