import { dictionary, enforcedUint16, usvString } from "../web-idl/web-idl-conversions.ts";

/** The close code and reason of a `WebSocketStream`. */
export interface WebSocketCloseInfo {
  /** To close, 1000 or a code from 3000 to 4999. */
  closeCode?: number;
  /** At most 123 bytes of UTF-8. */
  reason?: string;
}

/** Converts the dictionary, reading its members in the order of their names. (Web IDL §3.2.17) */
export function closeInfo(given: unknown): { closeCode: number | undefined; reason: string } {
  const info = dictionary(given);
  const { closeCode } = info;
  const code = closeCode === undefined ? undefined : enforcedUint16(closeCode);
  const { reason } = info;
  return { closeCode: code, reason: reason === undefined ? "" : usvString(reason) };
}
