/** The close codes that Longwire uses. (RFC 6455 §7.4.1, IANA's registry) */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  /** Never sent: the peer's Close frame had no code. */
  NoStatus: 1005,
  /** Never sent: the connection ended without a Close frame. */
  Abnormal: 1006,
  InvalidPayload: 1007,
  PolicyViolation: 1008,
  MessageTooBig: 1009,
  InternalError: 1011,
  ServiceRestart: 1012,
  TryAgainLater: 1013,
} as const;

/**
 * Whether a Close frame may contain this code.
 *
 * 1004 has no meaning; 1005, 1006 and 1015 are for local use only; 1016–2999 are unassigned; codes
 * above 4999 are not defined. (RFC 6455 §7.4)
 */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 1000 && code <= 1014) return code !== 1004 && code !== 1005 && code !== 1006;
  return code >= 3000 && code <= 4999;
}
