import { LongwireError, webByteOperations } from "../base/index.ts";
import type { ConnectionHandler } from "./connection-handler.ts";
import type { ConnectionBehavior, ConnectionOptions } from "./connection-options.ts";
import { decodeClose, encodeClose } from "./messages/close-payload.ts";
import type { MessageCodec } from "./deflate/message-codec.ts";
import { MAX_CONTROL_BYTES } from "./frames/frame-header.ts";
import { defaultConnectionLimits, type ConnectionLimits } from "./limits.ts";
import { MessageReader, type MessageSink } from "./messages/message-reader.ts";
import { overShare } from "./messages/message-violations.ts";
import { MessageWriter, type WriterSink } from "./messages/message-writer.ts";
import { Opcode } from "./frames/opcode.ts";
import { OutgoingBlocks } from "./messages/outgoing-blocks.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Role } from "./role.ts";

/**
 * `open`; `close-sent`: this end started to close and awaits the peer's Close frame; `finished`:
 * both Close frames were exchanged; `failed`: the peer broke the protocol.
 */
export type ConnectionState = "open" | "close-sent" | "finished" | "failed";

/**
 * A connection, with the methods that its reader and writer call. Users see it as `Connection`. It
 * is one object with two types, because a second object for the internal calls would cost every
 * connection 40 bytes.
 */
export class ProtocolConnection implements MessageSink, WriterSink {
  readonly outgoing: OutgoingBlocks;
  readonly #handler: ConnectionHandler;
  readonly #writer: MessageWriter;
  readonly #reader: MessageReader;
  readonly #codec: MessageCodec | undefined;
  readonly #behavior: ConnectionBehavior;
  readonly #lendsPings: boolean;
  #state: ConnectionState = "open";
  #paused = false;
  #reading = false;
  /** Chunks that arrived while nothing could be delivered, in order; never an empty array. */
  #held: Uint8Array[] | undefined;
  #fragmenting: "text" | "binary" | undefined;
  /** If they are held, the payload of the latest ping that is not answered. */
  #pongs: "sent" | "held" | Uint8Array = "sent";

  constructor(role: Role, handler: ConnectionHandler, options: ConnectionOptions = {}) {
    const bytes = options.bytes ?? webByteOperations;
    const limits = options.limits ?? defaultConnectionLimits;
    const { account, codec, behavior = RECOMMENDED } = options;
    this.#handler = handler;
    this.#codec = codec;
    this.#behavior = behavior;
    this.#lendsPings = options.lendsPings === true;
    this.outgoing = new OutgoingBlocks(bytes);
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

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isHolding(): boolean {
    return this.#held !== undefined || this.#reader.isInflating;
  }

  get isPaused(): boolean {
    return this.#paused || this.#reader.isInflating;
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  get room(): Uint8Array | undefined {
    return this.#isReading && !this.#paused && !this.isHolding ? this.#reader.room : undefined;
  }

  receive(chunk: Uint8Array, length: number = chunk.length, lent = false): void {
    if (!this.#isReading) return;
    if (this.isHolding || this.#paused || this.#reading) {
      this.#hold(kept(chunk, 0, length, lent), "last");
    } else {
      this.#read(chunk, length, lent);
    }
  }

  set limits(limits: ConnectionLimits) {
    this.#reader.limits = limits;
  }

  hasStalled(leastBytes: number): boolean {
    return !this.#paused && this.#isReading && this.#reader.hasStalled(leastBytes);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // During a delivery, the loop that called the handler continues on its own.
    if (!this.#reading && this.#isReading) this.#readHeld();
  }

  sendText(text: string, compress = true): number {
    this.#requireSendable();
    return this.#writer.text(text, compress);
  }

  sendBinary(payload: Uint8Array, compress = true, given = false): void {
    this.#requireSendable();
    requireBytes(payload);
    this.#writer.bytes(Opcode.Binary, payload, { compress, given });
  }

  sendUtf8(payload: Uint8Array, compress = true, given = false): void {
    this.#requireSendable();
    requireBytes(payload);
    this.#writer.bytes(Opcode.Text, payload, { compress, given });
  }

  sendFragment(kind: "text" | "binary", payload: Uint8Array, isLast: boolean): void {
    this.#requireOpen();
    requireBytes(payload);
    if (this.#fragmenting !== undefined && this.#fragmenting !== kind) {
      const message = `The message in fragments is ${this.#fragmenting}; send its next fragment as the same kind.`;
      throw new LongwireError("mixed_message", message);
    }
    const first = kind === "text" ? Opcode.Text : Opcode.Binary;
    const opcode = this.#fragmenting === undefined ? first : Opcode.Continuation;
    this.#fragmenting = isLast ? undefined : kind;
    this.#frame(opcode, isLast, payload);
  }

  sendFrames(frames: Uint8Array): void {
    this.#requireSendable();
    requireBytes(frames);
    if (frames.length > 0) this.#writer.frames(frames);
  }

  sendPing(payload: Uint8Array): void {
    this.#sendControl(Opcode.Ping, payload);
  }

  sendPong(payload: Uint8Array): void {
    this.#sendControl(Opcode.Pong, payload);
  }

  get holdsPongs(): boolean {
    return this.#pongs !== "sent";
  }

  set holdsPongs(holds: boolean) {
    const pongs = this.#pongs;
    if (holds === (pongs !== "sent")) return;
    this.#pongs = holds ? "held" : "sent";
    if (typeof pongs !== "string" && this.isOpen) this.#frame(Opcode.Pong, true, pongs);
  }

  close(code?: number, reason = ""): void {
    const payload = encodeClose(code, reason);
    if (this.#state !== "open") return;
    this.#state = "close-sent";
    this.#frame(Opcode.Close, true, payload);
  }

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
      // Not `slice`, which returns a view on Node's buffers.
      this.#receiveClose(new Uint8Array(payload));
      return false;
    }
    const given = this.#lendsPings ? payload : new Uint8Array(payload);
    if (opcode === Opcode.Pong) {
      this.#handler.onPong(given);
    } else {
      const answers = this.#behavior.answersPings !== false && this.#state === "open";
      if (answers) this.#answerPing(payload);
      this.#handler.onPing(given);
    }
    return this.#goesOn;
  }

  #answerPing(payload: Uint8Array): void {
    if (this.#pongs === "sent" && this.outgoing.size <= MOST_OUTPUT_BEFORE_PONG) {
      this.#frame(Opcode.Pong, true, payload);
    } else {
      this.#pongs = this.#keptPong(payload);
    }
  }

  /** In the memory of the one before: there may be millions that are never answered. */
  #keptPong(payload: Uint8Array): Uint8Array {
    const before = this.#pongs;
    const memory = typeof before === "string" ? new ArrayBuffer(MAX_CONTROL_BYTES) : before.buffer;
    const kept = new Uint8Array(memory, 0, payload.length);
    kept.set(payload);
    return kept;
  }

  onOutput(): void {
    this.#handler.onOutput();
  }

  /** Called when everything that was sent has been compressed and written. */
  onIdle(): void {
    this.#finishIfClosed();
  }

  onMessageReady(): void {
    this.#handler.onReady();
  }

  onViolation(error: ProtocolError): void {
    this.fail(error);
  }

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

  /** Whether this end's Close frame still waits behind a message that is being compressed. */
  get #owesClose(): boolean {
    return this.#state === "open" || this.#writer.isHoldingClose;
  }

