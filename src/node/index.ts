export { afterWritten, DrainWaiters } from "./stream/after-written.ts";
export type { Closure } from "./stream/closure.ts";
export { Compression, compressionOf } from "./deflate/compression.ts";
export type { CompressionChoice } from "./deflate/compression.ts";
export { DeflateCompression } from "./deflate/deflate-compression.ts";
export type { CompressionOptions } from "./deflate/compression-options.ts";
export { relieveMemory } from "./memory/memory-relief.ts";
export { nodeByteOperations } from "./node-byte-operations.ts";
export { openClientConnection } from "./connecting/open-client-connection.ts";
export type { Attempt, OpenOptions } from "./connecting/open-options.ts";
export { ProxyError } from "./connecting/proxy/proxy-error.ts";
export { proxyChoice } from "./connecting/proxy/proxy.ts";
export type { ProxyChoice } from "./connecting/proxy/proxy.ts";
export type { TcpOptions } from "./connecting/dial/tcp.ts";
export { sha1Base64 } from "./sha1.ts";
export { StreamConnection } from "./stream/stream-connection.ts";
export { decodeText } from "./internals/decode-text.ts";
export { HandleTransport } from "./transport/handle-transport.ts";
export {
  receiveConnections,
  type RawSocket,
  type RawSocketHandler,
} from "./internals/raw-sockets.ts";
export { readHeaders } from "./internals/read-headers.ts";
export { SharedTransport } from "./transport/shared-transport.ts";
export { transportOver } from "./transport/transport-over.ts";
export type { Transport } from "./transport/transport.ts";
export type {
  StreamConnectionHandler,
  StreamConnectionOptions,
} from "./stream/stream-connection.ts";
