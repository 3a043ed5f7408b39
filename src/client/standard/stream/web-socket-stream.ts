import type { Closure } from "../../../node/index.ts";
import type { Agreement } from "../../../protocol/index.ts";
import { ClientConnection } from "../../connection/client-connection.ts";
import { lost } from "../../connection/client-error.ts";
import { ClientSettings } from "../../connection/client-settings.ts";
import { checkCloseArguments, closeCodeFor } from "../arguments/close-arguments.ts";
import { closeInfo, type WebSocketCloseInfo } from "./close-info.ts";
import { Deferred } from "./deferred.ts";
import { shapeAsInterface } from "../web-idl/interface-shape.ts";
import { ReadableSide } from "./readable-side.ts";
import { wholeBuffer } from "../received-bytes.ts";
import { checkSubprotocols } from "../arguments/subprotocols.ts";
import { usvString } from "../web-idl/web-idl-conversions.ts";
import { closingOf, endedWith } from "./web-socket-error.ts";
import { streamOptions, type WebSocketStreamOptions } from "./web-socket-stream-options.ts";
import { webSocketUrl } from "../arguments/web-socket-url.ts";
import { WritableSide } from "./writable-side.ts";

/** The properties of an open `WebSocketStream`. */
export interface WebSocketOpenInfo {
  /** The server's extensions as received, or `""`. */
  extensions: string;
  /** The subprotocol, or `""`. */
  protocol: string;
  /** Text messages as strings, binary messages as Uint8Array. */
  readable: ReadableStream<string | Uint8Array>;
  /** Sends buffers and their views as binary messages, and the text of everything else. */
  writable: WritableStream<unknown>;
}

/**
 * A WebSocket as a pair of streams, with back-pressure both ways.
 * (WebSocketStream draft, whatwg/websockets pull request 48)
 */
export class WebSocketStream {
  readonly #url: URL;
  readonly #signal: AbortSignal | undefined;
  readonly #opened = new Deferred<WebSocketOpenInfo>();
  readonly #closed = new Deferred<Required<WebSocketCloseInfo>>();
  readonly #connection: ClientConnection | undefined;
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";
  #sides: { readable: ReadableSide; writable: WritableSide } | undefined;
  #wasCutOff = false;

  /**
   * Starts connecting.
   *
   * @param url absolute, `ws:`, `wss:`, `http:` or `https:`
   * @param settings set by `openWebSocketStream`; other values are ignored
   * @throws DOMException `SyntaxError` for an invalid URL, or an invalid or repeated subprotocol
   */
  constructor(url: string | URL, options?: WebSocketStreamOptions, settings?: unknown) {
    if (arguments.length === 0)
      throw new TypeError("WebSocketStream requires a URL; pass it as the first argument.");
    const text = usvString(url);
    const { protocols, signal } = streamOptions(options);
    // Steps 1 to 5.
    this.#url = webSocketUrl(text);
    checkSubprotocols(protocols);
    this.#signal = signal;
    // Steps 8.1 and 8.2.
    if (signal?.aborted === true) this.#abort(signal);
    // Steps 8.3 to 10.
    else this.#connection = this.#connect(protocols, settings);
  }

  get url(): string {
    return this.#url.href;
  }

  /** Rejects with a `WebSocketError`, or with the signal's reason. */
  get opened(): Promise<WebSocketOpenInfo> {
    // A promise attribute returns a rejected promise instead of throwing. (Web IDL §3.7.6)
    return #opened in this ? this.#opened.promise : wrongThis();
  }

  /** Rejects with a `WebSocketError` if the connection did not close cleanly. */
  get closed(): Promise<Required<WebSocketCloseInfo>> {
    return #closed in this ? this.#closed.promise : wrongThis();
  }

  /**
   * Starts closing; `closed` resolves or rejects afterwards. Messages written before are still
   * sent.
   *
   * @throws DOMException `InvalidAccessError` for the code, `SyntaxError` for the reason
   */
  close(info?: WebSocketCloseInfo): void {
    const { closeCode, reason } = #state in this ? closeInfo(info) : wrongReceiver();
    this.#close(closeCode, reason);
  }

