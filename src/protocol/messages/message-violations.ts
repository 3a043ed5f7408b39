import { CloseCode } from "./close-code.ts";
import { MAX_CONTROL_BYTES, type FrameKind } from "../frames/frame-header.ts";
import { Opcode } from "../frames/opcode.ts";
import { LimitError, ProtocolError } from "../protocol-error.ts";

/**
 * The first bit that an extension may use; permessage-deflate marks compressed messages with it.
 * (RFC 7692 §6)
 */
export const RSV1 = 0x40;

/** Checks that a control frame is short and not fragmented. (RFC 6455 §5.5) */
export function controlViolation(
  frame: Readonly<FrameKind>,
  payloadBytes: number,
): ProtocolError | undefined {
  if (!frame.fin) {
    const message =
      "The peer sent a fragmented control frame; control frames must not be fragmented.";
    return new ProtocolError("fragmented_control", CloseCode.ProtocolError, message);
  }
  if (payloadBytes > MAX_CONTROL_BYTES) {
    const message = `The peer sent a control frame of at least ${payloadBytes} bytes; the maximum is ${MAX_CONTROL_BYTES}.`;
    return new ProtocolError("long_control", CloseCode.ProtocolError, message, payloadBytes);
  }
  if (frame.opcode === Opcode.Close && payloadBytes === 1) {
    const message =
      "The peer's Close frame has a payload of 1 byte; it must be empty, or start with a code of 2 bytes.";
    return new ProtocolError("short_close", CloseCode.ProtocolError, message, payloadBytes);
  }
  return undefined;
}

export function strayContinuation(): ProtocolError {
  const message =
    "The peer sent a continuation frame without a message to continue; a message must start with a text or binary frame.";
  return new ProtocolError("stray_continuation", CloseCode.ProtocolError, message);
}

export function unfinishedMessage(opcode: Opcode): ProtocolError {
  const message = "The peer started a message before it finished the previous one.";
  return new ProtocolError("unfinished_message", CloseCode.ProtocolError, message, opcode);
}

/**
 * @param bits the reserved bits that are set
 * @param isCompressing whether RSV1 is defined on this connection
 */
export function reservedBits(bits: number, isCompressing: boolean): ProtocolError {
  const message = isCompressing
    ? "The peer set a reserved bit; only RSV1 was agreed, and only for the first frame of a message."
    : "The peer set a reserved bit, but no extension was agreed; the bit must be 0.";
  return new ProtocolError("reserved_bits", CloseCode.ProtocolError, message, bits);
}

export function invalidText(): ProtocolError {
  const message = "The peer sent text that is not valid UTF-8.";
  return new ProtocolError("invalid_utf8", CloseCode.InvalidPayload, message);
}

export function invalidDeflate(): ProtocolError {
  const message = "The peer sent a compressed message that is not valid DEFLATE data.";
  return new ProtocolError("invalid_deflate", CloseCode.InvalidPayload, message);
}

export function messageTooBig(size: number, limit: number): LimitError {
  const message = `The message has at least ${size} bytes and the limit is ${limit}; send a shorter message, or raise maxMessageBytes.`;
  return new LimitError("message_too_big", CloseCode.MessageTooBig, { message, size, limit });
}

export function tooManyFragments(size: number, limit: number): LimitError {
  const message = `The message has at least ${size} fragments and the limit is ${limit}; send larger fragments, or raise maxMessageFragments.`;
  return new LimitError("too_many_fragments", CloseCode.MessageTooBig, { message, size, limit });
}

export function tooManyPieces(size: number, limit: number): LimitError {
  const message = `The frame arrived in at least ${size} pieces and the limit is ${limit}; send larger pieces.`;
  return new LimitError("too_many_pieces", CloseCode.PolicyViolation, { message, size, limit });
}

/** @param size the size of the message so far, in bytes */
export function overShare(size: number): LimitError {
  const message = `The message has ${size} bytes so far, and the peer's share of memory is used up; send less at a time, or try again later.`;
  return new LimitError("over_share", CloseCode.TryAgainLater, { message, size, limit: size });
}

/** @param limit the time in which the message had to grow, in milliseconds */
export function messageTimeout(limit: number): LimitError {
  const message = `Too little of an unfinished message arrived within ${limit} ms; send it faster, or send shorter messages.`;
  return new LimitError("message_timeout", CloseCode.PolicyViolation, { message, size: 0, limit });
}
