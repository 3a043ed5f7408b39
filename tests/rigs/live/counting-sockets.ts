import type { ClientSocket } from "../../../src/live/client/index.ts";

/** A WebSocket class that never connects, and counts how often one is created. */
export function countingSockets(): {
  WebSocket: new (url: string, protocol: string) => ClientSocket;
  count: () => number;
} {
  let created = 0;
  class WebSocket implements ClientSocket {
    onopen: unknown;
    onmessage: unknown;
    onclose: unknown;
    onerror: unknown;

    constructor() {
      created += 1;
    }

    send(): void {}

    close(): void {}
  }
  return { WebSocket, count: () => created };
}
