import type { Server } from "node:net";
import type { Clock, Timer } from "../../base/index.ts";
import {
  HandleTransport,
  receiveConnections,
  type RawSocket,
  type RawSocketHandler,
} from "../../node/index.ts";
import { plainRequestHead, type RequestHead } from "./plain-request-head.ts";

export interface DirectArrivalsOptions {
  clock: Clock;
  /** How long a connection may stay open without sending anything, in milliseconds. */
  timeoutMs: number;
  maxHeaderBytes: number;
  /** Accepts a plain handshake; returns false to leave it to the HTTP server. */
  take: (head: RequestHead, transport: () => HandleTransport) => boolean;
}

/**
 * Intercepts plain WebSocket handshakes on an HTTP server's connections, before its parser.
 *
 * All other requests reach the server unchanged.
 */
export class DirectAccept implements RawSocketHandler {
  readonly #options: DirectArrivalsOptions;
  /** Connections that have sent nothing yet, with the time of their arrival, oldest first. */
  readonly #silent = new Map<RawSocket, number>();
  #timer: Timer | undefined;

  constructor(options: DirectArrivalsOptions) {
    this.#options = options;
  }

  /** @param server is listening already */
  watch(server: Server): void {
    receiveConnections(server, this);
  }

  onArrived(rawSocket: RawSocket): void {
    this.#silent.set(rawSocket, this.#options.clock.now());
    this.#timer ??= this.#wait(this.#options.timeoutMs);
  }

  onFirstBytes(rawSocket: RawSocket, bytes: Uint8Array): void {
    this.#silent.delete(rawSocket);
    const head = plainRequestHead(bytes, this.#options.maxHeaderBytes);
    const transport = (): HandleTransport => {
      const { handle, server } = rawSocket;
      const behind = bytes.subarray(head!.length);
      return new HandleTransport({ handle, server, head: behind.length > 0 ? behind : undefined });
    };
    if (head === undefined || !this.#options.take(head, transport)) rawSocket.giveBack(bytes);
  }

  onGone(rawSocket: RawSocket): void {
    this.#silent.delete(rawSocket);
  }

  /** Closes all connections that have sent nothing yet. */
  cut(): void {
    for (const rawSocket of this.#silent.keys()) rawSocket.close();
    this.#silent.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(delayMs: number): Timer {
    return this.#options.clock.after(delayMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    const { clock, timeoutMs } = this.#options;
    const now = clock.now();
    for (const [rawSocket, since] of this.#silent) {
      const left = since + timeoutMs - now;
      if (left > 0) {
        this.#timer = this.#wait(left);
        return;
      }
      this.#silent.delete(rawSocket);
      const { handle, server } = rawSocket;
      const transport = new HandleTransport({ handle, server, head: undefined });
      transport.write(REQUEST_TIMEOUT);
      transport.destroy();
    }
  }
}

/** The response that Node sends, too. (RFC 9110 §15.5.9) */
const REQUEST_TIMEOUT: Uint8Array = Buffer.from(
  "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
);
