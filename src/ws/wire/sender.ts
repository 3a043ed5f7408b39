import {
  encodeHeader,
  freshMaskingKey,
  mask,
  Opcode,
  type FrameKind,
} from "../../protocol/index.ts";
import { closePayload } from "./close-payload.ts";
import { maskingKeyFrom, type GenerateMask } from "../connection-options.ts";
import { bufferOver, bytesOf, isLentBySender, sizeOf, type MessageData } from "./message-bytes.ts";
import { PerMessageDeflate } from "../deflate/per-message-deflate.ts";
import { failAll, type SendCallback } from "./send-callbacks.ts";

/** The stream that a sender writes to, reduced to what is needed. */
export interface FrameSink {
  readonly destroyed?: boolean;
  cork(): void;
  uncork(): void;
  write(chunk: Uint8Array | string, callback?: SendCallback): unknown;
}

/** The properties of one frame. */
export interface FrameOptions {
  fin: boolean;
  opcode: number;
  /** Whether the frame starts a compressed message. */
  rsv1?: boolean | undefined;
  /** Whether it is masked, as a client must do. */
  mask?: boolean | undefined;
  generateMask?: GenerateMask | undefined;
  /** Whether the payload must not be masked in place. */
  readOnly?: boolean | undefined;
}

export interface SendOptions {
  binary?: boolean | undefined;
  compress?: boolean | undefined;
  fin?: boolean | undefined;
  mask?: boolean | undefined;
}

/** A connection's extensions by name; only one is supported. */
export type Extensions = { [PerMessageDeflate.extensionName]?: PerMessageDeflate } & object;

/** A frame that waits to be sent. */
interface Task {
  data: MessageData;
  size: number;
  compress: boolean;
  frame: FrameOptions;
  callback: SendCallback | undefined;
}

/**
 * Encodes single frames and writes them in order, even if a Blob has to be read or a fragment to be
 * compressed first.
 *
 * A `WebSocket` uses it only for what `ws` allows beyond the recommendations of RFC 6455; the
 * engine sends whole messages.
 */
export class Sender {
  /** Called with the error of a Blob that could not be read. */
  onerror: (error: Error) => void = () => {};
  readonly #sink: FrameSink;
  readonly #extensions: Extensions;
  readonly #generateMask: GenerateMask | undefined;
  readonly #waiting: (Task | (() => void))[] = [];
  #isBusy = false;
  /** The frame whose Blob is being read. */
  #reading: Task | undefined;
  #bufferedBytes = 0;
  /** Whether the fragments of the current message are compressed. */
  #fragmented: { compress: boolean } | undefined;

  constructor(socket: FrameSink, extensions: Extensions = {}, generateMask?: GenerateMask) {
    this.#sink = socket;
    this.#extensions = extensions;
    this.#generateMask = generateMask;
  }

  /**
   * Returns a frame as one or two buffers to be written in order.
   *
   * @param data masked in place, unless `readOnly` is set
   */
  static frame(data: MessageData, options: FrameOptions): Buffer[] {
    const payload = bytesOf(data);
    const kind: FrameKind = {
      opcode: options.opcode as Opcode,
      fin: options.fin,
      reservedBits: options.rsv1 === true ? 0x40 : 0,
    };
    if (options.mask !== true) return framed(encodeHeader(kind, payload.length), payload);
    const { generateMask } = options;
    const key = generateMask === undefined ? freshMaskingKey() : maskingKeyFrom(generateMask);
    const header = encodeHeader(kind, payload.length, key);
    if (key === 0) return framed(header, payload);
    if (options.readOnly !== true) {
      mask(payload, 0, payload.length, key, 0);
      return framed(header, payload);
    }
    const frame = Buffer.concat([header, payload]);
    mask(frame, header.length, frame.length, key, 0);
    return [frame];
  }

  /** Payload bytes that wait, or are being compressed or read. */
  get _bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether nothing is waiting here, so that another way of sending keeps the order. */
  get isIdle(): boolean {
    return !this.#isBusy && this.#fragmented === undefined;
  }

  /** @throws TypeError, RangeError for a code or reason that must not be sent */
  close(code: number | undefined, reason: unknown, mask?: boolean, callback?: SendCallback): void {
    const payload = closePayload(code, reason);
    this.#control(Opcode.Close, payload, mask, callback);
  }

  ping(data: MessageData, mask?: boolean, callback?: SendCallback): void {
    this.#control(Opcode.Ping, requireShort(data), mask, callback);
  }

  pong(data: MessageData, mask?: boolean, callback?: SendCallback): void {
    this.#control(Opcode.Pong, requireShort(data), mask, callback);
  }

