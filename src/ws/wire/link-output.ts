import type { StreamConnection } from "../../node/index.ts";
import type { MessageCodec } from "../../protocol/index.ts";
import type { LinkSettings } from "./link-settings.ts";
import { bytesOf, sizeOf, type MessageData } from "./message-bytes.ts";
import { SendCallbacks, type SendCallback } from "./send-callbacks.ts";
import { Sender, type Extensions, type FrameSink, type SendOptions } from "./sender.ts";

/** The connection and codec that a link sends with. */
export interface LinkOutputOptions {
  connection: StreamConnection;
  settings: LinkSettings;
  codec: MessageCodec | undefined;
  extensions: Extensions;
  /** Called with the error of a message that could not be sent. */
  onFailed: (error: Error) => void;
}

/**
 * Sends for a link: whole messages with the engine, and with a `Sender` everything that `ws` allows
 * beyond them.
 *
 * Created when the link sends for the first time.
 */
export class LinkOutput implements FrameSink {
  readonly #options: LinkOutputOptions;
  /** Whether it masks its frames, as a client must. */
  readonly #masks: boolean;
  /** Bytes that were sent after the end and will never leave. */
  #refusedBytes = 0;
  /** Bytes that were sent in this turn to be compressed. `ws` counts them until the next turn. */
  #compressedBytes = 0;
  #callbacks: SendCallbacks | undefined;
  #sender: Sender | undefined;

  constructor(options: LinkOutputOptions) {
    this.#options = options;
    this.#masks = options.settings.connection.role === "client";
  }

  /** The bytes that wait here, in addition to those of the connection. */
  get waitingBytes(): number {
    return this.#refusedBytes + this.#compressedBytes + (this.#sender?._bufferedBytes ?? 0);
  }

  /** Sends single frames, for everything that is not a whole message. */
  get sender(): Sender {
    if (this.#sender === undefined) {
      const { extensions, settings, onFailed } = this.#options;
      this.#sender = new Sender(this, extensions, settings.generateMask);
      this.#sender.onerror = onFailed;
    }
    return this.#sender;
  }

  send(data: MessageData, options: SendOptions | undefined, callback?: SendCallback): void {
    if (this.#isOrdinary(data, options)) {
      this.#sendWhole(data, options);
      if (callback !== undefined) this.whenWritten(callback);
      return;
    }
    const binary = typeof data !== "string";
    const defaults = { binary, mask: this.#masks, compress: true, fin: true };
    this.sender.send(data, { ...defaults, ...options }, callback);
  }

  ping(data: MessageData, mask: boolean | undefined, callback?: SendCallback): void {
    this.sender.ping(data, mask ?? this.#masks, callback);
  }

  pong(data: MessageData, mask: boolean | undefined, callback?: SendCallback): void {
    this.sender.pong(data, mask ?? this.#masks, callback);
  }

  /** Records a message that was sent too late. */
  refuse(data: MessageData, state: 2 | 3, callback: SendCallback | undefined): void {
    this.#refusedBytes += sizeOf(data);
    if (callback === undefined) return;
    const name = state === 3 ? "3 (CLOSED)" : "2 (CLOSING)";
    process.nextTick(callback, new Error(`WebSocket is not open: readyState ${name}`));
  }

  /** Runs `step` after everything that is still waiting to be sent. */
  whenSent(step: () => void): void {
    if (this.#sender === undefined) step();
    else this.#sender.whenIdle(step);
  }

  whenWritten(callback: SendCallback): void {
    this.#callbacks ??= new SendCallbacks(this.#options.connection);
    this.#callbacks.add(callback);
  }

  drained(): void {
    this.#callbacks?.drained();
  }

  /** Notifies all callbacks that nothing more will be written. */
  lose(error: Error | undefined): void {
    const when =
      this.#options.codec === undefined
        ? "before it was written"
        : "while data was being compressed";
    // The error of the stream is passed on unchanged.
    const cause = error?.cause instanceof Error ? error.cause : error;
    this.#callbacks?.fail(cause ?? new Error(`The socket was closed ${when}`));
    this.#sender?.lose();
  }

  get destroyed(): boolean {
    return this.#options.connection.transport.isGone;
  }

  cork(): void {}

  uncork(): void {}

  /** Writes frames that were encoded elsewhere. */
  write(frames: Uint8Array | string, callback?: SendCallback): void {
    const { connection } = this.#options;
    if (!connection.isOpen) {
      if (callback !== undefined) process.nextTick(callback, new Error("write after end"));
      return;
    }
    // Frames are sent by reference, but their payload belongs to the sender again when this
    // returns.
    connection.sendFrames(typeof frames === "string" ? bytesOf(frames) : Buffer.from(frames));
    if (callback !== undefined) this.whenWritten(callback);
  }

  /**
   * Whether the engine can send the message: whole, masked as its role requires, with nothing
   * waiting before it.
   */
  #isOrdinary(data: MessageData, options: SendOptions | undefined): boolean {
    if (data instanceof Blob || this.#sender?.isIdle === false) return false;
    if (options === undefined) return true;
    // A property with the value `undefined` overrides a default.
    if ("fin" in options && options.fin !== true) return false;
    return !("mask" in options) || options.mask === this.#masks;
  }

  #sendWhole(data: MessageData, options: SendOptions | undefined): void {
    const { connection } = this.#options;
    const compress = options === undefined || !("compress" in options) || options.compress === true;
    const isText = typeof data === "string";
    const binary = options !== undefined && "binary" in options ? options.binary === true : !isText;
    if (isText && !binary) {
      const size = connection.sendText(data, compress);
      if (compress) this.#countCompressed(size);
      return;
    }
    const bytes = bytesOf(data);
    if (binary) connection.sendBinary(bytes, compress);
    else connection.sendUtf8(bytes, compress);
    if (compress) this.#countCompressed(bytes.length);
  }

  #countCompressed(size: number): void {
    const { codec } = this.#options;
    if (codec === undefined || size < codec.deflater.thresholdBytes) return;
    if (this.#compressedBytes === 0) process.nextTick(() => (this.#compressedBytes = 0));
    this.#compressedBytes += size;
  }
}