  /** Reads a chunk, or continues with held chunks, until nothing is left or delivery stops. */
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
      // A handler threw in the middle of a chunk, so the position in the frames is lost.
      if (!returned) this.transportEnded();
    }
  }

  #readChunk(chunk: Uint8Array, length: number, lent: boolean): void {
    const done = this.#reader.read(chunk, length);
    if (done === length || !this.#isReading) return;
    this.#hold(kept(chunk, done, length, lent), "first");
  }

  /** Holds data that cannot be delivered now; the peer is charged for it. */
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

  /** Returns the next held chunk, if reading continues. */
  #takeHeld(): Uint8Array | undefined {
    if (this.#held === undefined || !this.#goesOn) return undefined;
    const next = this.#held.shift()!;
    this.#reader.account?.refund(next.length);
    if (this.#held.length === 0) this.#held = undefined;
    return next;
  }

  /** Reads the held chunks. While a message is being inflated, they stay where they are. */
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
    // The reply repeats the received payload, and follows everything that was sent before. (RFC
    // 6455 §5.5.1)
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
      const message = `The control payload has ${payload.length} bytes; use at most ${MAX_CONTROL_BYTES}.`;
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

  /** A whole message must not be sent between the fragments of another. (RFC 6455 §5.4) */
  #requireSendable(): void {
    this.#requireOpen();
    if (this.#fragmenting === undefined) return;
    const message = "A fragmented message is not finished; send its last fragment first.";
    throw new LongwireError("unfinished_message", message);
  }
}

const RECOMMENDED: ConnectionBehavior = {};

/** With more output that has not been taken, in bytes, only the latest ping is answered. */
const MOST_OUTPUT_BEFORE_PONG = 64 * 1024;

function kept(chunk: Uint8Array, start: number, end: number, lent: boolean): Uint8Array {
  const part = chunk.subarray(start, end);
  return lent ? new Uint8Array(part) : part;
}

/** Returns the real length of a typed array, even if a property hides it. */
const ownLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "length",
)!;

/**
 * Rejects everything but byte arrays whose reported length is the real one. Otherwise uninitialized
 * memory would be sent for the difference. (CVE-2016-10518)
 */
function requireBytes(payload: unknown): asserts payload is Uint8Array {
  if (payload instanceof Uint8Array && payload.length === ownLength.get!.call(payload)) return;
  throw new LongwireError(
    "invalid_payload",
    `The payload is of type ${typeof payload}; pass a Uint8Array.`,
  );
}
