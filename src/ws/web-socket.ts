import { EventEmitter } from "node:events";
import type { ClientRequest } from "node:http";
import type { Duplex } from "node:stream";
import { isBinaryType, type BinaryType } from "./wire/binary-types.ts";
import { clientArguments, type ClientOptions } from "./client/client-options.ts";
import { ClientOpening, type Opened } from "./client/client-opening.ts";
import { defaultConnectionOptions } from "./connection-options.ts";
import {
  addListener,
  attribute,
  removeListener,
  setAttribute,
  type EventListener,
} from "./event-target.ts";
import { Link } from "./wire/link.ts";
import { linkSettings, type SocketOptions } from "./wire/link-settings.ts";
import { sizeOf, type MessageData } from "./wire/message-bytes.ts";
import type { SendCallback } from "./wire/send-callbacks.ts";
import type { Extensions, Sender, SendOptions } from "./wire/sender.ts";

const NOTHING: Buffer = Buffer.alloc(0);
/** The extensions of most sockets; replaced if one is negotiated. */
const NO_EXTENSIONS: Extensions = Object.freeze({});

/**
 * The `WebSocket` of the npm package `ws`, on Longwire's engine.
 *
 * With an address it is a client; a server creates its own with `null`. Its methods and events are
 * documented there and in docs/reference/ws.md.
 */
export class WebSocket extends EventEmitter {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;
  declare onopen: EventListener | null;
  declare onmessage: EventListener | null;
  declare onclose: EventListener | null;
  declare onerror: EventListener | null;

  /** Which end of the connection it is; may be changed before `setSocket`. */
  _isServer: boolean;
  _protocol = "";
  _extensions: Extensions = NO_EXTENSIONS;
  #binaryType: BinaryType = "nodebuffer";
  readonly #options: SocketOptions;
  #url: string | undefined;
  #opening: ClientOpening | undefined;
  #link: Link | undefined;
  /** The `readyState` without a link: 0, 2 after an abort, 3. */
  #unlinkedState: 0 | 2 | 3 = 0;
  #refusedBytes = 0;

