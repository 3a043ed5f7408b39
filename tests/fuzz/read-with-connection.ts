import { SyncZlib } from "../../src/node/internals/sync-zlib.ts";
import { OwnContext } from "../../src/node/deflate/context-pool.ts";
import { DeflateCompression, nodeByteOperations } from "../../src/node/index.ts";
import {
  Connection,
  MemoryBudget,
  type ConnectionHandler,
  type DeflateParameters,
  type ProtocolError,
} from "../../src/protocol/index.ts";
import type { Random } from "../rigs/random.ts";
import type { Agreed, StreamKind } from "./byte-streams.ts";
import { hexOf, LIMITS, type Reading } from "./reading.ts";

const compression = new DeflateCompression();

let resets = 0;
// A kept window is reset only by final blocks; otherwise, every message resets it.
const reset = Object.getOwnPropertyDescriptor(SyncZlib.prototype, "reset")!.value as () => void;
SyncZlib.prototype.reset = function () {
  resets += 1;
  reset.call(this);
};

// Without Node's internals, a stream that has ended is replaced.
let isDiscarded = false;
const own = Object.getOwnPropertyDescriptors(OwnContext.prototype);
OwnContext.prototype.discard = function () {
  isDiscarded = true;
  own.discard.value!.call(this);
};
OwnContext.prototype.take = function () {
  if (isDiscarded) resets += 1;
  isDiscarded = false;
  return own.take.value!.call(this);
};

/** More steps than any stream here needs. */
const STEP_LIMIT = 100_000;

class Collector implements ConnectionHandler {
  readonly reading: Reading = { received: [], failure: undefined, restarts: 0 };
  finished = 0;
  onReady: () => void = () => {};
  onEvent: () => void = () => {};

  onText(source: Uint8Array, start: number, end: number, ascii: boolean): void {
    const bytes = source.subarray(start, end);
    if (ascii && bytes.some((octet) => octet > 0x7f)) throw new Error("The text is not ASCII.");
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    this.#note({ kind: "text", hex: hexOf(source, start, end) });
  }

  onBinary(source: Uint8Array, start: number, end: number): void {
    this.#note({ kind: "binary", hex: hexOf(source, start, end) });
  }

  onPing(payload: Uint8Array): void {
    this.#note({ kind: "ping", hex: hexOf(payload) });
  }

  onPong(payload: Uint8Array): void {
    this.#note({ kind: "pong", hex: hexOf(payload) });
  }

  onPeerClose(code: number, reason: string): void {
    this.#note({ kind: "close", code, reason });
  }

  onFailed({ code, closeCode }: ProtocolError): void {
    if (this.reading.failure !== undefined) throw new Error("The connection failed twice.");
    this.reading.failure = { code, closeCode };
  }

  onFinished(): void {
    this.finished += 1;
    // The message that was being inflated on another thread may have been rejected.
    this.onReady();
  }

  onOutput(): void {}

  #note(event: Reading["received"][number]): void {
    if (this.finished > 0) throw new Error(`${event.kind} was delivered after the end.`);
    this.reading.received.push(event);
    this.onEvent();
  }
}

export interface ReadOptions extends StreamKind {
  chunks: readonly Uint8Array[];
  /** If present, pauses after some events. */
  pausing: Random | undefined;
}

/** Passes a stream to a connection, and throws if the connection breaks a rule. */
export async function readWithConnection(options: ReadOptions): Promise<Reading> {
  const { receiver, agreed, chunks, pausing } = options;
  const budget = new MemoryBudget(10_000_000);
  isDiscarded = false;
  const resetsBefore = resets;
  const seen = new Collector();
  const codec = agreed === "plain" ? undefined : compression.codec(receiver, parameters(agreed));
  const connection = new Connection(receiver, seen, {
    limits: LIMITS,
    account: budget,
    bytes: nodeByteOperations,
    ...(codec && { codec }),
  });
  let isReady = (): void => {};
  seen.onReady = () => isReady();
  seen.onEvent = () => {
    if (pausing?.chance(0.3) === true) connection.pause();
  };
  for (const chunk of chunks) connection.receive(chunk);
  for (let steps = 0; connection.isHolding; steps += 1) {
    if (steps > STEP_LIMIT) throw new Error("The connection does not finish.");
    const before = seen.reading.received.length;
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    connection.resume();
    // Otherwise, a message is being inflated on another thread, which calls back.
    if (connection.isHolding && seen.reading.received.length === before) await ready;
  }
  if (seen.finished > 1) throw new Error(`The connection finished ${seen.finished} times.`);
  connection.transportEnded();
  if (budget.usedBytes !== 0) throw new Error(`${budget.usedBytes} bytes were not refunded.`);
  if (agreed === "kept") seen.reading.restarts = resets - resetsBefore;
  return seen.reading;
}

/** The bytes that codecs hold; 0 when all connections have ended. */
export function contextBytes(): number {
  return compression.contextBytes;
}

function parameters(agreed: Agreed): DeflateParameters {
  const isFresh = agreed === "fresh";
  return {
    serverNoContextTakeover: isFresh,
    clientNoContextTakeover: isFresh,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
}
