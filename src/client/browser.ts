/** The entry `longwire` in a browser: the browser's own classes, as far as it has them. */
export const WebSocket: typeof globalThis.WebSocket = globalThis.WebSocket;
export const CloseEvent: typeof globalThis.CloseEvent = globalThis.CloseEvent;

const platform = globalThis as unknown as { WebSocketStream?: unknown; WebSocketError?: unknown };

/** Not every browser has it; `undefined` then. */
export const WebSocketStream: unknown = platform.WebSocketStream;
export const WebSocketError: unknown = platform.WebSocketError;
