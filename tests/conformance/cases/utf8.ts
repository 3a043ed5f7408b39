import {
  answers,
  fails,
  isSilent,
  section,
  sends,
  sendsCut,
  type ConformanceCase,
} from "../conformance-case.ts";
import { binary, close, continuation, hex, ping, pong, text } from "../frames.ts";

const more = { fin: false };
const notUtf8 = fails(1007, "invalid_utf8");

/** Valid UTF-8, with its description. (RFC 3629 §3, §4) */
const VALID: readonly [name: string, octets: string][] = [
  ["ASCII", "48 65 6c 6c 6f 24"],
  ["characters of two octets", "c2a2 c3bc d0b6"],
  ["characters of three octets", "e282ac e6bca2"],
  ["characters of four octets", "f09f9982 f0a4ada2"],
  ["a Greek word with characters of two and three octets", "cebae1bdb9cf83cebcceb5"],
  ["characters of every length, mixed", "61 c3a4 e282ac f09f9982 62 f09f9982 e282ac c3a4"],
  ["the lowest of one octet, NUL", "00"],
  ["the lowest of two octets", "c280"],
  ["the lowest of three octets", "e0a080"],
  ["the lowest of four octets", "f0908080"],
  ["the highest of one octet", "7f"],
  ["the highest of two octets", "dfbf"],
  ["the highest of three octets", "efbfbf"],
  ["the highest of four octets, U+10FFFF", "f48fbfbf"],
  ["the last before the surrogates", "ed9fbf"],
  ["the first after the surrogates", "ee8080"],
  ["the first of U+1000 and of U+D000", "e18080 ed8080"],
  ["the first of U+40000 and of U+100000", "f1808080 f4808080"],
  ["the replacement character and its neighbours", "efbfb9 efbfba efbfbb efbfbc efbfbd"],
  ["a byte order mark, first and later", "efbbbf 61 efbbbf"],
  ["combining characters", "65cc81 e0a495e0a58d"],
  ["the noncharacters U+FFFE and U+FFFF", "efbfbe efbfbf"],
  ["the noncharacters U+FDD0 to U+FDEF", "efb790 efb7af"],
  ...Array.from({ length: 16 }, (_, index): [string, string] => {
    const plane = (index + 1) * 0x1_0000;
    const all = String.fromCodePoint(plane + 0xfffe, plane + 0xffff);
    const name = `the noncharacters at the end of plane ${index + 1}`;
    return [name, Buffer.from(all).toString("hex")];
  }),
];

/** Invalid UTF-8: the valid part, the first invalid octet, and later octets. */
const INVALID: readonly [name: string, octets: string][] = [
  ["a lone continuation octet, the first", "|80|"],
  ["a lone continuation octet, the last", "|bf|"],
  ["two lone continuation octets", "|80|bf"],
  ["three lone continuation octets", "|80|bf80"],
  ["six lone continuation octets", "|80|bf80bf80bf"],
  ["a continuation octet after a character", "c3a4|a4|"],
  ["all continuation octets in a row", `|80|${range(0x81, 0xbf).join("")}`],
  ...range(0xc0, 0xc1).map((lead): [string, string] => [
    `the lead ${lead}, which is always overlong`,
    `|${lead}|80`,
  ]),
  ...["c2", "df", "e0", "ef", "f0", "f4"].map((lead): [string, string] => [
    `the lead ${lead} followed by a blank`,
    `${lead}|20|`,
  ]),
  ...["c2", "e1", "f1"].map((lead): [string, string] => [
    `the lead ${lead} followed by another`,
    `${lead}|${lead}|80`,
  ]),
  ...range(0xf5, 0xff).map((lead): [string, string] => [
    `the octet ${lead}, which is never valid`,
    `|${lead}|80808080`,
  ]),
  ["never-valid octets in a row", "|fe|fefeffff"],
  ["a never-valid octet after text", "48656c6c6f|ff|"],
  ["a slash in two octets", "|c0|af"],
  ["a slash in three octets", "e0|80|af"],
  ["a slash in four octets", "f0|80|80af"],
  ["a slash in five octets", "|f8|808080af"],
  ["a slash in six octets", "|fc|80808080af"],
  ["the highest overlong of two octets", "|c1|bf"],
  ["the highest overlong of three octets", "e0|9f|bf"],
  ["the highest overlong of four octets", "f0|8f|bfbf"],
  ["the highest overlong of five octets", "|f8|87bfbfbf"],
  ["the highest overlong of six octets", "|fc|83bfbfbfbf"],
  ["an overlong NUL in two octets", "|c0|80"],
  ["an overlong NUL in three octets", "e0|80|80"],
  ["an overlong NUL in four octets", "f0|80|8080"],
  ["an overlong NUL in five octets", "|f8|80808080"],
  ["an overlong NUL in six octets", "|fc|8080808080"],
  ["the lowest of five octets", "|f8|88808080"],
  ["the lowest of six octets", "|fc|8480808080"],
  ["four octets beyond the end of Unicode", "|f7|bfbfbf"],
  ["the highest of five octets", "|fb|bfbfbfbf"],
  ["the highest of six octets", "|fd|bfbfbfbfbf"],
  ["the first after U+10FFFF", "f4|90|8080"],
  ...["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"].map(
    (octets): [string, string] => [
      `the surrogate ${octets}`,
      `ed|${octets.slice(2, 4)}|${octets.slice(4)}`,
    ],
  ),
  ...["eda080 edb080", "eda080 edbfbf", "edadbf edb080", "edadbf edbfbf"].map(surrogates),
  ...["edae80 edb080", "edae80 edbfbf", "edafbf edb080", "edafbf edbfbf"].map(surrogates),
  ["a character cut off by an ASCII character", "cebae1bd|61|"],
  ["the fourth octet of a character missing", "f09f99|41|"],
  ["a surrogate after a Greek word", "cebae1bdb9cf83cebcceb5ed|a0|80656469746564"],
  ["five octets after a Greek word", "cebae1bdb9cf83cebcceb5|f8|888080"],
  [
    "a character beyond the end of Unicode after a Greek word",
    "cebae1bdb9cf83cebcceb5f4|90|8080656469746564",
  ],
];

