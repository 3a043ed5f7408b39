import type { CompressionOptions } from "../../../src/server/index.ts";
import type { RawPipe } from "./raw-pipe.ts";

/** A message as the application receives it. */
export type Message = string | Uint8Array;

/** How the connection ended, as reported to the application. */
export interface Closed {
  code: number;
  reason: string;
  wasClean: boolean;
  /** The error's stable code, if there was an error. */
  error: string | undefined;
}

/** The application at Longwire's end: it echoes every message, and records its events. */
export interface Application {
  readonly messages: readonly Message[];
  readonly closed: Promise<Closed>;
  send(message: Message): void;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
}

/** The settings of Longwire's end; missing ones have their defaults. */
export interface EndSettings {
  maxMessageBytes?: number;
  maxMessageFragments?: number;
  closeTimeoutMs?: number;
  compression?: boolean | Partial<CompressionOptions>;
}

export interface Opening {
  settings: EndSettings;
  /** The value that the raw end sends as `Sec-WebSocket-Extensions`; none if undefined. */
  extensions: string | undefined;
}

/** The raw end of a connection after its handshake. */
export interface Dialled {
  pipe: RawPipe;
  /** The value that Longwire's end sent as `Sec-WebSocket-Extensions`. */
  extensions: string | undefined;
}

export interface Opened extends Dialled {
  application: Application;
}

/** Opens connections between Longwire's end and a raw one, over one transport. */
export interface Carrier {
  open(opening: Opening): Promise<Opened>;
  stop(): Promise<void>;
}
