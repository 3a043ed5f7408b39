import type { ByteOperations } from "../../base/index.ts";
import type { Deflater, LaterWork } from "../deflate/message-codec.ts";
import { FrameEncoder } from "../frames/frame-encoder.ts";
import type { FrameKind } from "../frames/frame-header.ts";
import { RSV1 } from "./message-violations.ts";
import { isControl, Opcode } from "../frames/opcode.ts";
import type { OutgoingBlocks } from "./outgoing-blocks.ts";
import type { Role } from "../role.ts";

export interface MessageWriterOptions {
  role: Role;
  bytes: ByteOperations;
  outgoing: OutgoingBlocks;
  /** Compresses messages, if that was agreed. */
  deflater: Deflater | undefined;
  maskingKey: (() => number) | undefined;
}

/** Receives the events of a writer. */
export interface WriterSink {
  /** Called when bytes are added to an empty `outgoing`. */
  onOutput(): void;
  /** Called when all waiting messages have been written. */
  onIdle(): void;
}

/** A message or frame that waits until an earlier message is compressed. */
type Pending =
  | { kind: "message"; opcode: Opcode; payload: Uint8Array; compress: boolean }
  | { kind: "frame"; frame: FrameKind; payload: Uint8Array }
  /** `size` is read when the frames are added, because the caller may transfer the memory later. */
  | { kind: "frames"; payload: Uint8Array; size: number };

/**
 * Encodes messages as frames, compressed if that was agreed, in the order they were sent. (RFC 6455
 * §5.2, RFC 7692 §6.1)
 *
 * A long message is compressed asynchronously; messages sent after it wait here.
 */
export class MessageWriter {
  readonly #encoder: FrameEncoder;
  readonly #bytes: ByteOperations;
  readonly #outgoing: OutgoingBlocks;
  readonly #deflater: Deflater | undefined;
  readonly #sink: WriterSink;
  #pending: Pending[] | undefined;
  #pendingBytes = 0;
  #compressing: LaterWork | undefined;

  constructor(options: MessageWriterOptions, sink: WriterSink) {
    const { role, bytes, outgoing } = options;
    this.#encoder = new FrameEncoder(role, bytes, outgoing, options.maskingKey);
    this.#bytes = bytes;
    this.#outgoing = outgoing;
    this.#deflater = options.deflater;
    this.#sink = sink;
  }

  /** Payload bytes that wait to be compressed, or for an earlier message. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get isHoldingClose(): boolean {
    const last = this.#pending?.at(-1);
    return last?.kind === "frame" && last.frame.opcode === Opcode.Close;
  }

  /** Writes a text message and returns the length of its payload in bytes. */
  text(text: string, compress: boolean): number {
    const threshold = compress ? this.#threshold : Infinity;
    // A UTF-16 code unit becomes at most three bytes.
    if (this.#pending === undefined && text.length * 3 < threshold) {
      const wasEmpty = this.#outgoing.size === 0;
      const length = this.#encoder.text(text);
      if (wasEmpty) this.#sink.onOutput();
      return length;
    }
    const block = this.#bytes.borrowBlock(this.#bytes.mostUtf8Bytes(text));
    const length = this.#bytes.writeUtf8(text, block, 0);
    const isKept = this.#message(Opcode.Text, block.subarray(0, length), compress, true);
    if (!isKept) this.#bytes.returnBlock(block);
    return length;
  }

