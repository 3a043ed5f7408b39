import { constants } from "node:buffer";
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

/** What happens on a connection, for whoever owns it. */
export interface StreamConnectionHandler {
  onText(text: string): void;
  /** Where it is there, texts come here as their UTF-8, and none to `onText`. */
  onTextBytes?(bytes: Uint8Array, lent: boolean): void;
  /** @param lent whether the bytes are good only until the call returns */
  onBinary(bytes: Uint8Array, lent: boolean): void;
  /** See `ConnectionHandler`. */
  onFragmentEnd?(bytes: number): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** The closing handshake has begun, by either end, or the connection failed. */
  onClosing(): void;
  /** The peer's Close frame came, with its reason as it was; `onClosing` follows, or has been. */
  onPeerClose?(reasonBytes: Uint8Array): void;
  /** See `ConnectionHandler`. */
  onFailing?(error: ProtocolError): void;
  /** The peer broke the protocol or a limit; `onClosing` follows, or has been. */
  onFailed?(error: ProtocolError): void;
  /** The transport is gone; the last call. */
  onClosed(closure: Closure): void;
  /** All that was buffered has gone to the operating system, after it had not at once. */
  onDrain(): void;
}

export interface StreamConnectionOptions {
  role: Role;
  limits: ConnectionLimits;
  wheel: TimerWheel;
  /** How long the peer may take to finish closing, in milliseconds. */
  closeTimeoutMs: number;
  /** From how many bytes waiting to be sent on nothing more is read from the peer. */
  stopReadingBytes: number;
  /**
   * Whether promises may settle between two messages, as between the tasks of a page. Without it
   * all messages of one chunk are delivered in one go.
   */
  oneTaskPerMessage: boolean;
  /**
   * Whether a client, too, ends the transport once Close frames went both ways, and does not wait
   * for the server. Default false. (RFC 6455 §7.1.1)
   */
  clientEnds?: boolean;
  behavior?: ConnectionBehavior;
}

/** What a connection is given beside its transport and its options. */
export interface ConnectionMeans {
  /** What compresses its messages, when that was agreed; it is closed with it. */
  codec?: MessageCodec | undefined;
  /** Pays for what it holds: unfinished messages, what waits to be delivered, and unsent output. */
  account?: PayingAccount | undefined;
}

export interface PayingAccount extends MemoryAccount {
  readonly payer?: Payer | undefined;
}

/** From this length a server's payload has a copy of its own, which many peers may be sent. */
const COPIED_ONCE_BYTES = 32 * 1024;

/** What is known of a connection's end. An open connection has none of it, and does not pay for it. */
interface Ending {
  /** Whether the handler knows. */
  isNotified: boolean;
  /** The peer's Close frame. */
  peerClose?: { code: number; reason: string };
  error?: LongwireError | undefined;
  /** Cuts the transport when the peer takes too long. */
  timer?: Timer;
}

let goOn: (connection: StreamConnection) => void;

/**
 * Drives a protocol connection over a transport.
 *
 * What is sent while one chunk is read leaves in one write at its end; what is sent otherwise, at
 * the end of the turn.
 */
