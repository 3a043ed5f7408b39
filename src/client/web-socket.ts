import { LongwireError } from "../base/index.ts";
import {
  openClientConnection,
  StreamConnection,
  type Attempt,
  type Closure,
  type OpenHandler,
  type StreamConnectionHandler,
} from "../node/index.ts";
import { isBlockedPort } from "./blocked-ports.ts";
import { ClientSettings } from "./client-settings.ts";
import { CloseEvent } from "./close-event.ts";
import { clientWheel } from "./client-wheel.ts";
import { EventHandlerAttributes } from "./event-handler-attribute.ts";
import { FailureEvent } from "./failure-event.ts";
import { SendQueue, type Sendable } from "./send-queue.ts";
import { checkedProtocols, clampedUint16, sendable, usvString } from "./web-idl-conversions.ts";
import { syntaxError, webSocketUrl } from "./web-socket-url.ts";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** From how many unsent bytes on nothing more is read, in bytes. */
const STOP_READING_BYTES = 1024 * 1024;
const MAX_REASON_BYTES = 123;

const defaultSettings = new ClientSettings();

/** Sends a ping and calls back when its pong comes; false if the socket is not open. */
export let sendPing: (socket: WebSocket, onPong: () => void) => boolean;

/** What `send` takes. */
export type WebSocketData = string | ArrayBufferLike | ArrayBufferView | Blob;

type EventHandler<Kind extends Event> = ((this: WebSocket, event: Kind) => unknown) | null;

export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  error: FailureEvent;
  close: CloseEvent;
}

/**
 * The browser's `WebSocket`, in Node. (WHATWG WebSockets §3)
 *
 * Differences that a page could not see: the `error` event has `error` and `message`, and limits
 * hold on what a server may send.
 */
