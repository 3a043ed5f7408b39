/** The entry `longwire` in a browser: the browser's native classes. */
export const WebSocket: typeof globalThis.WebSocket = globalThis.WebSocket;
export const CloseEvent: typeof globalThis.CloseEvent = globalThis.CloseEvent;

const platform = globalThis as unknown as { WebSocketStream?: unknown; WebSocketError?: unknown };

/** `undefined` in browsers that do not have it. */
export const WebSocketStream: unknown = platform.WebSocketStream;
export const WebSocketError: unknown = platform.WebSocketError;
