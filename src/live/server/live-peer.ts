import type { Account } from "../../base/index.ts";

/** How texts become frames, the same for all peers whose formats have the same name. */
export interface FrameFormat {
  readonly name: string;
  /** Makes a frame that those peers' `sendFrames` takes; it does not change any more. */
  encodeText(text: string): Uint8Array;
}

/**
 * What the live layer needs of a WebSocket peer; the server's `Peer` has it.
 *
 * The layer knows no socket: whatever has this shape will do.
 */
export interface LivePeer {
  data: unknown;
  readonly protocol: string;
  readonly isOpen: boolean;
  readonly bufferedAmount: number;
  /** What the connection holds, charged to an address or an identity. */
  readonly account: Account;
  /** Sets how long a message may be, in bytes; a longer one is refused on its header. */
  limitMessages(maxBytes: number): void;
  send(text: string): boolean;
  readonly frameFormat: FrameFormat;
  sendFrames(frames: Uint8Array): boolean;
  close(code: number, reason: string): void;
  watchDrain(): void;
}

/** What it needs of a handshake. */
export interface LiveUpgrade {
  readonly path: string;
  readonly search: string;
  readonly protocols: readonly string[];
  readonly remoteAddress: string | undefined;
  /** The client's, where `remoteAddress` is that of a proxy which is known. */
  readonly clientAddress?: string | undefined;
  header(name: string): string | undefined;
}

/** What it needs of a plain HTTP request and its answer. */
export interface LiveExchange {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly remoteAddress: string | undefined;
  readonly clientAddress?: string | undefined;
  /** What the request holds, charged to an address or an identity. */
  readonly account: Account;
  readonly isOver: boolean;
  /** Bytes of a begun stream that the client has not taken. */
  readonly bufferedAmount: number;
  header(name: string): string | undefined;
  body(maxBytes: number): Promise<string>;
  answer(status: number, headers: Record<string, string>, body: string | Uint8Array): void;
  beginStream(headers: Record<string, string>): void;
  write(bytes: Uint8Array): void;
  end(): void;
  /** Ends an answer in the middle, so that the client does not take it for the whole. */
  abort(): void;
  onDrain(proceed: () => void): void;
  onClosed(ended: () => void): void;
}
