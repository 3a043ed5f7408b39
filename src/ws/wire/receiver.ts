import { Writable } from "node:stream";
import { nodeByteOperations } from "../../node/index.ts";
import { Connection, type ConnectionHandler, type ProtocolError } from "../../protocol/index.ts";
import { binaryData, type BinaryType } from "./binary-types.ts";
import { habitsOf, limitsOf, type ConnectionOptions } from "../connection-options.ts";
import { bufferOver, ownBuffer } from "./message-bytes.ts";
import { receiveError } from "./receive-error.ts";
import type { Extensions } from "./sender.ts";

/** What a receiver takes; unlike a connection it has no limits unless they are given. */
export interface ReceiverOptions extends ConnectionOptions {
  binaryType?: BinaryType | undefined;
  extensions?: Extensions | undefined;
  /** Whether frames must be masked, as clients' are. */
  isServer?: boolean | undefined;
}

/**
 * Reads frames from what is written to it, and emits what they say: `message`, `ping`, `pong`, and
 * `conclude` for a Close frame. What is written is given away.
 */
export class Receiver extends Writable {
  readonly #connection: Connection;
  readonly #isDeferring: boolean;
  /** What the chunk in hand waits for to be done with. */
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
      // What would be answered is nobody's here.
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

  /** Asks for the next chunk once the present one is done with. */
  #settle(): void {
    const { isHolding, isPaused } = this.#connection;
    if (this.#error === undefined && (isHolding || isPaused)) return;
    const whenRead = this.#whenRead;
    this.#whenRead = undefined;
    whenRead?.(this.#error);
  }

  /** What a listener throws is the process's, and must not stop the reading. */
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