  /**
   * Writes a message of bytes.
   *
   * @param given whether ownership of the bytes is transferred; otherwise they are the caller's
   *   again when this returns
   */
  bytes(
    opcode: Opcode,
    payload: Uint8Array,
    { compress, given }: { compress: boolean; given: boolean },
  ): void {
    const laterFrom = compress ? (this.#deflater?.laterFromBytes ?? Infinity) : Infinity;
    const mayWait = this.#pending !== undefined || payload.length >= laterFrom;
    // Waiting bytes are copied, also for the thread pool, because they would still be read after
    // the caller transferred or resized the memory.
    const isCopied = mayWait && !given;
    const own = isCopied ? new Uint8Array(payload) : payload;
    this.#message(opcode, own, compress, !isCopied && !given);
  }

  /** Writes one uncompressed frame. Pings and pongs overtake messages that are not ready. */
  frame(frame: FrameKind, payload: Uint8Array): void {
    const overtakes = isControl(frame.opcode) && frame.opcode !== Opcode.Close;
    if (this.#pending === undefined || overtakes) return this.#write(frame, payload, true);
    this.#wait({ kind: "frame", frame, payload: new Uint8Array(payload) });
  }

  /** Writes bytes that are already frames, without copying. */
  frames(payload: Uint8Array, size: number = payload.length): void {
    if (this.#pending !== undefined) return this.#wait({ kind: "frames", payload, size });
    const wasEmpty = this.#outgoing.size === 0;
    this.#outgoing.share(payload, size);
    if (wasEmpty) this.#sink.onOutput();
  }

  /** Drops the waiting messages. */
  discard(): void {
    this.#compressing?.abandon();
    this.#compressing = undefined;
    this.#pending = undefined;
    this.#pendingBytes = 0;
  }

  get #threshold(): number {
    return this.#deflater?.thresholdBytes ?? Infinity;
  }

  /**
   * Writes a message, or queues it.
   *
   * @param lent whether the payload may change once it is no longer in use
   * @returns whether the payload is still in use
   */
  #message(opcode: Opcode, payload: Uint8Array, compress: boolean, lent: boolean): boolean {
    if (this.#pending !== undefined) {
      this.#wait({ kind: "message", opcode, payload, compress });
      return true;
    }
    // An empty message cannot become shorter.
    if (compress && payload.length >= this.#threshold && payload.length > 0) {
      return this.#compress(opcode, payload, lent);
    }
    this.#write({ opcode, fin: true, reservedBits: 0 }, payload, lent);
    return false;
  }

  #compress(opcode: Opcode, payload: Uint8Array, lent: boolean): boolean {
    const result = this.#deflater!.deflate(payload, (late) => {
      const waiting = this.#pending ?? [];
      this.#compressing = undefined;
      this.#pending = undefined;
      this.#pendingBytes -= payload.length;
      this.#writeDeflated(opcode, payload, { result: late, lent: false });
      for (const one of waiting) this.#goOn(one);
      if (this.#pending === undefined) this.#sink.onIdle();
    });
    if (result === "plain" || result instanceof Uint8Array) {
      this.#writeDeflated(opcode, payload, { result, lent: result === "plain" ? lent : true });
      return false;
    }
    this.#compressing = result;
    this.#pending = [];
    this.#pendingBytes += payload.length;
    return true;
  }

  #goOn(one: Pending): void {
    this.#pendingBytes -= sizeOf(one);
    if (one.kind === "message") this.#message(one.opcode, one.payload, one.compress, false);
    else if (one.kind === "frame") this.frame(one.frame, one.payload);
    else this.frames(one.payload, one.size);
  }

  #writeDeflated(
    opcode: Opcode,
    payload: Uint8Array,
    { result, lent }: { result: Uint8Array | "plain"; lent: boolean },
  ): void {
    if (result === "plain") this.#write({ opcode, fin: true, reservedBits: 0 }, payload, lent);
    else this.#write({ opcode, fin: true, reservedBits: RSV1 }, result, lent);
  }

  #write(frame: FrameKind, payload: Uint8Array, lent: boolean): void {
    const wasEmpty = this.#outgoing.size === 0;
    this.#encoder.frame(frame, payload, lent);
    if (wasEmpty) this.#sink.onOutput();
  }

  #wait(one: Pending): void {
    this.#pending!.push(one);
    this.#pendingBytes += sizeOf(one);
  }
}

function sizeOf(one: Pending): number {
  return one.kind === "frames" ? one.size : one.payload.length;
}
