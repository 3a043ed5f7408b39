import type { ByteOperations, MemoryAccount } from "../../base/index.ts";
import type {
  CompressedPayload,
  Inflater,
  InflateSink,
  LaterWork,
} from "../deflate/message-codec.ts";
import { FrameDecoder, UNKNOWN_OCTETS, type FrameSink } from "../frames/frame-decoder.ts";
import type { FrameKind } from "../frames/frame-header.ts";
import type { ConnectionLimits } from "../limits.ts";
import { MessageBuffer } from "./message-buffer.ts";
import {
  controlViolation,
  invalidDeflate,
  invalidText,
  messageTooBig,
  overShare,
  reservedBits,
  RSV1,
  strayContinuation,
  tooManyFragments,
  tooManyPieces,
  unfinishedMessage,
} from "./message-violations.ts";
import { isControl, isKnownOpcode, Opcode } from "../frames/opcode.ts";
import type { ProtocolError } from "../protocol-error.ts";
import type { Role } from "../role.ts";
import { Utf8Validator } from "./utf8-validator.ts";

/**
 * Receives messages. Methods with a result return whether to continue reading.
 *
 * A message is `source` from `start` to `end`. These are plain arguments, because an object per
 * message would dominate the cost of short messages.
 */
export interface MessageSink {
  /**
   * Receives a text message, valid UTF-8 unless that is not checked.
   *
   * @param lent as for a binary message
   */
  onTextMessage(
    source: Uint8Array,
    start: number,
    end: number,
    ascii: boolean,
    lent: boolean,
  ): boolean;
  /**
   * Receives a binary message.
   *
   * @param lent true if the bytes are valid only until the call returns, false if the receiver may
   *   keep them
   */
  onBinaryMessage(source: Uint8Array, start: number, end: number, lent: boolean): boolean;
  /** @param payload valid only until the call returns */
  onControlFrame(opcode: Opcode, payload: Uint8Array): boolean;
  /**
   * Called when a frame of an uncompressed message ended and another follows; `bytes` have arrived
   * so far.
   */
  onFragmentEnd(bytes: number): void;
  onViolation(error: ProtocolError): void;
  /** Called when a message has been inflated; `deliverInflated` delivers it. */
  onMessageReady(): void;
}

export interface MessageReaderOptions {
  role: Role;
  limits: ConnectionLimits;
  bytes: ByteOperations;
  /** Is charged for messages that have not arrived completely. */
  account: MemoryAccount | undefined;
  /** Inflates messages, if compression was agreed. */
  inflater: Inflater | undefined;
  /** Whether text must be UTF-8. (RFC 6455 §8.1) */
  checksText: boolean;
  /** The maximum number of pieces in which a frame's payload may arrive. */
  maxFramePieces: number;
}

/** The minimum size for reading in place, below which it is not worth it. */
const ROOM_FROM_BYTES = 64 * 1024;

type Reading = "nothing" | "text" | "binary";

/**
 * `none`; `now`: in progress inside the call that started it; `later`: its end is awaited; `ready`:
 * the message waits for `deliverInflated`.
 */
type Inflation = "none" | "now" | "later" | "ready";

/**
 * Assembles messages from frames: joins fragments, passes on control frames between them, inflates,
 * and checks UTF-8 as it arrives. (RFC 6455 §5.4, §5.5, §5.6, §8.1; RFC 7692 §6.2)
 *
 * A message in one frame in one chunk is delivered without copying; other messages are buffered.
 */
export class MessageReader implements FrameSink, InflateSink {
  readonly #decoder: FrameDecoder;
  readonly #sink: MessageSink;
  #limits: ConnectionLimits;
  readonly #bytes: ByteOperations;
  /** Is charged for data that has arrived and cannot be delivered yet. */
  readonly account: MemoryAccount | undefined;
  readonly #inflater: Inflater | undefined;
  readonly #checksText: boolean;
  readonly #maxFramePieces: number;
  /** The received part of an incomplete message; few connections ever have one. */
  #message: MessageBuffer | undefined;
  /** Created for the first text beyond ASCII. */
  #utf8: Utf8Validator | undefined;
  /** The received part of an incomplete compressed message. */
  #deflated: MessageBuffer | undefined;
  #reading: Reading = "nothing";
  #isCompressed = false;
  #inflation: Inflation = "none";
  #inflating: LaterWork | undefined;
  #goesOn = true;
  #fragments = 0;
  /** How many pieces of the current frame have arrived, while it is incomplete. */
  #pieces = 0;
  #isAscii = true;
  #opcode: Opcode = Opcode.Continuation;
  #fin = false;
  #control: Uint8Array | undefined;
  #controlBytes = 0;

