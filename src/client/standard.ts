/** The entry `longwire`: in Node our classes, in a browser (by another file) the native ones. */
export { CloseEvent } from "./close-event.ts";
export type { WebSocketCloseInfo } from "./close-info.ts";
export { WebSocket } from "./web-socket.ts";
export { WebSocketError } from "./web-socket-error.ts";
export { WebSocketStream } from "./web-socket-stream.ts";
export type { WebSocketOpenInfo } from "./web-socket-stream.ts";
export type { WebSocketStreamOptions } from "./web-socket-stream-options.ts";
