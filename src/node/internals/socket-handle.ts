import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";
import { withoutStack } from "../../base/index.ts";
import { fastMemory } from "../masking/kernel.ts";

/** The handle below a Node socket: a libuv stream, as Node's own code sees it. */
export interface SocketHandle {
  /** Receives bytes. The returned buffer is used for the next reads. */
  onread: (this: SocketHandle, bytes: ArrayBuffer | undefined) => Uint8Array | undefined;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: HandleRequest, chunk: Uint8Array): number;
  writev(request: HandleRequest, chunks: readonly Uint8Array[], allAreBuffers: true): number;
  shutdown(request: HandleRequest): number;
  close(whenClosed: (this: SocketHandle) => void): void;
  /** Missing for Unix sockets. */
  getpeername?(into: PeerName): number;
  [symbol: symbol]: unknown;
}

/** The address of the peer, as a handle reports it. */
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

/** A request to a handle. If it completes later, it reports that. */
interface HandleRequest {
  /** Prevents garbage collection of the bytes that are being written. */
  retained?: Uint8Array | readonly Uint8Array[];
  oncomplete: (status: number, handle: SocketHandle) => void;
}

/** Receives the events of a handle. */
export interface HandleOwner {
  /** The buffer to read into, instead of the shared one; may change only in `onRead`. */
  readonly room: Uint8Array | undefined;
  /**
   * Called for `length` bytes from the peer. They are valid until the call returns, and may be
   * changed.
   */
  onRead(buffer: Uint8Array, length: number): void;
  /**
   * Called when nothing more will be read, because the peer ended its side or an error occurred.
   */
  onReadEnd(error: Error | undefined): void;
  /** Called when the last write, which did not complete immediately, has completed or failed. */
  onWriteEnd(error: Error | undefined): void;
  onShutdown(): void;
  onClosed(): void;
}

/** A Node server that counts its connections. */
export interface CountingServer {
  _connections: number;
  _emitCloseIfDrained(): void;
}

/** A handle that was detached from its socket. */
export interface DetachedHandle {
  handle: SocketHandle;
  /** The bytes that the socket had already read. */
  head: Uint8Array | undefined;
  /** If missing, the handle is asked when the address is needed. */
  remoteAddress?: string | undefined;
  /** The server to notify with `uncount` when the handle is closed. */
  server: CountingServer | undefined;
}

/** The internals of a Node socket that this file uses. */
export interface SocketInside {
  _handle: SocketHandle | null;
  _server?: CountingServer | null;
  _readableState?: { ended?: boolean };
}

/** The parts of Node's internal code that this file uses. */
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
/** The key under which a handle stores its socket, or its new owner. */
let ownerSymbol: symbol;
/** All handles read into it, one after the other. Its size is the one that libuv suggests. */
let readBuffer: Uint8Array;
/** Reused for every write that completes immediately, as nearly all do. */
let writeRequest: HandleRequest;

/**
 * Detaches the handle of a TCP or Unix socket, and discards the socket.
 *
 * @returns `undefined`, leaving the socket unchanged, if this version of Node is not as expected,
 *   or if the socket is of another class, has unsent data, is ending, or has other listeners
 */
export function detachHandle(stream: Duplex): DetachedHandle | undefined {
  if (!(stream instanceof Socket) || stream.constructor !== Socket) return undefined;
  const inside = stream as unknown as SocketInside;
  const { _handle: handle, _server: server } = inside;
  if (handle === null || !isQuiet(stream) || !isKnown(handle)) return undefined;
  const head = readRest(stream);
  const { remoteAddress } = stream;
  // The connection continues, so the server must not decrement its count.
  Object.assign(inside, { _handle: null, _server: null });
  stream.destroy();
  return { handle, head, remoteAddress, server: server ?? undefined };
}

/** Returns the bytes that the socket has read but not delivered; Node 26 returns them in pieces. */
export function readRest(socket: Socket): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = socket.read() as Uint8Array | null;
    if (piece === null) break;
    pieces.push(piece);
  }
  return pieces.length === 0 ? undefined : Buffer.concat(pieces);
}

/** Returns the address of the peer; empty if it is no longer known. */
export function peerNameOf(handle: SocketHandle): PeerName {
  const name: PeerName = {};
  handle.getpeername?.(name);
  return name;
}

/** Makes `owner` receive the events of `handle`, which is reading. */
export function ownHandle(handle: SocketHandle, owner: HandleOwner): void {
  handle[ownerSymbol] = owner;
  handle.onread = onRead;
  handle.useUserBuffer(readBuffer);
  handle.readStart();
}

/** Decrements the server's count of connections. */
export function uncount(server: CountingServer): void {
  server._connections -= 1;
  server._emitCloseIfDrained();
}

/** Waits for the first bytes of a handle. */
export interface FirstReader {
  /** `bytes` is undefined if the handle ended before. */
  onFirstBytes(bytes: Uint8Array | undefined): void;
  onClosed(): void;
}

/**
 * Makes `reader` receive the first bytes of `handle`, and all further ones until the handle has an
 * owner.
 */
export function readFirst(handle: SocketHandle, reader: FirstReader): void {
  handle[ownerSymbol] = reader;
  handle.onread = onFirstRead;
  handle.readStart();
}

/** Returns the socket that Node created for a handle, or the server of a listening handle. */
export function ownerOf(handle: SocketHandle): unknown {
  return handle[ownerSymbol];
}

/** The parts of this file that borrowing a handle needs; valid once `isKnown` has returned true. */
interface HandleTools {
  /** Shared by all handles, one after the other. */
  readonly readBuffer: Uint8Array;
  /** @returns the number of bytes just read, or a negative error code */
  readSize(): number;
  /** Writes. If the write does not complete immediately, `whenDone` is called with the result. */
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

/** Writes a chunk. After `"later"`, nothing else may be written until `onWriteEnd`. */
export function writeToHandle(handle: SocketHandle, chunk: Uint8Array): "done" | "later" | Error {
  return outcomeOf(handle.writeBuffer(writeRequest, chunk), chunk);
}

/** Writes all chunks with one call; see `writeToHandle`. */
export function writeAllToHandle(
  handle: SocketHandle,
  chunks: readonly Uint8Array[],
): "done" | "later" | Error {
  return outcomeOf(handle.writev(writeRequest, chunks, true), chunks);
}

/** Ends the writing side. */
export function shutDownHandle(handle: SocketHandle): void {
  const request = new wrap!.ShutdownWrap();
  request.oncomplete = onShutdown;
  // A result other than 0 means that there will be no callback, because the handle is shut down
  // already, or broken.
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
  // The shared request is in use now.
  writeRequest.retained = written;
  writeRequest = freshWriteRequest();
  return "later";
}

// Shared by all handles; `this` and the last argument identify the handle.

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

/** @returns the buffer for the next reads, if it changes */
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

/** Whether the socket has no pending operation of its own, and no listeners besides this code. */
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

/** Whether the handle has the form that it has in all tested versions of Node. */
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
  // Suppresses the deprecation warning DEP0111, which with --throw-deprecation would end the
  // process.
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
    // Node's permission model forbids the access.
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
