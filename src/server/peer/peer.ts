import { types } from "node:util";
import { Account, LongwireError, type Payer } from "../../base/index.ts";
import {
  StreamConnection,
  type Closure,
  type StreamConnectionHandler,
  type StreamConnectionOptions,
  type Transport,
} from "../../node/index.ts";
import {
  CloseCode,
  LimitError,
  type ConnectionLimits,
  type MessageCodec,
  type ProtocolError,
} from "../../protocol/index.ts";
import type { Endpoint, Message } from "../endpoint.ts";
import { plainFrames, type FrameFormat } from "./frame-format.ts";
import type { Pulse } from "./keepalive.ts";
import { LEAST_PROGRESS_BYTES } from "../server-limits.ts";
import type { UpgradeRequest } from "../accept/upgrade-request.ts";

const NO_PAYLOAD: Uint8Array = new Uint8Array(0);

/** What a peer needs of the server that it belongs to. */
export interface PeerHost {
  connection: StreamConnectionOptions;
  maxBufferedBytes: number;
  keepaliveIntervalMs: number;
  /** The server's limits with another `maxMessageBytes`; the same object for the same number. */
  limitsWith(maxMessageBytes: number): ConnectionLimits;
  onArrived(peer: Peer): void;
  onGone(peer: Peer): void;
}

/** What a handshake came to. */
export interface Accepted<Data> {
  endpoint: Endpoint<Data>;
  data: Data;
  /** The agreed subprotocol, or `""`. */
  protocol: string;
  /** What compresses the peer's messages, if that was agreed. */
  codec: MessageCodec | undefined;
  frameFormat: FrameFormat;
  /** Who pays for what the peer holds. */
  payer: Payer;
}

export interface SendOptions {
  /**
   * Whether the message may be compressed, where the peer agreed to it and it is long enough.
   * Default true. Say false for what is compressed already, and for a secret that stands beside
   * text of somebody else's choice: its length would tell of it.
   */
  compress?: boolean;
}

/** One client of a server. */
export class Peer<Data = unknown> implements StreamConnectionHandler, Pulse {
  /** What `authorize` returned; the application's own. */
  data: Data;
  /** The agreed subprotocol, or `""`. */
  readonly protocol: string;
  /** Makes frames for `sendFrames`, of this peer and of all that have the same object here. */
  readonly frameFormat: FrameFormat;
  readonly #endpoint: Endpoint<Data>;
  readonly #host: PeerHost;
  readonly #connection: StreamConnection;
  /** Of the server's keepalive. */
  pulseGroup = -1;
  #silentIntervals = 0;
  #closing = false;
  #pausedByApplication = false;
  /** Whether a message is with the application, whose promise has not settled. */
  #isHandling = false;
  #drains: ((drained: boolean) => void)[] | undefined;

  /** Made by the server. */
  constructor(transport: Transport, accepted: Accepted<Data>, host: PeerHost) {
    this.data = accepted.data;
    this.protocol = accepted.protocol;
    this.frameFormat = accepted.frameFormat;
    this.#endpoint = accepted.endpoint;
    this.#host = host;
    const account = new Account(accepted.payer, this);
    const means = { codec: accepted.codec, account };
    this.#connection = new StreamConnection(transport, this, host.connection, means);
    const { maxMessageBytes } = accepted.endpoint;
    if (maxMessageBytes !== undefined) this.limitMessages(maxMessageBytes);
  }

  /** Sets how long messages of this peer may be from now on, in bytes; refused on the header. */
  limitMessages(maxMessageBytes: number): void {
    this.#connection.limits = this.#host.limitsWith(maxMessageBytes);
  }

  /** Tells the application; the server calls it once. */
  opened(request: UpgradeRequest): void {
    this.#guard(() => this.#endpoint.onOpen?.(this, request));
  }

