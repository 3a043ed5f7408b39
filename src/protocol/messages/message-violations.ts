import { CloseCode } from "./close-code.ts";
import { MAX_CONTROL_BYTES, type FrameKind } from "../frames/frame-header.ts";
import { Opcode } from "../frames/opcode.ts";
import { LimitError, ProtocolError } from "../protocol-error.ts";

/** The first bit that an extension may use; permessage-deflate marks messages with it. (RFC 7692 §6) */
export const RSV1 = 0x40;

/** Control frames are short and whole. (RFC 6455 §5.5) */
export function controlViolation(
  frame: Readonly<FrameKind>,
  payloadBytes: number,
): ProtocolError | undefined {
  if (!frame.fin) {
    const message = "The peer sent a control frame in fragments; it must send it whole.";
    return new ProtocolError("fragmented_control", CloseCode.ProtocolError, message);
  }
  if (payloadBytes > MAX_CONTROL_BYTES) {
    const message = `The peer sent a control frame of ${payloadBytes} bytes or more; it may have at most ${MAX_CONTROL_BYTES}.`;
    return new ProtocolError("long_control", CloseCode.ProtocolError, message, payloadBytes);
  }
  if (frame.opcode === Opcode.Close && payloadBytes === 1) {
    const message = "The peer's Close frame has one byte; it must have none, or a code of two.";
    return new ProtocolError("short_close", CloseCode.ProtocolError, message, payloadBytes);
  }
  return undefined;
}

export function strayContinuation(): ProtocolError {
  const message =
    "The peer sent a continuation frame with no message to continue; it must start with text or binary.";
  return new ProtocolError("stray_continuation", CloseCode.ProtocolError, message);
}

export function unfinishedMessage(opcode: Opcode): ProtocolError {
  const message =
    "The peer started a message before it had finished the last one; it must finish or continue it.";
  return new ProtocolError("unfinished_message", CloseCode.ProtocolError, message, opcode);
}

/**
 * @param bits that were set
 * @param isCompressing whether RSV1 has a meaning on this connection
 */
export function reservedBits(bits: number, isCompressing: boolean): ProtocolError {
  const message = isCompressing
    ? "The peer set a reserved bit of a frame header; only RSV1 was agreed, and only on a message's first frame."
    : "The peer set a reserved bit of a frame header, but no extension was agreed; it must be 0.";
  return new ProtocolError("reserved_bits", CloseCode.ProtocolError, message, bits);
}

export function invalidText(): ProtocolError {
  const message = "The peer sent text that is not UTF-8; it must encode text as UTF-8.";
  return new ProtocolError("invalid_utf8", CloseCode.InvalidPayload, message);
}

export function invalidDeflate(): ProtocolError {
  const message =
    "The peer sent a compressed message that does not inflate; it must be DEFLATE data.";
  return new ProtocolError("invalid_deflate", CloseCode.InvalidPayload, message);
}

export function messageTooBig(size: number, limit: number): LimitError {
  const message = `The message has at least ${size} bytes and the limit is ${limit}; send less or raise maxMessageBytes.`;
  return new LimitError("message_too_big", CloseCode.MessageTooBig, { message, size, limit });
}

export function tooManyFragments(size: number, limit: number): LimitError {
  const message = `The message has at least ${size} fragments and the limit is ${limit}; send larger ones or raise maxMessageFragments.`;
  return new LimitError("too_many_fragments", CloseCode.MessageTooBig, { message, size, limit });
}

export function tooManyPieces(size: number, limit: number): LimitError {
  const message = `The frame came in at least ${size} pieces and the limit is ${limit}; send larger ones.`;
  return new LimitError("too_many_pieces", CloseCode.PolicyViolation, { message, size, limit });
}

/** @param size how many bytes the message has so far */
export function overShare(size: number): LimitError {
  const message = `The message has ${size} bytes so far, and the peer's share of memory is used up; send less at once, or try again later.`;
  return new LimitError("over_share", CloseCode.TryAgainLater, { message, size, limit: size });
}

/** @param limit within how many milliseconds more of the message had to come */
export function messageTimeout(limit: number): LimitError {
  const message = `Too little of an unfinished message came within ${limit} ms; send it faster, or in shorter messages.`;
  return new LimitError("message_timeout", CloseCode.PolicyViolation, { message, size: 0, limit });
}
