import type { LiveError } from "../../topics/index.ts";

/** Why the live layer closes a connection. */
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
 * Whether a client that is closed with `code` must not come back by itself: from 4400 to 4499 the
 * same would fail again, unless the server's `disconnect` says `retry`.
 */
export function isTerminal(code: number): boolean {
  return code >= 4400 && code < 4500;
}

/** What a connection is closed with that an error ends. */
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
