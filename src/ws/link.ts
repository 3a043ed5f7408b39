import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import {
  SharedTransport,
  StreamConnection,
  type Closure,
  type StreamConnectionHandler,
} from "../node/index.ts";
import type { MessageCodec, ProtocolError } from "../protocol/index.ts";
import { binaryData, type BinaryType } from "./binary-types.ts";
import { markClean } from "./event-target.ts";
import type { LinkSettings } from "./link-settings.ts";
import { bytesOf, ownBuffer, sizeOf, type MessageData } from "./message-bytes.ts";
import { receiveError } from "./receive-error.ts";
import { SendCallbacks, type SendCallback } from "./send-callbacks.ts";
import {
  closePayload,
  Sender,
  type Extensions,
  type FrameSink,
  type SendOptions,
} from "./sender.ts";

/** From this length a server's payload goes out by reference. */
const SHARED_BYTES = 32 * 1024;

const NOTHING = new Uint8Array(0);

/** What a link tells of itself to: its socket object, as far as it is needed. */
export interface LinkTarget extends EventEmitter {
  readonly binaryType: BinaryType;
}

export interface LinkOptions {
  settings: LinkSettings;
  codec: MessageCodec | undefined;
  /** What a `Sender` of one's own may compress with. */
  extensions: Extensions;
}

/** 1, 2 and 3, as `readyState` has them. */
type LinkState = 1 | 2 | 3;

/** An open connection, and what it tells the `WebSocket` that stands on it. */
export class Link implements StreamConnectionHandler, FrameSink {
  readonly socket: Duplex;
  readyState: LinkState = 1;
  isPaused = false;
  readonly #target: LinkTarget;
  readonly #settings: LinkSettings;
  readonly #codec: MessageCodec | undefined;
  readonly #extensions: Extensions;
  readonly #connection: StreamConnection;
  /** Bytes that were given after the end and will never leave. */
  #refusedBytes = 0;
  /** What was sent in this turn to be compressed, which `ws` has not done before the next. */
  #compressedBytes = 0;
  #pendingPongs = 0;
  #fragmentEnds: number[] | undefined;
  #callbacks: SendCallbacks | undefined;
  #sender: Sender | undefined;
  #hasFailed = false;
  #reason: Uint8Array = NOTHING;

  /** @param socket of which it is the only user */
  constructor(target: LinkTarget, socket: Duplex, options: LinkOptions) {
    this.#target = target;
    this.socket = socket;
    const { settings, codec, extensions } = options;
    this.#settings = settings;
    this.#codec = codec;
    this.#extensions = extensions;
    const transport = new SharedTransport(socket);
    this.#connection = new StreamConnection(transport, this, settings.connection, codec);
    socket.on("error", ignore);
    // What comes before there is somebody to hear it would be lost.
    if (socket.readableFlowing === true) socket.pause();
  }

  /** Begins to deliver once whoever made the connection has had its turn. */
  start(head: Uint8Array): void {
    process.nextTick(() => {
      this.socket.off("error", ignore);
      this.#connection.start(head);
    });
  }

  /** Writes out what waits for the end of the turn. */
  flush(): void {
    this.#connection.flush();
  }

  /** What the operating system takes at once does not count. */
  get bufferedAmount(): number {
    this.flush();
    const waiting = this.#compressedBytes + (this.#sender?._bufferedBytes ?? 0);
    return this.#connection.bufferedBytes + waiting + this.#refusedBytes;
  }

  /** Sends frames one by one; for what is no whole message. */
  get sender(): Sender {
    if (this.#sender === undefined) {
      this.#sender = new Sender(this, this.#extensions, this.#settings.generateMask);
      this.#sender.onerror = (error) => this.#sendingFailed(error);
    }
    return this.#sender;
  }

