import { Writable } from "node:stream";
import { nodeByteOperations } from "../../node/index.ts";
import { Connection, type ConnectionHandler, type ProtocolError } from "../../protocol/index.ts";
import { binaryData, type BinaryType } from "./binary-types.ts";
import { habitsOf, limitsOf, type ConnectionOptions } from "../connection-options.ts";
import { bufferOver, ownBuffer } from "./message-bytes.ts";
import { receiveError } from "./receive-error.ts";
import type { Extensions } from "./sender.ts";

/** The options of a receiver. Unlike a connection, it has no limits by default. */
export interface ReceiverOptions extends ConnectionOptions {
  binaryType?: BinaryType | undefined;
  extensions?: Extensions | undefined;
  /** Whether frames must be masked, as a client's are. */
  isServer?: boolean | undefined;
}

/**
 * Parses the frames that are written to it, and emits their content: `message`, `ping`, `pong`, and
 * `conclude` for a Close frame. Ownership of written chunks is transferred.
 */
export class Receiver extends Writable {
  readonly #connection: Connection;
  readonly #isDeferring: boolean;
  /** Called when the current chunk has been processed. */
  #whenRead: ((error?: Error) => void) | undefined;
  #error: Error | undefined;

  constructor(options: ReceiverOptions = {}) {
    super();
    this.#isDeferring = options.allowSynchronousEvents === false;
    const codec = options.extensions?.["permessage-deflate"]?.codec();
    this.#connection = new Connection(
      options.isServer === true ? "server" : "client",
      this.#handler(options.binaryType ?? "nodebuffer"),
      {
        limits: limitsOf(options),
        bytes: nodeByteOperations,
        behavior: habitsOf(options),
        ...(codec && { codec }),
      },
    );
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error) => void,
  ): void {
    this.#whenRead = callback;
    this.#connection.receive(chunk);
    this.#settle();
  }

  #handler(binaryType: BinaryType): ConnectionHandler {
    let fragmentEnds: number[] | undefined;
    const message = (data: unknown, isBinary: boolean): void => {
      fragmentEnds = undefined;
      this.#tell("message", data, isBinary);
    };
    return {
      onText: (source, start, end, _ascii, lent) =>
        message(ownBuffer(source.subarray(start, end), lent), false),
      onBinary: (source, start, end, lent) => {
        const data = ownBuffer(source.subarray(start, end), lent);
        message(binaryData(data, binaryType, fragmentEnds), true);
      },
      onFragmentEnd: (bytes) => void (fragmentEnds ??= []).push(bytes),
      onPing: (payload) => this.#tell("ping", bufferOver(payload)),
      onPong: (payload) => this.#tell("pong", bufferOver(payload)),
      onPeerClose: (code, _reason, bytes) => {
        this.#emit("conclude", code, bufferOver(bytes));
        this.end();
      },
      onFailed: (error: ProtocolError) => (this.#error = receiveError(error)),
      // A receiver alone has nowhere to send replies, so they are dropped.
      onOutput: () => void this.#connection.outgoing.take(),
      onReady: () => this.#goOn(),
      onFinished: () => this.#settle(),
    };
  }

  #tell(event: string, ...given: unknown[]): void {
    this.#emit(event, ...given);
    if (!this.#isDeferring) return;
    this.#connection.pause();
    setImmediate(() => this.#goOn());
  }

  #goOn(): void {
    this.#connection.resume();
    this.#settle();
  }

  /** Requests the next chunk once the current one has been processed. */
  #settle(): void {
    const { isHolding, isPaused } = this.#connection;
    if (this.#error === undefined && (isHolding || isPaused)) return;
    const whenRead = this.#whenRead;
    this.#whenRead = undefined;
    whenRead?.(this.#error);
  }

  /** A listener's exception goes to the process, and must not stop the reading. */
  #emit(event: string, ...given: unknown[]): void {
    try {
      this.emit(event, ...given);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
