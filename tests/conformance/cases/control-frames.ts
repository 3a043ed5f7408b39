import { bytes, utf8 } from "../../rigs/protocol/masked-frame.ts";
import {
  answers,
  applicationCloses,
  applicationSends,
  fails,
  section,
  sends,
  sendsCut,
  wasClosed,
  type ConformanceCase,
} from "../conformance-case.ts";
import { binary, close, frame, hex, ping, pong, text } from "../frames.ts";

const controls = [
  ["ping", 0x9],
  ["pong", 0xa],
  ["Close frame", 0x8],
] as const;

/** (RFC 6455 §5.5) */
export const controlFrameCases = section(
  "RFC 6455 §5.5",
  controls.flatMap(([kind, opcode]): ConformanceCase[] => [
    {
      name: `a ${kind} of 126 bytes fails with 1002`,
      steps: [sends(frame(opcode, bytes(126)))],
      ending: fails(1002, "long_control"),
    },
    {
      name: `a ${kind} of 126 bytes, octet by octet, fails with 1002`,
      steps: [sendsCut("octets", frame(opcode, bytes(126)))],
      ending: fails(1002, "long_control"),
    },
    {
      name: `a ${kind} that announces 65536 bytes fails with 1002 on its header`,
      steps: [sends(frame(opcode, "", { announced: 65_536n }))],
      ending: fails(1002, "long_control"),
    },
  ]),
);

const repeats = (code: number | undefined, reason: string): ConformanceCase["steps"] => [
  sends(close(code, reason)),
  answers(close(code, reason)),
];

/** (RFC 6455 §5.5.1) */
export const closeFrameCases = section("RFC 6455 §5.5.1", [
  {
    name: "an empty one is answered with an empty one, and the application receives 1005",
    steps: repeats(undefined, ""),
    ending: wasClosed(1005),
  },
  {
    name: "a code alone is repeated",
    steps: repeats(1000, ""),
    ending: wasClosed(1000),
  },
  {
    name: "a code with a reason is repeated",
    steps: repeats(1001, "Hello, world"),
    ending: wasClosed(1001, "Hello, world"),
  },
  {
    name: "a reason of 123 bytes is repeated",
    steps: repeats(1000, "*".repeat(123)),
    ending: wasClosed(1000, "*".repeat(123)),
  },
  {
    name: "a reason of 123 bytes of UTF-8 is repeated",
    steps: repeats(4000, "€".repeat(41)),
    ending: wasClosed(4000, "€".repeat(41)),
  },
  {
    name: "a byte order mark in a reason is part of the text",
    steps: repeats(4000, "\ufeffx"),
    ending: wasClosed(4000, "\ufeffx"),
  },
  {
    name: "octet by octet",
    steps: [sendsCut("octets", close(3000, "bye €")), answers(close(3000, "bye €"))],
    ending: wasClosed(3000, "bye €"),
  },
  {
    name: "a reason of 124 bytes is too long and fails with 1002",
    steps: [sends(close(1000, "*".repeat(124)))],
    ending: fails(1002, "long_control"),
  },
  {
    name: "a payload of one byte fails with 1002",
    steps: [sends(frame(0x8, hex("03")))],
    ending: fails(1002, "short_close"),
  },
  {
    name: "nothing after it is read: messages, pings, another Close frame",
    steps: [
      sends(close(1000, "first"), text("late"), ping("late"), close(1001, "second")),
      answers(close(1000, "first")),
    ],
    ending: wasClosed(1000, "first"),
  },
  {
    name: "not even a violation",
    steps: [sends(close(1000), hex("ffffffffffff"), text("late")), answers(close(1000))],
    ending: wasClosed(1000),
  },
  {
    name: "earlier messages in the same write are answered first",
    steps: [
      sends(text("one"), binary("two"), ping("three"), close(1000)),
      answers(text("one"), binary("two"), pong("three"), close(1000)),
    ],
    ending: wasClosed(1000),
  },
  {
    name: "a long message, a short one, the Close frame and a ping, back to back",
    steps: [
      sends(text("*".repeat(262_144)), text("short"), close(1000), ping("late")),
      answers(text("*".repeat(262_144)), text("short"), close(1000)),
    ],
    ending: wasClosed(1000),
  },
  {
    name: "messages that the application sent before it closed leave before its Close frame",
    steps: [
      applicationSends("first"),
      applicationSends(utf8("second")),
      applicationCloses(1000, "done"),
      answers(text("first"), binary("second"), close(1000, "done")),
      sends(close(1000, "done")),
    ],
    ending: wasClosed(1000, "done"),
    messages: [],
  },
]);

/** (RFC 6455 §5.5.2) */
export const pingCases = section("RFC 6455 §5.5.2", [
  { name: "an empty one", steps: [sends(ping()), answers(pong())] },
  { name: "with text", steps: [sends(ping("Hello")), answers(pong("Hello"))] },
  {
    name: "with octets that are not UTF-8",
    steps: [sends(ping(hex("00 ff fe fd fc fb 00 ff"))), answers(pong(hex("00fffefdfcfb00ff")))],
  },
  { name: "with 124 bytes", steps: [sends(ping(bytes(124))), answers(pong(bytes(124)))] },
  { name: "with 125 bytes", steps: [sends(ping(bytes(125))), answers(pong(bytes(125)))] },
  {
    name: "with 125 bytes, octet by octet",
    steps: [sendsCut("octets", ping(bytes(125))), answers(pong(bytes(125)))],
  },
  {
    name: "all ten in one write are answered, in order",
    steps: [
      sends(...Array.from({ length: 10 }, (_, index) => ping(`payload ${index}`))),
      answers(...Array.from({ length: 10 }, (_, index) => pong(`payload ${index}`))),
    ],
  },
  {
    name: "all ten are answered, in order, octet by octet",
    steps: [
      sendsCut("octets", ...Array.from({ length: 10 }, (_, index) => ping(`payload ${index}`))),
      answers(...Array.from({ length: 10 }, (_, index) => pong(`payload ${index}`))),
    ],
  },
  {
    name: "between two messages, it is answered between their replies",
    steps: [
      sends(text("one"), ping("p"), text("two")),
      answers(text("one"), pong("p"), text("two")),
    ],
  },
]);

/** (RFC 6455 §5.5.3) */
export const pongCases = section("RFC 6455 §5.5.3", [
  {
    name: "an unsolicited one without a payload is ignored",
    steps: [sends(pong(), ping("next")), answers(pong("next"))],
  },
  {
    name: "an unsolicited one with a payload is ignored",
    steps: [sends(pong("unasked"), ping("next")), answers(pong("next"))],
  },
  {
    name: "an unsolicited one of 125 bytes is ignored",
    steps: [sends(pong(bytes(125)), text("next")), answers(text("next"))],
  },
  {
    name: "unsolicited ones around a ping, octet by octet",
    steps: [sendsCut("octets", pong("a"), ping("p"), pong("b")), answers(pong("p"))],
  },
]);
