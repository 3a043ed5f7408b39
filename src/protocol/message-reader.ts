import type { ByteOperations } from "../base/index.ts";
import { CloseCode } from "./close-code.ts";
import { FrameDecoder, UNKNOWN_OCTETS, type FrameSink } from "./frame-decoder.ts";
import { MAX_CONTROL_BYTES, type FrameKind } from "./frame-header.ts";
import type { ConnectionLimits } from "./limits.ts";
import { foldOctets } from "./masking.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { MessageBuffer } from "./message-buffer.ts";
import { isControl, Opcode } from "./opcode.ts";
import { LimitError, ProtocolError } from "./protocol-error.ts";
import type { Role } from "./role.ts";
import { Utf8Validator } from "./utf8-validator.ts";

/**
 * Where messages go. Each method but the last returns whether reading goes on.
 *
 * A message is `source` from `start` to `end`; plain arguments, because an object a message is
 * what the fastest cases would spend their time on.
 */
export interface MessageSink {
  /** A text message, valid UTF-8. The bytes are good until the call returns. */
  onTextMessage(source: Uint8Array, start: number, end: number, ascii: boolean): boolean;
  /**
   * A binary message.
   *
   * @param lent true when the bytes are good only until the call returns, false when the receiver
   *   may keep them
   */
  onBinaryMessage(source: Uint8Array, start: number, end: number, lent: boolean): boolean;
  onControlFrame(opcode: Opcode, payload: Uint8Array): boolean;
  onViolation(error: ProtocolError): void;
}

export interface MessageReaderOptions {
  role: Role;
  limits: ConnectionLimits;
  bytes: ByteOperations;
  budget: MemoryBudget | undefined;
}

type Reading = "nothing" | "text" | "binary";

/**
 * Makes messages of frames: joins fragments, lets control frames pass between them, checks UTF-8
 * as it comes. (RFC 6455 §5.4, §5.5, §5.6, §8.1)
 *
 * A message in one frame in one chunk is handed on where it lies; only a cut one is buffered.
 */
export class MessageReader implements FrameSink {
  readonly #decoder: FrameDecoder;
  readonly #sink: MessageSink;
  readonly #limits: ConnectionLimits;
  readonly #message: MessageBuffer;
  readonly #budgetBytes: number;
  readonly #utf8 = new Utf8Validator();
  #reading: Reading = "nothing";
  #fragments = 0;
  #messageOctets = 0;
  #opcode: Opcode = Opcode.Continuation;
  #fin = false;
  #control: Uint8Array | undefined;
  #controlBytes = 0;

  constructor(options: MessageReaderOptions, sink: MessageSink) {
    this.#decoder = new FrameDecoder(options.role, this);
    this.#sink = sink;
    this.#limits = options.limits;
    this.#budgetBytes = options.budget?.limitBytes ?? 0;
    this.#message = new MessageBuffer(options.bytes, options.budget);
  }

  /** Reads `chunk`; returns how many of its bytes are done, see `FrameDecoder.decode`. */
  read(chunk: Uint8Array): number {
    return this.#decoder.decode(chunk);
  }

  /** Lets go of what was kept of an unfinished message. */
  discard(): void {
    this.#message.clear();
  }

  onFrameHeader(frame: Readonly<FrameKind>, payloadBytes: number): boolean {
    const error =
      frame.reservedBits !== 0
        ? new ProtocolError("reserved_bits", CloseCode.ProtocolError, RESERVED_BITS)
        : isControl(frame.opcode)
          ? controlViolation(frame, payloadBytes)
          : this.#dataViolation(frame, payloadBytes);
    if (error !== undefined) {
      this.#sink.onViolation(error);
      return false;
    }
    this.#opcode = frame.opcode;
    this.#fin = frame.fin;
    if (!isControl(frame.opcode)) this.#beginFragment(frame.opcode);
    return true;
  }

