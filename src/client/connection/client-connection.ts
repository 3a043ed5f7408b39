import type { Duplex } from "node:stream";
import { type LongwireError, onAbort } from "../../base/index.ts";
import {
  afterWritten,
  DrainWaiters,
  openClientConnection,
  StreamConnection,
  transportOver,
  type Attempt,
  type Closure,
  type StreamConnectionHandler,
  type StreamConnectionOptions,
} from "../../node/index.ts";
import type { Agreement } from "../../protocol/index.ts";
import { isBlockedPort } from "../standard/blocked-ports.ts";
import { aborted, blockedPort } from "./client-error.ts";
import { ClientSettings } from "./client-settings.ts";
import { clientWheel } from "./client-wheel.ts";
import { openOptions } from "./open-options.ts";
import type { TextOrBytes } from "../standard/arguments/sendable.ts";
import { UnsentPayload } from "./unsent-payload.ts";

/** Reading stops while this many bytes of answers to the server, such as pongs, are unsent. */
const STOP_READING_BYTES = 1024 * 1024;

const defaultSettings = new ClientSettings();

/** The destination of a connection, and its options. */
export interface ClientTarget {
  url: URL;
  protocols: readonly string[];
  /** If `undefined`, the rules for a page apply: ports of other services are blocked. */
  settings: ClientSettings | undefined;
  /** Aborts the connection while it is being opened; has no effect afterwards. */
  signal: AbortSignal | undefined;
  /** See `StreamConnectionOptions`. */
  oneTaskPerMessage: boolean;
}

/** Receives the events of a client's connection, for the API on top of it. */
export interface ClientConnectionHandler {
  onOpened(agreement: Agreement): void;
  onText(text: string): void;
  /** @param lent whether the bytes are valid only until the call returns */
  onBinary(bytes: Uint8Array, lent: boolean): void;
  /** Called at most once: the connection has started to close, but has not closed yet. */
  onClosing(): void;
  /** The last call, in its own task. */
  onClosed(closure: Closure): void;
}

type Stage =
  | { kind: "connecting"; attempt: Attempt }
  | { kind: "open"; stream: StreamConnection }
  | { kind: "over" };

/** One connection of a client, from connecting until it has closed. */
export class ClientConnection {
  readonly #target: ClientTarget;
  readonly #settings: ClientSettings;
  readonly #handler: ClientConnectionHandler;
  readonly #pings = new Map<string, () => void>();
  readonly #drainWaiters = new DrainWaiters();
  readonly #unsent = new UnsentPayload((step) => this.afterWritten(step));
  #stage: Stage = { kind: "over" };
  /** Removes the abort listener. */
  #ignoreSignal: (() => void) | undefined;

  constructor(target: ClientTarget, handler: ClientConnectionHandler) {
    const { url, settings, signal } = target;
    this.#target = target;
    this.#settings = settings ?? defaultSettings;
    this.#handler = handler;
    // Blocking protects other services from a page. Code that sets options is not a page.
    if (settings === undefined && isBlockedPort(url)) this.#fail(blockedPort(url));
    else if (signal?.aborted === true) this.#fail(aborted(signal));
    else this.#stage = { kind: "connecting", attempt: this.#open() };
  }

  /**
   * Payload bytes that were sent but have not left the process; the number falls only between
   * tasks.
   */
  get unsentBytes(): number {
    return this.#unsent.bytes;
  }

  /**
   * Sends a message, if the connection is open.
   *
   * @param message bytes are copied before the call returns
   * @returns false if the connection is not open
   */
  send(message: TextOrBytes): boolean {
    const stream = this.#openStream;
    if (stream === undefined) return false;
    if (message.kind === "text") stream.sendText(message.text, message.compress);
    else stream.sendBinary(message.bytes, message.compress);
    this.#unsent.add(message.size);
    return true;
  }

  /** Calls `onPong` when the pong arrives; returns false if the connection is not open. */
  sendPing(onPong: () => void): boolean {
    const stream = this.#openStream;
    if (stream === undefined) return false;
    const payload = crypto.getRandomValues(new Uint8Array(8));
    this.#pings.set(payload.join(), onPong);
    stream.sendPing(payload);
    return true;
  }