/** Octets that are incomplete at their end, so that only the end can fail. */
const UNFINISHED = [
  "ce cebae1 cebae1bd cebae1bdb9cf cebae1bdb9cf83ce cebae1bdb9cf83cebcce",
  "c2 df e1 e180 ef efbf f1 f180 f18080 f4 f48f f48fbf",
].flatMap((line) => line.split(" "));

/** Returns the octets from `first` to `last` as digits. */
function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index).toString(16));
}

function surrogates(pair: string): [string, string] {
  return [`the surrogates ${pair} in a pair`, `ed|${pair.slice(2, 4)}|${pair.slice(4)}`];
}

const BAD_AT_ITS_END = Buffer.concat([Buffer.from("é".repeat(524_288)), hex("ff")]);

const octetwise = (octets: Uint8Array): ReturnType<typeof text>[] => [
  text("", more),
  ...Array.from(octets, (octet) => continuation(Uint8Array.of(octet), more)),
  continuation(""),
];

const valid: ConformanceCase[] = VALID.map(([name, digits]) => {
  const octets = hex(digits);
  return {
    name: `${name}: whole, by octet, and in fragments of one octet`,
    steps: [
      sends(text(octets)),
      answers(text(octets)),
      sendsCut("octets", text(octets)),
      answers(text(octets)),
      sendsCut("parts", ...octetwise(octets)),
      answers(text(octets)),
    ],
    messages: Array.from({ length: 3 }, () => decoded(octets)),
  };
});

/** Decoded code point by code point, without the platform's decoder. */
function decoded(octets: Uint8Array): string {
  let result = "";
  for (let at = 0; at < octets.length;) {
    const lead = octets[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let code = length === 1 ? lead : lead & (0x7f >> length);
    for (const octet of octets.subarray(at + 1, at + length)) code = code * 64 + (octet & 0x3f);
    result += String.fromCodePoint(code);
    at += length;
  }
  return result;
}

const invalid: ConformanceCase[] = INVALID.flatMap(([name, digits]) => {
  const [good, bad, rest] = digits.split("|").map(hex) as [Uint8Array, Uint8Array, Uint8Array];
  const all = Buffer.concat([good, bad, rest]);
  return [
    {
      name: `${name} in one frame fails with 1007`,
      steps: [sends(text("before"), text(all), ping("behind")), answers(text("before"))],
      ending: notUtf8,
    },
    {
      name: `${name} fails at its first invalid octet, while frame and message are incomplete`,
      steps: [
        sends(text(good, more), ping("good so far")),
        answers(pong("good so far")),
        sends(continuation(bad, { ...more, announced: BigInt(1 + rest.length + 100) })),
      ],
      ending: notUtf8,
    },
  ];
});

const unfinished: ConformanceCase[] = UNFINISHED.flatMap((digits) => {
  const name = `${digits}, which is incomplete at its end,`;
  return [
    {
      name: `${name} fails with 1007`,
      steps: [sends(text(hex(digits)), ping("behind"))],
      ending: notUtf8,
    },
    {
      name: `${name} fails at the end of its last fragment and not before`,
      steps: [
        sends(text(hex(digits), more), ping("may go on")),
        answers(pong("may go on")),
        sends(continuation(), ping("behind")),
      ],
      ending: notUtf8,
    },
  ];
});

/** (RFC 6455 §8.1) */
export const utf8Cases = section("RFC 6455 §8.1", [
  ...valid,
  ...invalid,
  ...unfinished,
  {
    name: "the validity of one message does not affect the next",
    steps: [
      sends(text(hex("e282ac")), text("ascii"), text(hex("f09f9982"))),
      answers(text("€"), text("ascii"), text("🙂")),
      sends(text(hex("e282")), ping("behind")),
    ],
    ending: notUtf8,
  },
  {
    name: "binary may contain any octets",
    steps: [sends(binary(hex("80fffe c0af eda080"))), answers(binary(hex("80fffe c0af eda080")))],
  },
  {
    name: "a character may be cut by a ping between two fragments",
    steps: [
      sends(text(hex("e282"), more), ping(hex("ff")), continuation(hex("ac"))),
      answers(pong(hex("ff")), text("€")),
    ],
  },
  ...["cebae1bdb9cf83cebcceb5f4 90", "cebae1bdb9cf83cebcceb5ed a0", "48656c6c6f ff"].map(
    (digits) => {
      const pieceOf = text(hex(digits), { announced: 100n });
      const size = pieceOf.payload!.length;
      return {
        name: `${digits} in a single frame fails at its last octet and not before`,
        steps: [
          sendsCut("octets", { pieceOf, from: 0, to: size - 1 }),
          isSilent,
          sends({ pieceOf, from: size - 1, to: size }),
        ],
        ending: notUtf8,
      };
    },
  ),
  {
    name: "an invalid octet after a megabyte of valid ones in the same frame fails immediately",
    steps: [sendsCut(65_536, text(BAD_AT_ITS_END, { announced: 4_000_000n }))],
    ending: notUtf8,
  },
  ...["ff", "c3", "eda080", "c0af", "4869 e282"].map((digits) => ({
    name: `the close reason ${digits} fails with 1007`,
    steps: [sends(close(1000, hex(digits)))],
    ending: fails(1007, "invalid_close_reason"),
  })),
]);
