import {
  LongwireError,
  webByteOperations,
  type ByteOperations,
  type MemoryAccount,
} from "../base/index.ts";
import { decodeClose, encodeClose } from "./messages/close-payload.ts";
import type { MessageCodec } from "./deflate/message-codec.ts";
import { MAX_CONTROL_BYTES } from "./frames/frame-header.ts";
import { defaultConnectionLimits, type ConnectionLimits } from "./limits.ts";
import { MessageReader, type MessageSink } from "./messages/message-reader.ts";
import { overShare } from "./messages/message-violations.ts";
import { MessageWriter, type WriterSink } from "./messages/message-writer.ts";
import { Opcode } from "./frames/opcode.ts";
import { Outgoing } from "./messages/outgoing.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Role } from "./role.ts";

/** What a connection tells its owner. It is called from `receive` and from the sending methods. */
export interface ConnectionHandler {
  /**
   * A text message: `source` from `start` to `end`, valid UTF-8 unless `checksText` is off.
   *
   * @param ascii whether it is all ASCII, so that it can be decoded as Latin-1
   * @param lent as for a binary message
   */
  onText(source: Uint8Array, start: number, end: number, ascii: boolean, lent: boolean): void;
  /**
   * A binary message: `source` from `start` to `end`.
   *
   * @param lent true when the bytes are good only until the call returns, false when they may be
   *   kept
   */
  onBinary(source: Uint8Array, start: number, end: number, lent: boolean): void;
  /** A fragment of a message has come whole, up to `bytes` of it, and is not its last. */
  onFragmentEnd?(bytes: number): void;
  /** A ping came; the pong is on its way, unless `answersPings` is off. The payload may be kept. */
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** The peer's Close frame came; 1005 and no reason when it was empty. Its bytes may be kept. */
  onPeerClose(code: number, reason: string, reasonBytes: Uint8Array): void;
  /**
   * The peer is about to be failed with `error`. What is sent now still goes out, a Close frame with
   * another code among it.
   */
  onFailing?(error: ProtocolError): void;
  /** The peer broke the protocol or a limit; a Close frame with the error's code is on its way. */
  onFailed(error: ProtocolError): void;
  /** There are bytes in `outgoing`, which was empty. */
  onOutput(): void;
  /** A message that was being inflated is there: `resume` delivers it, and what waits behind it. */
  onReady(): void;
  /**
   * Nothing more will be sent or read: the closing handshake is complete, or the connection has
   * failed. The server closes the transport, the client waits a while for it. (RFC 6455 §7.1.1)
   */
  onFinished(): void;
}

export interface ConnectionOptions {
  limits?: ConnectionLimits;
  bytes?: ByteOperations;
  /** Pays for what the peer's unfinished messages hold, and for what waits to be delivered. */
  account?: MemoryAccount;
  /** What compresses and inflates, when permessage-deflate was agreed. (RFC 7692) */
  codec?: MessageCodec;
  behavior?: ConnectionBehavior;
}

/** What an owner may do in another way than RFC 6455 recommends. */
export interface ConnectionBehavior {
  /** Whether pings are answered here; if not, the owner owes the pong. Default true. (§5.5.2) */
  answersPings?: boolean | undefined;
  /** Whether text and close reasons must be UTF-8. Default true. (§8.1) */
  checksText?: boolean | undefined;
  /** Returns a masking key as one integer, network order. Default 32 random bits. (§5.3) */
  maskingKey?: (() => number) | undefined;
  /**
   * How many pieces a frame may come in before it is refused with 1008. Default any number: what has
   * come is joined, so that a piece costs no memory of its own.
   */
  maxFramePieces?: number | undefined;
}

/**
 * `open`; `close-sent`: we began to close and await the peer's Close frame; `finished`: Close
 * frames went both ways; `failed`: the peer broke the protocol.
 */
export type ConnectionState = "open" | "close-sent" | "finished" | "failed";

/**
 * One end of a WebSocket connection after its handshake, without I/O.
 *
 * It is fed what the transport read, through `receive`, and told what to send; it calls its
 * handler with messages and leaves the bytes to write in `outgoing`. (RFC 6455 §5–§7)
 */
