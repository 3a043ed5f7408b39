import { LongwireError } from "../../base/index.ts";
import { CloseCode, isSendableCloseCode } from "./close-code.ts";
import { MAX_CONTROL_BYTES } from "../frames/frame-header.ts";
import { ProtocolError } from "../protocol-error.ts";
import { Utf8Validator } from "./utf8-validator.ts";

const encoder = new TextEncoder();
// A byte order mark is text like any other here.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** What a Close frame's reason may have beside the code's two bytes. */
const MAX_REASON_BYTES = MAX_CONTROL_BYTES - 2;

/**
 * Returns a Close frame's payload. (RFC 6455 §5.5.1)
 *
 * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
 */
export function encodeClose(code: number | undefined, reason: string): Uint8Array {
  if (code === undefined && reason === "") return new Uint8Array(0);
  if (code === undefined || !isSendableCloseCode(code)) {
    const message = `The close code is ${String(code)}; give 1000–1003, 1007–1014 or 3000–4999, or no code and no reason.`;
    throw new LongwireError("invalid_close_code", message);
  }
  const text = encoder.encode(reason);
  if (text.length > MAX_REASON_BYTES) {
    const message = `The close reason has ${text.length} bytes of UTF-8; give at most ${MAX_REASON_BYTES}.`;
    throw new LongwireError("invalid_close_reason", message);
  }
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}

/** What a Close frame says. */
export interface PeerClose {
  code: number;
  reason: string;
  /** The reason as it came. */
  reasonBytes: Uint8Array;
}

/**
 * Reads a Close frame's payload, or says how it breaks the protocol.
 *
 * @param payload not of one byte, which its header tells already
 * @param checksText whether the reason must be UTF-8; if not, what is not becomes U+FFFD
 */
export function decodeClose(payload: Uint8Array, checksText = true): PeerClose | ProtocolError {
  if (payload.length === 0) return { code: CloseCode.NoStatus, reason: "", reasonBytes: payload };
  const code = (payload[0]! << 8) | payload[1]!;
  if (!isSendableCloseCode(code)) {
    const message = `The peer's Close frame has code ${code}, which must not be on the wire; it must be 1000–1003, 1007–1014 or 3000–4999.`;
    return new ProtocolError("invalid_close_code", CloseCode.ProtocolError, message, code);
  }
  const reasonBytes = payload.subarray(2);
  const utf8 = new Utf8Validator();
  if (checksText && !(utf8.push(reasonBytes, 0, reasonBytes.length) && utf8.isComplete)) {
    const message = "The peer's close reason is not UTF-8; it must encode it as UTF-8.";
    return new ProtocolError("invalid_close_reason", CloseCode.InvalidPayload, message);
  }
  return { code, reason: decoder.decode(reasonBytes), reasonBytes };
}
