import { sendUncompressed, type WebSocket } from "../standard/web-socket.ts";
import type { WebSocketData } from "../standard/web-socket-types.ts";

export interface SendOptions {
  /**
   * Whether the message may be compressed, if the server agreed to it and the message is long
   * enough. Default true. Pass false for data that is already compressed, and for a secret next to
   * text that somebody else chose, because the compressed length would reveal part of the secret.
   */
  compress?: boolean;
}

/**
 * Sends a message like `socket.send(data)`, with an option that browsers do not offer.
 *
 * @throws DOMException `InvalidStateError` while connecting
 */
export function send(socket: WebSocket, data: WebSocketData, options: SendOptions = {}): void {
  if (options.compress === false) sendUncompressed(socket, data);
  else socket.send(data);
}
