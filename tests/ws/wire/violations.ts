import type { Role } from "../../../src/protocol/index.ts";
import { closePayload, frameTo, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { expected } from "../../rigs/ws/implementation.ts";

/** A violation by a peer, the error for it, and the status that the peer receives. */
export type Violation = [
  name: string,
  frames: (role: Role) => Uint8Array[],
  error: { code: string; errno?: number; message: string; type?: typeof Error },
  status: number,
  options?: { deflate?: boolean; maxPayload?: number; maxFragments?: number },
];

const frame = (code: string, text: string, type: typeof Error = RangeError) => ({
  code: `WS_ERR_${code}`,
  message: `Invalid WebSocket frame: ${text}`,
  type,
});
const invalidText = frame("INVALID_UTF8", "invalid UTF-8 sequence", Error);
const tooBig = { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", message: "Max payload size exceeded" };
const fragments = { code: "WS_ERR_TOO_MANY_BUFFERED_PARTS", message: "Too many message fragments" };
const tooManyStatus = expected("tooManyFragmentsStatus");

const one = (given: Parameters<typeof frameTo>[1]) => (role: Role) => [frameTo(role, given)];
const several =
  (...given: Parameters<typeof frameTo>[1][]) =>
  (role: Role) =>
    given.map((options) => frameTo(role, options));

/** A frame that is masked if it must not be, and unmasked if it must be. */
const wronglyMasked = (given: Parameters<typeof frameTo>[1]) => (role: Role) => [
  frameTo(role === "server" ? "client" : "server", given),
];

export const violations: Violation[] = [
  [
    "RSV1 although nothing was negotiated",
    one({ opcode: 2, reservedBits: 0x40 }),
    frame("UNEXPECTED_RSV_1", "RSV1 must be clear"),
    1002,
  ],
  [
    "RSV1 and the wrong masking",
    wronglyMasked({ opcode: 2, reservedBits: 0x40 }),
    frame("UNEXPECTED_RSV_1", "RSV1 must be clear"),
    1002,
  ],
  [
    "RSV3, an unknown opcode, and the wrong masking",
    wronglyMasked({ opcode: 3, reservedBits: 0x10 }),
    frame("UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"),
    1002,
  ],
  [
    "RSV1 on an unknown opcode",
    one({ opcode: 3, reservedBits: 0x40 }),
    frame("UNEXPECTED_RSV_1", "RSV1 must be clear"),
    1002,
  ],
  [
    "an unknown opcode and the wrong masking",
    wronglyMasked({ opcode: 3 }),
    frame("INVALID_OPCODE", "invalid opcode 3"),
    1002,
  ],
  [
    "a continuation of nothing, with the wrong masking",
    wronglyMasked({ opcode: 0 }),
    frame("INVALID_OPCODE", "invalid opcode 0"),
    1002,
  ],
  [
    "a fragmented ping, with RSV1 and the wrong masking",
    wronglyMasked({ opcode: 9, fin: false, reservedBits: 0x40 }),
    frame("EXPECTED_FIN", "FIN must be set"),
    1002,
    { deflate: true },
  ],
  [
    "RSV1 on a continuation",
    several({ opcode: 1, fin: false }, { opcode: 0, reservedBits: 0x40 }),
    frame("UNEXPECTED_RSV_1", "RSV1 must be clear"),
    1002,
    { deflate: true },
  ],
  [
    "RSV1 on a ping",
    one({ opcode: 9, reservedBits: 0x40 }),
    frame("UNEXPECTED_RSV_1", "RSV1 must be clear"),
    1002,
    { deflate: true },
  ],
  [
    "RSV2",
    one({ opcode: 2, reservedBits: 0x20 }),
    frame("UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"),
    1002,
  ],
  [
    "RSV3",
    one({ opcode: 2, reservedBits: 0x10 }),
    frame("UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"),
    1002,
  ],
  [
    "a continuation of nothing",
    one({ opcode: 0 }),
    frame("INVALID_OPCODE", "invalid opcode 0"),
    1002,
  ],
  [
    "text within a message",
    several({ opcode: 1, fin: false }, { opcode: 1, fin: false }),
    frame("INVALID_OPCODE", "invalid opcode 1"),
    1002,
  ],
  [
    "binary within a message",
    several({ opcode: 1, fin: false }, { opcode: 2, fin: false }),
    frame("INVALID_OPCODE", "invalid opcode 2"),
    1002,
  ],
  ["a reserved opcode", one({ opcode: 5 }), frame("INVALID_OPCODE", "invalid opcode 5"), 1002],
  [
    "a reserved control opcode",
    one({ opcode: 11 }),
    frame("INVALID_OPCODE", "invalid opcode 11"),
    1002,
  ],
  [
    "a fragmented ping",
    one({ opcode: 9, fin: false }),
    frame("EXPECTED_FIN", "FIN must be set"),
    1002,
  ],
  [
    "a ping of 126 bytes",
    one({ opcode: 9, payload: new Uint8Array(126) }),
    frame("INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 126"),
    1002,
  ],
  [
    "a Close of 70,000 bytes",
    one({ opcode: 8, payload: new Uint8Array(70_000) }),
    frame("INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 127"),
    1002,
  ],
  [
    "a Close of one byte",
    one({ opcode: 8, payload: new Uint8Array(1) }),
    frame("INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 1"),
    1002,
  ],
  [
    "the code 0",
    one({ opcode: 8, payload: closePayload(0) }),
    frame("INVALID_CLOSE_CODE", "invalid status code 0"),
    1002,
  ],
  [
    "the code 1005",
    one({ opcode: 8, payload: closePayload(1005) }),
    frame("INVALID_CLOSE_CODE", "invalid status code 1005"),
    1002,
  ],
  [
    "a reason that is not UTF-8",
    one({ opcode: 8, payload: closePayload(1007, Buffer.from("cebae1bd", "hex")) }),
    invalidText,
    1007,
  ],
  [
    "text that ends too early",
    one({ opcode: 1, payload: Buffer.from("cebae1bd", "hex") }),
    invalidText,
    1007,
  ],
  ["a lone f8", one({ opcode: 1, payload: Buffer.from("f8", "hex") }), invalidText, 1007],
  ["an overlong slash", one({ opcode: 1, payload: Buffer.from("c0a0", "hex") }), invalidText, 1007],
  ["a longer one", one({ opcode: 1, payload: Buffer.from("e080a0", "hex") }), invalidText, 1007],
  ["the longest", one({ opcode: 1, payload: Buffer.from("f08080a0", "hex") }), invalidText, 1007],
  [
    "the first surrogate",
    one({ opcode: 1, payload: Buffer.from("eda080", "hex") }),
    invalidText,
    1007,
  ],
  [
    "the last surrogate",
    one({ opcode: 1, payload: Buffer.from("edbfbf", "hex") }),
    invalidText,
    1007,
  ],
  [
    "beyond U+10FFFF",
    one({ opcode: 1, payload: Buffer.from("f4908080", "hex") }),
    invalidText,
    1007,
  ],
  ["far beyond", one({ opcode: 1, payload: Buffer.from("f5808080", "hex") }), invalidText, 1007],
  [
    "a length beyond 2^53",
    one({ opcode: 2, announced: 2n ** 53n }),
    {
      code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
      message: "Unsupported WebSocket frame: payload length > 2^53 - 1",
    },
    1009,
  ],
  [
    "a message beyond the limit",
    one({ opcode: 2, announced: 26n }),
    tooBig,
    1009,
    { maxPayload: 25 },
  ],
  [
    "fragments beyond the limit",
    several({ opcode: 2, fin: false, payload: new Uint8Array(20) }, { opcode: 0, announced: 6n }),
    tooBig,
    1009,
    { maxPayload: 25 },
  ],
  [
    "an inflated message beyond the limit",
    one({ opcode: 1, reservedBits: 0x40, payload: Buffer.from("4a24120000", "hex") }),
    tooBig,
    1009,
    { deflate: true, maxPayload: 5 },
  ],
  [
    "a message that does not inflate",
    one({ opcode: 1, reservedBits: 0x40, payload: Buffer.from("0601", "hex") }),
    { code: "Z_DATA_ERROR", errno: -3, message: "", type: Error },
    1007,
    { deflate: true },
  ],
  [
    "too many fragments",
    several(
      { opcode: 1, fin: false, payload: utf8("a") },
      { opcode: 0, fin: false, payload: utf8("b") },
      { opcode: 0, payload: utf8("c") },
    ),
    fragments,
    tooManyStatus,
    { maxFragments: 2 },
  ],
  [
    "too many empty fragments",
    several(
      { opcode: 1, fin: false, payload: utf8("a") },
      { opcode: 0, fin: false },
      { opcode: 0 },
    ),
    fragments,
    tooManyStatus,
    { maxFragments: 2 },
  ],
];
