export type { ClientOptions, ClientTimes } from "./connection/client-options.ts";
export { CloseEvent } from "./standard/close-event.ts";
export type { WebSocketCloseInfo } from "./standard/stream/close-info.ts";
export { FailureEvent } from "./standard/fired-event.ts";
export { openWebSocket } from "./connection/open-web-socket.ts";
export { openWebSocketStream } from "./connection/open-web-socket-stream.ts";
export { ping } from "./connection/ping.ts";
export type { RequestHeaders } from "./connection/request-headers.ts";
export { send } from "./connection/send.ts";
export type { SendOptions } from "./connection/send.ts";
export { WebSocket } from "./standard/web-socket.ts";
export { WebSocketError } from "./standard/stream/web-socket-error.ts";
export { WebSocketStream } from "./standard/stream/web-socket-stream.ts";
export type { WebSocketOpenInfo } from "./standard/stream/web-socket-stream.ts";
export type { WebSocketStreamOptions } from "./standard/stream/web-socket-stream-options.ts";
export type {
  SubprotocolsArgument,
  WebSocketData,
  WebSocketEventMap,
} from "./standard/web-socket-types.ts";
export { Compression } from "../node/index.ts";
export type { CompressionChoice, CompressionOptions } from "../node/index.ts";
export { LongwireError } from "../base/index.ts";
export { ProxyError } from "../node/index.ts";
export type { TcpOptions } from "../node/index.ts";
export { HandshakeError, LimitError, ProtocolError } from "../protocol/index.ts";
