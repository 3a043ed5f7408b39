import type { Account } from "../../base/index.ts";

/** How texts are encoded as frames. Peers whose formats have the same name share frames. */
export interface FrameFormat {
  readonly name: string;
  /**
   * Encodes a text as a frame for `sendFrames` of such peers; the bytes never change afterwards.
   */
  encodeText(text: string): Uint8Array;
}

/**
 * What the live layer needs of a WebSocket peer. The server's `Peer` implements it.
 *
 * The live layer does not depend on a socket: any object of this shape works.
 */
export interface LivePeer {
  data: unknown;
  readonly protocol: string;
  readonly isOpen: boolean;
  readonly bufferedAmount: number;
  /** The account that is charged for what the connection holds. */
  readonly account: Account;
  /** Sets the longest message in bytes; a longer one is rejected when its header arrives. */
  limitMessages(maxBytes: number): void;
  send(text: string): boolean;
  readonly frameFormat: FrameFormat;
  sendFrames(frames: Uint8Array): boolean;
  close(code: number, reason: string): void;
  watchDrain(): void;
}

/** The part of a WebSocket handshake that the live layer uses. */
export interface LiveUpgrade {
  readonly path: string;
  readonly search: string;
  readonly protocols: readonly string[];
  readonly remoteAddress: string | undefined;
  /** The client's address when `remoteAddress` is a trusted proxy. */
  readonly clientAddress?: string | undefined;
  header(name: string): string | undefined;
}

/** The part of a plain HTTP exchange that the live layer uses. */
export interface LiveExchange {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly remoteAddress: string | undefined;
  readonly clientAddress?: string | undefined;
  /** The account that is charged for what the request holds. */
  readonly account: Account;
  readonly isOver: boolean;
  /** Bytes of a streamed response that the client has not read yet. */
  readonly bufferedAmount: number;
  header(name: string): string | undefined;
  body(maxBytes: number): Promise<string>;
  answer(status: number, headers: Record<string, string>, body: string | Uint8Array): void;
  beginStream(headers: Record<string, string>): void;
  write(bytes: Uint8Array): void;
  end(): void;
  /** Aborts a partly sent response, so that the client does not mistake it for a complete one. */
  abort(): void;
  onDrain(proceed: () => void): void;
  onClosed(ended: () => void): void;
}
