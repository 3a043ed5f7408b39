/** The entry `longwire`: in Node our class, in a browser (by another file) the native one. */
export { CloseEvent } from "./close-event.ts";
export { WebSocket } from "./web-socket.ts";