export class Connection implements MessageSink, WriterSink {
  readonly outgoing: Outgoing;
  readonly #handler: ConnectionHandler;
  readonly #writer: MessageWriter;
  readonly #reader: MessageReader;
  readonly #codec: MessageCodec | undefined;
  readonly #behavior: ConnectionBehavior;
  #state: ConnectionState = "open";
  #paused = false;
  #reading = false;
  /** Chunks that came while nothing could be delivered, in order; never an empty array. */
  #held: Uint8Array[] | undefined;
  #fragmenting: "text" | "binary" | undefined;

  constructor(role: Role, handler: ConnectionHandler, options: ConnectionOptions = {}) {
    const bytes = options.bytes ?? webByteOperations;
    const limits = options.limits ?? defaultConnectionLimits;
    const { account, codec, behavior = RECOMMENDED } = options;
    this.#handler = handler;
    this.#codec = codec;
    this.#behavior = behavior;
    this.outgoing = new Outgoing(bytes);
    const { outgoing } = this;
    const { maskingKey, checksText = true, maxFramePieces = Infinity } = behavior;
    this.#writer = new MessageWriter(
      { role, bytes, outgoing, deflater: codec?.deflater, maskingKey },
      this,
    );
    this.#reader = new MessageReader(
      { role, limits, bytes, account, inflater: codec?.inflater, checksText, maxFramePieces },
      this,
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether messages may be sent. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether something that was received has not been delivered. */
  get isHolding(): boolean {
    return this.#held !== undefined || this.#reader.isInflating;
  }

  /** Whether nothing is delivered now: it was paused, or a message is being inflated. */
  get isPaused(): boolean {
    return this.#paused || this.#reader.isInflating;
  }

  /** Payload bytes that were sent and are not in `outgoing` yet: they are being compressed. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  /**
   * Where the transport may read the next bytes to, to give them to `receive` from there: the rest of
   * a long message is not copied then. `undefined` for anywhere.
   */
  get room(): Uint8Array | undefined {
    return this.#isReading && !this.#paused && !this.isHolding ? this.#reader.room : undefined;
  }

