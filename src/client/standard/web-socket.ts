import type { Closure } from "../../node/index.ts";
import { onAbort } from "../../base/index.ts";
import { ClientConnection } from "../connection/client-connection.ts";
import { lost, unreadable } from "../connection/client-error.ts";
import { ClientSettings } from "../connection/client-settings.ts";
import { checkCloseArguments, closeCodeFor } from "./arguments/close-arguments.ts";
import { EventHandlerAttributes } from "./web-idl/event-handler-attribute.ts";
import { fire } from "./fired-event.ts";
import { shapeAsInterface } from "./web-idl/interface-shape.ts";
import { wholeBuffer } from "./received-bytes.ts";
import { SendQueue } from "../connection/send-queue.ts";
import { sendable, type Sendable, type TextOrBytes } from "./arguments/sendable.ts";
import { checkSubprotocols, subprotocolsArgument } from "./arguments/subprotocols.ts";
import { clampedUint16, domString, usvString } from "./web-idl/web-idl-conversions.ts";
import type {
  EventHandler,
  PresentHandler,
  SubprotocolsArgument,
  WebSocketData,
  WebSocketEventMap,
} from "./web-socket-types.ts";
import { webSocketUrl } from "./arguments/web-socket-url.ts";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** Sends like `WebSocket.send`, but never compresses. */
export let sendUncompressed: (socket: WebSocket, data: WebSocketData) => void;

/**
 * Sends a ping and calls `onPong` when the pong arrives; returns false if the socket is not open.
 */
export let sendPing: (socket: WebSocket, onPong: () => void) => boolean;

/**
 * The browser's `WebSocket`, for Node. (WHATWG WebSockets §3)
 *
 * It differs in two ways that a page cannot observe: the `error` event has `error` and `message`,
 * and messages from the server are limited.
 */