export class StreamConnection
  implements ConnectionHandler, OutputWatcher, TransportOwner, TurnWaiter
{
  readonly transport: Transport;
  readonly #connection: Connection;
  readonly #output: StreamOutput;
  readonly #handler: StreamConnectionHandler;
  readonly #options: StreamConnectionOptions;
  /** Pays for what it holds; `undefined` where nobody counts. */
  readonly account: PayingAccount | undefined;
  #transportState: TransportState = "waiting";
  /** Why nothing is read, as bits of `Pause`; 0 while it is. */
  #pauses = 0;
  /** Whether promises may settle before the next message. */
  #isSettling = false;
  /** Whether a chunk is being read: what is sent meanwhile leaves in one write at its end. */
  #isReadingChunk = false;
  /** Whether anything came from the peer since `consumeActivity`. */
  #hasHeard = true;
  #ending: Ending | undefined;

  /**
   * @param transport of which it is the only user
   */
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
   * @param head bytes that came behind the handshake; given away
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

  /** Whether anything came from the peer since this was last asked, or nothing is being read. */
  consumeActivity(): boolean {
    const heard = this.#hasHeard || this.#pauses !== 0;
    this.#hasHeard = false;
    return heard;
  }

  /** What later messages are held against, from the next frame's header on. */
  set limits(limits: ConnectionLimits) {
    this.#connection.limits = limits;
  }

  /**
   * Fails the connection if an unfinished message grew by fewer than `leastBytes` since this was
   * last called.
   *
   * @param intervalMs how often it is called
   */
  requireProgress(leastBytes: number, intervalMs: number): void {
    if (this.#connection.hasStalled(leastBytes)) this.#connection.fail(messageTimeout(intervalMs));
  }

  /** Others need the memory that this connection holds. */
  onEvicted(): void {
    const { bufferedBytes } = this;
    if (this.isOpen) this.#connection.fail(overShare(bufferedBytes));
    // A peer that does not read would hold what it has until it is cut.
    if (bufferedBytes > 0) this.terminate();
  }

  /** @param compress whether it may be compressed, where that was agreed */
  sendText(text: string, compress?: boolean): number {
    return this.#connection.sendText(text, compress);
  }

  /** @param payload the caller's again when this returns */
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

  /** At once, since mostly the kernel takes it all and the copy's memory can serve again. */
  #writeCopy(): void {
    this.#output.flush();
    if (this.bufferedBytes > 0) keepCopy();
  }

  /** A client masks what it sends, with another key each time; shorter payloads go into a block. */
  #isCopiedOnce(payload: Uint8Array): boolean {
    return this.#options.role === "server" && payload.length >= COPIED_ONCE_BYTES;
  }

  sendFrames(frames: Uint8Array): void {
    this.#connection.sendFrames(frames);
  }

  sendPing(payload: Uint8Array): void {
    this.#connection.sendPing(payload);
  }

  sendPong(payload: Uint8Array): void {
    this.#connection.sendPong(payload);
  }

  /** Begins the closing handshake; the peer has `closeTimeoutMs` to finish it. */
  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason);
    // A peer that does not read never sees our Close frame, and one that we do not read never
    // shows us its own.
    this.#pauses &= ~Pause.Owner;
    this.#applyPause();
    this.#startCloseTimer();
    this.#notifyClosing();
  }

  /** Ends our half of the transport without a Close frame; the peer has `closeTimeoutMs` for its own. */
  abandon(): void {
    this.#output.flush();
    this.transport.end();
    this.#startCloseTimer();
    this.#notifyClosing();
  }

  /** Ends the transport at once, without a closing handshake. */
  terminate(error?: LongwireError): void {
    this.#failWith(error);
    // Not only the stream: what is left of the present chunk is not delivered either.
    this.#connection.transportEnded();
    this.transport.cut();
    this.#onTransport("terminate");
  }

  /** Delivers and reads nothing more until `resume`. */
  pause(): void {
    this.#pauses |= Pause.Owner;
    this.#applyPause();
  }

  resume(): void {
    this.#pauses &= ~Pause.Owner;
    this.#applyPause();
  }

  /** Writes out what is waiting. */
  flush(): void {
    this.#output.flush();
  }

  /** Makes sure that `onDrain` is called once nothing is buffered. */
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

  /** One connection with much to say must not hold up the others. */
  #countWork(payloadBytes: number): void {
    // What this process asked for itself, as a client, takes no turn from its server's peers.
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
    this.#startCloseTimer();
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
    // The server ends the transport, so that it and not the client holds TIME_WAIT; a client that
    // has failed the connection does not wait either. (RFC 6455 §7.1.1)
    const { role, clientEnds = false } = this.#options;
    if (role === "server" || clientEnds || this.#ending?.peerClose === undefined)
      this.transport.end();
    // What still comes is read and dropped: unread data would make the kernel send a reset, and
    // the peer could lose our Close frame to it.
    this.#applyPause();
    this.#startCloseTimer();
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
    const message = `Writing to the connection failed: ${text}. Reconnect.`;
    this.terminate(new LongwireError("connection_lost", message, { cause }));
  }

  onMemoryGone(): void {
    const message =
      "Frames that were sent by reference were transferred or resized before they were written; leave them alone until drained() resolves.";
    this.terminate(new LongwireError("memory_gone", message));
  }

  onOverShare(bufferedBytes: number): void {
    const message = `The peer has ${bufferedBytes} unsent bytes, and its share of memory is used up; it does not read fast enough.`;
    this.terminate(new LongwireError("too_slow", message));
  }

  onDrained(): void {
    if ((this.#pauses & Pause.Output) !== 0) {
      this.#pauses &= ~Pause.Output;
      this.#applyPause();
    }
    this.#handler.onDrain();
  }

  /** What no string can hold fails the connection; anything thrown here would end the process. */
  #decoded(source: Uint8Array, start: number, end: number, ascii: boolean): string | undefined {
    try {
      return decodeText(source, start, end, ascii);
    } catch {
      const size = end - start;
      const message = `The text has ${size} bytes, more than a string can hold; send less or lower maxMessageBytes.`;
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
    const message = `The connection broke: ${error.message}. Reconnect.`;
    const cause = code === undefined ? error : Object.assign(error, { code });
    if (this.#ending?.error !== undefined) return;
    this.#failWith(withoutStack(() => new LongwireError("connection_lost", message, { cause })));
  }

  onGone(): void {
    this.#onTransport("gone");
  }

  /**
   * Holds delivery until every pending microtask has run. A tick that is asked for in a microtask
   * comes after all of them and before any I/O, so the stream itself need not be paused.
   */
  flushMicrotasks(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.#connection.pause();
    queueMicrotask(() => process.nextTick(goOn, this));
  }

  /** A function of its own, so that no message needs a closure for it. */
  static {
    goOn = (connection) => {
      connection.#isSettling = false;
      connection.#applyPause();
    };
  }

  #applyPause(): void {
    if (this.#transportState === "waiting") {
      // A stream that is resumed before somebody listens gives what it has read to nobody.
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
    // By far the most common: nothing has ended.
    if (event === "delivered" && before === "up") return;
    const [state, effect] = nextTransportState(before, event, this.#isHeldAt(event));
    this.#transportState = state;
    if (effect === "end") this.#endTransport();
    else if (effect === "deliver") this.#deliverHeld();
    else if (effect === "report") this.#report();
  }

  /**
   * Whether something has to be delivered before the transport's end counts. The end waits for the
   * receiver as a Close frame would, also where nothing is held: it may be busy with a message, or
   * have more to say. Once the transport is gone nothing can be said any more.
   */
  #isHeldAt(event: TransportEvent): boolean {
    const { isHolding, state, pendingBytes } = this.#connection;
    if (isHolding || event === "gone" || this.#transportState === "gone") return isHolding;
    // Where there was a Close frame, what was sent before the answer to it is written first, when it
    // is compressed.
    return this.#isPaused || (state === "finished" && pendingBytes > 0);
  }

  /** The peer's half is at its end: with nothing more to receive there is nothing to wait for. */
  #endTransport(): void {
    this.#output.flush();
    this.transport.end();
    // Not cut: over HTTP/2 that would drop what has just been written.
    if (this.#connection.state !== "finished") this.transport.destroy();
  }

  /** The transport is gone. Nothing more will be written, so only the receiver can delay delivery. */
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

  /** The first error is the reason; what follows from it is not. */
  #failWith(error: LongwireError | undefined): void {
    if (error !== undefined) this.#endingNow.error ??= error;
  }

  #startCloseTimer(): void {
    const { wheel, closeTimeoutMs } = this.#options;
    this.#endingNow.timer ??= wheel.after(closeTimeoutMs, () => this.transport.cut());
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
