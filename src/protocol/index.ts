export { CloseCode, isSendableCloseCode } from "./messages/close-code.ts";
export { Connection } from "./connection.ts";
export type { ConnectionHandler } from "./connection-handler.ts";
export type { ConnectionBehavior, ConnectionOptions } from "./connection-options.ts";
export type { ConnectionState } from "./protocol-connection.ts";
export { acceptDeflateOffer } from "./deflate/accept-offer.ts";
export type { DeflateAcceptance } from "./deflate/accept-offer.ts";
export { deflateOffer } from "./deflate/check-response.ts";
export type { DeflateParameters, DeflatePreferences } from "./deflate/deflate-parameters.ts";
export type {
  CompressedPayload,
  Deflater,
  InflateSink,
  Inflater,
  LaterWork,
  MessageCodec,
} from "./deflate/message-codec.ts";
export { encodeTextFrame } from "./frames/frame-encoder.ts";
export { encodeHeader } from "./frames/frame-header.ts";
export type { FrameKind } from "./frames/frame-header.ts";
export {
  checkAcceptance,
  checkConnectAcceptance,
  formatOpening,
} from "./handshake/client-handshake.ts";
export type { Agreement, Expectation, OpeningOptions } from "./handshake/client-handshake.ts";
export { formatExtensions, parseExtensions } from "./handshake/extensions.ts";
export type { Extension } from "./handshake/extensions.ts";
export { HandshakeError } from "./handshake/handshake-error.ts";
export {
  fieldValues,
  hasToken,
  isBlank,
  isFieldValue,
  isToken,
  trimmed,
} from "./handshake/header-fields.ts";
export type { HeaderFields } from "./handshake/header-fields.ts";
export { acceptFor, freshHandshakeKey, isHandshakeKey } from "./handshake/key.ts";
export type { Sha1Base64 } from "./handshake/key.ts";
export { ResponseHeadReader } from "./handshake/response-head.ts";
export type { HeadProgress, ResponseHead } from "./handshake/response-head.ts";
export { checkExtendedConnect } from "./handshake/extended-connect.ts";
export type { ConnectRequest } from "./handshake/extended-connect.ts";
export { checkUpgrade, formatAcceptance, upgradeRequired } from "./handshake/server-handshake.ts";
export type {
  AcceptanceOptions,
  HandshakeRequest,
  Opening,
  OpeningResult,
  Refusal,
  UpgradeResult,
} from "./handshake/server-handshake.ts";
export { defaultConnectionLimits, defaultHandshakeLimits } from "./limits.ts";
export type { ConnectionLimits, HandshakeLimits } from "./limits.ts";
export { freshMaskingKey } from "./frames/masking-keys.ts";
export { mask } from "./frames/masking.ts";
export { MemoryBudget } from "./messages/memory-budget.ts";
export { messageTimeout, overShare } from "./messages/message-violations.ts";
export { Opcode } from "./frames/opcode.ts";
export type { Outgoing } from "./messages/outgoing.ts";
export { LimitError, ProtocolError } from "./protocol-error.ts";
export type { Role } from "./role.ts";