  /**
   * Takes what the transport read.
   *
   * @param chunk given away: payloads are unmasked in place
   * @param length how much of it was read
   * @param lent whether it is given away only until the call returns; what waits then is copied
   * @throws never for what a peer sent: that ends in `handler.onFailed(error)`
   */
  receive(chunk: Uint8Array, length: number = chunk.length, lent = false): void {
    if (!this.#isReading) return;
    if (this.isHolding || this.#paused || this.#reading) {
      this.#hold(kept(chunk, 0, length, lent), "last");
    } else {
      this.#read(chunk, length, lent);
    }
  }

  /** What later messages are held against, from the next frame's header on. */
  set limits(limits: ConnectionLimits) {
    this.#reader.limits = limits;
  }

  /** Whether an unfinished message grew by fewer than `leastBytes` since this was last asked. */
  hasStalled(leastBytes: number): boolean {
    return !this.#paused && this.#isReading && this.#reader.hasStalled(leastBytes);
  }

  /** Delivers nothing more until `resume`; takes effect after the message being delivered. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // Inside a delivery the loop that called it goes on by itself.
    if (!this.#reading && this.#isReading) this.#readHeld();
  }

  /**
   * Sends a text message and returns its length in bytes. Lone surrogates become U+FFFD.
   *
   * @param compress whether it may be compressed, where that was agreed
   */
  sendText(text: string, compress = true): number {
    this.#requireSendable();
    return this.#writer.text(text, compress);
  }

  /**
   * Sends a binary message.
   *
   * @param given whether `payload` is given away, to be sent by reference where that is faster;
   *   left out, it is copied before the call returns
   */
  sendBinary(payload: Uint8Array, compress = true, given = false): void {
    this.#requireSendable();
    requireBytes(payload);
    this.#writer.bytes(Opcode.Binary, payload, { compress, given });
  }

  /**
   * Sends a text message that is encoded already, as `sendBinary` does.
   *
   * @param payload UTF-8; of anything else the peer fails the connection
   * @param given as for `sendBinary`
   */
  sendUtf8(payload: Uint8Array, compress = true, given = false): void {
    this.#requireSendable();
    requireBytes(payload);
    this.#writer.bytes(Opcode.Text, payload, { compress, given });
  }

  /**
   * Sends one piece of a message in fragments; control frames may go between them.
   * (RFC 6455 §5.4)
   *
   * @param kind of the message; the same for all its pieces
   */
  sendFragment(kind: "text" | "binary", payload: Uint8Array, isLast: boolean): void {
    this.#requireOpen();
    requireBytes(payload);
    if (this.#fragmenting !== undefined && this.#fragmenting !== kind) {
      const message = `The message in fragments is ${this.#fragmenting}; give its next piece as the same kind.`;
      throw new LongwireError("mixed_message", message);
    }
    const first = kind === "text" ? Opcode.Text : Opcode.Binary;
    const opcode = this.#fragmenting === undefined ? first : Opcode.Continuation;
    this.#fragmenting = isLast ? undefined : kind;
    this.#frame(opcode, isLast, payload);
  }

  /** Sends bytes that are already frames of this role, by reference. */
  sendFrames(frames: Uint8Array): void {
    this.#requireSendable();
    requireBytes(frames);
    if (frames.length > 0) this.#writer.frames(frames);
  }

  /** @param payload at most 125 bytes */
  sendPing(payload: Uint8Array): void {
    this.#sendControl(Opcode.Ping, payload);
  }

  /** Sends an unsolicited pong. (RFC 6455 §5.5.3) */
  sendPong(payload: Uint8Array): void {
    this.#sendControl(Opcode.Pong, payload);
  }

  /**
   * Begins the closing handshake; does nothing if it has begun. (RFC 6455 §7.1.2)
   *
   * @param code left out, the Close frame is empty and the peer sees 1005
   * @param reason at most 123 bytes of UTF-8
   * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
   */
  close(code?: number, reason = ""): void {
    const payload = encodeClose(code, reason);
    if (this.#state !== "open") return;
    this.#state = "close-sent";
    this.#frame(Opcode.Close, true, payload);
  }

  /** Says that the transport ended; frees what an unfinished message held. */
  transportEnded(): void {
    const isCut = this.#isReading || this.#writer.pendingBytes > 0;
    if (isCut) this.#state = "failed";
    this.#release();
  }

  onTextMessage(
    source: Uint8Array,
    start: number,
    end: number,
    ascii: boolean,
    lent: boolean,
  ): boolean {
    this.#handler.onText(source, start, end, ascii, lent);
    return this.#goesOn;
  }

  onBinaryMessage(source: Uint8Array, start: number, end: number, lent: boolean): boolean {
    this.#handler.onBinary(source, start, end, lent);
    return this.#goesOn;
  }

  onFragmentEnd(bytes: number): void {
    this.#handler.onFragmentEnd?.(bytes);
  }

  onControlFrame(opcode: Opcode, payload: Uint8Array): boolean {
    if (opcode === Opcode.Close) {
      this.#receiveClose(payload);
      return false;
    }
    if (opcode === Opcode.Pong) {
      this.#handler.onPong(payload);
    } else {
      const answers = this.#behavior.answersPings !== false && this.#state === "open";
      if (answers) this.#frame(Opcode.Pong, true, payload);
      this.#handler.onPing(payload);
    }
    return this.#goesOn;
  }

  onOutput(): void {
    this.#handler.onOutput();
  }

  /** All that was sent has been compressed and written. */
  onIdle(): void {
    this.#finishIfClosed();
  }

  onMessageReady(): void {
    this.#handler.onReady();
  }

  onViolation(error: ProtocolError): void {
    this.fail(error);
  }

  /** Fails the connection: Close with the error's code, then nothing. (RFC 6455 §7.1.7) */
  fail(error: ProtocolError): void {
    if (this.#state === "open") this.#handler.onFailing?.(error);
    const owesClose = this.#owesClose;
    this.#state = "failed";
    this.#release();
    if (owesClose) this.#frame(Opcode.Close, true, encodeClose(error.closeCode, ""));
    this.#handler.onFailed(error);
    this.#handler.onFinished();
  }

  get #isReading(): boolean {
    return this.#state === "open" || this.#state === "close-sent";
  }

  get #goesOn(): boolean {
    return !this.isPaused && this.#isReading;
  }

  /** Our Close frame may be waiting behind a message that is being compressed. */
  get #owesClose(): boolean {
    return this.#state === "open" || this.#writer.isHoldingClose;
  }

