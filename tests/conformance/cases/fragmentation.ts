import { bytes } from "../../rigs/protocol/masked-frame.ts";
import {
  answers,
  fails,
  section,
  sends,
  sendsCut,
  wasClosed,
  type Chunks,
  type ConformanceCase,
} from "../conformance-case.ts";
import { binary, close, continuation, frame, ping, pong, text } from "../frames.ts";

const more = { fin: false };
const cuts: readonly [string, Chunks][] = [
  ["in one write", "whole"],
  ["a write each", "parts"],
  ["octet by octet", "octets"],
];

/** The same frames with each way of cutting. */
function inAllCuts(
  name: string,
  parts: Parameters<typeof sends>,
  rest: Pick<ConformanceCase, "ending" | "messages"> & { answers?: ReturnType<typeof answers> },
): ConformanceCase[] {
  const { answers: answered, ...others } = rest;
  return cuts.map(([how, chunks]) => ({
    name: `${name}, ${how}`,
    steps: [sendsCut(chunks, ...parts), ...(answered === undefined ? [] : [answered])],
    ...others,
  }));
}

const stray = { ending: fails(1002, "stray_continuation") };
const unfinished = { ending: fails(1002, "unfinished_message") };
const fragmented = { ending: fails(1002, "fragmented_control") };

const good: ConformanceCase[] = [
  ...inAllCuts("text in two fragments", [text("one ", more), continuation("two")], {
    answers: answers(text("one two")),
  }),
  ...inAllCuts(
    "binary in three fragments",
    [binary(bytes(200), more), continuation(bytes(3), more), continuation(bytes(130))],
    { answers: answers(binary(Buffer.concat([bytes(200), bytes(3), bytes(130)]))) },
  ),
  ...inAllCuts(
    "a ping between two fragments is answered first",
    [text("one ", more), ping("between"), continuation("two")],
    { answers: answers(pong("between"), text("one two")) },
  ),
  ...inAllCuts(
    "a pong between two fragments is ignored",
    [text("one ", more), pong("between"), continuation("two")],
    { answers: answers(text("one two")) },
  ),
  ...inAllCuts(
    "pings before, between and after fragments are answered at their positions",
    [
      ping("1"),
      binary("a", more),
      ping("2"),
      ping("3"),
      continuation("b", more),
      ping(""),
      continuation("c"),
      ping("4"),
    ],
    {
      answers: answers(pong("1"), pong("2"), pong("3"), pong(""), binary("abc"), pong("4")),
    },
  ),
  ...inAllCuts(
    "empty fragments: first, middle, last",
    [
      text("", more),
      continuation("a", more),
      continuation("", more),
      continuation("b", more),
      continuation(""),
    ],
    { answers: answers(text("ab")) },
  ),
  ...inAllCuts(
    "a message of empty fragments only",
    [text("", more), continuation("", more), continuation(""), binary("", more), continuation("")],
    { answers: answers(text(""), binary("")) },
  ),
  {
    name: "fragments of 1300 bytes of a message of 65536",
    steps: [
      sends(
        ...Array.from({ length: Math.ceil(65_536 / 1300) }, (_, index, last = 50) =>
          frame(index === 0 ? 1 : 0, "*".repeat(index < last ? 1300 : 65_536 - last * 1300), {
            fin: index === last,
          }),
        ),
      ),
      answers(text("*".repeat(65_536))),
    ],
  },
  {
    name: "a message in fragments of one octet",
    steps: [
      sends(
        ...Array.from({ length: 500 }, (_, index) =>
          frame(index === 0 ? 2 : 0, bytes(500).subarray(index, index + 1), { fin: index === 499 }),
        ),
      ),
      answers(binary(bytes(500))),
    ],
  },
  {
    name: "two fragmented messages of different kinds, one after the other",
    steps: [
      sends(
        text("te", more),
        continuation("xt"),
        binary("bi", more),
        continuation("nary"),
        text("whole"),
      ),
      answers(text("text"), binary("binary"), text("whole")),
    ],
  },
  {
    name: "a ping is answered while its message is incomplete",
    steps: [
      sends(text("fragment 1, ", more), continuation("fragment 2, ", more), ping("first")),
      answers(pong("first")),
      sends(continuation("fragment 3, ", more), continuation("fragment 4, ", more), ping("second")),
      answers(pong("second")),
      sends(continuation("fragment 5")),
      answers(text("fragment 1, fragment 2, fragment 3, fragment 4, fragment 5")),
    ],
  },
  {
    name: "the same, with every octet in a separate write",
    steps: [
      sendsCut("octets", text("fragment 1, ", more), continuation("fragment 2, ", more)),
      sendsCut("octets", ping("first")),
      answers(pong("first")),
      sendsCut("octets", continuation("fragment 3, ", more), ping("second")),
      answers(pong("second")),
      sendsCut("octets", continuation("fragment 4")),
      answers(text("fragment 1, fragment 2, fragment 3, fragment 4")),
    ],
  },
  {
    name: "a Close frame between fragments closes, and the message is not delivered",
    steps: [
      sends(text("one ", more), close(1000, "enough"), continuation("two")),
      answers(close(1000, "enough")),
    ],
    ending: wasClosed(1000, "enough"),
  },
];

