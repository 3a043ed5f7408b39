import { createHash } from "node:crypto";
import {
  answers,
  ends,
  fails,
  section,
  sends,
  sendsCut,
  wasClosed,
  type ConformanceCase,
  type DeflateAgreement,
} from "../conformance-case.ts";
import { binary, close, continuation, hex, ping, pong, text } from "../frames.ts";

/** What both ends of ours write when they are set to nothing. */
export const DEFAULT: DeflateAgreement = {
  offer:
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
  answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
};

/** Both ends may refer to earlier messages. */
export const TAKEOVER: DeflateAgreement = {
  compression: { thresholdBytes: 1, incomingContextTakeover: true, outgoingContextTakeover: true },
  offer: "permessage-deflate; client_max_window_bits",
  answer: "permessage-deflate",
  windows: { server: { bits: 15, takeover: true }, client: { bits: 15, takeover: true } },
};

const RSV1 = { reservedBits: 0x40 };
const more = { fin: false };
/** "Hello" as it stands in the RFC. (RFC 7692 §7.2.3.1) */
const HELLO = hex("f248cdc9c90700");

/** 4 KiB in which nothing repeats. */
const NOISE = Buffer.concat(
  Array.from({ length: 128 }, (_, index) => createHash("sha256").update(`${index}`).digest()),
);

/** Long enough to be inflated and compressed off the main thread. */
const LONG = "A line of text that repeats.\n".repeat(40_000);

/** What is answered plain leaves before a Close frame behind it is read. */
const PLAIN_ANSWERS: DeflateAgreement = {
  ...DEFAULT,
  compression: { thresholdBytes: 2 * LONG.length },
};

const withDefault = (cases: ConformanceCase[]): ConformanceCase[] =>
  cases.map((one) => ({ deflate: DEFAULT, ...one }));

const badBits = fails(1002, "reserved_bits");

