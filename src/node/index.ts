export type { Closure } from "./closure.ts";
export { nodeByteOperations } from "./node-byte-operations.ts";
export { openClientConnection } from "./open-client-connection.ts";
export type { Attempt, OpenHandler } from "./open-client-connection.ts";
export { sha1Base64 } from "./sha1.ts";
export { StreamConnection } from "./stream-connection.ts";
export type { StreamConnectionHandler, StreamConnectionOptions } from "./stream-connection.ts";
