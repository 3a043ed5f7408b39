import type { ByteOperations, MemoryAccount } from "../base/index.ts";
import type { MessageCodec } from "./deflate/message-codec.ts";
import type { ConnectionLimits } from "./limits.ts";

export interface ConnectionOptions {
  limits?: ConnectionLimits;
  bytes?: ByteOperations;
  /** Pays for what the peer's unfinished messages hold, and for what waits to be delivered. */
  account?: MemoryAccount;
  /** What compresses and inflates, when permessage-deflate was agreed. (RFC 7692) */
  codec?: MessageCodec;
  behavior?: ConnectionBehavior;
}

/** What an owner may do in another way than RFC 6455 recommends. */
export interface ConnectionBehavior {
  /** Whether pings are answered here; if not, the owner owes the pong. Default true. (§5.5.2) */
  answersPings?: boolean | undefined;
  /** Whether text and close reasons must be UTF-8. Default true. (§8.1) */
  checksText?: boolean | undefined;
  /** Returns a masking key as one integer, network order. Default 32 random bits. (§5.3) */
  maskingKey?: (() => number) | undefined;
  /**
   * How many pieces a frame may come in before it is refused with 1008. Default any number: what has
   * come is joined, so that a piece costs no memory of its own.
   */
  maxFramePieces?: number | undefined;
}