  /**
   * @throws SyntaxError for an invalid address or subprotocol, RangeError for an unsupported
   *   protocol version
   */
  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions,
    options?: ClientOptions,
  ) {
    super();
    this._isServer = address === null;
    if (address === null) {
      this.#options = options ?? defaultConnectionOptions;
      return;
    }
    this.#options = this.#openAt(address, clientArguments(protocols, options)).options;
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (isBinaryType(type)) this.#binaryType = type;
  }

  get bufferedAmount(): number {
    return this.#link?.bufferedAmount ?? this.#refusedBytes;
  }

  get extensions(): string {
    return Object.keys(this._extensions).join(",");
  }

  get isPaused(): boolean {
    return this.#link?.isPaused ?? false;
  }

  get protocol(): string {
    return this._protocol;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#link?.readyState ?? this.#unlinkedState;
  }

  get url(): string | undefined {
    return this.#url;
  }

  /**
   * The underlying stream, once it is open; `null` before. Flushes pending messages to it first.
   */
  get _socket(): Duplex | null {
    this.#link?.flush();
    return this.#link?.socket ?? null;
  }

  /** Sends frames that were encoded elsewhere; `null` before it is open. */
  get _sender(): Sender | null {
    return this.#link?.sender ?? null;
  }

  /** The request of a client's handshake, until it is answered. */
  get _req(): ClientRequest | null {
    return this.#opening?.request ?? null;
  }

  /** Continues on `socket`, whose opening handshake is complete. */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    const { setTimeout, setNoDelay } = socket as Partial<import("node:net").Socket>;
    // Not every transport is a socket.
    setTimeout?.call(socket as never, 0);
    setNoDelay?.call(socket as never);
    const role = this._isServer ? "server" : "client";
    this.#link = new Link(this, socket, {
      settings: linkSettings(this.#options, options, role),
      codec: this._extensions["permessage-deflate"]?.codec(),
      extensions: this._extensions,
    });
    this.emit("open");
    this.#link.start(head);
  }

  /** @throws TypeError, RangeError for a code or reason that must not be sent */
  close(code?: number, data?: string | Buffer): void {
    if (this.#link !== undefined) this.#link.close(code, data);
    else this.#abort();
  }

  terminate(): void {
    if (this.#link !== undefined) this.#link.terminate();
    else this.#abort();
  }

  pause(): void {
    this.#link?.pause();
  }

  resume(): void {
    this.#link?.resume();
  }

  send(data: MessageData, callback?: SendCallback): void;
  send(data: MessageData, options: SendOptions, callback?: SendCallback): void;
  send(data?: MessageData, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    if (typeof options === "function") return this.send(data, undefined as never, options);
    const message = sendable(data);
    // `ws` copies the properties of any options; a value that is not an object has none.
    const given = typeof options === "object" && options !== null ? options : undefined;
    if (this.#link !== undefined) this.#link.send(message, given, callback);
    else this.#refuse(message, callback);
  }

  ping(data?: MessageData, mask?: boolean | SendCallback, callback?: SendCallback): void {
    if (typeof data === "function") return this.ping(undefined, undefined, data as SendCallback);
    if (typeof mask === "function") return this.ping(data, undefined, mask);
    const payload = sendable(data);
    if (this.#link !== undefined) this.#link.ping(payload, mask, callback);
    else this.#refuse(payload, callback);
  }

  pong(data?: MessageData, mask?: boolean | SendCallback, callback?: SendCallback): void {
    if (typeof data === "function") return this.pong(undefined, undefined, data as SendCallback);
    if (typeof mask === "function") return this.pong(data, undefined, mask);
    const payload = sendable(data);
    if (this.#link !== undefined) this.#link.pong(payload, mask, callback);
    else this.#refuse(payload, callback);
  }

  addEventListener(type: string, listener: EventListener, options?: { once?: boolean }): void {
    addListener(this, type, listener, options);
  }

  removeEventListener(type: string, listener: EventListener): void {
    removeListener(this, type, listener);
  }

  #openAt(
    address: string | URL,
    { protocols, options }: { protocols: unknown[]; options: ClientOptions | undefined },
  ): ClientOpening {
    const owner = {
      onUrl: (url: string) => (this.#url = url),
      onAborted: () => (this.#unlinkedState = 2),
      onFailed: (error: Error) => this.#failed(error),
      onOpened: (opened: Opened) => this.#opened(opened),
    };
    this.#opening = new ClientOpening(owner, this, options);
    this.#opening.start(address, protocols);
    return this.#opening;
  }

  #opened({ socket, head, protocol, deflate }: Opened): void {
    this._protocol = protocol;
    if (deflate !== undefined) this._extensions = { "permessage-deflate": deflate };
    this.setSocket(socket, head, this.#options);
  }

  #failed(error: Error): void {
    this.emit("error", error);
    this.#unlinkedState = 3;
    this.emit("close", 1006, NOTHING);
  }

  #abort(): void {
    const message = "WebSocket was closed before the connection was established";
    this.#opening?.abort(message);
  }

  /** @throws Error while it is connecting */
  #refuse(data: MessageData, callback: SendCallback | undefined): void {
    if (this.#unlinkedState === 0) {
      throw new Error("WebSocket is not open: readyState 0 (CONNECTING)");
    }
    this.#refusedBytes += sizeOf(data);
    if (callback === undefined) return;
    const state = this.#unlinkedState === 3 ? "3 (CLOSED)" : "2 (CLOSING)";
    process.nextTick(callback, new Error(`WebSocket is not open: readyState ${state}`));
  }
}

/** A number is sent as its digits, a falsy value as an empty message. */
function sendable(data: MessageData): MessageData {
  if (typeof data === "number") return String(data);
  return data || data === "" ? data : NOTHING;
}

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
for (const [value, name] of STATES.entries()) {
  for (const holder of [WebSocket, WebSocket.prototype]) {
    Object.defineProperty(holder, name, { value, enumerable: true });
  }
}

for (const name of [
  "binaryType",
  "bufferedAmount",
  "extensions",
  "isPaused",
  "protocol",
  "readyState",
  "url",
]) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}

for (const type of ["open", "message", "close", "error"] as const) {
  Object.defineProperty(WebSocket.prototype, `on${type}`, {
    enumerable: true,
    configurable: true,
    get(this: WebSocket) {
      return attribute(this, type);
    },
    set(this: WebSocket, listener: unknown) {
      setAttribute(this, type, listener);
    },
  });
}