  /** Reads a chunk, or goes on with what is held, until nothing is left or delivery stops. */
  #read(chunk: Uint8Array | undefined, length: number, lent: boolean): void {
    this.#reading = true;
    let returned = false;
    try {
      if (chunk !== undefined) this.#readChunk(chunk, length, lent);
      if (chunk !== undefined || this.#reader.deliverInflated()) {
        let next = this.#takeHeld();
        for (; next !== undefined; next = this.#takeHeld()) {
          this.#readChunk(next, next.length, false);
        }
      }
      returned = true;
    } finally {
      this.#reading = false;
      // A handler threw in the middle of a chunk: what follows could not be told from payload.
      if (!returned) this.transportEnded();
    }
  }

  #readChunk(chunk: Uint8Array, length: number, lent: boolean): void {
    const done = this.#reader.read(chunk, length);
    if (done === length || !this.#isReading) return;
    this.#hold(kept(chunk, done, length, lent), "first");
  }

  /** Keeps what cannot be delivered now; the peer pays for it. */
  #hold(chunk: Uint8Array, place: "first" | "last"): void {
    if (this.#reader.account?.charge(chunk.length) === false)
      return this.fail(overShare(chunk.length));
    const held = (this.#held ??= []);
    if (place === "first") held.unshift(chunk);
    else held.push(chunk);
  }

  #dropHeld(): void {
    for (const chunk of this.#held ?? []) this.#reader.account?.refund(chunk.length);
    this.#held = undefined;
  }

  /** The next chunk that waits, if reading goes on. */
  #takeHeld(): Uint8Array | undefined {
    if (this.#held === undefined || !this.#goesOn) return undefined;
    const next = this.#held.shift()!;
    this.#reader.account?.refund(next.length);
    if (this.#held.length === 0) this.#held = undefined;
    return next;
  }

  /** Only what is ready: while a message is being inflated all stays where it is. */
  #readHeld(): void {
    if (this.isHolding) this.#read(undefined, 0, false);
  }

  #receiveClose(payload: Uint8Array): void {
    const close = decodeClose(payload, this.#behavior.checksText !== false);
    if (close instanceof ProtocolError) return this.onViolation(close);
    const wasOpen = this.#state === "open";
    this.#state = "finished";
    this.#dropHeld();
    this.#reader.discard();
    // The answer repeats what came, and goes behind what was sent before it. (RFC 6455 §5.5.1)
    if (wasOpen) this.#frame(Opcode.Close, true, payload);
    this.#handler.onPeerClose(close.code, close.reason, close.reasonBytes);
    if (this.#writer.pendingBytes === 0) this.#finishIfClosed();
  }

  #finishIfClosed(): void {
    if (this.#state !== "finished") return;
    this.#codec?.close();
    this.#handler.onFinished();
  }

  #release(): void {
    this.#dropHeld();
    this.#reader.discard();
    this.#writer.discard();
    this.#codec?.close();
  }

  #sendControl(opcode: Opcode, payload: Uint8Array): void {
    this.#requireOpen();
    requireBytes(payload);
    if (payload.length > MAX_CONTROL_BYTES) {
      const message = `The control payload has ${payload.length} bytes; give at most ${MAX_CONTROL_BYTES}.`;
      throw new LongwireError("long_control", message);
    }
    this.#frame(opcode, true, payload);
  }

  #frame(opcode: Opcode, fin: boolean, payload: Uint8Array): void {
    this.#writer.frame({ opcode, fin, reservedBits: 0 }, payload);
  }

  #requireOpen(): void {
    if (this.#state === "open") return;
    const message = `The connection is ${this.#state}, not open; check isOpen before sending.`;
    throw new LongwireError("not_open", message);
  }

  /** A whole message may not go between the fragments of another. (RFC 6455 §5.4) */
  #requireSendable(): void {
    this.#requireOpen();
    if (this.#fragmenting === undefined) return;
    const message = "A message in fragments is not finished; send its last fragment first.";
    throw new LongwireError("unfinished_message", message);
  }
}

const RECOMMENDED: ConnectionBehavior = {};

function kept(chunk: Uint8Array, start: number, end: number, lent: boolean): Uint8Array {
  const part = chunk.subarray(start, end);
  return lent ? new Uint8Array(part) : part;
}

/** What tells an array's length whatever the array says itself. */
const ownLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "length",
)!;

/**
 * Anything else has no length or another one than its bytes, also an array that says another than
 * it has: memory that nobody wrote would go out for the difference. (CVE-2016-10518)
 */
function requireBytes(payload: unknown): asserts payload is Uint8Array {
  if (payload instanceof Uint8Array && payload.length === ownLength.get!.call(payload)) return;
  throw new LongwireError(
    "invalid_payload",
    `The payload is of type ${typeof payload}; give a Uint8Array.`,
  );
}
