import { constants } from "node:zlib";
import type { ProtocolError } from "../../protocol/index.ts";

/** The name that `ws` gives to a violation; `seen` is part of the text. */
interface Naming {
  type: typeof Error;
  code: string;
  errno?: number;
  text: (error: ProtocolError) => string;
}

function frame(
  code: string,
  text: string | ((seen?: number) => string),
  type = RangeError,
): Naming {
  const tell = typeof text === "string" ? () => text : text;
  return { type, code, text: ({ seen }) => `Invalid WebSocket frame: ${tell(seen)}` };
}

function limit(code: string, text: string): Naming {
  return { type: RangeError, code, text: () => text };
}

const INVALID_OPCODE = frame("WS_ERR_INVALID_OPCODE", (seen = 0) => `invalid opcode ${seen}`);
const INVALID_UTF8 = frame("WS_ERR_INVALID_UTF8", "invalid UTF-8 sequence", Error);
const INVALID_CONTROL = "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH";
const UNSUPPORTED_LENGTH = limit(
  "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
  "Unsupported WebSocket frame: payload length > 2^53 - 1",
);
const TOO_BIG = limit("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "Max payload size exceeded");

/** By Longwire's error code, the error that `ws` documents. */
const NAMINGS: Readonly<Record<string, Naming>> = {
  reserved_opcode: INVALID_OPCODE,
  stray_continuation: INVALID_OPCODE,
  unfinished_message: INVALID_OPCODE,
  missing_mask: frame("WS_ERR_EXPECTED_MASK", "MASK must be set"),
  unexpected_mask: frame("WS_ERR_UNEXPECTED_MASK", "MASK must be clear"),
  fragmented_control: frame("WS_ERR_EXPECTED_FIN", "FIN must be set"),
  long_control: frame(INVALID_CONTROL, (seen) => `invalid payload length ${seen}`),
  short_close: frame(INVALID_CONTROL, "invalid payload length 1"),
  invalid_close_code: frame("WS_ERR_INVALID_CLOSE_CODE", (seen) => `invalid status code ${seen}`),
  invalid_close_reason: INVALID_UTF8,
  invalid_utf8: INVALID_UTF8,
  negative_length: UNSUPPORTED_LENGTH,
  too_many_pieces: limit("WS_ERR_TOO_MANY_BUFFERED_PARTS", "Too many buffered chunks"),
  too_many_fragments: limit("WS_ERR_TOO_MANY_BUFFERED_PARTS", "Too many message fragments"),
};

/** Returns the error that `ws` would report for a peer's violation. */
export function receiveError(error: ProtocolError): Error & { code: string } {
  const naming = namingOf(error);
  if (naming === undefined) return error;
  const { type, code, errno, text } = naming;
  const named = new type(text(error), { cause: error });
  return Object.assign(named, errno === undefined ? { code } : { errno, code });
}

function namingOf(error: ProtocolError): Naming | undefined {
  if (error.code === "reserved_bits") return reservedBits(error.seen ?? 0);
  if (error.code === "message_too_big") return tooBig(error);
  if (error.code === "invalid_deflate") {
    // zlib's own code and number, which `ws` passes on.
    const { Z_DATA_ERROR: errno } = constants;
    return { type: Error, code: "Z_DATA_ERROR", errno, text: () => error.message };
  }
  return NAMINGS[error.code];
}

function reservedBits(bits: number): Naming {
  return (bits & 0x30) === 0
    ? frame("WS_ERR_UNEXPECTED_RSV_1", "RSV1 must be clear")
    : frame("WS_ERR_UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear");
}

function tooBig(error: ProtocolError & { size?: number }): Naming {
  return (error.size ?? 0) > Number.MAX_SAFE_INTEGER ? UNSUPPORTED_LENGTH : TOO_BIG;
}
