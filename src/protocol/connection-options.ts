import type { ByteOperations, MemoryAccount } from "../base/index.ts";
import type { MessageCodec } from "./deflate/message-codec.ts";
import type { ConnectionLimits } from "./limits.ts";

export interface ConnectionOptions {
  limits?: ConnectionLimits;
  bytes?: ByteOperations;
  /** Is charged for the peer's unfinished messages and for those that wait to be delivered. */
  account?: MemoryAccount;
  /** Compresses and inflates messages, if permessage-deflate was agreed. (RFC 7692) */
  codec?: MessageCodec;
  behavior?: ConnectionBehavior;
  /**
   * Whether the payloads that `onPing` and `onPong` receive are valid only until the call returns.
   * Then a ping takes no memory of its own. Default false: they may be kept.
   */
  lendsPings?: boolean;
}

/** Deviations from the recommendations of RFC 6455. */
export interface ConnectionBehavior {
  /**
   * Whether the connection answers pings. If not, the caller has to send the pongs. Default true.
   * (§5.5.2)
   */
  answersPings?: boolean | undefined;
  /** Whether text and close reasons must be valid UTF-8. Default true. (§8.1) */
  checksText?: boolean | undefined;
  /** Returns a masking key as one integer in network byte order. Default: 32 random bits. (§5.3) */
  maskingKey?: (() => number) | undefined;
  /**
   * The maximum number of pieces in which a frame's payload may arrive before the connection is
   * failed with 1008. Default: no limit, because pieces are joined and cost no memory of their own.
   */
  maxFramePieces?: number | undefined;
}
