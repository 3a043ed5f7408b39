export { Ledger, LongwireError } from "../base/index.ts";
export type { Account, LedgerLimits, MemoryAccount, Payer } from "../base/index.ts";
export { Compression } from "../node/index.ts";
export type { Closure, CompressionChoice, CompressionOptions } from "../node/index.ts";
export { CloseCode, LimitError } from "../protocol/index.ts";
export type { Endpoint, Message } from "./endpoint.ts";
export type { FrameFormat } from "./peer/frame-format.ts";
export { healthEndpoints } from "./http/health-endpoints.ts";
export { hostPolicyFor, isHostAllowed } from "./accept/host-policy.ts";
export type { HostPolicy } from "./accept/host-policy.ts";
export { HandshakeRefusal } from "./accept/handshake-refusal.ts";
export type { HandshakeRefusalOptions } from "./accept/handshake-refusal.ts";
export type { HttpExchange } from "./http/http-exchange.ts";
export type { OriginPolicy } from "./accept/origin-policy.ts";
export type { Peer, SendOptions } from "./peer/peer.ts";
export type { ServerLimits } from "./server-limits.ts";
export type { UpgradeRequest } from "./accept/upgrade-request.ts";
export { WebSocketServer } from "./web-socket-server.ts";
export type {
  CloseOptions,
  Listening,
  ListenOptions,
  WebSocketServerOptions,
} from "./web-socket-server.ts";
