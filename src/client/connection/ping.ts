import { LongwireError } from "../../base/index.ts";
import { sendPing, type WebSocket } from "../standard/web-socket.ts";

/**
 * Sends a WebSocket ping and resolves with the round-trip time, in milliseconds.
 *
 * It is a function, not a method of `WebSocket`, because the browser's `WebSocket` does not have
 * it.
 *
 * @throws LongwireError `not_open` as a rejection, also if the connection ends before the pong
 */
export function ping(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const fail = (): void => {
      reject(
        new LongwireError(
          "not_open",
          "The WebSocket is not open; ping only between its open and close events.",
        ),
      );
    };
    const isSent = sendPing(socket, () => {
      socket.removeEventListener("close", fail);
      resolve(performance.now() - sentAt);
    });
    if (isSent) socket.addEventListener("close", fail, { once: true });
    else fail();
  });
}
