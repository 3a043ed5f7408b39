import { areInternalsAllowed } from "./allowed.ts";

/** Decodes bytes that are known to be valid UTF-8; see `decodeText`. */
export type DecodeText = (source: Uint8Array, start: number, end: number, ascii: boolean) => string;

/** What Node's buffers have beyond their documentation. */
interface SlicingBuffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** The fast way, which leans on undocumented methods; `undefined` where they are gone. */
export function slicingDecoder(prototype: object): DecodeText | undefined {
  const { latin1Slice, utf8Slice } = prototype as Partial<SlicingBuffer>;
  if (typeof latin1Slice !== "function" || typeof utf8Slice !== "function") return undefined;
  return (source, start, end, ascii) =>
    ascii ? latin1Slice.call(source, start, end) : utf8Slice.call(source, start, end);
}

/** The documented way, about 15 ns slower for a short text. */
export const documentedDecoder: DecodeText = (source, start, end, ascii) => {
  const buffer = Buffer.isBuffer(source)
    ? source
    : Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  return buffer.toString(ascii ? "latin1" : "utf8", start, end);
};

/**
 * Decodes `source` from `start` to `end`.
 *
 * @param ascii whether all of it is ASCII: Latin-1 decodes that two to three times faster
 */
export const decodeText: DecodeText =
  (areInternalsAllowed() ? slicingDecoder(Buffer.prototype) : undefined) ?? documentedDecoder;