  #connect(protocols: readonly string[], settings: unknown): ClientConnection {
    return new ClientConnection(
      {
        url: this.#url,
        protocols,
        settings: settings instanceof ClientSettings ? settings : undefined,
        signal: this.#signal,
        oneTaskPerMessage: false,
      },
      {
        onOpened: (agreement) => this.#open(agreement),
        onText: (text) => this.#message(text),
        onBinary: (bytes, lent) => this.#message(new Uint8Array(wholeBuffer(bytes, lent))),
        onClosing: () => this.#closing(),
        onClosed: (closure) => this.#end(closure),
      },
    );
  }

  /** (Draft, "when the WebSocket connection is established") */
  #open({ protocol, extensions }: Agreement): void {
    const connection = this.#connection!;
    // Step 1.
    this.#state = "open";
    // Steps 5 to 8.
    const readable = new ReadableSide(connection, (reason) => this.#closeUsing(reason));
    // Steps 9 to 13.
    const writable = new WritableSide(connection, {
      close: () => this.#closeAndWait(),
      abort: (reason) => this.#closeUsing(reason),
    });
    this.#sides = { readable, writable };
    // The last step. The members of a dictionary are in the order of their names.
    const streams = { readable: readable.stream, writable: writable.stream };
    this.#opened.resolve({ extensions, protocol, ...streams });
  }

  #message(chunk: string | Uint8Array): void {
    if (this.#state === "open") this.#sides?.readable.add(chunk);
  }

  /** (Draft, "close the WebSocket") */
  #close(code: number | undefined, reason: string): void {
    checkCloseArguments(code, reason);
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#connection?.close(closeCodeFor(code, reason), reason);
  }

  async #closeAndWait(): Promise<void> {
    this.#close(undefined, "");
    await this.#closed.promise;
  }

  /** (Draft, "close using reason") */
  #closeUsing(cause: unknown): void {
    const { code, reason } = closingOf(cause);
    try {
      this.#close(code, reason);
    } catch {
      // A code that was received, such as 1006, may not be valid to send.
      this.#close(undefined, "");
    }
  }

  /** Ends the handshake, or prevents it from starting. */
  #abort(signal: AbortSignal): void {
    this.#opened.reject(signal.reason);
    this.#closed.reject(signal.reason);
  }

  #closing(): void {
    if (this.#state === "connecting" && this.#signal?.aborted === true) this.#abort(this.#signal);
    if (this.#state === "open" && this.#sides?.writable.isWriting === true) {
      // The server is closing and may not read the bytes that are still in transit.
      this.#wasCutOff = true;
      this.#sides.writable.cutOff();
    }
    if (this.#state !== "closed") this.#state = "closing";
  }

  /** (Draft, "when the WebSocket connection is closed") */
  #end({ code, reason, wasClean, error }: Closure): void {
    // Step 1.
    this.#state = "closed";
    // Step 2: after an aborted handshake nothing more happens, because both promises are settled.
    const cause = error ?? lost();
    // Step 3.
    if (this.#sides === undefined) {
      this.#opened.reject(endedWith(cause.message, { code: undefined, reason: "", cause }));
    }
    const isWritten = !this.#wasCutOff && this.#sides?.writable.isWriting !== true;
    if (wasClean && isWritten) {
      // Step 6.
      this.#sides?.readable.close();
      this.#sides?.writable.close();
      this.#closed.resolve({ closeCode: code, reason });
    } else {
      // Step 7.
      const failure = endedWith(cause.message, { code, reason, cause });
      this.#sides?.readable.fail(failure);
      this.#sides?.writable.fail(failure);
      this.#closed.reject(failure);
    }
  }
}

shapeAsInterface(WebSocketStream, { name: "WebSocketStream", length: 1, optionalOnly: ["close"] });

function wrongThis(): Promise<never> {
  return Promise.reject(new TypeError("The receiver is not a WebSocketStream."));
}

function wrongReceiver(): never {
  throw new TypeError("The receiver is not a WebSocketStream.");
}
