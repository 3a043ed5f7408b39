import { sendUncompressed, type WebSocket } from "../standard/web-socket.ts";
import type { WebSocketData } from "../standard/web-socket-types.ts";

export interface SendOptions {
  /**
   * Whether the message may be compressed, where the server agreed to it and it is long enough.
   * Default true. Say false for what is compressed already, and for a secret that stands beside
   * text of somebody else's choice: its length would tell of it.
   */
  compress?: boolean;
}

/**
 * Sends a message as `socket.send(data)` does, with a choice that a browser's page does not have.
 *
 * @throws DOMException `InvalidStateError` while connecting
 */
export function send(socket: WebSocket, data: WebSocketData, options: SendOptions = {}): void {
  if (options.compress === false) sendUncompressed(socket, data);
  else socket.send(data);
}
