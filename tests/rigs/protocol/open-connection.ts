import { Connection } from "../../../src/protocol/index.ts";
import type {
  ConnectionHandler,
  ConnectionOptions,
  ProtocolError,
  Role,
} from "../../../src/protocol/index.ts";
import { joinBytes } from "./masked-frame.ts";
import { readFrames, type WireFrame } from "./read-frames.ts";

/** The events of a handler, in values that are cheap to compare. */
export type Seen =
  | { kind: "text"; text: string; ascii: boolean }
  | { kind: "binary"; hex: string }
  | { kind: "ping"; hex: string }
  | { kind: "pong"; hex: string }
  | { kind: "peer-close"; code: number; reason: string }
  | { kind: "failed"; code: string; closeCode: number }
  | { kind: "finished" };

/** Records a connection's events, and can react to them. */
export class CollectingHandler implements ConnectionHandler {
  readonly events: Seen[] = [];
  failed: ProtocolError | undefined;
  outputs = 0;
  /** Called after each event except output. */
  react: (event: Seen) => void = () => {};
  reactToOutput: () => void = () => {};
  reactToReady: () => void = () => {};

  onText(source: Uint8Array, start: number, end: number, ascii: boolean): void {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      source.subarray(start, end),
    );
    this.#note({ kind: "text", text, ascii });
  }

  onBinary(source: Uint8Array, start: number, end: number, _lent: boolean): void {
    this.#note({ kind: "binary", hex: hex(source.subarray(start, end)) });
  }

  onPing(payload: Uint8Array): void {
    this.#note({ kind: "ping", hex: hex(payload) });
  }

  onPong(payload: Uint8Array): void {
    this.#note({ kind: "pong", hex: hex(payload) });
  }

  onPeerClose(code: number, reason: string): void {
    this.#note({ kind: "peer-close", code, reason });
  }

  onFailed(error: ProtocolError): void {
    this.failed = error;
    this.#note({ kind: "failed", code: error.code, closeCode: error.closeCode });
  }

  onFinished(): void {
    this.#note({ kind: "finished" });
  }

  onReady(): void {
    this.reactToReady();
  }

  onOutput(): void {
    this.outputs += 1;
    this.reactToOutput();
  }

  get texts(): string[] {
    return this.events.filter((event) => event.kind === "text").map(({ text }) => text);
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  #note(event: Seen): void {
    this.events.push(event);
    this.react(event);
  }
}

export interface OpenConnection {
  connection: Connection;
  seen: CollectingHandler;
  /** Takes the bytes that the connection would write. */
  sent: () => Uint8Array;
  /** The same, as frames. */
  sentFrames: () => WireFrame[];
}

export function openConnection(role: Role, options: ConnectionOptions = {}): OpenConnection {
  const seen = new CollectingHandler();
  const connection = new Connection(role, seen, options);
  const sent = (): Uint8Array => joinBytes(connection.outgoing.take());
  return { connection, seen, sent, sentFrames: () => readFrames(sent()) };
}

export function openServerConnection(options: ConnectionOptions = {}): OpenConnection {
  return openConnection("server", options);
}

export function openClientConnection(options: ConnectionOptions = {}): OpenConnection {
  return openConnection("client", options);
}

export const roles: Role[] = ["server", "client"];

/** Returns the events of a handler whose peer broke the protocol immediately. */
export function failure(code: string, closeCode = 1002): Seen[] {
  return [{ kind: "failed", code, closeCode }, { kind: "finished" }];
}

export function other(role: Role): Role {
  return role === "server" ? "client" : "server";
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
