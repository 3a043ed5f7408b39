import { LongwireError } from "../base/index.ts";

/** The codes that an `error` message, or an HTTP form's answer, can have. */
export type LiveErrorCode =
  | "bad_request"
  | "unknown_type"
  | "unauthorized"
  | "forbidden"
  | "unknown_topic"
  | "unknown_method"
  | "invalid_params"
  | "invalid_data"
  | "too_large"
  | "rate_limited"
  | "conflict"
  | "unavailable"
  | "internal";

/** A request that was refused; nothing of it was done. */
export class LiveError extends LongwireError {
  declare readonly code: LiveErrorCode;

  // The narrower type of `code` is the reason for this constructor.
  // oxlint-disable-next-line typescript/no-useless-constructor
  constructor(code: LiveErrorCode, message: string) {
    super(code, message);
  }
}
