import {
  answers,
  applicationCloses,
  ends,
  fails,
  isCutOff,
  isLost,
  isSilent,
  section,
  sends,
  sendsCut,
  wasClosed,
  type Step,
} from "../conformance-case.ts";
import { close, continuation, hex, ping, text } from "../frames.ts";

/** The peer starts closing, Longwire's end replies. */
const peerBegins = (code?: number, reason = ""): Step[] => [
  sends(close(code, reason)),
  answers(close(code, reason)),
];

/** Longwire's application starts closing, the peer replies. */
const applicationBegins = (code?: number, reason = ""): Step[] => [
  applicationCloses(code, reason),
  answers(close(code, reason)),
  sends(close(code, reason)),
];

const greeting = [sends(text("Hello")), answers(text("Hello"))];

const many = Array.from({ length: 50 }, (_, index) => text(`message ${index}`));

/** (RFC 6455 §7.1) */
export const closingCases = section("RFC 6455 §7.1", [
  { name: "the peer closes a connection without messages", steps: [] },
  {
    name: "the peer closes after a message",
    steps: [...greeting, ...peerBegins(1000, "bye")],
    ending: wasClosed(1000, "bye"),
  },
  {
    name: "the application closes a connection without messages",
    steps: applicationBegins(1000),
    ending: wasClosed(1000),
  },
  {
    name: "the application closes with its own code and a reason",
    steps: [...greeting, ...applicationBegins(4321, "geht €")],
    ending: wasClosed(4321, "geht €"),
  },
  {
    name: "an application that closes without a code sends an empty Close frame",
    roles: ["client"],
    steps: applicationBegins(),
    ending: wasClosed(1005),
  },
  {
    name: "data after the application's Close frame is read and not answered",
    steps: [
      applicationCloses(1000),
      answers(close(1000)),
      sends(text("late"), ping("late"), text("la", { fin: false }), continuation("te")),
      isSilent,
      sends(close(1000)),
    ],
    ending: wasClosed(1000),
  },
  {
    name: "both ends may start closing simultaneously",
    steps: [
      applicationCloses(1000, "mine"),
      sends(close(4000, "yours")),
      answers(close(1000, "mine")),
    ],
    ending: wasClosed(4000, "yours"),
  },
  {
    name: "the reply to the application's Close frame may have another code",
    steps: [applicationCloses(1000), answers(close(1000)), sends(close(4001, "mine"))],
    ending: wasClosed(4001, "mine"),
  },
  {
    name: "an invalid reply to the application's Close frame fails without another Close frame",
    steps: [applicationCloses(1000), answers(close(1000)), sends(close(1005))],
    ending: fails(undefined, "invalid_close_code"),
  },
  {
    name: "a violation after the application's Close frame fails without another Close frame",
    steps: [applicationCloses(1000), answers(close(1000)), sends(continuation("stray"))],
    ending: fails(undefined, "stray_continuation"),
  },
  {
    name: "a peer that ends the transport directly after its Close frame gets the reply",
    steps: [sends(close(1000)), ends, answers(close(1000))],
    ending: wasClosed(1000),
  },
  {
    name: "a peer that ends the transport directly after messages and its Close frame gets all replies",
    steps: [sends(...many, close(1000)), ends, answers(...many, close(1000))],
    ending: wasClosed(1000),
  },
  {
    name: "a peer that ends the transport directly after a message gets the reply",
    steps: [sends(text("last words")), ends, answers(text("last words"))],
    ending: isLost("ended"),
  },
  {
    name: "the end of the transport without a Close frame is 1006",
    steps: greeting,
    ending: isLost("ended"),
  },
  {
    name: "the end of the transport in the middle of a message is 1006, and the message is not delivered",
    steps: [...greeting, sends(text("one", { fin: false }), hex("80")), isSilent],
    ending: isLost("ended"),
  },
  {
    name: "the end of the transport after Longwire's Close frame is 1006 without the peer's",
    steps: [applicationCloses(1000), answers(close(1000))],
    ending: isLost("ended"),
  },
  { name: "a broken transport is 1006", steps: greeting, ending: isLost("reset") },
  {
    name: "a failed connection reads nothing more, whatever arrives in later writes",
    steps: [
      sendsCut("parts", continuation("stray"), text("one"), ping(), close(1000), hex("ffffff")),
    ],
    ending: fails(1002, "stray_continuation"),
  },
  {
    name: "a failed connection stays failed, even if a valid Close frame follows",
    steps: [sendsCut("parts", close(1005), close(1000), ping(), close(1000))],
    ending: fails(1002, "invalid_close_code"),
  },
  {
    name: "a closed connection stays closed, even if violations follow",
    steps: [
      sendsCut("parts", close(1000, "good"), continuation("stray"), close(1005)),
      answers(close(1000, "good")),
    ],
    ending: wasClosed(1000, "good"),
  },
  {
    name: "a peer that never ends the transport is cut off after closeTimeoutMs",
    settings: { closeTimeoutMs: 60 },
    steps: peerBegins(1000),
    ending: isCutOff(1000, true),
  },
  {
    name: "a peer that never answers the Close frame is cut off after closeTimeoutMs",
    settings: { closeTimeoutMs: 60 },
    steps: [applicationCloses(1000), answers(close(1000))],
    ending: isCutOff(1006, false),
  },
  {
    name: "a peer that never ends a failed connection is cut off after closeTimeoutMs",
    settings: { closeTimeoutMs: 60 },
    steps: [sends(continuation("stray")), answers(close(1002))],
    ending: isCutOff(1006, false),
  },
]);

/** The codes that a Close frame may contain: the RFC's, those that IANA added, and 3000 to 4999. */
const GOOD = numbers(
  "1000 1001 1002 1003 1007 1008 1009 1010 1011 1012 1013 1014",
  "3000 3001 3999 4000 4001 4999",
);
const BAD = numbers(
  "0 1 255 256 999 1004 1005 1006 1015 1016 1099 1100 1999 2000 2001 2999",
  "5000 5001 9999 32768 65535",
);

function numbers(...lines: string[]): number[] {
  return lines.flatMap((line) => line.split(" ").map(Number));
}

/** (RFC 6455 §7.4) */
export const closeCodeCases = section("RFC 6455 §7.4", [
  ...GOOD.flatMap((code) => [
    { name: `${code} is repeated`, steps: peerBegins(code), ending: wasClosed(code) },
    {
      name: `${code} is repeated with its reason`,
      steps: peerBegins(code, "a reason €"),
      ending: wasClosed(code, "a reason €"),
    },
  ]),
  ...BAD.flatMap((code) => [
    {
      name: `${code} fails with 1002`,
      steps: [sends(close(code))],
      ending: fails(1002, "invalid_close_code"),
    },
    {
      name: `${code} with a reason fails with 1002, even octet by octet`,
      steps: [sendsCut("octets", close(code, "a reason"))],
      ending: fails(1002, "invalid_close_code"),
    },
  ]),
  ...[3000, 4000, 4999].map((code) => ({
    name: `an application may close with ${code}`,
    steps: applicationBegins(code, "own"),
    ending: wasClosed(code, "own"),
  })),
  ...[1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013].map((code) => ({
    name: `a server's application may close with ${code}`,
    roles: ["server" as const],
    steps: applicationBegins(code, "own"),
    ending: wasClosed(code, "own"),
  })),
]);
