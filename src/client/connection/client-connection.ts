import type { Duplex } from "node:stream";
import type { LongwireError } from "../../base/index.ts";
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
import { onAbort } from "../standard/abort-steps.ts";
import { aborted, blockedPort } from "./client-error.ts";
import { ClientSettings } from "./client-settings.ts";
import { clientWheel } from "./client-wheel.ts";
import { openOptions } from "./open-options.ts";
import type { TextOrBytes } from "../standard/sendable.ts";
import { UnsentPayload } from "./unsent-payload.ts";

/** From how many unsent bytes that the server asked for, as pongs, on nothing more is read. */
const STOP_READING_BYTES = 1024 * 1024;

const defaultSettings = new ClientSettings();

/** Where to connect to, and how. */
export interface ClientTarget {
  url: URL;
  protocols: readonly string[];
  /** Left out, those of a page: ports of other services are blocked. */
  settings: ClientSettings | undefined;
  /** Gives the connection up while it is being opened; afterwards it does nothing. */
  signal: AbortSignal | undefined;
  /** See `StreamConnectionOptions`. */
  oneTaskPerMessage: boolean;
}

/** What happens on a client's connection, for the API that stands on it. */
export interface ClientConnectionHandler {
  onOpened(agreement: Agreement): void;
  onText(text: string): void;
  /** @param lent whether the bytes are good only until the call returns */
  onBinary(bytes: Uint8Array, lent: boolean): void;
  /** The connection is on its way to its end, but not there yet; once, or never. */
  onClosing(): void;
  /** The last call, in a task of its own. */
  onClosed(closure: Closure): void;
}

type Stage =
  | { kind: "connecting"; attempt: Attempt }
  | { kind: "open"; stream: StreamConnection }
  | { kind: "over" };

/** One connection of a client, from connecting to its end. */
export class ClientConnection {
  readonly #target: ClientTarget;
  readonly #settings: ClientSettings;
  readonly #handler: ClientConnectionHandler;
  readonly #pings = new Map<string, () => void>();
  readonly #drainWaiters = new DrainWaiters();
  readonly #unsent = new UnsentPayload((step) => this.afterWritten(step));
  #stage: Stage = { kind: "over" };
  /** Called once the signal does not matter any more. */
  #ignoreSignal: (() => void) | undefined;

  constructor(target: ClientTarget, handler: ClientConnectionHandler) {
    const { url, settings, signal } = target;
    this.#target = target;
    this.#settings = settings ?? defaultSettings;
    this.#handler = handler;
    // A page must not be led to write to other services; whoever sets options is no such page.
    if (settings === undefined && isBlockedPort(url)) this.#fail(blockedPort(url));
    else if (signal?.aborted === true) this.#fail(aborted(signal));
    else this.#stage = { kind: "connecting", attempt: this.#open() };
  }

  /** Payload bytes that were sent and have not left the process; they fall between tasks. */
  get unsentBytes(): number {
    return this.#unsent.bytes;
  }

  /**
   * Sends a message, if the connection is open.
   *
   * @param message bytes are copied before the call returns
   * @returns whether it was
   */
  send(message: TextOrBytes): boolean {
    const stream = this.#openStream;
    if (stream === undefined) return false;
    if (message.kind === "text") stream.sendText(message.text, message.compress);
    else stream.sendBinary(message.bytes, message.compress);
    this.#unsent.add(message.size);
    return true;
  }

  /** Calls back when the pong comes; false if the connection is not open. */
  sendPing(onPong: () => void): boolean {
    const stream = this.#openStream;
    if (stream === undefined) return false;
    const payload = crypto.getRandomValues(new Uint8Array(8));
    this.#pings.set(payload.join(), onPong);
    stream.sendPing(payload);
    return true;
  }

  /** Calls `step` once all that was sent so far has gone to the operating system, or never. */
  afterWritten(step: () => void): void {
    if (this.#stage.kind !== "open") return;
    afterWritten(this.#stage.stream, this.#drainWaiters, step);
  }

  /** Delivers and reads nothing more until `resume`. */
  pause(): void {
    if (this.#stage.kind === "open") this.#stage.stream.pause();
  }

  resume(): void {
    if (this.#stage.kind === "open") this.#stage.stream.resume();
  }

  /** Begins the closing handshake, or gives the connection up when it is not open yet. */
  close(code: number | undefined, reason: string): void {
    if (this.#stage.kind === "connecting") this.#giveUp();
    else this.#openStream?.close(code, reason);
  }

  /** Ends the transport at once. */
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
      // Own messages never stop the reading: a server that echoes and waits for us to read, while
      // we wait for it to read, would wait forever.
      get stopReadingBytes() {
        return unsent.frameBytes + STOP_READING_BYTES;
      },
      oneTaskPerMessage: this.#target.oneTaskPerMessage,
    };
    const transport = transportOver(socket, nodeInternals);
    const stream = new StreamConnection(transport, this.#streamHandler(), options, { codec });
    this.#stage = { kind: "open", stream };
    this.#handler.onOpened(agreement);
    // What came with the answer waits until promises of the open event have settled.
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

  /** Fails the connection before it was there; its owner hears of it in a task of its own. */
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
