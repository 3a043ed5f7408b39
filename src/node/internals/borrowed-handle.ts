import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  handleTools,
  isKnown,
  readRest,
  systemError,
  type SocketHandle,
  type SocketInside,
} from "./socket-handle.ts";

/** Reads and writes with a borrowed handle. */
export interface Borrower {
  /** The buffer to read into, instead of the shared one; may change only in `onRead`. */
  room: Uint8Array | undefined;
  /**
   * Called for `length` bytes from the peer. They are valid until the call returns, and may be
   * changed.
   */
  onRead(buffer: Uint8Array, length: number): void;
  /** Called when the last write, which did not complete immediately, has completed. */
  onWriteEnd(): void;
}

interface BorrowedSocket extends SocketInside {
  /** Restarts the socket's timeout. */
  _unrefTimer(): void;
}

/** The key under which a handle stores its borrower. */
const borrowing = Symbol("borrowing");

/** Node's own read callback, the same for all sockets. */
let nodesOnRead: SocketHandle["onread"] | undefined;

/**
 * Uses the handle of a socket that others keep using: bytes bypass the socket's streams, and
 * everything else is left to the socket.
 */
export class BorrowedHandle {
  readonly #socket: Socket & BorrowedSocket;
  readonly #handle: SocketHandle;
  readonly #borrower: Borrower;
  #isReading = true;

  constructor(socket: Socket, borrower: Borrower) {
    this.#socket = socket as Socket & BorrowedSocket;
    this.#handle = this.#socket._handle!;
    this.#borrower = borrower;
    this.#handle[borrowing] = this;
    this.#handle.onread = onRead;
    this.#handle.useUserBuffer(handleTools.readBuffer);
    this.#handle.readStart();
  }

  pause(): void {
    if (!this.#isReading || !this.#isThere) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#isReading || !this.#isThere) return;
    this.#isReading = true;
    this.#handle.readStart();
  }

  /** Writes past the socket's stream, which must not have anything to write itself. */
  write(written: Uint8Array | readonly Uint8Array[]): "done" | "later" | Error {
    if (!this.#isThere) return "done";
    this.#keepAwake();
    return handleTools.write(this.#handle, written, onWritten);
  }

  /** From here on, received bytes go into the socket's stream. */
  giveBack(): void {
    this.#handle.onread = onReadForSocket;
    this.resume();
  }

  /** Whether the socket is still open. */
  get #isThere(): boolean {
    return this.#socket._handle === this.#handle;
  }

  #keepAwake(): void {
    if (this.#socket.timeout) this.#socket._unrefTimer();
  }

  static #of(handle: SocketHandle): BorrowedHandle {
    return handle[borrowing] as BorrowedHandle;
  }

  static onRead(this: void, handle: SocketHandle): Uint8Array | undefined {
    const self = BorrowedHandle.#of(handle);
    const size = handleTools.readSize();
    if (size <= 0) return self.#readNothing();
    self.#keepAwake();
    const borrower = self.#borrower;
    const { readBuffer } = handleTools;
    const before = borrower.room;
    borrower.onRead(before ?? readBuffer, size);
    return borrower.room === before ? undefined : (borrower.room ?? readBuffer);
  }

  static onReadForSocket(this: void, handle: SocketHandle): Uint8Array | undefined {
    const self = BorrowedHandle.#of(handle);
    const size = handleTools.readSize();
    if (size <= 0) return self.#readNothing();
    self.#keepAwake();
    const { readBuffer } = handleTools;
    const from = self.#borrower.room ?? readBuffer;
    self.#borrower.room = undefined;
    if (!self.#socket.push(Buffer.from(from.subarray(0, size)))) {
      // As Node does; this flag makes Node resume reading later.
      (handle as SocketHandle & { reading: boolean }).reading = false;
      handle.readStop();
    }
    return from === readBuffer ? undefined : readBuffer;
  }

  static onWritten(this: void, status: number, handle: SocketHandle): void {
    const self = BorrowedHandle.#of(handle);
    if (status === 0) self.#borrower.onWriteEnd();
    else self.#socket.destroy(systemError("write", status));
  }

  /** Leaves the end of the stream, or an error, to the socket. */
  #readNothing(): undefined {
    nodesOnRead!.call(this.#handle, undefined);
  }
}

function onRead(this: SocketHandle): Uint8Array | undefined {
  return BorrowedHandle.onRead(this);
}

function onReadForSocket(this: SocketHandle): Uint8Array | undefined {
  return BorrowedHandle.onReadForSocket(this);
}

function onWritten(status: number, handle: SocketHandle): void {
  BorrowedHandle.onWritten(status, handle);
}

/** A borrowed handle, with the bytes that the socket had already read. */
export interface Loan {
  handle: BorrowedHandle;
  head: Uint8Array | undefined;
}

/**
 * Borrows the handle of a TCP or Unix socket.
 *
 * @returns `undefined`, leaving the socket unchanged, if this version of Node is not as expected,
 *   or if the socket is of another class, is not open, or has another reader
 */
export function borrowHandle(stream: Duplex, borrower: Borrower): Loan | undefined {
  if (!(stream instanceof Socket) || stream.constructor !== Socket) return undefined;
  const inside = stream as unknown as SocketInside;
  if (inside._handle === null || !isUnread(stream, inside)) return undefined;
  if (!isKnown(inside._handle)) return undefined;
  nodesOnRead ??= inside._handle.onread;
  if (inside._handle.onread !== nodesOnRead) return undefined;
  const head = readRest(stream);
  return { handle: new BorrowedHandle(stream, borrower), head };
}

function isUnread(socket: Socket, { _readableState: reading }: SocketInside): boolean {
  return (
    !socket.destroyed &&
    !socket.connecting &&
    reading?.ended === false &&
    socket.listenerCount("data") + socket.listenerCount("readable") === 0
  );
}
