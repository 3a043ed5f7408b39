import { types } from "node:util";
import { HolderAccount, LongwireError, type Payer } from "../../base/index.ts";
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
import type { Peer, SendOptions } from "./peer.ts";

const NO_PAYLOAD: Uint8Array = new Uint8Array(0);

/** The services that a peer needs from its server. */
export interface PeerHost {
  connection: StreamConnectionOptions;
  maxBufferedBytes: number;
  keepaliveIntervalMs: number;
  /**
   * The server's limits with another `maxMessageBytes`. Returns the same object for the same
   * number.
   */
  limitsWith(maxMessageBytes: number): ConnectionLimits;
  onArrived(peer: ServerPeer): void;
  onGone(peer: ServerPeer): void;
}

/** The result of an accepted handshake. */
export interface Accepted<Data> {
  endpoint: Endpoint<Data>;
  data: Data;
  /** The agreed subprotocol, or `""`. */
  protocol: string;
  /** Compresses the peer's messages, if compression was agreed. */
  codec: MessageCodec | undefined;
  frameFormat: FrameFormat;
  /** The payer that is charged for the memory that the peer holds. */
  payer: Payer;
}

/**
 * A peer, with the methods that its connection and its server call. Users see it as `Peer`. It is
 * one object with two types, because a second object for the internal calls would cost every
 * connection 40 bytes.
 */
export class ServerPeer<Data = unknown> implements Peer<Data>, StreamConnectionHandler, Pulse {
  data: Data;
  readonly protocol: string;
  readonly frameFormat: FrameFormat;
  readonly #endpoint: Endpoint<Data>;
  readonly #host: PeerHost;
  readonly #connection: StreamConnection;
  /** Set by the server's keepalive. */
  pulseGroup = -1;
  #silentIntervals = 0;
  #closing = false;
  #pausedByApplication = false;
  /** Whether the application is handling a message: its promise has not settled. */
  #isHandling = false;
  #drains: ((drained: boolean) => void)[] | undefined;

  constructor(transport: Transport, accepted: Accepted<Data>, host: PeerHost) {
    this.data = accepted.data;
    this.protocol = accepted.protocol;
    this.frameFormat = accepted.frameFormat;
    this.#endpoint = accepted.endpoint;
    this.#host = host;
    const account = new HolderAccount(accepted.payer, this);
    const means = { codec: accepted.codec, account };
    this.#connection = new StreamConnection(transport, this, host.connection, means);
    const { maxMessageBytes } = accepted.endpoint;
    if (maxMessageBytes !== undefined) this.limitMessages(maxMessageBytes);
  }

  limitMessages(maxMessageBytes: number): void {
    this.#connection.limits = this.#host.limitsWith(maxMessageBytes);
  }

  /** Calls `onOpen`. The server calls this once. */
  opened(request: UpgradeRequest): void {
    this.#guard(() => this.#endpoint.onOpen?.(this, request));
  }

  /** Starts delivering messages. The server calls this once, after `opened`. */
  start(head: Uint8Array): void {
    this.#connection.start(head);
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get account(): HolderAccount {
    return this.#connection.account as HolderAccount;
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedBytes;
  }

  get remoteAddress(): string | undefined {
    return this.#connection.transport.remoteAddress;
  }

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

  sendFrames(frames: Uint8Array): boolean {
    if (!this.#hasRoom()) return false;
    this.#connection.sendFrames(frames);
    return true;
  }

  encodeText(text: string): Uint8Array {
    return plainFrames.encodeText(text);
  }

  ping(payload: Uint8Array = NO_PAYLOAD): boolean {
    if (!this.isOpen) return false;
    this.#connection.sendPing(payload);
    return true;
  }

  close(code: number = CloseCode.Normal, reason = ""): void {
    if (!this.isOpen) return;
    this.#connection.close(code, reason);
  }

  terminate(): void {
    this.#connection.terminate();
  }

  pause(): void {
    this.#pausedByApplication = true;
    this.#connection.pause();
  }

  resume(): void {
    this.#pausedByApplication = false;
    if (!this.#isHandling) this.#connection.resume();
  }

  drained(): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    return new Promise((resolve) => {
      (this.#drains ??= []).push(resolve);
      this.#connection.watchDrain();
    });
  }

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
    const message =
      "The peer did not answer a ping for two keepalive intervals; the connection is considered dead.";
    this.#connection.terminate(new LongwireError("keepalive_timeout", message));
  }

  onText(text: string): void {
    this.#deliver(text);
  }

  onBinary(bytes: Uint8Array, lent: boolean): void {
    // Not `slice`, which returns a view on Node's buffers.
    this.#deliver(lent ? Buffer.from(bytes) : bytes);
  }

  onPing(payload: Uint8Array): void {
    if (this.#endpoint.onPing === undefined) return;
    this.#guard(() => this.#endpoint.onPing?.(this, new Uint8Array(payload)));
  }

  onPong(payload: Uint8Array): void {
    if (this.#endpoint.onPong === undefined) return;
    this.#guard(() => this.#endpoint.onPong?.(this, new Uint8Array(payload)));
  }

  onFailing(error: ProtocolError): void {
    if (error instanceof LimitError) this.#guard(() => this.#endpoint.onLimit?.(this, error));
  }

  /** Called when other clients need the memory that it holds. */
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

  /** Calls the application. If it throws, only this peer is closed. */
  #guard(call: () => unknown): void {
    try {
      const pending = call();
      // TypeScript accepts an async function here, although nothing awaits it.
      if (pending instanceof Promise) pending.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  #deliver(message: Message): void {
    if (this.#closing) return;
    try {
      const pending = this.#endpoint.onMessage?.(this, message);
      // An arrow function may return the result of `send`.
      if (pending instanceof Promise) void this.#settle(pending);
    } catch (error) {
      this.fail(error);
    }
  }

  async #settle(pending: Promise<unknown>): Promise<void> {
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

  /** Closes the peer with 1011 after the application failed. */
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
      // Another thread could change the content or the length while it is being framed.
      throw new TypeError("The view is on shared memory; copy the bytes to an ArrayBuffer first.");
    }
    if (message instanceof Uint8Array) return message;
    // A detached buffer has no bytes, and some views of it throw when they are asked for their
    // offset.
    if (message.buffer.byteLength === 0) return NO_PAYLOAD;
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  }
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  // Numbers are rejected, because they once made another library send uninitialised memory.
  const seen = typeof message;
  throw new TypeError(`The message is ${seen}; send a string, an ArrayBuffer, or a view of one.`);
}

/** Reports to the application that one of its methods failed. Never throws. */
export function reportFailure<Data>(
  endpoint: Endpoint<Data>,
  cause: unknown,
  peer: Peer<Data> | undefined,
): void {
  const message = `The application failed while handling a peer: ${textOf(cause)}. See cause.`;
  const error = new LongwireError("application_failed", message, { cause });
  // If the error handler fails itself, the failure can only be logged.
  const log = (): void => console.error(`longwire: ${message}`);
  if (endpoint.onError === undefined) return log();
  try {
    const pending: unknown = endpoint.onError(error, peer);
    if (pending instanceof Promise) pending.catch(log);
  } catch {
    log();
  }
}

/** The thrown value may be anything, including an object that cannot be converted to text. */
function textOf(cause: unknown): string {
  try {
    return String(cause instanceof Error ? cause.message : cause);
  } catch {
    return `a value of type ${typeof cause} that cannot be converted to text`;
  }
}