  constructor(options: MessageReaderOptions, sink: MessageSink) {
    this.#decoder = new FrameDecoder(options.role, this, options.bytes.mask);
    this.#sink = sink;
    this.#limits = options.limits;
    this.#bytes = options.bytes;
    this.account = options.account;
    this.#inflater = options.inflater;
    this.#checksText = options.checksText;
    this.#maxFramePieces = options.maxFramePieces;
  }

  /**
   * Whether a message is being inflated, or is inflated and waits. Nothing may be read meanwhile.
   */
  get isInflating(): boolean {
    return this.#inflation === "later" || this.#inflation === "ready";
  }

  /**
   * The reserved room for the rest of a long message; `undefined` while no such message is being
   * read. Bytes that are read into it and passed to `read` are not copied.
   */
  get room(): Uint8Array | undefined {
    const stillToCome = this.#decoder.remainingBytes;
    if (stillToCome < ROOM_FROM_BYTES || isControl(this.#opcode)) return undefined;
    const room = (this.#isCompressed ? this.#deflated : this.#message)?.room(stillToCome);
    return room !== undefined && room.length >= ROOM_FROM_BYTES ? room : undefined;
  }

  /**
   * Reads `chunk` up to `length`; returns the number of bytes processed, see `FrameDecoder.decode`.
   */
  read(chunk: Uint8Array, length: number): number {
    return this.#decoder.decode(chunk, length);
  }

  /** Delivers the message that `onMessageReady` announced; returns whether to continue reading. */
  deliverInflated(): boolean {
    if (this.#inflation !== "ready") return !this.isInflating;
    this.#inflation = "none";
    const message = this.#take();
    return this.#deliver(message, 0, message.length, false);
  }

  /** Sets the limits from the next frame header on. */
  set limits(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /**
   * Whether a message is unfinished and has grown by less than `leastBytes` since the last call;
   * false the first time.
   */
  hasStalled(leastBytes: number): boolean {
    const buffer = this.#isCompressed ? this.#deflated : this.#message;
    if (this.#reading === "nothing" || buffer === undefined || this.isInflating) return false;
    const progress = buffer.takeProgress();
    return progress !== undefined && progress < leastBytes;
  }

  /** Releases the memory of an unfinished message. */
  discard(): void {
    this.#inflation = "none";
    this.#inflating?.abandon();
    this.#inflating = undefined;
    this.#message?.clear();
    this.#message = undefined;
    this.#deflated?.clear();
  }

  onFrameHeader(frame: Readonly<FrameKind>, payloadBytes: number): boolean {
    const error = isControl(frame.opcode)
      ? this.#controlViolation(frame, payloadBytes)
      : (this.#reservedViolation(frame) ?? this.#dataViolation(frame, payloadBytes));
    if (error !== undefined) return this.#refuse(error);
    this.#opcode = frame.opcode;
    this.#fin = frame.fin;
    if (!isControl(frame.opcode)) this.#beginFragment(frame);
    return true;
  }

  onFramePayload(
    source: Uint8Array,
    start: number,
    end: number,
    octets: number,
    ends: boolean,
  ): boolean {
    if ((!ends || this.#pieces > 0) && !this.#countPiece(ends)) return false;
    if (isControl(this.#opcode)) return this.#readControl(source, start, end, ends);
    if (this.#isCompressed) return this.#readCompressed(source, start, end, ends);
    const isWhole = ends && this.#fin && this.#fragments === 1 && this.#message === undefined;
    if (this.#reading === "text" && !this.#checkText(source, start, end, octets)) return false;
    if (isWhole) return this.#deliver(source, start, end, true);
    return this.#readFragment(source, start, end, ends);
  }

  violationBefore(frame: Readonly<FrameKind>, shortLength: number): ProtocolError | undefined {
    const { opcode, reservedBits: bits } = frame;
    if (!isKnownOpcode(opcode)) {
      const mayCompress = bits === RSV1 && this.#inflater !== undefined;
      return bits === 0 || mayCompress ? undefined : reservedBits(bits, false);
    }
    if (isControl(opcode)) return this.#controlViolation(frame, shortLength);
    return this.#reservedViolation(frame) ?? this.#orderViolation(opcode);
  }

  onFrameViolation(error: ProtocolError): void {
    this.#sink.onViolation(error);
  }

  onInflated(source: Uint8Array, start: number, end: number, ends: boolean): boolean {
    const { maxMessageBytes } = this.#limits;
    const size = this.#joinedBytes + end - start;
    if (size > maxMessageBytes) return this.#stop(messageTooBig(size, maxMessageBytes));
    if (this.#reading === "text" && !this.#isTextSoFar(source, start, end, UNKNOWN_OCTETS)) {
      return this.#stop(invalidText());
    }
    if (ends && this.#inflation === "now" && this.#message === undefined) {
      this.#deflated?.clear();
      return (this.#goesOn = this.#deliver(source, start, end, true));
    }
    // The total is unknown, so the buffer doubles.
    if (!this.#joined.append(source, start, end, 0)) return this.#stop(overShare(size));
    if (ends) this.#endInflation();
    return true;
  }

  onInflateFailed(): void {
    this.#stop(invalidDeflate());
  }

  #beginFragment(frame: Readonly<FrameKind>): void {
    this.#fragments += 1;
    if (frame.opcode === Opcode.Continuation) return;
    this.#reading = frame.opcode === Opcode.Text ? "text" : "binary";
    this.#isCompressed = frame.reservedBits !== 0;
    this.#isAscii = true;
    this.#utf8?.reset();
  }

  #countPiece(ends: boolean): boolean {
    const most = this.#maxFramePieces;
    if (this.#pieces >= most) return this.#refuse(tooManyPieces(this.#pieces + 1, most));
    this.#pieces = ends ? 0 : this.#pieces + 1;
    return true;
  }

  /** RSV1 marks the first frame of a compressed message. (RFC 7692 §6) */
  #reservedViolation({
    opcode,
    reservedBits: bits,
  }: Readonly<FrameKind>): ProtocolError | undefined {
    if (bits === 0) return undefined;
    const startsMessage = opcode === Opcode.Text || opcode === Opcode.Binary;
    if (bits === RSV1 && startsMessage && this.#inflater !== undefined) return undefined;
    return reservedBits(bits, this.#inflater !== undefined);
  }

  /** If compression was agreed, RSV1 is defined, but not on a control frame. */
  #controlViolation(frame: Readonly<FrameKind>, payloadBytes: number): ProtocolError | undefined {
    const reserved = this.#reservedViolation(frame);
    const isLater = !frame.fin && frame.reservedBits === RSV1 && this.#inflater !== undefined;
    return (isLater ? undefined : reserved) ?? controlViolation(frame, payloadBytes);
  }

  #orderViolation(opcode: Opcode): ProtocolError | undefined {
    const continues = opcode === Opcode.Continuation;
    if (continues && this.#reading === "nothing") return strayContinuation();
    if (!continues && this.#reading !== "nothing") return unfinishedMessage(opcode);
    return undefined;
  }

  #dataViolation(frame: Readonly<FrameKind>, payloadBytes: number): ProtocolError | undefined {
    const misplaced = this.#orderViolation(frame.opcode);
    if (misplaced !== undefined) return misplaced;
    const continues = frame.opcode === Opcode.Continuation;
    const isCompressed = continues ? this.#isCompressed : frame.reservedBits !== 0;
    const { maxMessageBytes, maxMessageFragments } = this.#limits;
    const present = isCompressed ? (this.#deflated?.length ?? 0) : this.#joinedBytes;
    const size = present + payloadBytes;
    const most = isCompressed ? mostDeflatedBytes(maxMessageBytes) : maxMessageBytes;
    if (size > most) return messageTooBig(size, most);
    if (this.#fragments >= maxMessageFragments) {
      return tooManyFragments(this.#fragments + 1, maxMessageFragments);
    }
    return undefined;
  }

  #checkText(source: Uint8Array, start: number, end: number, octets: number): boolean {
    return this.#isTextSoFar(source, start, end, octets) || this.#refuse(invalidText());
  }

  #isTextSoFar(source: Uint8Array, start: number, end: number, octets: number): boolean {
    const isAscii =
      octets === UNKNOWN_OCTETS ? this.#bytes.isAscii(source, start, end) : octets < 0x80;
    if (!isAscii) this.#isAscii = false;
    if (!this.#checksText) return true;
    const isBetweenCharacters = this.#utf8?.isComplete ?? true;
    if (isBetweenCharacters && (isAscii || this.#bytes.isKnownUtf8(source, start, end)))
      return true;
    return (this.#utf8 ??= new Utf8Validator()).push(source, start, end);
  }

  #readFragment(source: Uint8Array, start: number, end: number, ends: boolean): boolean {
    const stillToCome = this.#decoder.remainingBytes;
    if (!this.#joined.append(source, start, end, stillToCome)) {
      return this.#refuse(overShare(this.#joinedBytes + end - start));
    }
    if (ends && !this.#fin) this.#sink.onFragmentEnd(this.#joinedBytes);
    if (!ends || !this.#fin) return true;
    const message = this.#take();
    return this.#deliver(message, 0, message.length, false);
  }

  #readCompressed(source: Uint8Array, start: number, end: number, ends: boolean): boolean {
    const isLast = ends && this.#fin;
    const present = this.#deflated?.length ?? 0;
    if (isLast && present === 0) return this.#inflate({ source, start, end, lent: true });
    const most = mostDeflatedBytes(this.#limits.maxMessageBytes);
    const buffer = (this.#deflated ??= new MessageBuffer(this.#bytes, this.account, most));
    if (!buffer.append(source, start, end, this.#decoder.remainingBytes)) {
      return this.#refuse(overShare(present + end - start));
    }
    if (!isLast) return true;
    // It stays in its buffer, charged, until it is inflated.
    const whole = buffer.peek();
    return this.#inflate({ source: whole, start: 0, end: whole.length, lent: false });
  }

  #inflate(payload: CompressedPayload): boolean {
    this.#inflation = "now";
    this.#goesOn = true;
    const progress = this.#inflater!.inflate(payload, this);
    // A message that was inflated synchronously has been delivered or rejected already.
    if (this.#inflation !== "now") return this.#goesOn && !this.isInflating;
    if (progress === "done") {
      this.#inflation = "none";
      return this.#goesOn;
    }
    this.#inflation = "later";
    this.#inflating = progress;
    return false;
  }

  #endInflation(): void {
    this.#inflating = undefined;
    this.#deflated?.clear();
    if (this.#inflation === "now") {
      const message = this.#take();
      this.#goesOn = this.#deliver(message, 0, message.length, false);
      return;
    }
    this.#inflation = "ready";
    this.#sink.onMessageReady();
  }

  #deliver(source: Uint8Array, start: number, end: number, lent: boolean): boolean {
    const kind = this.#reading;
    if (kind === "text" && this.#utf8?.isComplete === false) return this.#refuse(invalidText());
    this.#reading = "nothing";
    this.#fragments = 0;
    return kind === "text"
      ? this.#sink.onTextMessage(source, start, end, this.#isAscii, lent)
      : this.#sink.onBinaryMessage(source, start, end, lent);
  }

  #readControl(source: Uint8Array, start: number, end: number, ends: boolean): boolean {
    // Lent, because most are pings that are answered at once, and memory for each would stay behind.
    if (ends && this.#control === undefined) {
      return this.#sink.onControlFrame(this.#opcode, source.subarray(start, end));
    }
    this.#control ??= new Uint8Array(this.#decoder.remainingBytes + end - start);
    this.#control.set(source.subarray(start, end), this.#controlBytes);
    this.#controlBytes += end - start;
    if (!ends) return true;
    const payload = this.#control;
    this.#control = undefined;
    this.#controlBytes = 0;
    return this.#sink.onControlFrame(this.#opcode, payload);
  }

  get #joined(): MessageBuffer {
    const { maxMessageBytes } = this.#limits;
    return (this.#message ??= new MessageBuffer(this.#bytes, this.account, maxMessageBytes));
  }

  get #joinedBytes(): number {
    return this.#message?.length ?? 0;
  }

  #take(): Uint8Array {
    const message = this.#message;
    this.#message = undefined;
    return message?.take() ?? NOTHING;
  }

  #refuse(error: ProtocolError): false {
    this.#sink.onViolation(error);
    return false;
  }

  /** Rejects a message while it is being inflated. */
  #stop(error: ProtocolError): false {
    this.#goesOn = false;
    this.#inflation = "none";
    return this.#refuse(error);
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Returns the maximum compressed size of a message within the limit.
 *
 * Data that does not compress grows: with a small window by slightly more than an eighth, because a
 * literal takes nine bits and cannot be stored. (RFC 1951 §3.2.6)
 */
function mostDeflatedBytes(maxMessageBytes: number): number {
  return Math.ceil(maxMessageBytes * (1 + 1 / 8 + 1 / 64)) + 1024;
}
