import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  type InflateRaw,
} from "node:zlib";
import { SyncZlib } from "../internals/sync-zlib.ts";

/** The output chunk size in the thread pool, in bytes. Untouched pages cost no memory. */
const PIECE_BYTES = 64 * 1024;

/** One zlib stream. It runs on this thread if Node allows it, otherwise in the thread pool. */
export interface ZlibContext<Stream extends DeflateRaw | InflateRaw> {
  readonly stream: Stream;
  readonly sync: SyncZlib<Stream> | undefined;
}

export type DeflateContext = ZlibContext<DeflateRaw>;
export type InflateContext = ZlibContext<InflateRaw>;

export interface DeflateShape {
  level: number;
  memLevel: number;
  windowBits: number;
}

/**
 * Returns a context whose messages may or may not refer to earlier ones.
 *
 * Without context takeover, messages end with a full flush, after which zlib does not refer to
 * anything before it. That saves a reset per message, 0.2 µs of 12.
 */
export function createDeflateContext(
  shape: DeflateShape,
  { keepsContext, isSynchronous }: { keepsContext: boolean; isSynchronous: boolean },
): DeflateContext {
  const flush = keepsContext ? constants.Z_SYNC_FLUSH : constants.Z_FULL_FLUSH;
  return contextOf(
    createDeflateRaw({ ...zlibOptions(shape), flush, chunkSize: PIECE_BYTES }),
    isSynchronous ? flush : undefined,
  );
}

/** Returns zlib's options for the shape. */
export function zlibOptions({ level, memLevel, windowBits }: DeflateShape): DeflateShape {
  // zlib has no raw window of 2^8. With 2^9 it looks back 250 bytes at most, which fits into 2^8.
  return { level, memLevel, windowBits: Math.max(windowBits, 9) };
}

export function createInflateContext(windowBits: number, isSynchronous: boolean): InflateContext {
  return contextOf(
    createInflateRaw({ windowBits, chunkSize: PIECE_BYTES }),
    isSynchronous ? constants.Z_SYNC_FLUSH : undefined,
  );
}

/** @param flush how to end a message on the calling thread; `undefined` if it does not run there */
function contextOf<Stream extends DeflateRaw | InflateRaw>(
  stream: Stream,
  flush: number | undefined,
): ZlibContext<Stream> {
  return { stream, sync: flush === undefined ? undefined : new SyncZlib(stream, flush) };
}

/** The memory of a connection's own deflate context, in bytes. (zlib's zconf.h) */
export function deflateContextBytes({ memLevel, windowBits }: DeflateShape): number {
  return (1 << (Math.max(windowBits, 9) + 2)) + (1 << (memLevel + 9)) + 6 * 1024;
}

export function inflateContextBytes(windowBits: number): number {
  return (1 << windowBits) + 7 * 1024;
}
