import * as extension from "./deflate/extension.ts";
import { PerMessageDeflate } from "./deflate/per-message-deflate.ts";
import { Receiver } from "./wire/receiver.ts";
import { Sender } from "./wire/sender.ts";
import * as subprotocol from "./wire/subprotocol.ts";
import { WebSocketServer } from "./server/web-socket-server.ts";
import { createWebSocketStream } from "./web-socket-stream.ts";
import { WebSocket } from "./web-socket.ts";

/** `require("ws")` returns an object with all exports. */
const whole: typeof WebSocket & {
  createWebSocketStream: typeof createWebSocketStream;
  extension: typeof extension;
  PerMessageDeflate: typeof PerMessageDeflate;
  Receiver: typeof Receiver;
  Sender: typeof Sender;
  Server: typeof WebSocketServer;
  subprotocol: typeof subprotocol;
  WebSocket: typeof WebSocket;
  WebSocketServer: typeof WebSocketServer;
} = Object.assign(WebSocket, {
  createWebSocketStream,
  extension: { format: extension.format, parse: extension.parse },
  PerMessageDeflate,
  Receiver,
  Sender,
  Server: WebSocketServer,
  subprotocol: { parse: subprotocol.parse },
  WebSocket,
  WebSocketServer,
});

export default whole;