  send(data: MessageData, options: SendOptions | undefined, callback?: SendCallback): void {
    if (this.readyState !== 1) return this.#refuse(data, callback);
    // What is there with the value `undefined` overrides a default.
    const chosen = options && { ...this.#defaultsFor(data), ...options };
    if (!this.#isOrdinary(data, chosen)) {
      this.sender.send(data, chosen ?? this.#defaultsFor(data), callback);
      return;
    }
    this.#sendWhole(data, chosen);
    if (callback !== undefined) this.#whenWritten(callback);
  }

  ping(data: MessageData, mask: boolean | undefined, callback?: SendCallback): void {
    if (this.readyState !== 1) return this.#refuse(data, callback);
    this.sender.ping(data, mask ?? this.#masks, callback);
  }

  pong(data: MessageData, mask: boolean | undefined, callback?: SendCallback): void {
    if (this.readyState !== 1) return this.#refuse(data, callback);
    this.sender.pong(data, mask ?? this.#masks, callback);
  }

  /** @throws TypeError, RangeError for a code or reason that must not be sent */
  close(code: number | undefined, reason: unknown): void {
    if (this.readyState !== 1) return;
    const payload = closePayload(code, reason);
    this.readyState = 2;
    this.#whenSent(() => {
      this.#connection.close(code, payload.subarray(2).toString());
      this.#connection.flush();
    });
  }

  terminate(): void {
    if (this.readyState === 3) return;
    this.readyState = 2;
    // What was sent before it is gone by now, as far as the operating system takes it.
    this.#connection.flush();
    this.#connection.terminate();
    process.nextTick(() => this.#callbacks?.fail(this.#lost()));
  }

  pause(): void {
    if (this.readyState === 3) return;
    this.isPaused = true;
    this.#connection.pause();
  }

  resume(): void {
    if (this.readyState === 3) return;
    this.isPaused = false;
    this.#connection.resume();
  }

  onText(): void {}

  onTextBytes(bytes: Uint8Array, lent: boolean): void {
    this.#fragmentEnds = undefined;
    this.#emit("message", ownBuffer(bytes, lent), false);
  }

  onBinary(bytes: Uint8Array, lent: boolean): void {
    const ends = this.#fragmentEnds;
    this.#fragmentEnds = undefined;
    const message = ownBuffer(bytes, lent);
    this.#emit("message", binaryData(message, this.#target.binaryType, ends), true);
  }

  onFragmentEnd(bytes: number): void {
    (this.#fragmentEnds ??= []).push(bytes);
  }

  onPing(payload: Uint8Array): void {
    const data = ownBuffer(payload, false);
    if (this.#settings.autoPong && this.readyState === 1) this.#answer(data);
    this.#emitControl("ping", data);
  }

  onPong(payload: Uint8Array): void {
    this.#emitControl("pong", ownBuffer(payload, false));
  }

  onPeerClose(reason: Uint8Array): void {
    this.#reason = reason;
  }

  onClosing(): void {
    if (this.readyState === 1) this.readyState = 2;
  }

  onFailed(error: ProtocolError): void {
    this.readyState = 2;
    // Whoever hears of it may well cut the connection, and the peer shall know why.
    this.#connection.flush();
    this.#fail(receiveError(error), "peer");
  }

  onDrain(): void {
    this.#callbacks?.drained();
  }

  onClosed({ code, wasClean, error }: Closure): void {
    this.readyState = 3;
    if (wasClean) markClean(this.#target);
    this.#callbacks?.fail(error ?? this.#lost());
    this.#extensions["permessage-deflate"]?.cleanup();
    this.#emit("close", code, unpooled(this.#reason));
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  cork(): void {}

  uncork(): void {}

  /** For frames that were made elsewhere. */
  write(frames: Uint8Array | string, callback?: SendCallback): void {
    if (!this.#connection.isOpen) {
      if (callback !== undefined) process.nextTick(callback, new Error("write after end"));
      return;
    }
    this.#connection.sendFrames(bytesOf(frames));
    if (callback !== undefined) this.#whenWritten(callback);
  }

  get #masks(): boolean {
    return this.#settings.connection.role === "client";
  }

  /** A message that the engine sends: whole, masked as its role wants, behind nothing that waits. */
  #isOrdinary(data: MessageData, options: SendOptions | undefined): boolean {
    if (data instanceof Blob || this.#sender?.isIdle === false) return false;
    return options === undefined || (options.fin === true && options.mask === this.#masks);
  }

  #defaultsFor(data: MessageData): SendOptions {
    return { binary: typeof data !== "string", mask: this.#masks, compress: true, fin: true };
  }

  #sendWhole(data: MessageData, options: SendOptions | undefined): void {
    const connection = this.#connection;
    const compress = options === undefined || options.compress === true;
    const binary = options === undefined ? typeof data !== "string" : options.binary === true;
    if (typeof data === "string" && !binary) {
      const size = connection.sendText(data, compress);
      if (compress) this.#countCompressed(size);
      return;
    }
    const bytes = bytesOf(data);
    if (binary) connection.sendBinary(bytes, compress);
    else connection.sendUtf8(bytes, compress);
    if (compress) this.#countCompressed(bytes.length);
    // Its sender may change it as soon as this returns.
    if (bytes.length >= SHARED_BYTES) connection.flush();
  }

  #countCompressed(size: number): void {
    const codec = this.#codec;
    if (codec === undefined || size < codec.deflater.thresholdBytes) return;
    if (this.#compressedBytes === 0) process.nextTick(() => (this.#compressedBytes = 0));
    this.#compressedBytes += size;
  }

  #whenWritten(callback: SendCallback): void {
    this.#callbacks ??= new SendCallbacks(this.#connection);
    this.#callbacks.add(callback);
  }

  /** Runs `step` behind what still waits to be sent. */
  #whenSent(step: () => void): void {
    if (this.#sender === undefined) step();
    else this.#sender.whenIdle(step);
  }

  #refuse(data: MessageData, callback: SendCallback | undefined): void {
    this.#refusedBytes += sizeOf(data);
    if (callback === undefined) return;
    const state = this.readyState === 3 ? "3 (CLOSED)" : "2 (CLOSING)";
    process.nextTick(callback, new Error(`WebSocket is not open: readyState ${state}`));
  }

  #answer(data: Buffer): void {
    const { maxPendingAutoPongs } = this.#settings;
    if (maxPendingAutoPongs > 0 && this.#pendingPongs >= maxPendingAutoPongs) {
      return this.terminate();
    }
    this.#connection.sendPong(data);
    this.#pendingPongs += 1;
    this.#whenWritten(() => (this.#pendingPongs -= 1));
  }

  #sendingFailed(error: Error): void {
    if (this.readyState === 3) return;
    this.readyState = 2;
    this.#connection.abandon();
    this.#fail(error, "self");
  }

  #fail(error: Error, cause: "peer" | "self"): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    // What a peer sent ends no process, also where nobody listens.
    if (cause === "peer" && this.#target.listenerCount("error") === 0) return;
    this.#emit("error", error);
  }

  /** Why what was sent will not be written. */
  #lost(): Error {
    const when =
      this.#codec === undefined ? "before it was written" : "while data was being compressed";
    return new Error(`The socket was closed ${when}`);
  }

  #emitControl(event: "ping" | "pong", data: Buffer): void {
    this.#emit(event, data);
    if (this.#settings.connection.oneTaskPerMessage) this.#connection.letPromisesSettle();
  }

  /** What a listener throws is nobody's but the process's, and must not stop the reading. */
  #emit(event: string, ...given: unknown[]): void {
    try {
      this.#target.emit(event, ...given);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

/** Whoever keeps it for long keeps no more than it is. */
function unpooled(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

function ignore(): void {}
