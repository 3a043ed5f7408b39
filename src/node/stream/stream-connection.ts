import { constants } from "node:buffer";
import { isUint8Array } from "node:util/types";
import {
  LongwireError,
  withoutStack,
  type MemoryAccount,
  type Payer,
  type Timer,
  type TimerWheel,
} from "../../base/index.ts";
import {
  CloseCode,
  Connection,
  LimitError,
  messageTimeout,
  overShare,
  type ConnectionBehavior,
  type ConnectionHandler,
  type ConnectionLimits,
  type MessageCodec,
  type ProtocolError,
  type Role,
} from "../../protocol/index.ts";
import type { Closure } from "./closure.ts";
import { decodeText } from "../internals/decode-text.ts";
import { flushLater } from "./flush-queue.ts";
import { Pause } from "./pause.ts";
import { keepCopy, ownCopy } from "./own-copy.ts";
import { nodeByteOperations } from "../node-byte-operations.ts";
import { StreamOutput, type OutputWatcher } from "./stream-output.ts";
import type { Transport, TransportOwner } from "../transport/transport.ts";
import { nextTransportState, type TransportEvent, type TransportState } from "./transport-state.ts";
import { isTurnSpent, waitForTurn, type TurnWaiter } from "./turn-work.ts";

/** Receives the events of a connection. */
export interface StreamConnectionHandler {
  onText(text: string): void;
  /** If present, receives texts as UTF-8 instead of `onText`. */
  onTextBytes?(bytes: Uint8Array, lent: boolean): void;
  /** @param lent whether the bytes are valid only until the call returns */
  onBinary(bytes: Uint8Array, lent: boolean): void;
  /** See `ConnectionHandler`. */
  onFragmentEnd?(bytes: number): void;
  /** @param payload valid only until the call returns, as that of `onPong` */
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** Called when either end has started the closing handshake, or the connection failed. */
  onClosing(): void;
  /**
   * Called for the peer's Close frame, with the reason as received; before or after `onClosing`.
   */
  onPeerClose?(reasonBytes: Uint8Array): void;
  /** See `ConnectionHandler`. */
  onFailing?(error: ProtocolError): void;
  /** Called when the peer broke the protocol or a limit; before or after `onClosing`. */
  onFailed?(error: ProtocolError): void;
  /** Called when the transport has ended; the last call. */
  onClosed(closure: Closure): void;
  /** Called when buffered output has been handed to the operating system. */
  onDrain(): void;
}

export interface StreamConnectionOptions {
  role: Role;
  limits: ConnectionLimits;
  wheel: TimerWheel;
  /** The time limit for the peer to finish closing, in milliseconds. */
  closeTimeoutMs: number;
  /** While at least this many bytes wait to be sent, nothing is read from the peer. */
  stopReadingBytes: number;
  /**
   * Whether promises settle between two messages, as between two tasks in a browser. Otherwise all
   * messages in a chunk are delivered in one go.
   */
  oneTaskPerMessage: boolean;
  /**
   * Whether a client, too, ends the transport after both Close frames, instead of waiting for the
   * server. Default false. (RFC 6455 §7.1.1)
   */
  clientEnds?: boolean;
  behavior?: ConnectionBehavior;
}

/** The parts of a connection besides its transport and options. */
export interface ConnectionMeans {
  /** Compresses its messages, if that was agreed; closed with the connection. */
  codec?: MessageCodec | undefined;
  /**
   * Is charged for its memory: unfinished messages, messages that wait to be delivered, and unsent
   * output.
   */
  account?: PayingAccount | undefined;
}

export interface PayingAccount extends MemoryAccount {
  readonly payer?: Payer | undefined;
}

/**
 * From this length on, a server's payload is copied separately, so that many peers can share the
 * copy.
 */
const COPIED_ONCE_BYTES = 32 * 1024;

/** The state of a connection's end. An open connection does not have it, which saves memory. */
interface Ending {
  /** Whether the handler was notified. */
  isNotified: boolean;
  /** The peer's Close frame. */
  peerClose?: { code: number; reason: string };
  error?: LongwireError | undefined;
  /** Cuts the transport if the peer takes too long. */
  timer?: Timer;
}

