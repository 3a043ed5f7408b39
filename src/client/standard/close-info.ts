import { dictionary, enforcedUint16, usvString } from "./web-idl-conversions.ts";

/** How a `WebSocketStream` was or is to be closed. */
export interface WebSocketCloseInfo {
  /** 1000 or 3000–4999 to close with. */
  closeCode?: number;
  /** At most 123 bytes of UTF-8. */
  reason?: string;
}

/** The dictionary, converted: its members in the order of their names. (Web IDL §3.2.17) */
export function closeInfo(given: unknown): { closeCode: number | undefined; reason: string } {
  const info = dictionary(given);
  const { closeCode } = info;
  const code = closeCode === undefined ? undefined : enforcedUint16(closeCode);
  const { reason } = info;
  return { closeCode: code, reason: reason === undefined ? "" : usvString(reason) };
}
