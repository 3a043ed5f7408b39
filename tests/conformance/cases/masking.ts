import {
  bytes,
  joinBytes,
  maskedFrame,
  plainFrame,
  utf8,
} from "../../rigs/protocol/masked-frame.ts";
import { answers, fails, section, sends, sendsCut } from "../conformance-case.ts";
import { applicationSends, type ConformanceCase } from "../conformance-case.ts";
import { binary, close, continuation, hex, ping, pong, text } from "../frames.ts";

const kinds = [
  ["a text frame", text("Hello")],
  ["an empty text frame", text()],
  ["a binary frame", binary("Hello")],
  ["a long binary frame", binary(bytes(70_000))],
  ["a ping", ping("Hello")],
  ["an empty pong", pong()],
  ["a Close frame", close(1000)],
] as const;

const unmasked: ConformanceCase[] = kinds.map(([name, frame]) => ({
  name: `${name} from a client without a mask fails with 1002`,
  roles: ["server"],
  steps: [
    sends(text("before")),
    answers(text("before")),
    sends(joinBytes([plainFrame(frame), maskedFrame(ping("behind"))])),
  ],
  ending: fails(1002, "missing_mask"),
}));

const masked: ConformanceCase[] = kinds.map(([name, frame]) => ({
  name: `${name} from a server with a mask fails with 1002`,
  roles: ["client"],
  steps: [
    sends(text("before")),
    answers(text("before")),
    sends(joinBytes([maskedFrame(frame), plainFrame(ping("behind"))])),
  ],
  ending: fails(1002, "unexpected_mask"),
}));

const keys = ["00000000", "ffffffff", "00ff00ff", "80000001", "48656c6c"].map(hex);

/** (RFC 6455 §5.1) */
export const maskingCases = section("RFC 6455 §5.1", [
  ...unmasked,
  ...masked,
  {
    name: "a mask of zeros from a server is a mask, too, and fails with 1002",
    roles: ["client"],
    steps: [sends(maskedFrame(text("Hello"), new Uint8Array(4)))],
    ending: fails(1002, "unexpected_mask"),
  },
  {
    name: "a continuation frame without a mask fails with 1002",
    roles: ["server"],
    steps: [sends(text("a", { fin: false }), plainFrame(continuation("b")))],
    ending: fails(1002, "missing_mask"),
  },
  {
    name: "a continuation frame with a mask fails with 1002",
    roles: ["client"],
    steps: [sends(text("a", { fin: false }), maskedFrame(continuation("b")))],
    ending: fails(1002, "unexpected_mask"),
  },
]);

/** (RFC 6455 §5.3) */
export const maskingKeyCases = section("RFC 6455 §5.3", [
  {
    name: "every key unmasks its own frame, even if the masked payload is all zeros",
    roles: ["server"],
    steps: [
      sends(...keys.map((key) => maskedFrame(text("Hello, world"), key))),
      answers(...keys.map(() => text("Hello, world"))),
      sends(maskedFrame(binary(hex("48656c6c 48656c6c 48")), hex("48656c6c"))),
      answers(binary(hex("48656c6c 48656c6c 48"))),
    ],
  },
  {
    name: "the key repeats for payloads of every length modulo 4, with any cut",
    roles: ["server"],
    steps: [3, "octets" as const, "whole" as const].flatMap((chunks) => [
      sendsCut(chunks, ...[1, 2, 3, 4, 5, 6, 7, 8, 31, 32, 33, 34].map((n) => binary(bytes(n)))),
      answers(...[1, 2, 3, 4, 5, 6, 7, 8, 31, 32, 33, 34].map((n) => binary(bytes(n)))),
    ]),
  },
  {
    name: "the key restarts with every fragment",
    roles: ["server"],
    steps: [
      sends(
        maskedFrame(text("Hel", { fin: false }), hex("01020304")),
        maskedFrame(ping("x"), hex("a1a2a3a4")),
        maskedFrame(continuation("lo, ", { fin: false }), hex("f1f2f3f4")),
        maskedFrame(continuation("world"), hex("91929394")),
      ),
      answers(pong("x"), text("Hello, world")),
    ],
  },
  {
    name: "an application's first message is masked by a client and not by a server",
    steps: [
      applicationSends("Hello"),
      applicationSends(utf8("Hello")),
      answers(text("Hello"), binary("Hello")),
    ],
    messages: [],
  },
]);