  /** Starts delivering; the server calls it once, after `opened`. */
  start(head: Uint8Array): void {
    this.#connection.start(head);
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** What this peer holds of the server's memory, charged to an address or an identity. */
  get account(): Account {
    return this.#connection.account as Account;
  }

  /** Bytes that were sent and not yet given to the operating system, frame headers included. */
  get bufferedAmount(): number {
    return this.#connection.bufferedBytes;
  }

  /**
   * The address of who is at the other end of the connection: the client, or a proxy. Once the
   * connection is over it is `undefined`, unless it was asked for before.
   */
  get remoteAddress(): string | undefined {
    return this.#connection.transport.remoteAddress;
  }

  /**
   * Sends a message; text as text, bytes as binary.
   *
   * @param message bytes are copied before the call returns
   * @returns whether it was accepted: false when the connection is closing or closed, or when the
   *   peer had more than `maxBufferedBytes` unsent and was cut off
   * @throws TypeError for anything but a string, an ArrayBuffer, or a view of one; shared memory
   *   has to be copied first, as for a client's `send`
   */
  send(message: string | ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean {
    if (typeof message === "string") {
      if (!this.#hasRoom()) return false;
      this.#connection.sendText(message, options?.compress);
      return true;
    }
    const bytes = bytesOf(message);
    if (!this.#hasRoom()) return false;
    this.#connection.sendBinary(bytes, options?.compress);
    return true;
  }

  /**
   * Sends what `encodeText` or this peer's `frameFormat` made, by reference and in order; for one
   * message to many peers. The memory must be neither changed nor transferred until `drained`.
   */
  sendFrames(frames: Uint8Array): boolean {
    if (!this.#hasRoom()) return false;
    this.#connection.sendFrames(frames);
    return true;
  }

  /** Returns `text` as an uncompressed frame, which the `sendFrames` of any peer takes. */
  encodeText(text: string): Uint8Array {
    return plainFrames.encodeText(text);
  }

  /** @param payload at most 125 bytes */
  ping(payload: Uint8Array = NO_PAYLOAD): boolean {
    if (!this.isOpen) return false;
    this.#connection.sendPing(payload);
    return true;
  }

  /**
   * Starts closing; `onClose` follows, at the latest after `closeTimeoutMs`. Messages that still
   * come are dropped.
   *
   * @param code default 1000
   * @param reason at most 123 bytes of UTF-8
   * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
   */
  close(code: number = CloseCode.Normal, reason = ""): void {
    if (!this.isOpen) return;
    this.#connection.close(code, reason);
  }

  /** Cuts the connection without a closing handshake. */
  terminate(): void {
    this.#connection.terminate();
  }

  /** Stops reading from the peer, and delivering, until `resume`; its end is told then, too. */
  pause(): void {
    this.#pausedByApplication = true;
    this.#connection.pause();
  }

  resume(): void {
    this.#pausedByApplication = false;
    if (!this.#isHandling) this.#connection.resume();
  }

  /**
   * Resolves once nothing is buffered, with true, or once the connection is over, with false.
   */
  drained(): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    return new Promise((resolve) => {
      (this.#drains ??= []).push(resolve);
      this.#connection.watchDrain();
    });
  }

  /** Makes sure that `onDrain` is called once nothing is buffered. */
  watchDrain(): void {
    this.#connection.watchDrain();
  }

  checkPulse(): void {
    this.#connection.requireProgress(LEAST_PROGRESS_BYTES, this.#host.keepaliveIntervalMs);
    this.#silentIntervals = this.#connection.consumeActivity() ? 0 : this.#silentIntervals + 1;
    if (this.#silentIntervals < 2) {
      this.ping();
      return;
    }
    const message = "The peer answered no ping for two keepalive intervals; it is taken for gone.";
    this.#connection.terminate(new LongwireError("keepalive_timeout", message));
  }

  onText(text: string): void {
    this.#deliver(text);
  }

  onBinary(bytes: Uint8Array, lent: boolean): void {
    // Not `slice`, which on Node's buffers is a view.
    this.#deliver(lent ? Buffer.from(bytes) : bytes);
  }

  onPing(payload: Uint8Array): void {
    this.#guard(() => this.#endpoint.onPing?.(this, payload));
  }

  onPong(payload: Uint8Array): void {
    this.#guard(() => this.#endpoint.onPong?.(this, payload));
  }

  onFailing(error: ProtocolError): void {
    if (error instanceof LimitError) this.#guard(() => this.#endpoint.onLimit?.(this, error));
  }

  /** Others need the memory that this peer holds. */
  onEvicted(): void {
    this.#connection.onEvicted();
  }

  onClosing(): void {
    this.#closing = true;
  }

  onDrain(): void {
    this.#settleDrains(true);
    this.#guard(() => this.#endpoint.onDrain?.(this));
  }

  onClosed(closure: Closure): void {
    this.#settleDrains(false);
    this.account.close();
    this.#host.onGone(this);
    this.#guard(() => this.#endpoint.onClose?.(this, closure));
  }

  /** Calls the application; what it throws closes this peer and ends nothing else. */
  #guard(call: () => unknown): void {
    try {
      const pending = call();
      // An async function is let in where none is awaited.
      if (pending instanceof Promise) pending.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  #deliver(message: Message): void {
    if (this.#closing) return;
    try {
      const pending = this.#endpoint.onMessage?.(this, message);
      // An arrow function may well return what `send` did.
      if (pending instanceof Promise) void this.#settle(pending);
    } catch (error) {
      this.fail(error);
    }
  }

  async #settle(pending: Promise<void>): Promise<void> {
    this.#isHandling = true;
    this.#connection.pause();
    try {
      await pending;
    } catch (error) {
      this.fail(error);
    }
    this.#isHandling = false;
    if (!this.#pausedByApplication) this.#connection.resume();
  }

  /** The application failed on this peer's account. */
  fail(cause: unknown): void {
    reportFailure(this.#endpoint, cause, this);
    this.close(CloseCode.InternalError, "internal error");
  }

  #hasRoom(): boolean {
    if (!this.isOpen) return false;
    const size = this.bufferedAmount;
    const limit = this.#host.maxBufferedBytes;
    if (size <= limit) return true;
    const message = `The peer has ${size} unsent bytes and the limit is ${limit}; await drained() before sending more, or raise maxBufferedBytes.`;
    this.#connection.terminate(new LongwireError("too_slow", message));
    return false;
  }

  #settleDrains(drained: boolean): void {
    const drains = this.#drains;
    this.#drains = undefined;
    if (drains !== undefined) for (const resolve of drains) resolve(drained);
  }
}

function bytesOf(message: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(message)) {
    if (types.isSharedArrayBuffer(message.buffer)) {
      // Another thread could change it while it is being framed, and its length too.
      throw new TypeError("The view is of shared memory; copy it first.");
    }
    if (message instanceof Uint8Array) return message;
    // A detached buffer has no bytes, and some views of it would throw when asked where they are.
    if (message.buffer.byteLength === 0) return NO_PAYLOAD;
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  }
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  // A number here once made another library send uninitialised memory.
  const seen = typeof message;
  throw new TypeError(`The message is ${seen}; give a string, an ArrayBuffer, or a view of one.`);
}

/** Tells the application that one of its methods failed. Never throws. */
export function reportFailure<Data>(
  endpoint: Endpoint<Data>,
  cause: unknown,
  peer: Peer<Data> | undefined,
): void {
  const message = `The application failed while it handled a peer: ${textOf(cause)}. See cause.`;
  const error = new LongwireError("application_failed", message, { cause });
  // An error handler that fails has nobody left to tell but the log.
  const log = (): void => console.error(`longwire: ${message}`);
  if (endpoint.onError === undefined) return log();
  try {
    const pending: unknown = endpoint.onError(error, peer);
    if (pending instanceof Promise) pending.catch(log);
  } catch {
    log();
  }
}

/** What was thrown may be anything, also something that has no text. */
function textOf(cause: unknown): string {
  try {
    return String(cause instanceof Error ? cause.message : cause);
  } catch {
    return `a value of type ${typeof cause} without a text`;
  }
}
