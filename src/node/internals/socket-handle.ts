import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";
import { withoutStack } from "../../base/index.ts";
import { fastMemory } from "../masking/kernel.ts";

/** What lies under a socket of Node's: a stream of libuv's, as Node's own code sees it. */
export interface SocketHandle {
  /** What it returns is read into from then on. */
  onread: (this: SocketHandle, bytes: ArrayBuffer | undefined) => Uint8Array | undefined;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: HandleRequest, chunk: Uint8Array): number;
  writev(request: HandleRequest, chunks: readonly Uint8Array[], allAreBuffers: true): number;
  shutdown(request: HandleRequest): number;
  close(whenClosed: (this: SocketHandle) => void): void;
  /** Those of Unix sockets don't know any. */
  getpeername?(into: PeerName): number;
  [symbol: symbol]: unknown;
}

/** What a handle says of the other end. */
export interface PeerName {
  address?: string;
  port?: number;
  family?: string;
}

const METHODS = [
  "useUserBuffer",
  "readStart",
  "readStop",
  "writeBuffer",
  "writev",
  "shutdown",
  "close",
] as const satisfies (keyof SocketHandle)[];

/** Something asked of a handle; it tells its end, if that comes later. */
interface HandleRequest {
  /** Keeps from collection what is being written. */
  retained?: Uint8Array | readonly Uint8Array[];
  oncomplete: (status: number, handle: SocketHandle) => void;
}

/** Who hears of a handle. */
export interface HandleOwner {
  /** Where to read into instead of the shared buffer; may change in `onRead` only. */
  readonly room: Uint8Array | undefined;
  /** The peer sent `length` bytes: good until the call returns, and the owner's to change. */
  onRead(buffer: Uint8Array, length: number): void;
  /** Nothing more is read: the peer said so, or the error came. */
  onReadEnd(error: Error | undefined): void;
  /** What was written last, and was not gone at once, is gone, or the error came. */
  onWriteEnd(error: Error | undefined): void;
  onShutdown(): void;
  onClosed(): void;
}

/** A server of Node's, as far as it counts its connections. */
export interface CountingServer {
  _connections: number;
  _emitCloseIfDrained(): void;
}

/** A handle that was taken out of its socket. */
export interface DetachedHandle {
  handle: SocketHandle;
  /** What the socket had read by then. */
  head: Uint8Array | undefined;
  /** Left out, the handle is asked when it is needed. */
  remoteAddress?: string | undefined;
  /** To be told, by `uncount`, when the handle is closed. */
  server: CountingServer | undefined;
}

/** A socket of Node's, as far as this file looks into it. */
export interface SocketInside {
  _handle: SocketHandle | null;
  _server?: CountingServer | null;
  _readableState?: { ended?: boolean };
}

/** The parts of Node's own code that this file needs. */
interface StreamWrap {
  WriteWrap: new () => HandleRequest;
  ShutdownWrap: new () => HandleRequest;
  streamBaseState: Int32Array;
  kReadBytesOrError: number;
  kArrayBufferOffset: number;
  kLastWriteWasAsync: number;
}

/** libuv's code for the end of a stream, on every platform. */
const UV_EOF = -4095;

let wrap: StreamWrap | undefined;
let isWrapAsked = false;
/** Under which name a handle knows its socket, and now its owner. */
let ownerSymbol: symbol;
/** All handles read into it, one after the other; as long as libuv itself suggests. */
let readBuffer: Uint8Array;
/** Serves every write that is done at once, as nearly all are. */
let writeRequest: HandleRequest;

/**
 * Takes the handle out of a TCP or Unix socket, whose other parts go.
 *
 * @returns `undefined`, and leaves the socket as it is, where this Node is not as expected, where
 *   the socket is of another class, has data unsent or is ending, or somebody else listens to it
 */
export function detachHandle(stream: Duplex): DetachedHandle | undefined {
  if (!(stream instanceof Socket) || stream.constructor !== Socket) return undefined;
  const inside = stream as unknown as SocketInside;
  const { _handle: handle, _server: server } = inside;
  if (handle === null || !isQuiet(stream) || !isKnown(handle)) return undefined;
  const head = readRest(stream);
  const { remoteAddress } = stream;
  // The connection goes on: the server shall not count it out.
  Object.assign(inside, { _handle: null, _server: null });
  stream.destroy();
  return { handle, head, remoteAddress, server: server ?? undefined };
}

