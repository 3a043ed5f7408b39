import { LongwireError } from "../../base/index.ts";
import { sendPing, type WebSocket } from "../standard/web-socket.ts";

/**
 * Sends a WebSocket ping and resolves with the round trip's time, in milliseconds.
 *
 * A browser's page can't do this, so it is a function and not a method of `WebSocket`.
 *
 * @throws LongwireError `not_open` as a rejection, also when the connection ends before the pong
 */
export function ping(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const fail = (): void => {
      reject(new LongwireError("not_open", "The WebSocket is not open; ping while it is."));
    };
    const isSent = sendPing(socket, () => {
      socket.removeEventListener("close", fail);
      resolve(performance.now() - sentAt);
    });
    if (isSent) socket.addEventListener("close", fail, { once: true });
    else fail();
  });
}