let goOn: (connection: StreamConnection) => void;

/**
 * Runs a protocol connection over a transport.
 *
 * Output that is sent while a chunk is read leaves in one write after the chunk; other output
 * leaves at the end of the turn.
 */
export class StreamConnection
  implements ConnectionHandler, OutputWatcher, TransportOwner, TurnWaiter
{
  readonly transport: Transport;
  readonly #connection: Connection;
  readonly #output: StreamOutput;
  readonly #handler: StreamConnectionHandler;
  readonly #options: StreamConnectionOptions;
  /** Is charged for its memory; `undefined` if memory is not counted. */
  readonly account: PayingAccount | undefined;
  #transportState: TransportState = "waiting";
  /** The reasons for not reading, as bits of `Pause`; 0 while reading. */
  #pauses = 0;
  /** Whether promises are settling before the next message. */
  #isSettling = false;
  /**
   * Whether a chunk is being read. Output that is sent meanwhile leaves in one write afterwards.
   */
  #isReadingChunk = false;
  /** Whether anything was received since `consumeActivity`. */
  #hasHeard = true;
  #ending: Ending | undefined;

  /** @param transport must not be used by anything else */
  constructor(
    transport: Transport,
    handler: StreamConnectionHandler,
    options: StreamConnectionOptions,
    { codec, account }: ConnectionMeans = {},
  ) {
    this.account = account;
    this.transport = transport;
    this.#handler = handler;
    this.#options = options;
    const { role, limits, behavior } = options;
    this.#connection = new Connection(role, this, {
      lendsPings: true,
      limits,
      bytes: nodeByteOperations,
      ...(account && { account }),
      ...(codec && { codec }),
      ...(behavior && { behavior }),
    });
    this.#output = new StreamOutput(this.transport, this.#connection, {
      watcher: this,
      limits: options,
    });
  }

  /**
   * Starts reading.
   *
   * @param head the bytes after the handshake; ownership is transferred
   */
  start(head: Uint8Array): void {
    this.#onTransport("start");
    this.transport.start(this, head);
    this.#applyPause();
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get remoteAddress(): string | undefined {
    return this.transport.remoteAddress;
  }

  /** See `StreamOutput.bufferedBytes`. */
  get bufferedBytes(): number {
    return this.#output.bufferedBytes;
  }

  /** Returns whether anything was received since the last call; true if nothing is being read. */
  consumeActivity(): boolean {
    const heard = this.#hasHeard || this.#pauses !== 0;
    this.#hasHeard = false;
    return heard;
  }

  /** Sets the limits from the next frame header on. */
  set limits(limits: ConnectionLimits) {
    this.#connection.limits = limits;
  }

  /**
   * Fails the connection if an unfinished message grew by less than `leastBytes` since the last
   * call.
   *
   * @param intervalMs how often it is called
   */
  requireProgress(leastBytes: number, intervalMs: number): void {
    if (this.#connection.hasStalled(leastBytes)) this.#connection.fail(messageTimeout(intervalMs));
  }

  /** Called when other clients need the memory that this connection holds. */
  onEvicted(): void {
    const { bufferedBytes } = this;
    if (this.isOpen) this.#connection.fail(overShare(bufferedBytes));
    // A peer that does not read would keep its buffers until it is cut off.
    if (bufferedBytes > 0) this.terminate();
  }

  /** @param compress whether it may be compressed, if that was agreed */
  sendText(text: string, compress?: boolean): number {
    return this.#connection.sendText(text, compress);
  }

  /** @param payload belongs to the caller again after the call */
  sendBinary(payload: Uint8Array, compress?: boolean): void {
    if (this.#isCopiedOnce(payload)) {
      this.#connection.sendBinary(ownCopy(payload), compress, true);
      this.#writeCopy();
    } else this.#connection.sendBinary(payload, compress);
  }

  /** See `Connection.sendUtf8`. */
  sendUtf8(payload: Uint8Array, compress?: boolean): void {
    if (this.#isCopiedOnce(payload)) {
      this.#connection.sendUtf8(ownCopy(payload), compress, true);
      this.#writeCopy();
    } else this.#connection.sendUtf8(payload, compress);
  }

  /**
   * Immediately, because the kernel usually takes everything, and then the copy's memory can be
   * reused.
   */
  #writeCopy(): void {
    this.#output.flush();
    if (this.bufferedBytes > 0) keepCopy();
  }

  /**
   * Not for a client, which masks every payload with a new key; shorter payloads go into a block.
   */
  #isCopiedOnce(payload: Uint8Array): boolean {
    return this.#options.role === "server" && payload.length >= COPIED_ONCE_BYTES;
  }

  /** @param frames not copied, unless an early change of their memory could crash the process */
  sendFrames(frames: Uint8Array): void {
    const isCopied = this.transport.readsInProcess && isUint8Array(frames);
    this.#connection.sendFrames(isCopied ? Buffer.from(frames) : frames);
  }

  sendPing(payload: Uint8Array): void {
    this.#connection.sendPing(payload);
  }

  sendPong(payload: Uint8Array): void {
    this.#connection.sendPong(payload);
  }

  /** Starts the closing handshake; the peer has `closeTimeoutMs` to finish it. */
  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason);
    // Reading resumes, because otherwise this end would never see the peer's Close frame, and a
    // peer that waits to be read might never see this end's.
    this.#pauses &= ~Pause.Owner;
    this.#applyPause();
    this.startCloseTimer();
    this.#notifyClosing();
  }

  /** Cuts the transport in `closeTimeoutMs`, unless it has ended by then. */
  startCloseTimer(): void {
    const { wheel, closeTimeoutMs } = this.#options;
    this.#endingNow.timer ??= wheel.after(closeTimeoutMs, () => this.transport.cut());
  }

  /**
   * Ends this half of the transport without a Close frame; the peer has `closeTimeoutMs` for its
   * own half.
   */
  abandon(): void {
    this.#output.flush();
    this.transport.end();
    this.startCloseTimer();
    this.#notifyClosing();
  }

  /** Ends the transport immediately, without a closing handshake. */
  terminate(error?: LongwireError): void {
    this.#failWith(error);
    // The rest of the current chunk must not be delivered either.
    this.#connection.transportEnded();
    this.transport.cut();
    this.#onTransport("terminate");
  }

  /** Stops reading and delivering until `resume` is called. */
  pause(): void {
    this.#pauses |= Pause.Owner;
    this.#applyPause();
  }

  resume(): void {
    this.#pauses &= ~Pause.Owner;
    this.#applyPause();
  }

  /** Writes all waiting output. */
  flush(): void {
    this.#output.flush();
  }

  /** Ensures that `onDrain` is called once nothing is buffered. */
  watchDrain(): void {
    this.#output.watchDrain();
  }

  onText(source: Uint8Array, start: number, end: number, ascii: boolean, lent: boolean): void {
    const handler = this.#handler;
    if (handler.onTextBytes !== undefined) {
      handler.onTextBytes(rangeOf(source, start, end), lent);
    } else {
      const text = this.#decoded(source, start, end, ascii);
      if (text === undefined) return;
      handler.onText(text);
    }
    if (this.#options.oneTaskPerMessage) this.flushMicrotasks();
    else this.#countWork(end - start);
  }

  onBinary(source: Uint8Array, start: number, end: number, lent: boolean): void {
    this.#handler.onBinary(rangeOf(source, start, end), lent);
    if (this.#options.oneTaskPerMessage) this.flushMicrotasks();
    else this.#countWork(end - start);
  }

  onFragmentEnd(bytes: number): void {
    this.#handler.onFragmentEnd?.(bytes);
    this.#countWork(0);
  }

  onPing(payload: Uint8Array): void {
    this.#handler.onPing(payload);
    this.#countWork(0);
  }

  onPong(payload: Uint8Array): void {
    this.#handler.onPong(payload);
    this.#countWork(0);
  }

  /** A connection with much input must not hold up the others. */
  #countWork(payloadBytes: number): void {
    // As a client, this process asked for the data itself, so it does not have to wait for its
    // server's peers.
    if (this.#options.role === "client") return;
    if (!isTurnSpent(payloadBytes) || (this.#pauses & Pause.Turn) !== 0) return;
    this.#pauses |= Pause.Turn;
    this.#connection.pause();
    waitForTurn(this, this.account?.payer);
  }

  onNextTurn(): void {
    this.#pauses &= ~Pause.Turn;
    this.#applyPause();
  }

  onPeerClose(code: number, reason: string, reasonBytes: Uint8Array): void {
    this.#endingNow.peerClose = { code, reason };
    this.#handler.onPeerClose?.(reasonBytes);
    this.startCloseTimer();
    this.#notifyClosing();
  }

  onFailing(error: ProtocolError): void {
    this.#handler.onFailing?.(error);
  }

  onFailed(error: ProtocolError): void {
    this.#failWith(error);
    this.#handler.onFailed?.(error);
    this.#notifyClosing();
  }

  onOutput(): void {
    if (!this.#isReadingChunk) flushLater(this.#output);
  }

  onReady(): void {
    this.#applyPause();
  }

  onFinished(): void {
    this.#output.flush();
    // The server ends the transport, so that it holds TIME_WAIT and not the client. A client that
    // has failed the connection does not wait either. (RFC 6455 §7.1.1)
    const { role, clientEnds = false } = this.#options;
    if (role === "server" || clientEnds || this.#ending?.peerClose === undefined)
      this.transport.end();
    // Later input is read and dropped, because unread data would make the kernel send a reset, and
    // the peer could lose the Close frame.
    this.#applyPause();
    this.startCloseTimer();
    this.#onTransport("delivered");
  }

  onTooMuch(): void {
    if ((this.#pauses & Pause.Output) !== 0) return;
    this.#pauses |= Pause.Output;
    this.#applyPause();
    this.#output.watchDrain();
  }

  onWriteFailed(cause: unknown): void {
    const text = cause instanceof Error ? cause.message : String(cause);
    const message = `Writing to the connection failed (${text}); reconnect.`;
    this.terminate(new LongwireError("connection_lost", message, { cause }));
  }

  onMemoryGone(): void {
    const message =
      "Frames passed to sendFrames were transferred or resized before they were written; do not change them until drained() resolves.";
    this.terminate(new LongwireError("memory_gone", message));
  }

  onOverShare(bufferedBytes: number): void {
    const message = `The peer has ${bufferedBytes} unsent bytes and its share of memory is used up, because it does not read fast enough.`;
    this.terminate(new LongwireError("too_slow", message));
  }

  onDrained(): void {
    if ((this.#pauses & Pause.Output) !== 0) {
      this.#pauses &= ~Pause.Output;
      this.#applyPause();
    }
    this.#handler.onDrain();
  }

  /**
   * A text that is too long for a string fails the connection, because an exception here would end
   * the process.
   */
  #decoded(source: Uint8Array, start: number, end: number, ascii: boolean): string | undefined {
    try {
      return decodeText(source, start, end, ascii);
    } catch {
      const size = end - start;
      const message = `The text has ${size} bytes, more than a string can hold; send shorter texts, or lower maxMessageBytes.`;
      const facts = { message, size, limit: constants.MAX_STRING_LENGTH };
      this.#connection.fail(new LimitError("message_too_big", CloseCode.MessageTooBig, facts));
      return undefined;
    }
  }

  onChunk(chunk: Uint8Array, length: number, lent: boolean): void {
    this.#hasHeard = true;
    this.#isReadingChunk = true;
    this.#connection.receive(chunk, length, lent);
    this.#isReadingChunk = false;
    this.#output.flush();
    if (this.#connection.isPaused && !this.#isSettling) this.transport.pause();
  }

  get room(): Uint8Array | undefined {
    return this.#connection.room;
  }

  onWritten(): void {
    this.#output.drained();
  }

  onEnd(): void {
    this.#onTransport("end");
  }

  onError(error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    const message = `The connection was lost (${error.message}); reconnect.`;
    const cause = code === undefined ? error : Object.assign(error, { code });
    if (this.#ending?.error !== undefined) return;
    this.#failWith(withoutStack(() => new LongwireError("connection_lost", message, { cause })));
  }

  onGone(): void {
    this.#onTransport("gone");
  }

  /**
   * Holds delivery until all pending microtasks have run. A tick that is scheduled in a microtask
   * runs after all of them and before any I/O, so the stream itself need not be paused.
   */
  flushMicrotasks(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.#connection.pause();
    queueMicrotask(() => process.nextTick(goOn, this));
  }

  /** A static function, so that no closure is needed per message. */
  static {
    goOn = (connection) => {
      connection.#isSettling = false;
      connection.#applyPause();
    };
  }

  #applyPause(): void {
    if (this.#transportState === "waiting") {
      // The stream is not resumed before it has a listener, because its data would be lost.
      if (this.#isPaused) this.#connection.pause();
      else this.#connection.resume();
      return;
    }
    if (this.#isPaused) {
      this.#connection.pause();
      this.transport.pause();
      return;
    }
    if (this.#isSettling) return;
    const wasReading = this.#isReadingChunk;
    this.#isReadingChunk = true;
    this.#connection.resume();
    this.#isReadingChunk = wasReading;
    if (!wasReading) this.#output.flush();
    if (this.#connection.isPaused) return;
    if (this.transport.isPaused) this.transport.resume();
    this.#onTransport("delivered");
  }

  get #isPaused(): boolean {
    const { state } = this.#connection;
    const isOver = state === "finished" || state === "failed";
    return this.#pauses !== 0 && !isOver;
  }

  #onTransport(event: TransportEvent): void {
    const before = this.#transportState;
    // By far the most common case: nothing has ended.
    if (event === "delivered" && before === "up") return;
    const [state, effect] = nextTransportState(before, event, this.#isHeldAt(event));
    this.#transportState = state;
    if (effect === "end") this.#endTransport();
    else if (effect === "deliver") this.#deliverHeld();
    else if (effect === "report") this.#report();
  }

  /**
   * Whether data must be delivered before the transport's end takes effect. While the receiver is
   * paused, the end waits, as a Close frame would. It waits even if nothing is held, because the
   * receiver may be handling a message, or have more to send. Once the transport is gone, nothing
   * can be sent any more.
   */
  #isHeldAt(event: TransportEvent): boolean {
    const { isHolding, state, pendingBytes } = this.#connection;
    if (isHolding || event === "gone" || this.#transportState === "gone") return isHolding;
    // After a Close frame, messages that are still being compressed are written before the reply.
    return this.#isPaused || (state === "finished" && pendingBytes > 0);
  }

  /** The peer's half has ended and everything is delivered, so this half ends, too. */
  #endTransport(): void {
    this.#output.flush();
    this.transport.end();
    // Not cut, because over HTTP/2 that would drop the last writes.
    if (this.#connection.state !== "finished") this.transport.destroy();
  }

  /** The transport is gone, so output cannot delay delivery any more; only the receiver can. */
  #deliverHeld(): void {
    this.#pauses &= ~Pause.Output;
    this.#applyPause();
  }

  #report(): void {
    const ending = this.#endingNow;
    ending.timer?.cancel();
    const wasClean = this.#connection.state === "finished";
    this.#connection.transportEnded();
    this.#notifyClosing();
    const { code, reason } = ending.peerClose ?? { code: CloseCode.Abnormal, reason: "" };
    this.#handler.onClosed({ code, reason, wasClean, error: ending.error });
  }

  get #endingNow(): Ending {
    return (this.#ending ??= { isNotified: false });
  }

  /** Only the first error is kept, because later ones are its consequences. */
  #failWith(error: LongwireError | undefined): void {
    if (error !== undefined) this.#endingNow.error ??= error;
  }

  #notifyClosing(): void {
    const ending = this.#endingNow;
    if (ending.isNotified) return;
    ending.isNotified = true;
    this.#handler.onClosing();
  }
}

function rangeOf(source: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === source.length ? source : source.subarray(start, end);
}
