import type { CompressionOptions } from "../../../src/server/index.ts";
import type { RawPipe } from "./raw-pipe.ts";

/** A message as an application sees it. */
export type Message = string | Uint8Array;

/** How the connection ended, as the application was told. */
export interface Closed {
  code: number;
  reason: string;
  wasClean: boolean;
  /** The error's stable code, when there was an error. */
  error: string | undefined;
}

/** The program on our end: it answers every message with itself, and remembers what it saw. */
export interface Application {
  readonly messages: readonly Message[];
  readonly closed: Promise<Closed>;
  send(message: Message): void;
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void;
}

/** What our end is set to; nothing stands for its defaults. */
export interface EndSettings {
  maxMessageBytes?: number;
  maxMessageFragments?: number;
  closeTimeoutMs?: number;
  compression?: boolean | Partial<CompressionOptions>;
}

export interface Opening {
  settings: EndSettings;
  /** What the raw end writes as `Sec-WebSocket-Extensions`; nothing when left out. */
  extensions: string | undefined;
}

/** The raw end of a connection after its handshake. */
export interface Dialled {
  pipe: RawPipe;
  /** What our end wrote as `Sec-WebSocket-Extensions`. */
  extensions: string | undefined;
}

export interface Opened extends Dialled {
  application: Application;
}

/** Opens connections between one of our ends and a raw one, over one transport. */
export interface Carrier {
  open(opening: Opening): Promise<Opened>;
  stop(): Promise<void>;
}