/** What the socket has read and nobody took; Node 26 gives it piece by piece. */
export function readRest(socket: Socket): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = socket.read() as Uint8Array | null;
    if (piece === null) break;
    pieces.push(piece);
  }
  return pieces.length === 0 ? undefined : Buffer.concat(pieces);
}

/** Who is at the other end; nothing where that is not known any more. */
export function peerNameOf(handle: SocketHandle): PeerName {
  const name: PeerName = {};
  handle.getpeername?.(name);
  return name;
}

/** Has `owner` hear of `handle`, which reads. */
export function ownHandle(handle: SocketHandle, owner: HandleOwner): void {
  handle[ownerSymbol] = owner;
  handle.onread = onRead;
  handle.useUserBuffer(readBuffer);
  handle.readStart();
}

/** Says to the server that a connection of its own is closed. */
export function uncount(server: CountingServer): void {
  server._connections -= 1;
  server._emitCloseIfDrained();
}

/** Who waits for the first bytes of a handle. */
export interface FirstReader {
  /** Nothing, where the handle ended before. */
  onFirstBytes(bytes: Uint8Array | undefined): void;
  onClosed(): void;
}

/** Has `reader` hear of `handle`. It is asked for more bytes until somebody else owns it. */
export function readFirst(handle: SocketHandle, reader: FirstReader): void {
  handle[ownerSymbol] = reader;
  handle.onread = onFirstRead;
  handle.readStart();
}

/** The socket that Node has made of a handle, or the server of one that listens. */
export function ownerOf(handle: SocketHandle): unknown {
  return handle[ownerSymbol];
}

/** What borrowing a handle needs of this file, where `isKnown` said yes to one. */
interface HandleTools {
  /** What all read into, one after the other. */
  readonly readBuffer: Uint8Array;
  /** @returns how many bytes were just read, or the negative code of why none were */
  readSize(): number;
  /** Writes; where that is not at once, `whenDone` is called with the outcome. */
  write(
    handle: SocketHandle,
    written: Uint8Array | readonly Uint8Array[],
    whenDone: (status: number, handle: SocketHandle) => void,
  ): "done" | "later" | Error;
}

export const handleTools: HandleTools = {
  get readBuffer() {
    return readBuffer;
  },
  readSize: () => wrap!.streamBaseState[wrap!.kReadBytesOrError]!,
  write(handle, written, whenDone) {
    const request = writeRequest;
    const status =
      written instanceof Uint8Array
        ? handle.writeBuffer(request, written)
        : handle.writev(request, written, true);
    const outcome = outcomeOf(status, written);
    if (outcome === "later") request.oncomplete = whenDone;
    return outcome;
  },
};

/** Writes; `"later"` ends in `onWriteEnd`, until which nothing else may be written. */
export function writeToHandle(handle: SocketHandle, chunk: Uint8Array): "done" | "later" | Error {
  return outcomeOf(handle.writeBuffer(writeRequest, chunk), chunk);
}

/** Writes all chunks in one go; see `writeToHandle`. */
export function writeAllToHandle(
  handle: SocketHandle,
  chunks: readonly Uint8Array[],
): "done" | "later" | Error {
  return outcomeOf(handle.writev(writeRequest, chunks, true), chunks);
}

/** Says that nothing more is written. */
export function shutDownHandle(handle: SocketHandle): void {
  const request = new wrap!.ShutdownWrap();
  request.oncomplete = onShutdown;
  // Anything but 0 means that there will be no call: it is shut down already, or broken.
  if (handle.shutdown(request) !== 0) (handle[ownerSymbol] as HandleOwner).onShutdown();
}

export function closeHandle(handle: SocketHandle): void {
  handle.close(onClosed);
}

function outcomeOf(
  status: number,
  written: Uint8Array | readonly Uint8Array[],
): "done" | "later" | Error {
  if (status !== 0) return systemError("write", status);
  const { streamBaseState, kLastWriteWasAsync } = wrap!;
  if (streamBaseState[kLastWriteWasAsync] === 0) return "done";
  // That one is in use now.
  writeRequest.retained = written;
  writeRequest = freshWriteRequest();
  return "later";
}

