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

/** The handle of a listening server. */
interface ListeningHandle extends SocketHandle {
  onconnection: (this: ListeningHandle, status: number, accepted?: SocketHandle) => void;
}

interface AcceptedHandle extends SocketHandle {
  /** Missing for Unix sockets. */
  setNoDelay?(isOn: boolean): number;
}

interface ServerInside extends CountingServer {
  _handle?: ListeningHandle | null;
}

/** Receives new connections. */
export interface RawSocketHandler {
  onArrived(rawSocket: RawSocket): void;
  /** Called for the first bytes of a connection. */
  onFirstBytes(rawSocket: RawSocket, bytes: Uint8Array): void;
  /** Called when a connection ended without sending any bytes. */
  onGone(rawSocket: RawSocket): void;
}

/** A connection that a server accepted, before Node has created a socket for it. */
export class RawSocket implements FirstReader {
  readonly handle: SocketHandle;
  /** The server that counts it. */
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

  /** Hands the connection over to Node, with the bytes received so far. */
  giveBack(bytes: Uint8Array): void {
    // Node will count it itself.
    this.server._connections -= 1;
    // Stopped, because Node expects to start the reading.
    this.handle.readStop();
    this.#onconnection.call(this.#listening, 0, this.handle);
    const owner = ownerOf(this.handle);
    // Node does not create a socket if the server has reached its maximum number of connections.
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
 * Receives a listening server's connections before Node creates sockets for them. The sockets and
 * their HTTP parsers account for a third of the cost of a handshake.
 *
 * Does nothing if this version of Node is not as expected, or if the server gets its connections in
 * another way, as in a cluster.
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
