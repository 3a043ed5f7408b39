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
  send(text: string): boolean;
  sendFrames(frames: Uint8Array): boolean;
  /** Makes a frame that any peer's `sendFrames` takes; good until the next one is made. */
  encodeText(text: string): Uint8Array;
  close(code: number, reason: string): void;
  watchDrain(): void;
}

/** What it needs of a handshake. */
export interface LiveUpgrade {
  readonly path: string;
  readonly search: string;
  readonly protocols: readonly string[];
}

/** What it needs of a plain HTTP request and its answer. */
export interface LiveExchange {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly isOver: boolean;
  /** Bytes of a begun stream that the client has not taken. */
  readonly bufferedAmount: number;
  header(name: string): string | undefined;
  body(maxBytes: number): Promise<string>;
  answer(status: number, headers: Record<string, string>, body: string): void;
  beginStream(headers: Record<string, string>): void;
  write(bytes: Uint8Array): void;
  end(): void;
  onDrain(proceed: () => void): void;
  onClosed(ended: () => void): void;
}
