/** The entry `longwire` in a browser: the browser's own classes. */
export const WebSocket: typeof globalThis.WebSocket = globalThis.WebSocket;
export const CloseEvent: typeof globalThis.CloseEvent = globalThis.CloseEvent;