  onFramePayload(
    source: Uint8Array,
    start: number,
    end: number,
    octets: number,
    ends: boolean,
  ): boolean {
    if (isControl(this.#opcode)) return this.#readControl(source, start, end, ends);
    const isWhole = ends && this.#fin && this.#fragments === 1 && this.#message.length === 0;
    if (this.#reading === "text" && !this.#checkText(source, start, end, octets)) return false;
    if (isWhole) return this.#deliver(source, start, end, true);
    return this.#readFragment(source, start, end, ends);
  }

  onFrameViolation(error: ProtocolError): void {
    this.#sink.onViolation(error);
  }

  #beginFragment(opcode: Opcode): void {
    this.#fragments += 1;
    if (opcode === Opcode.Continuation) return;
    this.#reading = opcode === Opcode.Text ? "text" : "binary";
    this.#messageOctets = 0;
    this.#utf8.reset();
  }

  #dataViolation(frame: Readonly<FrameKind>, payloadBytes: number): ProtocolError | undefined {
    const continues = frame.opcode === Opcode.Continuation;
    if (continues && this.#reading === "nothing") {
      return new ProtocolError("stray_continuation", CloseCode.ProtocolError, STRAY_CONTINUATION);
    }
    if (!continues && this.#reading !== "nothing") {
      return new ProtocolError("unfinished_message", CloseCode.ProtocolError, UNFINISHED_MESSAGE);
    }
    const size = this.#message.length + payloadBytes;
    const { maxMessageBytes, maxMessageFragments } = this.#limits;
    if (size > maxMessageBytes) {
      const message = `The message has at least ${size} bytes and the limit is ${maxMessageBytes}; send less or raise maxMessageBytes.`;
      const facts = { message, size, limit: maxMessageBytes };
      return new LimitError("message_too_big", CloseCode.MessageTooBig, facts);
    }
    if (this.#fragments >= maxMessageFragments) {
      const size = this.#fragments + 1;
      const message = `The message has at least ${size} fragments and the limit is ${maxMessageFragments}; send larger ones or raise maxMessageFragments.`;
      const facts = { message, size, limit: maxMessageFragments };
      return new LimitError("too_many_fragments", CloseCode.MessageTooBig, facts);
    }
    return undefined;
  }

  #checkText(source: Uint8Array, start: number, end: number, octets: number): boolean {
    const seen = octets === UNKNOWN_OCTETS ? foldOctets(source, start, end) : octets;
    this.#messageOctets |= seen;
    if (seen < 0x80 && this.#utf8.isComplete) return true;
    if (this.#utf8.push(source, start, end)) return true;
    this.#sink.onViolation(invalidText());
    return false;
  }

  #readFragment(source: Uint8Array, start: number, end: number, ends: boolean): boolean {
    const stillToCome = this.#decoder.remainingBytes;
    if (!this.#message.append(source, start, end, stillToCome)) {
      this.#sink.onViolation(overBudget(this.#message.length + end - start, this.#budgetBytes));
      return false;
    }
    if (!ends || !this.#fin) return true;
    const message = this.#message.take();
    return this.#deliver(message, 0, message.length, false);
  }

  #deliver(source: Uint8Array, start: number, end: number, lent: boolean): boolean {
    const kind = this.#reading;
    if (kind === "text" && !this.#utf8.isComplete) {
      this.#sink.onViolation(invalidText());
      return false;
    }
    this.#reading = "nothing";
    this.#fragments = 0;
    return kind === "text"
      ? this.#sink.onTextMessage(source, start, end, this.#messageOctets < 0x80)
      : this.#sink.onBinaryMessage(source, start, end, lent);
  }

  #readControl(source: Uint8Array, start: number, end: number, ends: boolean): boolean {
    // Copied, always: a control payload is short and its receivers like to keep it.
    this.#control ??= new Uint8Array(this.#decoder.remainingBytes + end - start);
    this.#control.set(source.subarray(start, end), this.#controlBytes);
    this.#controlBytes += end - start;
    if (!ends) return true;
    const payload = this.#control;
    this.#control = undefined;
    this.#controlBytes = 0;
    return this.#sink.onControlFrame(this.#opcode, payload);
  }
}

/** Control frames are short and whole. (RFC 6455 §5.5) */
function controlViolation(
  frame: Readonly<FrameKind>,
  payloadBytes: number,
): ProtocolError | undefined {
  if (!frame.fin) {
    const message = "The peer sent a control frame in fragments; it must send it whole.";
    return new ProtocolError("fragmented_control", CloseCode.ProtocolError, message);
  }
  if (payloadBytes > MAX_CONTROL_BYTES) {
    const message = `The peer sent a control frame of ${payloadBytes} bytes; it may have at most ${MAX_CONTROL_BYTES}.`;
    return new ProtocolError("long_control", CloseCode.ProtocolError, message);
  }
  return undefined;
}

function invalidText(): ProtocolError {
  const message = "The peer sent text that is not UTF-8; it must encode text as UTF-8.";
  return new ProtocolError("invalid_utf8", CloseCode.InvalidPayload, message);
}

function overBudget(size: number, limit: number): LimitError {
  const message =
    "All unfinished messages together reached the limit of this process; try again later or raise maxUnfinishedBytes.";
  const facts = { message, size, limit };
  return new LimitError("out_of_budget", CloseCode.TryAgainLater, facts);
}

const RESERVED_BITS =
  "The peer set a reserved bit of a frame header, but no extension was agreed; it must be 0.";
const STRAY_CONTINUATION =
  "The peer sent a continuation frame with no message to continue; it must start with text or binary.";
const UNFINISHED_MESSAGE =
  "The peer started a message before it had finished the last one; it must finish or continue it.";
