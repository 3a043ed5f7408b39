import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  type InflateRaw,
} from "node:zlib";
import { canRunSynchronously, SyncZlib } from "./sync-zlib.ts";

/** How much comes out of the thread pool at a time, in bytes. Memory that is not used costs none. */
const PIECE_BYTES = 64 * 1024;

/** One zlib stream, which is run on this thread where Node allows it, and else on its pool. */
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

export function createDeflateContext(shape: DeflateShape): DeflateContext {
  return contextOf(createDeflateRaw({ ...zlibOptions(shape), chunkSize: PIECE_BYTES }));
}

/** How zlib is asked for it. */
export function zlibOptions({ level, memLevel, windowBits }: DeflateShape): {
  level: number;
  memLevel: number;
  windowBits: number;
  flush: number;
} {
  return {
    level,
    memLevel,
    // zlib has no raw window of 2^8; with 2^9 it looks back 250 bytes at most, which is within.
    windowBits: Math.max(windowBits, 9),
    flush: constants.Z_SYNC_FLUSH,
  };
}

export function createInflateContext(windowBits: number): InflateContext {
  return contextOf(createInflateRaw({ windowBits, chunkSize: PIECE_BYTES }));
}

function contextOf<Stream extends DeflateRaw | InflateRaw>(stream: Stream): ZlibContext<Stream> {
  return { stream, sync: canRunSynchronously() ? new SyncZlib(stream) : undefined };
}

/** What a connection's own deflate context holds, in bytes. (zlib's zconf.h) */
export function deflateContextBytes({ memLevel, windowBits }: DeflateShape): number {
  return (1 << (Math.max(windowBits, 9) + 2)) + (1 << (memLevel + 9)) + 6 * 1024;
}

export function inflateContextBytes(windowBits: number): number {
  return (1 << windowBits) + 7 * 1024;
}

/** How many idle contexts a pool keeps. */
const KEPT = 4;

/** Contexts that serve whoever needs one for the length of a message. */
export class ContextPool<Stream extends DeflateRaw | InflateRaw> {
  readonly #create: () => ZlibContext<Stream>;
  readonly #idle: ZlibContext<Stream>[] = [];

  constructor(create: () => ZlibContext<Stream>) {
    this.#create = create;
  }

  take(): ZlibContext<Stream> {
    return this.#idle.pop() ?? this.#create();
  }

  /** Takes a context back, with nothing under way in it; the next message starts afresh. */
  give(context: ZlibContext<Stream>): void {
    // Without a handle there is no way to reset but one that only works between messages.
    if (this.#idle.length >= KEPT || context.sync === undefined)
      return void context.stream.destroy();
    context.sync.reset();
    this.#idle.push(context);
  }
}
