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
  /** What compresses messages, when that was agreed. */
  deflater: Deflater | undefined;
  maskingKey: (() => number) | undefined;
}

/** What a writer tells its owner. */
export interface WriterSink {
  /** Something came into `outgoing`, which was empty. */
  onOutput(): void;
  /** Nothing waits any more, after something did. */
  onIdle(): void;
}

/** Something that waits for a message before it to be compressed. */
type Pending =
  | { kind: "message"; opcode: Opcode; payload: Uint8Array; compress: boolean }
  | { kind: "frame"; frame: FrameKind; payload: Uint8Array }
  /** `size` is taken when it comes: later the memory may be somebody else's. */
  | { kind: "frames"; payload: Uint8Array; size: number };

/**
 * Makes frames of messages, compressed where that was agreed, in the order they were sent.
 * (RFC 6455 §5.2, RFC 7692 §6.1)
 *
 * A long message is compressed while the caller goes on; what is sent behind it waits here.
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

  /** Payload bytes that wait to be compressed, or behind such. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get isHoldingClose(): boolean {
    const last = this.#pending?.at(-1);
    return last?.kind === "frame" && last.frame.opcode === Opcode.Close;
  }

  /** Writes a text message and returns its payload's length in bytes. */
  text(text: string, compress: boolean): number {
    const threshold = compress ? this.#threshold : Infinity;
    // A UTF-16 unit becomes at most three bytes.
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
   * @param given whether they are ours from now on; else they are the caller's when this returns
   */
  bytes(
    opcode: Opcode,
    payload: Uint8Array,
    { compress, given }: { compress: boolean; given: boolean },
  ): void {
    const laterFrom = compress ? (this.#deflater?.laterFromBytes ?? Infinity) : Infinity;
    const mayWait = this.#pending !== undefined || payload.length >= laterFrom;
    // What waits is copied, for the thread pool too: memory that another thread was given, or that
    // was resized, would be read all the same.
    const isCopied = mayWait && !given;
    const own = isCopied ? new Uint8Array(payload) : payload;
    this.#message(opcode, own, compress, !isCopied && !given);
  }

  /** Writes one frame, uncompressed. Pings and pongs overtake messages that are not ready. */
  frame(frame: FrameKind, payload: Uint8Array): void {
    const overtakes = isControl(frame.opcode) && frame.opcode !== Opcode.Close;
    if (this.#pending === undefined || overtakes) return this.#write(frame, payload, true);
    this.#wait({ kind: "frame", frame, payload: new Uint8Array(payload) });
  }

  /** Writes bytes that are frames already, by reference. */
  frames(payload: Uint8Array, size: number = payload.length): void {
    if (this.#pending !== undefined) return this.#wait({ kind: "frames", payload, size });
    const wasEmpty = this.#outgoing.size === 0;
    this.#outgoing.share(payload, size);
    if (wasEmpty) this.#sink.onOutput();
  }

  /** Drops what waits. */
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
   * Writes a message, or lets it wait.
   *
   * @param lent whether the payload changes once it is not in use any more
   * @returns whether the payload is still in use
   */
  #message(opcode: Opcode, payload: Uint8Array, compress: boolean, lent: boolean): boolean {
    if (this.#pending !== undefined) {
      this.#wait({ kind: "message", opcode, payload, compress });
      return true;
    }
    // An empty message is as short as it gets.
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
