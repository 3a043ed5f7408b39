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

/** The headers of both ends of Longwire with default settings. */
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
/** The RFC's example for "Hello". (RFC 7692 §7.2.3.1) */
const HELLO = hex("f248cdc9c90700");

/** 4 KiB without repetitions. */
const NOISE = Buffer.concat(
  Array.from({ length: 128 }, (_, index) => createHash("sha256").update(`${index}`).digest()),
);

/** Long enough to be inflated and compressed in the thread pool. */
const LONG = "A line of text that repeats.\n".repeat(40_000);

/** Uncompressed replies leave before a later Close frame is read. */
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
      name: "a message with RSV1 is inflated, and one without is not",
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
      name: "fragments of one octet, including empty ones, octet by octet",
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
      name: "pings between fragments are not compressed and are answered first",
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
      name: "a Close frame between fragments closes",
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
      name: `the reserved bits 0x${reservedBits.toString(16)} are undefined and fail with 1002`,
      steps: [sends(text(HELLO, { reservedBits }), ping("behind"))],
      ending: badBits,
    })),
    {
      name: "RSV1 fails with 1002 if no compression was agreed",
      deflate: { offer: DEFAULT.offer, answer: undefined },
      roles: ["client"],
      steps: [sends(text(HELLO, RSV1))],
      ending: badBits,
    },
    {
      name: "a message of 1024 bytes is sent compressed by default, a shorter one is not",
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
      name: "a message that compression would not shorten is sent uncompressed",
      steps: [sends(binary(NOISE)), answers(binary(NOISE))],
    },
    {
      name: "control frames from Longwire's end are never compressed",
      deflate: TAKEOVER,
      steps: [
        sends(ping("a".repeat(125)), close(1000, "a".repeat(120))),
        answers(pong("a".repeat(125)), close(1000, "a".repeat(120))),
      ],
      ending: wasClosed(1000, "a".repeat(120)),
    },
    {
      name: "text that is not UTF-8 after inflation fails with 1007",
      steps: [sends(text(hex("00 0200 fdff c328 00"), RSV1), ping("behind"))],
      ending: fails(1007, "invalid_utf8"),
    },
    {
      name: "text that inflates to an incomplete character fails with 1007",
      steps: [sends(text(hex("00 0200 fdff e282 00"), RSV1), ping("behind"))],
      ending: fails(1007, "invalid_utf8"),
    },
    ...["07", "ffffffff", "00 0500 0000 48656c6c6f"].map((digits) => ({
      name: `${digits}, which is not DEFLATE data, fails with 1007`,
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
      name: "they are answered even if the peer ends the transport afterwards",
      deflate: PLAIN_ANSWERS,
      steps: [
        sends({ deflated: LONG }, text("short"), close(1000)),
        ends,
        answers(text(LONG), text("short"), close(1000)),
      ],
      ending: wasClosed(1000),
    },
    {
      name: "maxMessageBytes applies to the inflated message",
      settings: { maxMessageBytes: 2000 },
      steps: [
        sends({ deflated: "a".repeat(2000) }),
        answers({ deflated: "a".repeat(2000) }),
        sends({ deflated: "a".repeat(2001) }, ping("behind")),
      ],
      ending: fails(1009, "message_too_big"),
    },
    {
      name: "a message that inflates to 16 MiB is accepted, one more byte is not",
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