const bad: ConformanceCase[] = [
  ...inAllCuts(
    "a final continuation frame without a message to continue",
    [continuation("stray"), text("good")],
    stray,
  ),
  ...inAllCuts(
    "a continuation frame without a message to continue, not final",
    [continuation("stray", more), text("good")],
    stray,
  ),
  ...inAllCuts(
    "an empty continuation frame without a message to continue",
    [continuation()],
    stray,
  ),
  ...inAllCuts(
    "a continuation frame after a whole message",
    [text("good"), continuation("stray")],
    { ...stray, answers: answers(text("good")) },
  ),
  ...inAllCuts(
    "a continuation frame after a fragmented message",
    [text("go", more), continuation("od"), continuation("stray", more), text("behind")],
    { ...stray, answers: answers(text("good")) },
  ),
  ...inAllCuts("a continuation frame after a ping", [ping("p"), continuation("stray")], {
    ...stray,
    answers: answers(pong("p")),
  }),
  ...inAllCuts(
    "two stray continuations, then fragmented text",
    [
      continuation("stray", more),
      text("a", more),
      continuation("b"),
      continuation("stray", more),
      text("a", more),
      continuation("b"),
    ],
    stray,
  ),
  ...inAllCuts("text inside of text", [text("one", more), text("two")], unfinished),
  ...inAllCuts("text inside of binary", [binary("one", more), text("two")], unfinished),
  ...inAllCuts("binary inside of text", [text("one", more), binary("two")], unfinished),
  ...inAllCuts("binary inside of binary", [binary("one", more), binary("two")], unfinished),
  ...inAllCuts("a new message after an empty fragment", [text("", more), text("two")], unfinished),
  ...inAllCuts(
    "a new message after a ping inside of a message",
    [text("one", more), ping("p"), text("two", more)],
    { ...unfinished, answers: answers(pong("p")) },
  ),
  ...inAllCuts("a fragmented ping", [ping("pi", more), continuation("ng")], fragmented),
  ...inAllCuts("a fragmented pong", [pong("po", more), continuation("ng")], fragmented),
  ...inAllCuts("an empty ping that is not final", [ping("", more)], fragmented),
  ...inAllCuts("a fragmented Close frame", [close(1000, "", more), continuation()], fragmented),
  ...inAllCuts(
    "a fragmented ping inside of a message",
    [text("one", more), ping("pi", more), continuation("ng")],
    fragmented,
  ),
];

/** (RFC 6455 §5.4) */
export const fragmentationCases = section("RFC 6455 §5.4", [
  ...good,
  ...bad.map((one) => ({ ...one, name: `${one.name}, fails with 1002` })),
]);