// The interface of the same name only types events, as the platform's own does.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class WebSocket extends EventTarget {
  static readonly CONNECTING: 0 = CONNECTING;
  static readonly OPEN: 1 = OPEN;
  static readonly CLOSING: 2 = CLOSING;
  static readonly CLOSED: 3 = CLOSED;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #url: URL;
  readonly #settings: ClientSettings;
  readonly #handlers = new EventHandlerAttributes(this);
  readonly #queue = new SendQueue(
    (message) => this.#transmit(message),
    (error) => this.#connection?.terminate(unreadable(error)),
  );
  readonly #pings = new Map<string, () => void>();
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  #protocol = "";
  #extensions = "";
  #binaryType: "blob" | "arraybuffer" = "blob";
  #attempt: Attempt | undefined;
  #connection: StreamConnection | undefined;
  /** Payload bytes that were sent, as far as they may not have left yet. */
  #unsentBytes = 0;
  /** Payload bytes that were sent after closing had begun; they count and never leave. */
  #lostBytes = 0;

  /**
   * Starts connecting.
   *
   * @param url absolute, `ws:`, `wss:`, `http:` or `https:`
   * @param protocols subprotocols in the order of preference
   * @param settings set by `openWebSocket`; anything else is ignored
   * @throws DOMException `SyntaxError` for a bad URL, a bad or a repeated subprotocol
   */
  constructor(url: string | URL, protocols: string | readonly string[] = [], settings?: unknown) {
    super();
    if (arguments.length === 0) throw new TypeError("WebSocket needs a URL; give one.");
    this.#url = webSocketUrl(String(url));
    const asked = checkedProtocols(protocols);
    this.#settings = settings instanceof ClientSettings ? settings : defaultSettings;
    const { signal } = this.#settings;
    // A page must not be led to write to other services; whoever sets options is no such page.
    if (this.#settings === defaultSettings && isBlockedPort(this.#url)) {
      this.#failLater(blockedPort(this.#url));
    } else if (signal?.aborted === true) {
      this.#failLater(aborted());
    } else {
      this.#attempt = this.#open(asked);
      signal?.addEventListener("abort", this.#abort, { once: true });
    }
  }

  get url(): string {
    return this.#url.href;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Bytes of payload that were sent and have not left the process. */
  get bufferedAmount(): number {
    const buffered = this.#connection?.bufferedBytes ?? 0;
    // What is buffered has frame headers in it, which do not count here.
    this.#unsentBytes = Math.min(this.#unsentBytes, buffered);
    return this.#unsentBytes + this.#queue.waitingBytes + this.#lostBytes;
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
    // An enumeration's setter ignores what is not in it. (Web IDL §3.6.5)
    if (value === "blob" || value === "arraybuffer") this.#binaryType = value;
  }

  get onopen(): EventHandler<Event> {
    return this.#handlers.get("open");
  }

  set onopen(handler: EventHandler<Event>) {
    this.#handlers.set("open", handler);
  }

  get onmessage(): EventHandler<MessageEvent> {
    return this.#handlers.get("message") as EventHandler<MessageEvent>;
  }

  set onmessage(handler: EventHandler<MessageEvent>) {
    this.#handlers.set("message", handler);
  }

  get onerror(): EventHandler<FailureEvent> {
    return this.#handlers.get("error");
  }

  set onerror(handler: EventHandler<FailureEvent>) {
    this.#handlers.set("error", handler);
  }

  get onclose(): EventHandler<CloseEvent> {
    return this.#handlers.get("close");
  }

  set onclose(handler: EventHandler<CloseEvent>) {
    this.#handlers.set("close", handler);
  }

  /**
   * Sends a message.
   *
   * @param data copied before the call returns, except a Blob, which is read later
   * @throws DOMException `InvalidStateError` while connecting
   */
  send(data: WebSocketData): void {
    if (arguments.length === 0) throw new TypeError("send needs data; give it.");
    const message = sendable(data);
    if (this.#readyState === CONNECTING) {
      const text = "The WebSocket is still connecting; send after the open event.";
      throw new DOMException(text, "InvalidStateError");
    }
    if (this.#readyState !== OPEN) {
      this.#lostBytes += message.size;
      return;
    }
    this.#queue.add(message);
  }

  /**
   * Starts closing; the close event follows.
   *
   * @param code 1000 or 3000–4999; default none
   * @param reason at most 123 bytes of UTF-8
   * @throws DOMException `InvalidAccessError` for the code, `SyntaxError` for the reason
   */
  close(code?: number, reason?: string): void {
    const status = code === undefined ? undefined : clampedUint16(code);
    const text = reason === undefined ? "" : usvString(reason);
    if (status !== undefined && status !== 1000 && (status < 3000 || status > 4999)) {
      const message = `The close code is ${status}; give 1000 or one from 3000 to 4999.`;
      throw new DOMException(message, "InvalidAccessError");
    }
    const reasonBytes = Buffer.byteLength(text);
    if (reasonBytes > MAX_REASON_BYTES) {
      throw syntaxError(`The close reason has ${reasonBytes} bytes; give at most 123.`);
    }
    if (this.#readyState === CONNECTING) return this.#giveUp();
    if (this.#readyState !== OPEN) return;
    this.#readyState = CLOSING;
    // A reason cannot go without a code; 1000 is what it means then.
    const sent = status ?? (text === "" ? undefined : 1000);
    this.#queue.whenDelivered(() => {
      if (this.#connection?.isOpen === true) this.#connection.close(sent, text);
    });
  }

  /** What the standard's object does not have is a function beside it: see `ping`. */
  static {
    sendPing = (socket, onPong) => {
      if (socket.#connection?.isOpen !== true) return false;
      const payload = crypto.getRandomValues(new Uint8Array(8));
      socket.#pings.set(payload.join(), onPong);
      socket.#connection.sendPing(payload);
      return true;
    };
  }

  #open(protocols: readonly string[]): Attempt {
    const { headers, tls, socketPath, handshakeLimits, times } = this.#settings;
    const handler: OpenHandler = {
      onOpened: (socket, agreement, head) => {
        this.#attempt = undefined;
        this.#protocol = agreement.protocol;
        this.#extensions = agreement.extensions;
        this.#connection = new StreamConnection(socket, this.#connectionHandler(), {
          role: "client",
          limits: this.#settings.limits,
          wheel: clientWheel,
          closeTimeoutMs: times.closeTimeoutMs,
          stopReadingBytes: STOP_READING_BYTES,
          oneTaskPerMessage: true,
        });
        this.#readyState = OPEN;
        this.dispatchEvent(new Event("open"));
        // What came with the answer waits until promises of the open event have settled.
        setImmediate(() => this.#connection?.start(head));
      },
      onFailed: (error) => this.#closed({ code: 1006, reason: "", wasClean: false, error }),
    };
    return openClientConnection(
      {
        url: this.#url,
        protocols,
        headers,
        tls,
        socketPath,
        limits: handshakeLimits,
        handshakeTimeoutMs: times.handshakeTimeoutMs,
      },
      handler,
    );
  }

  #connectionHandler(): StreamConnectionHandler {
    return {
      onText: (text) => this.#message(text),
      onBinary: (bytes, lent) => this.#message(this.#binaryData(bytes, lent)),
      onPing: () => {},
      onPong: (payload) => this.#pong(payload),
      onClosing: () => {
        if (this.#readyState === OPEN) this.#readyState = CLOSING;
      },
      onClosed: (closure) => this.#closed(closure),
      onDrain: () => {},
    };
  }

  #pong(payload: Uint8Array): void {
    const name = payload.join();
    this.#pings.get(name)?.();
    this.#pings.delete(name);
  }

  #message(data: unknown): void {
    // (WHATWG WebSockets §4, "when a WebSocket message has been received", step 1)
    if (this.#readyState !== OPEN) return;
    this.dispatchEvent(new MessageEvent("message", { data, origin: this.#url.origin }));
  }

  #binaryData(bytes: Uint8Array, lent: boolean): Blob | ArrayBuffer {
    if (this.#binaryType === "blob") return new Blob([bytes as Uint8Array<ArrayBuffer>]);
    const isWholeBuffer = bytes.byteLength === bytes.buffer.byteLength;
    if (!lent && isWholeBuffer) return bytes.buffer as ArrayBuffer;
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  #transmit(message: Exclude<Sendable, { kind: "blob" }>): void {
    const connection = this.#connection;
    if (connection === undefined || !connection.isOpen) {
      this.#lostBytes += message.size;
      return;
    }
    this.#unsentBytes = Math.min(this.#unsentBytes, connection.bufferedBytes) + message.size;
    if (message.kind === "text") connection.sendText(message.text);
    else connection.sendBinary(message.bytes);
  }

  /** Fails the connection while it is being established. */
  #giveUp(): void {
    this.#readyState = CLOSING;
    this.#attempt?.abandon();
    this.#failLater(aborted());
  }

  #failLater(error: LongwireError): void {
    setImmediate(() => this.#closed({ code: 1006, reason: "", wasClean: false, error }));
  }

  #closed({ code, reason, wasClean, error }: Closure): void {
    if (this.#readyState === CLOSED) return;
    this.#settings.signal?.removeEventListener("abort", this.#abort);
    this.#lostBytes = this.bufferedAmount;
    this.#unsentBytes = 0;
    this.#connection = undefined;
    this.#readyState = CLOSED;
    if (!wasClean) this.dispatchEvent(new FailureEvent(error ?? lost()));
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }

  readonly #abort = (): void => {
    if (this.#readyState === CONNECTING) this.#giveUp();
    else this.close(1000, "aborted");
  };
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

// As Web IDL says: constants on both objects, attributes and methods enumerable.
for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
  const constant = { value, writable: false, enumerable: true, configurable: false };
  Object.defineProperty(WebSocket, name, constant);
  Object.defineProperty(WebSocket.prototype, name, constant);
}
for (const name of Object.getOwnPropertyNames(WebSocket.prototype)) {
  if (name !== "constructor")
    Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
Object.defineProperty(WebSocket.prototype, Symbol.toStringTag, {
  value: "WebSocket",
  configurable: true,
});
// Only `url` is required; the parameter for settings is ours.
Object.defineProperty(WebSocket, "length", { value: 1, configurable: true });

function blockedPort(url: URL): LongwireError {
  const message = `Port ${url.port} belongs to another service and is blocked; use another port.`;
  return new LongwireError("blocked_port", message);
}

function aborted(): LongwireError {
  return new LongwireError("aborted", "The connection was given up before it was open.");
}

function lost(): LongwireError {
  const message = "The connection ended without a closing handshake. Reconnect.";
  return new LongwireError("connection_lost", message);
}

function unreadable(cause: unknown): LongwireError {
  const message = "A Blob that was to be sent could not be read; send one that still exists.";
  return new LongwireError("unreadable_blob", message, { cause });
}
