import { bytes, joinBytes } from "../../rigs/protocol/masked-frame.ts";
import {
  answers,
  fails,
  section,
  sends,
  sendsCut,
  type Chunks,
  type ConformanceCase,
} from "../conformance-case.ts";
import { binary, close, continuation, frame, hex, ping, pong, text } from "../frames.ts";

/** Lengths around every change of the length's form. */
const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537];
const SHORT_LENGTHS = LENGTHS.filter((length) => length <= 256);

const ascii = (length: number): string => "0123456789".repeat(6_600).slice(0, length);

const cuts: [string, Chunks, readonly number[]][] = [
  ["whole", "whole", LENGTHS],
  ["octet by octet", "octets", SHORT_LENGTHS],
  ["in writes of 997 octets", 997, [65_535, 65_536]],
];

const lengths: ConformanceCase[] = cuts.flatMap(([how, chunks, all]) =>
  all.flatMap((length) => [
    {
      name: `text of ${length} bytes, ${how}`,
      steps: [sendsCut(chunks, text(ascii(length))), answers(text(ascii(length)))],
    },
    {
      name: `binary of ${length} bytes, ${how}`,
      steps: [sendsCut(chunks, binary(bytes(length))), answers(binary(bytes(length)))],
    },
  ]),
);

const paddedLengths: ConformanceCase[] = (
  [
    ["medium", 0],
    ["medium", 1],
    ["medium", 125],
    ["long", 0],
    ["long", 125],
    ["long", 126],
    ["long", 65_535],
  ] as const
).map(([lengthForm, length]) => ({
  name: `a length of ${length} in its ${lengthForm} form fails with 1002`,
  steps: [sends(binary(bytes(length), { lengthForm }), ping())],
  ending: fails(1002, "padded_length"),
}));

const hugeLengths: ConformanceCase[] = [2n ** 63n, 2n ** 64n - 1n, 2n ** 63n + 5n].map(
  (announced) => ({
    name: `a 64-bit length with its highest bit set (${announced}) fails with 1002`,
    steps: [sends(binary("", { announced, lengthForm: "long" }))],
    ending: fails(1002, "negative_length"),
  }),
);

const RESERVED = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70];

/** No extension is agreed here, so every reserved bit fails. */
const reservedBits: ConformanceCase[] = RESERVED.flatMap((reservedBits) =>
  [
    ["text", text("Hello", { reservedBits })] as const,
    ["empty text", text("", { reservedBits })] as const,
    ["binary", binary("Hello", { reservedBits })] as const,
    ["a ping", ping("Hello", { reservedBits })] as const,
    ["a pong", pong("Hello", { reservedBits })] as const,
    ["a Close frame", close(1000, "", { reservedBits })] as const,
  ].map(([kind, bad]) => ({
    name: `${kind} with the reserved bits 0x${reservedBits.toString(16)} fails with 1002`,
    steps: [sends(text("good"), bad, ping("behind")), answers(text("good"))],
    ending: fails(1002, "reserved_bits"),
  })),
);

const OPCODES = [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf];

const opcodes: ConformanceCase[] = OPCODES.flatMap((opcode) => {
  const name = `the reserved opcode 0x${opcode.toString(16)}`;
  const ending = fails(1002, "reserved_opcode");
  return [
    { name: `${name} fails with 1002`, steps: [sends(frame(opcode))], ending },
    {
      name: `${name} with a payload, and a ping behind it, fails with 1002`,
      steps: [sends(frame(opcode, "reserved"), ping("behind"))],
      ending,
    },
    {
      name: `${name} after a valid message, octet by octet, fails with 1002`,
      steps: [
        sendsCut("octets", text("good"), frame(opcode, "reserved"), ping("behind")),
        answers(text("good")),
      ],
      ending,
    },
    {
      name: `${name} between two fragments fails with 1002`,
      steps: [sends(text("a", { fin: false }), frame(opcode), continuation("b"))],
      ending,
    },
  ];
});

/** (RFC 6455 §5.2) */
export const baseFramingCases = section("RFC 6455 §5.2", [
  ...lengths,
  ...paddedLengths,
  ...hugeLengths,
  ...reservedBits,
  ...opcodes,
  {
    name: "a reserved bit on a continuation frame fails with 1002",
    steps: [
      sends(text("a", { fin: false }), continuation("b", { reservedBits: 0x40 }), ping("behind")),
    ],
    ending: fails(1002, "reserved_bits"),
  },
  {
    name: "reserved bits, octet by octet, fail with 1002",
    steps: [
      sendsCut("octets", text("good"), text("bad", { reservedBits: 0x40 }), ping("behind")),
      answers(text("good")),
    ],
    ending: fails(1002, "reserved_bits"),
  },
  {
    name: "a header may be cut anywhere: messages with every form of length, octet by octet",
    steps: [
      sendsCut("octets", text("short"), binary(bytes(126)), ping("p"), text("behind")),
      answers(text("short"), binary(bytes(126)), pong("p"), text("behind")),
    ],
  },
  {
    name: "many messages in one write are answered in order",
    steps: [
      sends(...Array.from({ length: 200 }, (_, index) => text(`message ${index}`))),
      answers(...Array.from({ length: 200 }, (_, index) => text(`message ${index}`))),
    ],
  },
  {
    name: "many messages, cut regardless of frames, are answered in order",
    steps: [
      sendsCut(11, ...Array.from({ length: 60 }, (_, index) => binary(bytes(index * 3)))),
      answers(...Array.from({ length: 60 }, (_, index) => binary(bytes(index * 3)))),
    ],
  },
]);

const hello = hex("48656c6c6f");

/** The example octets of the RFC. (RFC 6455 §5.7) */
export const examples = section("RFC 6455 §5.7", [
  {
    name: "a single-frame masked text message",
    roles: ["server"],
    steps: [sends(hex("81 85 37fa213d 7f9f4d5158")), answers(text("Hello"))],
  },
  {
    name: "a single-frame unmasked text message",
    roles: ["client"],
    steps: [sends(hex("81 05 48656c6c6f")), answers(text("Hello"))],
  },
  {
    name: "a fragmented unmasked text message",
    roles: ["client"],
    steps: [sends(hex("01 03 48656c 80 02 6c6f")), answers(text("Hello"))],
  },
  {
    name: "an unmasked ping, and its answer with the same body",
    roles: ["client"],
    steps: [sends(hex("89 05 48656c6c6f")), answers(pong(hello))],
  },
  {
    name: "a masked pong, which needs no answer",
    roles: ["server"],
    steps: [sends(hex("8a 85 37fa213d 7f9f4d5158"), ping("q")), answers(pong("q"))],
  },
  {
    name: "256 bytes of binary in a single unmasked frame",
    roles: ["client"],
    steps: [sends(joinBytes([hex("82 7e 0100"), bytes(256)])), answers(binary(bytes(256)))],
  },
  {
    name: "64 KiB of binary in a single unmasked frame",
    roles: ["client"],
    steps: [
      sends(joinBytes([hex("82 7f 0000000000010000"), bytes(65_536)])),
      answers(binary(bytes(65_536))),
    ],
  },
]);
