export type { ClientOptions, ClientTimes } from "./client-settings.ts";
export { CloseEvent } from "./close-event.ts";
export { FailureEvent } from "./failure-event.ts";
export { openWebSocket } from "./open-web-socket.ts";
export { ping } from "./ping.ts";
export { WebSocket } from "./web-socket.ts";
export type { WebSocketData, WebSocketEventMap } from "./web-socket.ts";
export { LongwireError } from "../base/index.ts";
export { HandshakeError, LimitError, ProtocolError } from "../protocol/index.ts";
