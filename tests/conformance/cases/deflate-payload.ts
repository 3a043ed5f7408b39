import { answers, fails, section, sends, sendsCut } from "../conformance-case.ts";
import { binary, continuation, hex, text } from "../frames.ts";
import { DEFAULT, TAKEOVER } from "./deflate-framing.ts";

const RSV1 = { reservedBits: 0x40 };

/** The example octets of the RFC; the replies are short and therefore not compressed. */
export const deflatePayloadCases = section("RFC 7692 §7.2.3", [
  {
    name: "§7.2.3.1: one compressed block, whole and in two fragments",
    deflate: DEFAULT,
    steps: [
      sends(text(hex("f248cdc9c90700"), RSV1)),
      sends(text(hex("f248cd"), { ...RSV1, fin: false }), continuation(hex("c9c90700"))),
      answers(text("Hello"), text("Hello")),
    ],
  },
  {
    name: "§7.2.3.1: the frames octet for octet",
    deflate: DEFAULT,
    roles: ["client" as const],
    steps: [
      sends(hex("c1 07 f248cdc9c90700")),
      sends(hex("41 03 f248cd 80 04 c9c90700")),
      answers(text("Hello"), text("Hello")),
    ],
  },
  {
    name: "§7.2.3.1: the frames octet for octet, masked",
    deflate: DEFAULT,
    roles: ["server" as const],
    steps: [sendsCut("octets", hex("c1 87 00000000 f248cdc9c90700")), answers(text("Hello"))],
  },
  {
    name: "§7.2.3.2: a message that refers to the previous one",
    deflate: TAKEOVER,
    steps: [
      sends(text(hex("f248cdc9c90700"), RSV1), text(hex("f200110000"), RSV1)),
      answers({ deflated: "Hello" }, { deflated: "Hello" }),
    ],
  },
  {
    name: "§7.2.3.2: a message that refers past an uncompressed one",
    deflate: TAKEOVER,
    steps: [
      sends(text(hex("f248cdc9c90700"), RSV1), text("plain"), text(hex("f200110000"), RSV1)),
      answers({ deflated: "Hello" }, { deflated: "plain" }, { deflated: "Hello" }),
    ],
  },
  {
    name: "§7.2.3.2: the reply has the octets of the RFC",
    deflate: TAKEOVER,
    steps: [
      sends(text("Hello"), text("Hello")),
      answers(text(hex("f248cdc9c90700"), RSV1), text(hex("f200110000"), RSV1)),
    ],
    messages: ["Hello", "Hello"],
  },
  {
    name: "§7.2.3.2: without context takeover, a reference to an earlier message fails with 1007",
    deflate: DEFAULT,
    steps: [
      sends(text(hex("f248cdc9c90700"), RSV1)),
      answers(text("Hello")),
      sends(text(hex("f200110000"), RSV1)),
    ],
    ending: fails(1007, "invalid_deflate"),
  },
  {
    name: "§7.2.3.3: a block without compression",
    deflate: DEFAULT,
    steps: [sends(text(hex("000500faff48656c6c6f00"), RSV1)), answers(text("Hello"))],
  },
  {
    name: "§7.2.3.4: a final block, and a later message",
    deflate: DEFAULT,
    steps: [
      sends(text(hex("f348cdc9c9070000"), RSV1), text(hex("f248cdc9c90700"), RSV1)),
      answers(text("Hello"), text("Hello")),
    ],
  },
  {
    name: "§7.2.3.4: a final block, and a later message, with context takeover",
    deflate: TAKEOVER,
    steps: [
      sends(text(hex("f348cdc9c9070000"), RSV1), text(hex("f248cdc9c90700"), RSV1)),
      answers({ deflated: "Hello" }, { deflated: "Hello" }),
    ],
  },
  {
    name: "§7.2.3.4: two final blocks in a message",
    deflate: DEFAULT,
    steps: [
      sends(text(hex("f348cdc9c90700 f348cdc9c90700 00"), RSV1)),
      answers(text("HelloHello")),
    ],
  },
  {
    name: "§7.2.3.5: two blocks in a message",
    deflate: DEFAULT,
    steps: [sends(text(hex("f248050000 00ffffcac9c90700"), RSV1)), answers(text("Hello"))],
  },
  {
    name: "§7.2.3.6: an empty message is one octet of zero",
    deflate: DEFAULT,
    steps: [
      sends(text(hex("00"), RSV1), binary(hex("00"), RSV1), text(hex("f248cdc9c90700"), RSV1)),
      answers(text(""), binary(""), text("Hello")),
    ],
  },
  {
    name: "§7.2.3.6: an empty message in other forms",
    deflate: DEFAULT,
    steps: [
      sends(text(hex("0200"), RSV1), text(hex("0300 00"), RSV1), text("", RSV1)),
      answers(text(""), text(""), text("")),
    ],
  },
  {
    name: "§7.2.3.6: empty messages do not affect the window",
    deflate: TAKEOVER,
    steps: [
      sends(
        text(hex("f248cdc9c90700"), RSV1),
        text(hex("00"), RSV1),
        text(""),
        text(hex("f200110000"), RSV1),
      ),
      answers({ deflated: "Hello" }, text(""), text(""), { deflated: "Hello" }),
    ],
  },
]);