// All handles share these; `this` and the last argument say whose it is.

function onRead(this: SocketHandle): Uint8Array | undefined {
  const owner = this[ownerSymbol] as HandleOwner;
  const size = wrap!.streamBaseState[wrap!.kReadBytesOrError]!;
  if (size > 0) return readInto(owner, size);
  if (size === UV_EOF) owner.onReadEnd(undefined);
  else if (size < 0) owner.onReadEnd(systemError("read", size));
  return undefined;
}

function onFirstRead(this: SocketHandle, bytes: ArrayBuffer | undefined): undefined {
  const reader = this[ownerSymbol] as FirstReader;
  const { streamBaseState, kReadBytesOrError, kArrayBufferOffset } = wrap!;
  const size = streamBaseState[kReadBytesOrError]!;
  if (size === 0) return;
  const from = streamBaseState[kArrayBufferOffset]!;
  reader.onFirstBytes(bytes === undefined ? undefined : Buffer.from(bytes, from, size));
}

/** @returns where to read from now on, if that is somewhere else */
function readInto(owner: HandleOwner, size: number): Uint8Array | undefined {
  const before = owner.room;
  owner.onRead(before ?? readBuffer, size);
  return owner.room === before ? undefined : (owner.room ?? readBuffer);
}

function onWritten(status: number, handle: SocketHandle): void {
  const owner = handle[ownerSymbol] as HandleOwner;
  owner.onWriteEnd(status === 0 ? undefined : systemError("write", status));
}

function onShutdown(_status: number, handle: SocketHandle): void {
  (handle[ownerSymbol] as HandleOwner).onShutdown();
}

function onClosed(this: SocketHandle): void {
  (this[ownerSymbol] as { onClosed(): void }).onClosed();
}

/** Nothing is under way that only the socket knows of, and nobody but us hears of it. */
function isQuiet(socket: Socket): boolean {
  const { _readableState: reading } = socket as unknown as SocketInside;
  return (
    !socket.destroyed &&
    !socket.connecting &&
    socket.writable &&
    socket.writableLength === 0 &&
    reading?.ended === false &&
    socket.listenerCount("close") + socket.listenerCount("data") === 0 &&
    socket.listenerCount("readable") === 0
  );
}

/** Whether handles are as they are in every Node that this was tried on. */
export function isKnown(handle: SocketHandle): boolean {
  if (!isWrapAsked) {
    isWrapAsked = true;
    wrap = loadStreamWrap(handle);
  }
  return wrap !== undefined && METHODS.every((method) => typeof handle[method] === "function");
}

function loadStreamWrap(handle: SocketHandle): StreamWrap | undefined {
  const symbol = Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === "owner_symbol",
  );
  const found = streamWrapOf(process);
  if (symbol === undefined || found === undefined) return undefined;
  ownerSymbol = symbol;
  wrap = found;
  readBuffer = fastMemory();
  writeRequest = freshWriteRequest();
  return found;
}

function streamWrapOf(from: unknown): StreamWrap | undefined {
  const { binding } = from as { binding?: (name: string) => Partial<StreamWrap> };
  const { noDeprecation = false } = process;
  // That it is deprecated (DEP0111) is for us to know; told to throw, Node would end the process.
  process.noDeprecation = true;
  try {
    const found = binding?.call(from, "stream_wrap");
    const isWhole =
      typeof found?.WriteWrap === "function" &&
      typeof found.ShutdownWrap === "function" &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === "number" &&
      typeof found.kArrayBufferOffset === "number" &&
      typeof found.kLastWriteWasAsync === "number";
    return isWhole ? (found as StreamWrap) : undefined;
  } catch {
    // Node's permission model forbids it.
    return undefined;
  } finally {
    process.noDeprecation = noDeprecation;
  }
}

function freshWriteRequest(): HandleRequest {
  const request = new wrap!.WriteWrap();
  request.oncomplete = onWritten;
  return request;
}

export function systemError(syscall: string, status: number): Error {
  const code = getSystemErrorName(status);
  const error = withoutStack(() => new Error(`${syscall} ${code}`));
  return Object.assign(error, { code, errno: status, syscall });
}
