/** Why the live layer closes a connection. */
export const LiveCloseCode = {
  InternalError: 1011,
  BadMessage: 4400,
  UnknownTopic: 4404,
  Timeout: 4408,
  TooLarge: 4413,
  InvalidParams: 4422,
  TooSlow: 4429,
  Overloaded: 4503,
} as const;