  send(data: MessageData, options: SendOptions, callback?: SendCallback): void {
    const size = sizeOf(data);
    const isFirst = this.#fragmented === undefined;
    const compress = this.#fragmented?.compress ?? this.#isCompressed(size, options);
    this.#fragmented = options.fin === true ? undefined : { compress };
    const opcode = options.binary === true ? Opcode.Binary : Opcode.Text;
    const frame = this.#frameOptions(data, {
      fin: options.fin === true,
      opcode: isFirst ? opcode : Opcode.Continuation,
      rsv1: isFirst && compress,
      mask: options.mask,
    });
    this.#add({ data, size, compress, frame, callback });
  }

  /**
   * Fails the Blob that is being read and everything behind it, because the connection has ended.
   * Reading may take long or never end, and callbacks must not wait for it.
   */
  lose(): void {
    const task = this.#reading;
    if (task === undefined) return;
    this.#reading = undefined;
    this.#fail(task, closedWhileReading());
    this.#waiting.length = 0;
  }

  /** Runs `step` after everything that was sent so far. */
  whenIdle(step: () => void): void {
    if (this.#isBusy) this.#waiting.push(step);
    else step();
  }

  /** Writes a frame that `frame` returned. */
  sendFrame(frame: readonly (Uint8Array | string)[], callback?: SendCallback): void {
    const sink = this.#sink;
    const [first, second] = frame;
    if (second === undefined) {
      sink.write(first!, callback);
      return;
    }
    sink.cork();
    sink.write(first!);
    sink.write(second, callback);
    sink.uncork();
  }

  /** With context takeover every message is compressed, because the peer must see all of them. */
  #isCompressed(size: number, options: SendOptions): boolean {
    const deflate = this.#deflate;
    if (options.compress !== true || deflate === undefined) return false;
    return deflate.keepsOutgoingContext || size >= deflate.threshold;
  }

  get #deflate(): PerMessageDeflate | undefined {
    return this.#extensions[PerMessageDeflate.extensionName];
  }

  #control(
    opcode: Opcode,
    data: MessageData,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    const frame = this.#frameOptions(data, { fin: true, opcode, mask });
    this.#add({ data, size: sizeOf(data), compress: false, frame, callback });
  }

  #frameOptions(data: MessageData, frame: FrameOptions): FrameOptions {
    return { ...frame, generateMask: this.#generateMask, readOnly: isLentBySender(data) };
  }

  #add(task: Task): void {
    if (this.#isBusy) {
      this.#bufferedBytes += task.size;
      this.#waiting.push(task);
    } else {
      this.#run(task);
    }
  }

  #run(task: Task): void {
    const { data, callback } = task;
    if (data instanceof Blob) this.#read(task, data);
    else if (task.compress) this.#compress(task, bytesOf(data));
    else this.sendFrame(frameOf(data, task), callback);
  }

  #read(task: Task, blob: Blob): void {
    this.#begin(task);
    this.#reading = task;
    blob.arrayBuffer().then(
      (data) => {
        const goOn = (): void => this.#goOnWith(task, data);
        // An exception in a callback must not reject this promise.
        process.nextTick(goOn);
      },
      (error: Error) =>
        process.nextTick(() => {
          if (this.#reading === task) this.#fail(task, error);
          this.#reading = undefined;
          this.onerror(error);
        }),
    );
  }

  #goOnWith(task: Task, data: ArrayBuffer): void {
    // Its callback has been called.
    if (this.#reading !== task) return;
    this.#reading = undefined;
    if (this.#sink.destroyed === true) return this.#fail(task, closedWhileReading());
    this.#bufferedBytes -= task.size;
    this.#isBusy = false;
    this.#run({ ...task, data: Buffer.from(data), frame: { ...task.frame, readOnly: false } });
    this.#goOn();
  }

  #compress(task: Task, data: Buffer): void {
    this.#begin(task);
    this.#deflate!.compress(data, task.frame.fin, (error, compressed) => {
      if (error !== null || this.#sink.destroyed === true) {
        const message = "The socket was closed while data was being compressed";
        return this.#fail(task, new Error(message));
      }
      this.#bufferedBytes -= task.size;
      this.#isBusy = false;
      const frame = Sender.frame(compressed, { ...task.frame, readOnly: false });
      this.sendFrame(frame, task.callback);
      this.#goOn();
    });
  }

  #begin(task: Task): void {
    this.#isBusy = true;
    this.#bufferedBytes += task.size;
  }

  #goOn(): void {
    while (!this.#isBusy) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (typeof next === "function") {
        next();
      } else {
        this.#bufferedBytes -= next.size;
        this.#run(next);
      }
    }
  }

  #fail(task: Task, error: Error): void {
    const tasks = [task, ...this.#waiting].filter((one) => typeof one === "object");
    failAll(
      tasks.flatMap(({ callback }) => callback ?? []),
      error,
    );
  }
}

function closedWhileReading(): Error {
  return new Error("The socket was closed while the blob was being read");
}

/** Unmasked text is encoded by the stream that writes it. */
function frameOf(data: MessageData, { frame, size }: Task): (Uint8Array | string)[] {
  if (typeof data !== "string" || frame.mask === true || data === "") {
    return Sender.frame(data, frame);
  }
  const { opcode, fin } = frame;
  const header = encodeHeader({ opcode: opcode as Opcode, fin, reservedBits: 0 }, size);
  return [bufferOver(header), data];
}

/** The length of a string is its encoded length. */
function requireShort(data: MessageData): MessageData {
  if (sizeOf(data) <= 125) return data;
  throw new RangeError("The data size must not be greater than 125 bytes");
}

function framed(header: Uint8Array, payload: Buffer): Buffer[] {
  const head = bufferOver(header);
  return payload.length > 0 ? [head, payload] : [head];
}
