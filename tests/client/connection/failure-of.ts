import type { FailureEvent, LongwireError, WebSocket } from "../../../src/client/index.ts";

/** Returns the error that a socket fails with. */
export async function failureOf(socket: WebSocket): Promise<LongwireError> {
  const event = await new Promise<Event>((resolve, reject) => {
    socket.addEventListener("error", resolve, { once: true });
    socket.addEventListener("open", () => reject(new Error("It opened.")), { once: true });
  });
  return (event as FailureEvent).error;
}