// The interface of the same name only types events, as the platform's own does.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class WebSocket extends EventTarget {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #url: URL;
  readonly #handlers = new EventHandlerAttributes(this);
  readonly #queue = new SendQueue(
    (message) => this.#transmit(message),
    (error) => this.#connection.terminate(unreadable(error)),
  );
  readonly #connection: ClientConnection;
  readonly #signal: AbortSignal | undefined;
  /** Removes the abort listener. */
  #ignoreSignal: (() => void) | undefined;
  /**
   * Payload bytes that were passed to `send` after closing had begun; they count, but are never
   * sent.
   */
  #lostBytes = 0;
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  #protocol = "";
  #extensions = "";
  #binaryType: "blob" | "arraybuffer" = "blob";

  /**
   * Starts connecting.
   *
   * @param url absolute, `ws:`, `wss:`, `http:` or `https:`
   * @param protocols subprotocols in order of preference, or an object with `protocols`
   * @param settings set by `openWebSocket`; other values are ignored
   * @throws DOMException `SyntaxError` for an invalid URL, or an invalid or repeated subprotocol
   */
  constructor(url: string | URL, protocols?: SubprotocolsArgument, settings?: unknown) {
    super();
    if (arguments.length === 0)
      throw new TypeError("WebSocket requires a URL; pass it as the first argument.");
    // Arguments are converted in order, before any other step. (Web IDL §3.7.1)
    const text = usvString(url);
    const asked = subprotocolsArgument(protocols);
    // Steps 1 to 4: the URL before the subprotocols.
    this.#url = webSocketUrl(text);
    checkSubprotocols(asked);
    const own = settings instanceof ClientSettings ? settings : undefined;
    this.#signal = own?.signal;
    // Step 7.
    this.#connection = new ClientConnection(
      {
        url: this.#url,
        protocols: asked,
        settings: own,
        signal: this.#signal,
        oneTaskPerMessage: true,
      },
      {
        onOpened: ({ protocol, extensions }) => this.#opened(protocol, extensions),
        onText: (data) => this.#message(data),
        onBinary: (bytes, lent) => this.#message(this.#binaryData(bytes, lent)),
        onClosing: () => this.#closing(),
        onClosed: (closure) => this.#closed(closure),
      },
    );
  }

  get url(): string {
    return this.#url.href;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Payload bytes that were sent but have not left the process; see `UnsentPayload`. */
  get bufferedAmount(): number {
    return this.#connection.unsentBytes + this.#queue.waitingBytes + this.#lostBytes;
  }

  get extensions(): string {
    return this.#extensions;
  }

  get protocol(): string {
    return this.#protocol;
  }

  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(value: "blob" | "arraybuffer") {
    const present = this.#binaryType;
    const asked = domString(value);
    // The setter of an enumeration ignores unknown values. (Web IDL §3.7.6)
    this.#binaryType = asked === "blob" || asked === "arraybuffer" ? asked : present;
  }

  get onopen(): PresentHandler {
    return this.#handlers.get("open");
  }

  set onopen(handler: EventHandler<WebSocket, "open">) {
    this.#handlers.set("open", handler);
  }

  get onmessage(): PresentHandler {
    return this.#handlers.get("message");
  }

  set onmessage(handler: EventHandler<WebSocket, "message">) {
    this.#handlers.set("message", handler);
  }

  get onerror(): PresentHandler {
    return this.#handlers.get("error");
  }

  set onerror(handler: EventHandler<WebSocket, "error">) {
    this.#handlers.set("error", handler);
  }

  get onclose(): PresentHandler {
    return this.#handlers.get("close");
  }

  set onclose(handler: EventHandler<WebSocket, "close">) {
    this.#handlers.set("close", handler);
  }

  /**
   * Sends a message.
   *
   * @param data copied before the call returns, except for a Blob, which is read later
   * @throws DOMException `InvalidStateError` while connecting
   */
  send(data: WebSocketData): void {
    // Before any conversion: a wrong `this` is a TypeError. (Web IDL §3.7.7)
    void this.#queue;
    if (arguments.length === 0)
      throw new TypeError("send requires data; pass it as the first argument.");
    this.#send(sendable(data));
  }

  #send(message: Sendable): void {
    // Step 1.
    if (this.#readyState === CONNECTING) {
      const text = "The WebSocket is still connecting; call send after the open event.";
      throw new DOMException(text, "InvalidStateError");
    }
    // Step 2: after closing has begun, the message only counts towards `bufferedAmount`.
    if (this.#readyState === OPEN) this.#queue.add(message);
    else this.#lostBytes += message.size;
  }

  /**
   * Starts closing; the close event follows.
   *
   * @param code 1000 or 3000–4999; default none
   * @param reason at most 123 bytes of UTF-8
   * @throws DOMException `InvalidAccessError` for the code, `SyntaxError` for the reason
   */
  close(code?: number, reason?: string): void {
    const connection = this.#connection;
    const status = code === undefined ? undefined : clampedUint16(code);
    const text = reason === undefined ? "" : usvString(reason);
    // Steps 1 and 2.
    checkCloseArguments(status, text);
    // Step 3.
    if (this.#readyState === CLOSING || this.#readyState === CLOSED) return;
    this.#readyState = CLOSING;
    // Messages sent before, Blobs included, go out before the Close frame.
    this.#queue.whenDelivered(() => connection.close(closeCodeFor(status, text), text));
  }

  /** Features beyond the standard are functions, not methods: see `ping`. */
  static {
    sendPing = (socket, onPong) => socket.#connection.sendPing(onPong);
    sendUncompressed = (socket, data) => socket.#send({ ...sendable(data), compress: false });
  }

  /** (WHATWG WebSockets §4, "when the WebSocket connection is established") */
  #opened(protocol: string, extensions: string): void {
    this.#ignoreSignal = this.#signal && onAbort(this.#signal, this.#abort);
    // Step 1.
    this.#readyState = OPEN;
    // Steps 2 and 3.
    this.#extensions = extensions;
    this.#protocol = protocol;
    // Step 4.
    fire.open(this);
  }

  /** (WHATWG WebSockets §4, "when a WebSocket message has been received") */
  #message(data: unknown): void {
    // Step 1.
    if (this.#readyState !== OPEN) return;
    // Step 3.
    fire.message(this, data, this.#url.origin);
  }

  /** Step 2 of the same; the current `binaryType` applies. */
  #binaryData(bytes: Uint8Array, lent: boolean): Blob | ArrayBuffer | undefined {
    if (this.#readyState !== OPEN) return undefined;
    if (this.#binaryType === "arraybuffer") return wholeBuffer(bytes, lent);
    return new Blob([bytes as Uint8Array<ArrayBuffer>]);
  }

  #transmit(message: TextOrBytes): void {
    if (!this.#connection.send(message)) this.#lostBytes += message.size;
  }

  /** (WHATWG WebSockets §4, "when the WebSocket closing handshake has been started") */
  #closing(): void {
    if (this.#readyState < CLOSING) this.#readyState = CLOSING;
  }

  /** (WHATWG WebSockets §4, "when the WebSocket connection is closed") */
  #closed({ code, reason, wasClean, error }: Closure): void {
    this.#ignoreSignal?.();
    // Step 1.
    this.#readyState = CLOSED;
    // Step 2.
    if (!wasClean) fire.error(this, error ?? lost());
    // Step 3.
    fire.close(this, { code, reason, wasClean });
  }

  readonly #abort = (): void => this.close(1000, "aborted");
}

export interface WebSocket {
  addEventListener<Kind extends keyof WebSocketEventMap>(
    type: Kind,
    listener: ((this: WebSocket, event: WebSocketEventMap[Kind]) => unknown) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

shapeAsInterface(WebSocket, {
  name: "WebSocket",
  // Only `url` is required; the settings parameter is not part of the standard.
  length: 1,
  optionalOnly: ["close"],
  constants: { CONNECTING, OPEN, CLOSING, CLOSED },
});
