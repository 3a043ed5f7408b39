import type { Server, Socket } from "node:net";
import { areInternalsAllowed } from "./allowed.ts";
import {
  closeHandle,
  isKnown,
  ownerOf,
  readFirst,
  uncount,
  type CountingServer,
  type FirstReader,
  type SocketHandle,
} from "./socket-handle.ts";

/** What a server listens with. */
interface ListeningHandle extends SocketHandle {
  onconnection: (this: ListeningHandle, status: number, accepted?: SocketHandle) => void;
}

interface AcceptedHandle extends SocketHandle {
  /** That of a Unix socket has none. */
  setNoDelay?(isOn: boolean): number;
}

interface ServerInside extends CountingServer {
  _handle?: ListeningHandle | null;
}

/** Where newcomers go. */
export interface RawSocketHandler {
  onArrived(rawSocket: RawSocket): void;
  /** Its first bytes. */
  onFirstBytes(rawSocket: RawSocket, bytes: Uint8Array): void;
  /** It ended without any. */
  onGone(rawSocket: RawSocket): void;
}

/** A connection that a server accepted and that Node has made no socket of. */
export class RawSocket implements FirstReader {
  readonly handle: SocketHandle;
  /** Which counts it. */
  readonly server: CountingServer;
  readonly #handler: RawSocketHandler;
  readonly #listening: ListeningHandle;
  readonly #onconnection: ListeningHandle["onconnection"];

  constructor(handle: SocketHandle, { server, handler, listening, onconnection }: NewcomerOptions) {
    this.handle = handle;
    this.server = server;
    this.#handler = handler;
    this.#listening = listening;
    this.#onconnection = onconnection;
    server._connections += 1;
    readFirst(handle, this);
  }

  onFirstBytes(bytes: Uint8Array | undefined): void {
    if (bytes !== undefined) return this.#handler.onFirstBytes(this, bytes);
    this.#handler.onGone(this);
    this.close();
  }

  /** Lets it go the way that it would have gone, with the bytes that came. */
  giveBack(bytes: Uint8Array): void {
    // Node counts it again.
    this.server._connections -= 1;
    // Node starts what it takes for stopped.
    this.handle.readStop();
    this.#onconnection.call(this.#listening, 0, this.handle);
    const owner = ownerOf(this.handle);
    // It makes no socket where the server has as many connections as it may have.
    if (owner !== this) (owner as Socket).unshift(bytes);
  }

  close(): void {
    closeHandle(this.handle);
  }

  onClosed(): void {
    uncount(this.server);
  }
}

interface NewcomerOptions {
  server: CountingServer;
  handler: RawSocketHandler;
  listening: ListeningHandle;
  onconnection: ListeningHandle["onconnection"];
}

/**
 * Receives the connections of a listening server before Node makes sockets of them: that, and the
 * HTTP parser of each, is a third of what a handshake costs.
 *
 * Nothing happens where this Node is not as expected, or where the server gets its connections some
 * other way, as in a cluster.
 */
export function receiveConnections(server: Server, handler: RawSocketHandler): void {
  const inside = server as unknown as ServerInside;
  const listening = inside._handle ?? undefined;
  if (!areInternalsAllowed() || listening === undefined) return;
  const { onconnection } = listening;
  if (typeof onconnection !== "function" || !isKnown(listening)) return;
  const options: NewcomerOptions = { server: inside, handler, listening, onconnection };
  listening.onconnection = (status, accepted) => {
    if (accepted === undefined) return onconnection.call(listening, status, accepted);
    (accepted as AcceptedHandle).setNoDelay?.(true);
    handler.onArrived(new RawSocket(accepted, options));
  };
}
