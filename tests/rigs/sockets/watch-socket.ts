import type { CloseEvent, WebSocket } from "../../../src/client/index.ts";

/** Returns the next event of this type. */
export function next(socket: WebSocket, type: "message"): Promise<MessageEvent>;
export function next(socket: WebSocket, type: "close"): Promise<CloseEvent>;
export function next(socket: WebSocket, type: "open" | "error"): Promise<Event>;
export function next(socket: WebSocket, type: string): Promise<Event> {
  return new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
}

/** Returns the types of all events in order, once the socket is closed. */
export async function eventsOf(socket: WebSocket): Promise<string[]> {
  const seen: string[] = [];
  for (const type of ["open", "message", "error", "close"]) {
    socket.addEventListener(type, () => seen.push(type));
  }
  await next(socket, "close");
  return seen;
}
