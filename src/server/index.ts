export { Account, Ledger, LongwireError, Payer } from "../base/index.ts";
export type { LedgerLimits } from "../base/index.ts";
export { Compression } from "../node/index.ts";
export type { Closure, CompressionChoice, CompressionOptions } from "../node/index.ts";
export { CloseCode, LimitError } from "../protocol/index.ts";
export type { Endpoint, Message } from "./endpoint.ts";
export type { FrameFormat } from "./frame-format.ts";
export { healthEndpoints } from "./health-endpoints.ts";
export { hostPolicyFor, isHostAllowed } from "./host-policy.ts";
export type { HostPolicy } from "./host-policy.ts";
export { HandshakeRefusal } from "./handshake-refusal.ts";
export type { HandshakeRefusalOptions } from "./handshake-refusal.ts";
export { HttpExchange } from "./http-exchange.ts";
export type { OriginPolicy } from "./origin-policy.ts";
export { Peer } from "./peer.ts";
export type { SendOptions } from "./peer.ts";
export type { ServerLimits } from "./server-limits.ts";
export { UpgradeRequest } from "./upgrade-request.ts";
export { WebSocketServer } from "./web-socket-server.ts";
export type {
  CloseOptions,
  Listening,
  ListenOptions,
  WebSocketServerOptions,
} from "./web-socket-server.ts";
