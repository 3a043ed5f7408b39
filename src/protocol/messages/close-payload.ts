import { LongwireError } from "../../base/index.ts";
import { CloseCode, isSendableCloseCode } from "./close-code.ts";
import { MAX_CONTROL_BYTES } from "../frames/frame-header.ts";
import { ProtocolError } from "../protocol-error.ts";
import { Utf8Validator } from "./utf8-validator.ts";

const encoder = new TextEncoder();
// A byte order mark is kept, because it is part of the reason.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/**
 * The maximum size of a reason, in bytes: the payload of a Close frame without the code's two
 * bytes.
 */
const MAX_REASON_BYTES = MAX_CONTROL_BYTES - 2;

/**
 * Returns the payload of a Close frame. (RFC 6455 §5.5.1)
 *
 * @throws LongwireError `invalid_close_code`, `invalid_close_reason`
 */
export function encodeClose(code: number | undefined, reason: string): Uint8Array {
  if (code === undefined && reason === "") return new Uint8Array(0);
  if (code === undefined || !isSendableCloseCode(code)) {
    const message = `The close code is ${String(code)}; use 1000–1003, 1007–1014 or 3000–4999, or neither code nor reason.`;
    throw new LongwireError("invalid_close_code", message);
  }
  const text = encoder.encode(reason);
  if (text.length > MAX_REASON_BYTES) {
    const message = `The close reason has ${text.length} bytes of UTF-8; use at most ${MAX_REASON_BYTES}.`;
    throw new LongwireError("invalid_close_reason", message);
  }
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}

/** The content of a Close frame. */
export interface PeerClose {
  code: number;
  reason: string;
  /** The reason as received. */
  reasonBytes: Uint8Array;
}

/**
 * Reads the payload of a Close frame, or returns its violation of the protocol.
 *
 * @param payload not of one byte, which is rejected by its header already
 * @param checksText whether the reason must be UTF-8; if not, invalid sequences become U+FFFD
 */
export function decodeClose(payload: Uint8Array, checksText = true): PeerClose | ProtocolError {
  if (payload.length === 0) return { code: CloseCode.NoStatus, reason: "", reasonBytes: payload };
  const code = (payload[0]! << 8) | payload[1]!;
  if (!isSendableCloseCode(code)) {
    const message = `The peer sent the close code ${code}; it must be 1000–1003, 1007–1014 or 3000–4999.`;
    return new ProtocolError("invalid_close_code", CloseCode.ProtocolError, message, code);
  }
  const reasonBytes = payload.subarray(2);
  const utf8 = new Utf8Validator();
  if (checksText && !(utf8.push(reasonBytes, 0, reasonBytes.length) && utf8.isComplete)) {
    const message = "The peer's close reason is not valid UTF-8.";
    return new ProtocolError("invalid_close_reason", CloseCode.InvalidPayload, message);
  }
  return { code, reason: decoder.decode(reasonBytes), reasonBytes };
}
