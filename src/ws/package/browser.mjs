export default function WebSocket() {
  throw new Error("ws does not work in the browser; use the browser's own WebSocket object.");
}

export {
  WebSocket,
  WebSocket as createWebSocketStream,
  WebSocket as Receiver,
  WebSocket as Sender,
  WebSocket as Server,
  WebSocket as WebSocketServer,
};
