import { LongwireError } from "../base/index.ts";

/** The error codes of `error` messages and HTTP answers. */
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

/** A request was refused, and nothing of it was done. */
export class LiveError extends LongwireError {
  declare readonly code: LiveErrorCode;

  // This constructor exists to narrow the type of `code`.
  // oxlint-disable-next-line typescript/no-useless-constructor
  constructor(code: LiveErrorCode, message: string) {
    super(code, message);
  }
}
