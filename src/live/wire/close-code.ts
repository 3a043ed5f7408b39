import type { LiveError } from "../../topics/index.ts";

/** The close codes of the live layer. */
export const LiveCloseCode = {
  InternalError: 1011,
  Restarting: 1012,
  BadMessage: 4400,
  Unauthorized: 4401,
  Forbidden: 4403,
  UnknownTopic: 4404,
  Timeout: 4408,
  TooLarge: 4413,
  InvalidParams: 4422,
  TooMany: 4429,
  Overloaded: 4503,
} as const;

/**
 * Whether a client must not reconnect automatically after `code`: from 4400 to 4499, the same
 * attempt would fail again, unless the server's `disconnect` has `retry`.
 */
export function isTerminal(code: number): boolean {
  return code >= 4400 && code < 4500;
}

/** The close code for a connection that ends because of an error. */
export function closeCodeOf({ code }: LiveError): number {
  switch (code) {
    case "unauthorized":
      return LiveCloseCode.Unauthorized;
    case "forbidden":
      return LiveCloseCode.Forbidden;
    case "unknown_topic":
      return LiveCloseCode.UnknownTopic;
    case "invalid_params":
      return LiveCloseCode.InvalidParams;
    case "too_large":
      return LiveCloseCode.TooLarge;
    case "rate_limited":
      return LiveCloseCode.TooMany;
    case "unavailable":
      return LiveCloseCode.Overloaded;
    case "internal":
      return LiveCloseCode.InternalError;
    case "bad_request":
    case "unknown_type":
    case "unknown_method":
    case "invalid_data":
    case "conflict":
      return LiveCloseCode.BadMessage;
  }
}
