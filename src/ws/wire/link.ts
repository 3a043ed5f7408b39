import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import {
  SharedTransport,
  StreamConnection,
  type Closure,
  type StreamConnectionHandler,
} from "../../node/index.ts";
import type { MessageCodec, ProtocolError } from "../../protocol/index.ts";
import { binaryData, type BinaryType } from "./binary-types.ts";
import { closePayload } from "./close-payload.ts";
import { markClean } from "../event-target.ts";
import { LinkOutput } from "./link-output.ts";
import type { LinkSettings } from "./link-settings.ts";
import { ownBuffer, type MessageData } from "./message-bytes.ts";
import { receiveError } from "./receive-error.ts";
import type { SendCallback } from "./send-callbacks.ts";
import type { Extensions, Sender, SendOptions } from "./sender.ts";

const NOTHING = new Uint8Array(0);

/** The socket object that a link notifies, reduced to what is needed. */
export interface LinkTarget extends EventEmitter {
  readonly binaryType: BinaryType;
}

export interface LinkOptions {
  settings: LinkSettings;
  codec: MessageCodec | undefined;
  /** The extensions that an application's own `Sender` may compress with. */
  extensions: Extensions;
}

/** 1, 2 and 3, as in `readyState`. */
type LinkState = 1 | 2 | 3;

/** An open connection, which notifies its `WebSocket`. */
export class Link implements StreamConnectionHandler {
  readonly socket: Duplex;
  readyState: LinkState = 1;
  isPaused = false;
  readonly #target: LinkTarget;
  readonly #options: LinkOptions;
  readonly #connection: StreamConnection;
  #output: LinkOutput | undefined;
  #pendingPongs = 0;
  #fragmentEnds: number[] | undefined;
  #hasFailed = false;
  #reason: Uint8Array = NOTHING;

  constructor(target: LinkTarget, socket: Duplex, options: LinkOptions) {
    this.#target = target;
    this.socket = socket;
    this.#options = options;
    const { settings, codec } = options;
    const transport = new SharedTransport(socket);
    this.#connection = new StreamConnection(transport, this, settings.connection, { codec });
    socket.on("error", ignore);
    // Data that arrives before the listeners are attached would be lost.
    if (socket.readableFlowing === true) socket.pause();
  }

  /** Starts to deliver after the code that created the connection has had its turn. */
  start(head: Uint8Array): void {
    process.nextTick(() => {
      this.socket.off("error", ignore);
      this.#connection.start(head);
    });
  }

  /** Writes everything that waits for the end of the turn. */
  flush(): void {
    this.#connection.flush();
  }

  /** Bytes that the operating system takes immediately do not count. */
  get bufferedAmount(): number {
    this.flush();
    return this.#connection.bufferedBytes + (this.#output?.waitingBytes ?? 0);
  }

  /** Sends single frames, for everything that is not a whole message. */
  get sender(): Sender {
    return this.#out.sender;
  }

  send(data: MessageData, options: SendOptions | undefined, callback?: SendCallback): void {
    if (this.readyState === 1) this.#out.send(data, options, callback);
    else this.#out.refuse(data, this.readyState, callback);
  }

  ping(data: MessageData, mask: boolean | undefined, callback?: SendCallback): void {
    if (this.readyState === 1) this.#out.ping(data, mask, callback);
    else this.#out.refuse(data, this.readyState, callback);
  }

  pong(data: MessageData, mask: boolean | undefined, callback?: SendCallback): void {
    if (this.readyState === 1) this.#out.pong(data, mask, callback);
    else this.#out.refuse(data, this.readyState, callback);
  }

  /** @throws TypeError, RangeError for a code or reason that must not be sent */
  close(code: number | undefined, reason: unknown): void {
    if (this.readyState !== 1) return;
    const payload = closePayload(code, reason);
    this.readyState = 2;
    // Reading a Blob that was sent before may take long or never end.
    this.#connection.startCloseTimer();
    this.#out.whenSent(() => {
      this.#connection.close(code, reasonIn(payload));
      this.#connection.flush();
    });
  }

  terminate(): void {
    if (this.readyState === 3) return;
    this.readyState = 2;
    // Messages sent before have been written by now, as far as the operating system takes them.
    this.#connection.flush();
    this.#connection.terminate();
    process.nextTick(() => this.#output?.lose(undefined));
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
    const data = ownBuffer(payload, true);
    if (this.#options.settings.autoPong && this.readyState === 1) this.#answer(data);
    this.#emitControl("ping", data);
  }

  onPong(payload: Uint8Array): void {
    this.#emitControl("pong", ownBuffer(payload, true));
  }

  onPeerClose(reason: Uint8Array): void {
    this.#reason = reason;
  }

  onClosing(): void {
    if (this.readyState === 1) this.readyState = 2;
  }

  onFailed(error: ProtocolError): void {
    this.readyState = 2;
    // A listener may cut the connection, and the peer should still receive the reason.
    this.#connection.flush();
    this.#fail(receiveError(error), "peer");
  }

  onDrain(): void {
    this.#output?.drained();
  }

  onClosed({ code, wasClean, error }: Closure): void {
    this.readyState = 3;
    if (wasClean) markClean(this.#target);
    this.#output?.lose(error);
    this.#options.extensions["permessage-deflate"]?.cleanup();
    this.#emit("close", code, unpooled(this.#reason));
  }

  /** Created when the link sends for the first time. */
  get #out(): LinkOutput {
    return (this.#output ??= new LinkOutput({
      ...this.#options,
      connection: this.#connection,
      onFailed: (error) => this.#sendingFailed(error),
    }));
  }

  #answer(data: Buffer): void {
    const { maxPendingAutoPongs } = this.#options.settings;
    if (maxPendingAutoPongs > 0 && this.#pendingPongs >= maxPendingAutoPongs) {
      return this.terminate();
    }
    this.#connection.sendPong(data);
    this.#pendingPongs += 1;
    this.#out.whenWritten(() => (this.#pendingPongs -= 1));
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
    // A peer must not be able to end the process, even if nothing listens for errors.
    if (cause === "peer" && this.#target.listenerCount("error") === 0) return;
    this.#emit("error", error);
  }

  #emitControl(event: "ping" | "pong", data: Buffer): void {
    this.#emit(event, data);
    if (this.#options.settings.connection.oneTaskPerMessage) this.#connection.flushMicrotasks();
  }

  /** A listener's exception goes to the process, and must not stop the reading. */
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

/**
 * A reason that is not UTF-8 grows when it is converted, and 41 characters always fit. (RFC 6455
 * §5.5)
 */
function reasonIn(payload: Buffer): string {
  const text = payload.subarray(2).toString();
  return Buffer.byteLength(text) > 123 ? text.slice(0, 41) : text;
}

/** Copied out of the pool, so that keeping it does not keep a larger block in memory. */
function unpooled(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

function ignore(): void {}
