/** The entry `longwire`: in Node these classes, in a browser (by another file) the native ones. */
export { CloseEvent } from "./standard/close-event.ts";
export type { WebSocketCloseInfo } from "./standard/stream/close-info.ts";
export { WebSocket } from "./standard/web-socket.ts";
export { WebSocketError } from "./standard/stream/web-socket-error.ts";
export { WebSocketStream } from "./standard/stream/web-socket-stream.ts";
export type { WebSocketOpenInfo } from "./standard/stream/web-socket-stream.ts";
export type { WebSocketStreamOptions } from "./standard/stream/web-socket-stream-options.ts";