  /**
   * Calls `step` once everything sent so far has been handed to the operating system. If the
   * connection ends before, `step` is never called.
   */
  afterWritten(step: () => void): void {
    if (this.#stage.kind !== "open") return;
    afterWritten(this.#stage.stream, this.#drainWaiters, step);
  }

  /** Stops reading and delivering until `resume` is called. */
  pause(): void {
    if (this.#stage.kind === "open") this.#stage.stream.pause();
  }

  resume(): void {
    if (this.#stage.kind === "open") this.#stage.stream.resume();
  }

  /** Starts the closing handshake, or gives up if the connection is not open yet. */
  close(code: number | undefined, reason: string): void {
    if (this.#stage.kind === "connecting") this.#giveUp();
    else this.#openStream?.close(code, reason);
  }

  /** Ends the transport immediately. */
  terminate(error: LongwireError): void {
    if (this.#stage.kind === "open") this.#stage.stream.terminate(error);
  }

  get #openStream(): StreamConnection | undefined {
    return this.#stage.kind === "open" && this.#stage.stream.isOpen
      ? this.#stage.stream
      : undefined;
  }

  #open(): Attempt {
    const { url, protocols, signal } = this.#target;
    this.#ignoreSignal = signal && onAbort(signal, this.#giveUp);
    return openClientConnection(openOptions(url, protocols, this.#settings), {
      onOpened: (stream, agreement, head) => this.#opened(stream, agreement, head),
      onFailed: (error) => this.#over({ code: 1006, reason: "", wasClean: false, error }),
    });
  }

  #opened(socket: Duplex, agreement: Agreement, head: Uint8Array): void {
    this.#ignoreSignal?.();
    const unsent = this.#unsent;
    const { limits, compression, nodeInternals } = this.#settings;
    const codec = agreement.deflate && compression?.codec("client", agreement.deflate);
    const options: StreamConnectionOptions = {
      role: "client",
      limits,
      wheel: clientWheel,
      closeTimeoutMs: this.#settings.times.closeTimeoutMs,
      // Own messages never stop the reading. Otherwise an echo server that waits for this side to
      // read, while this side waits for the server, would cause a deadlock.
      get stopReadingBytes() {
        return unsent.frameBytes + STOP_READING_BYTES;
      },
      oneTaskPerMessage: this.#target.oneTaskPerMessage,
    };
    const transport = transportOver(socket, nodeInternals);
    const stream = new StreamConnection(transport, this.#streamHandler(), options, { codec });
    this.#stage = { kind: "open", stream };
    this.#handler.onOpened(agreement);
    // Messages that arrived with the handshake response wait until promises from the open event
    // have settled.
    setImmediate(() => stream.start(head));
  }

  #streamHandler(): StreamConnectionHandler {
    const handler = this.#handler;
    return {
      onText: (text) => handler.onText(text),
      onBinary: (bytes, lent) => handler.onBinary(bytes, lent),
      onPing: () => {},
      onPong: (payload) => this.#pong(payload),
      onClosing: () => handler.onClosing(),
      onClosed: (closure) => this.#over(closure),
      onDrain: () => this.#drainWaiters.drained(),
    };
  }

  #pong(payload: Uint8Array): void {
    const name = payload.join();
    this.#pings.get(name)?.();
    this.#pings.delete(name);
  }

  readonly #giveUp = (): void => {
    if (this.#stage.kind !== "connecting") return;
    this.#stage.attempt.abandon();
    this.#fail(aborted(this.#target.signal));
    this.#handler.onClosing();
  };

  /** Fails the connection before it was open. The handler is notified in a separate task. */
  #fail(error: LongwireError): void {
    this.#stage = { kind: "over" };
    setImmediate(() => this.#over({ code: 1006, reason: "", wasClean: false, error }));
  }

  #over(closure: Closure): void {
    this.#ignoreSignal?.();
    this.#unsent.settle();
    this.#stage = { kind: "over" };
    this.#handler.onClosed(closure);
  }
}
