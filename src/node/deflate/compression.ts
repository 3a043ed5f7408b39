import { LongwireError, shown } from "../../base/index.ts";
import type { CompressionOptions } from "./compression-options.ts";
import { DeflateCompression } from "./deflate-compression.ts";

/**
 * Compression for all connections of one owner: its options, shared contexts and memory limit.
 *
 * If it is passed to several servers and clients, they share the memory limit.
 */
export interface Compression {
  /** The memory that the contexts of single connections hold, in bytes. */
  readonly contextBytes: number;
}

/** @throws LongwireError `invalid_limit`, `invalid_compression` */
export const Compression: new (options?: Partial<CompressionOptions>) => Compression =
  DeflateCompression;

/** Whether and how to compress: yes or no, options, or a shared `Compression`. */
export type CompressionChoice = boolean | Partial<CompressionOptions> | Compression;

/**
 * Returns the compression for such a choice; `undefined` for none. Default yes.
 *
 * @param nodeInternals whether to use Node's internals if the choice does not specify it
 * @throws LongwireError `invalid_compression`, `invalid_limit`
 */
export function compressionOf(
  choice: CompressionChoice = true,
  nodeInternals = true,
): DeflateCompression | undefined {
  if (choice === false) return undefined;
  if (choice instanceof DeflateCompression) return choice;
  if (choice !== true && (typeof choice !== "object" || choice === null)) {
    const message = `compression is ${shown(choice)}; use true, false, or options such as { level: 6 }.`;
    throw new LongwireError("invalid_compression", message);
  }
  const options = choice === true ? {} : (choice as Partial<CompressionOptions>);
  return new DeflateCompression({ nodeInternals, ...options });
}