/** (RFC 7692 §6) */
export const deflateFramingCases = section(
  "RFC 7692 §6",
  withDefault([
    {
      name: "a message with RSV1 is inflated, one without is taken as it is",
      steps: [
        sends(text(HELLO, RSV1), text("Hello"), binary(HELLO, RSV1), binary(HELLO)),
        answers(text("Hello"), text("Hello"), binary("Hello"), binary(HELLO)),
      ],
    },
    {
      name: "a message in fragments has RSV1 on its first frame",
      steps: [
        sends(text(HELLO.subarray(0, 3), { ...RSV1, ...more }), continuation(HELLO.subarray(3))),
        answers(text("Hello")),
      ],
    },
    {
      name: "fragments of an octet, empty ones among them, octet by octet",
      steps: [
        sendsCut(
          "octets",
          text("", { ...RSV1, ...more }),
          ...Array.from(HELLO, (octet) => continuation(Uint8Array.of(octet), more)),
          continuation("", more),
          continuation(""),
        ),
        answers(text("Hello")),
      ],
    },
    {
      name: "pings between the fragments are not compressed and are answered first",
      steps: [
        sends(
          text(HELLO.subarray(0, 3), { ...RSV1, ...more }),
          ping(HELLO),
          continuation(HELLO.subarray(3), more),
          ping("2"),
          continuation(""),
        ),
        answers(pong(HELLO), pong("2"), text("Hello")),
      ],
    },
    {
      name: "a Close frame between the fragments closes",
      steps: [
        sends(text(HELLO.subarray(0, 3), { ...RSV1, ...more }), close(1000)),
        answers(close(1000)),
      ],
      ending: wasClosed(1000),
    },
    {
      name: "RSV1 on a continuation frame of a compressed message fails with 1002",
      steps: [
        sends(
          text(HELLO.subarray(0, 3), { ...RSV1, ...more }),
          continuation(HELLO.subarray(3), RSV1),
          ping("behind"),
        ),
      ],
      ending: badBits,
    },
    {
      name: "RSV1 on a continuation frame of a plain message fails with 1002",
      steps: [sends(text("a", more), continuation(HELLO, RSV1), ping("behind"))],
      ending: badBits,
    },
    ...[
      ["a ping", ping(HELLO, RSV1)] as const,
      ["a pong", pong(HELLO, RSV1)] as const,
      ["a Close frame", close(1000, "", RSV1)] as const,
    ].map(([kind, frame]) => ({
      name: `RSV1 on ${kind} fails with 1002`,
      steps: [sends(frame, ping("behind"))],
      ending: badBits,
    })),
    ...[0x10, 0x20, 0x30, 0x50, 0x60, 0x70].map((reservedBits) => ({
      name: `the reserved bits 0x${reservedBits.toString(16)} mean nothing and fail with 1002`,
      steps: [sends(text(HELLO, { reservedBits }), ping("behind"))],
      ending: badBits,
    })),
    {
      name: "RSV1 fails with 1002 where no compression was agreed",
      deflate: { offer: DEFAULT.offer, answer: undefined },
      roles: ["client"],
      steps: [sends(text(HELLO, RSV1))],
      ending: badBits,
    },
    {
      name: "a message of 1024 bytes leaves compressed by default, a shorter one does not",
      steps: [
        sends(text("a".repeat(1023)), text("a".repeat(1024)), binary(new Uint8Array(1024))),
        answers(
          text("a".repeat(1023)),
          { deflated: "a".repeat(1024) },
          { deflated: new Uint8Array(1024) },
        ),
      ],
    },
    {
      name: "a message that compressing would not shorten leaves as it is",
      steps: [sends(binary(NOISE)), answers(binary(NOISE))],
    },
    {
      name: "control frames that our end sends are never compressed",
      deflate: TAKEOVER,
      steps: [
        sends(ping("a".repeat(125)), close(1000, "a".repeat(120))),
        answers(pong("a".repeat(125)), close(1000, "a".repeat(120))),
      ],
      ending: wasClosed(1000, "a".repeat(120)),
    },
    {
      name: "text that inflates to no UTF-8 fails with 1007",
      steps: [sends(text(hex("00 0200 fdff c328 00"), RSV1), ping("behind"))],
      ending: fails(1007, "invalid_utf8"),
    },
    {
      name: "text that inflates to a cut character fails with 1007",
      steps: [sends(text(hex("00 0200 fdff e282 00"), RSV1), ping("behind"))],
      ending: fails(1007, "invalid_utf8"),
    },
    ...["07", "ffffffff", "00 0500 0000 48656c6c6f"].map((digits) => ({
      name: `${digits}, which is no DEFLATE data, fails with 1007`,
      steps: [sends(binary(hex(digits), RSV1), ping("behind"))],
      ending: fails(1007, "invalid_deflate"),
    })),
    {
      name: "a long message, a short one and a Close frame, back to back, are all answered",
      deflate: PLAIN_ANSWERS,
      steps: [
        sends({ deflated: LONG }, text("short"), close(1000)),
        answers(text(LONG), text("short"), close(1000)),
      ],
      ending: wasClosed(1000),
    },
    {
      name: "they are answered also when the peer ends the transport behind them",
      deflate: PLAIN_ANSWERS,
      steps: [
        sends({ deflated: LONG }, text("short"), close(1000)),
        ends,
        answers(text(LONG), text("short"), close(1000)),
      ],
      ending: wasClosed(1000),
    },
    {
      name: "maxMessageBytes holds for what a message inflates to",
      settings: { maxMessageBytes: 2000 },
      steps: [
        sends({ deflated: "a".repeat(2000) }),
        answers({ deflated: "a".repeat(2000) }),
        sends({ deflated: "a".repeat(2001) }, ping("behind")),
      ],
      ending: fails(1009, "message_too_big"),
    },
    {
      name: "a message that inflates to 16 MiB is good, one that inflates to a byte more is not",
      transports: ["TCP"],
      steps: [
        sends({ deflated: new Uint8Array(16 * 1024 * 1024) }),
        answers({ deflated: new Uint8Array(16 * 1024 * 1024) }),
        sends({ deflated: new Uint8Array(16 * 1024 * 1024 + 1) }, ping("behind")),
      ],
      ending: fails(1009, "message_too_big"),
    },
  ]),
);
