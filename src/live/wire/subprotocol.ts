/** The subprotocol of Level 1, in `Sec-WebSocket-Protocol`. */
export const SUBPROTOCOL = "longwire.v1";
