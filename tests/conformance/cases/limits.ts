import { bytes } from "../../rigs/protocol/masked-frame.ts";
import type { Transport } from "../carriers/carrier-for.ts";
import {
  answers,
  fails,
  section,
  sends,
  sendsCut,
  type ConformanceCase,
} from "../conformance-case.ts";
import { binary, continuation, frame, ping, pong, text } from "../frames.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const more = { fin: false };

const once = new Map<number, [string, Uint8Array]>();

/** Text and octets of a size, created once for all cases. */
function content(size: number): [string, Uint8Array] {
  let made = once.get(size);
  if (made === undefined) {
    const line = "A line of text, with ä, € and 🙂.\n";
    const lineBytes = Buffer.byteLength(line);
    const lines = Math.floor(size / lineBytes);
    made = [line.repeat(lines) + "*".repeat(size - lines * lineBytes), bytes(size)];
    once.set(size, made);
  }
  return made;
}

/** Sizes of whole frames; long ones only over TCP, because the transport makes no difference. */
const wholes: readonly [size: number, transports: readonly Transport[]][] = [
  [64 * KIB, ["TCP", "TLS", "HTTP/2"]],
  [256 * KIB, ["TCP", "TLS", "HTTP/2"]],
  [MIB, ["TCP", "TLS", "HTTP/2"]],
  [4 * MIB, ["TCP"]],
  [8 * MIB, ["TCP"]],
  [16 * MIB, ["TCP"]],
];

const whole: ConformanceCase[] = wholes.flatMap(([size, transports]) => {
  const [characters, octets] = content(size);
  const name = `of ${size / KIB} KiB in one frame`;
  return [
    {
      name: `text ${name}`,
      transports,
      steps: [sends(text(characters)), answers(text(characters))],
    },
    {
      name: `binary ${name}`,
      transports: size === 4 * MIB ? ["TCP", "TLS", "HTTP/2"] : transports,
      steps: [sends(binary(octets)), answers(binary(octets))],
    },
  ];
});

/** A message of 4 MiB in fragments whose cuts also fall inside characters. */
function inFragments(opcode: number, message: Uint8Array, size: number): ConformanceCase["steps"] {
  const count = message.length / size;
  const parts = Array.from({ length: count }, (_, index) =>
    frame(index === 0 ? opcode : 0, message.subarray(index * size, (index + 1) * size), {
      fin: index === count - 1,
    }),
  );
  return [sends(...parts), answers(frame(opcode, message))];
}

const fragmented: ConformanceCase[] = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB].flatMap(
  (size) => {
    const [characters, octets] = content(4 * MIB);
    const name = `of 4 MiB in fragments of ${size} bytes`;
    const transports: Transport[] = size === 64 ? ["TCP", "HTTP/2"] : ["TCP"];
    return [
      {
        name: `text ${name}`,
        transports,
        steps: inFragments(1, Buffer.from(characters), size),
        messages: [characters],
      },
      { name: `binary ${name}`, transports: ["TCP" as const], steps: inFragments(2, octets, size) },
    ];
  },
);

const longFragments: ConformanceCase[] = [256 * KIB, MIB, 4 * MIB].map((size) => {
  const [characters, octets] = content(4 * MIB);
  return {
    name: `text and binary of 4 MiB in fragments of ${size / KIB} KiB`,
    transports: ["TCP"],
    steps: [...inFragments(1, Buffer.from(characters), size), ...inFragments(2, octets, size)],
  };
});

const chopped: ConformanceCase[] = [64, 128, 256, 512, KIB, 2 * KIB].map((size, index) => {
  const [characters, octets] = content(MIB);
  const [kind, one] =
    index % 2 === 0 ? (["text", text(characters)] as const) : (["binary", binary(octets)] as const);
  return {
    name: `${kind} of 1 MiB in one frame, in writes of ${size} octets`,
    transports: ["TCP"],
    steps: [sendsCut(size, one), answers(one)],
  };
});

const roundTrips: ConformanceCase[] = [0, 16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB].map(
  (size) => {
    const [characters, octets] = content(size);
    return {
      name: `forty messages of ${size} bytes, each answered before the next`,
      steps: Array.from({ length: 20 }, () => [
        sends(text(characters)),
        answers(text(characters)),
        sends(binary(octets)),
        answers(binary(octets)),
      ]).flat(),
    };
  },
);

const tooBig = fails(1009, "message_too_big");
const tooMany = fails(1009, "too_many_fragments");
const small = { maxMessageBytes: 1000 };
const few = { maxMessageFragments: 4 };

const limited: ConformanceCase[] = [
  {
    name: "a message of 16 MiB and one byte fails with 1009 on its header",
    steps: [sends(binary("", { announced: BigInt(16 * MIB + 1) }))],
    ending: tooBig,
  },
  ...[2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n].map((announced) => ({
    name: `a message that announces ${announced} bytes fails with 1009`,
    steps: [sends(text("", { announced }))],
    ending: tooBig,
  })),
  {
    name: "a message of maxMessageBytes is accepted, one more byte fails with 1009",
    settings: small,
    steps: [
      sends(text("*".repeat(1000)), text("*".repeat(1001)), ping("behind")),
      answers(text("*".repeat(1000))),
    ],
    ending: tooBig,
  },
  {
    name: "maxMessageBytes applies to all fragments together, and the last one fails on its header",
    settings: small,
    steps: [
      sends(text("*".repeat(600), more), continuation("*".repeat(400), more), ping("full")),
      answers(pong("full")),
      sends(continuation("", { announced: 1n })),
    ],
    ending: tooBig,
  },
  {
    name: "maxMessageBytes applies to each message separately, and not to pings",
    settings: small,
    steps: [
      sends(
        ...[1, 2, 3].flatMap(() => [
          binary(bytes(500), more),
          ping(bytes(125)),
          continuation(bytes(500)),
        ]),
      ),
      answers(
        ...[1, 2, 3].flatMap(() => [
          pong(bytes(125)),
          binary(Buffer.concat([bytes(500), bytes(500)])),
        ]),
      ),
    ],
  },
  {
    name: "maxMessageFragments are accepted, one more fails with 1009",
    settings: few,
    steps: [
      sends(text("a", more), continuation("b", more), continuation("c", more), continuation("d")),
      answers(text("abcd")),
      sends(text("a", more), continuation("b", more), continuation("c", more)),
      sends(continuation("d", more), continuation("e")),
    ],
    ending: tooMany,
  },
  {
    name: "empty fragments count towards maxMessageFragments",
    settings: few,
    steps: [sends(text("", more), ...Array.from({ length: 4 }, () => continuation("", more)))],
    ending: tooMany,
  },
  {
    name: "pings do not count towards maxMessageFragments",
    settings: few,
    steps: [
      sends(text("a", more), ping("1"), ping("2"), ping("3"), ping("4"), continuation("b")),
      answers(pong("1"), pong("2"), pong("3"), pong("4"), text("ab")),
    ],
  },
];

/** (RFC 6455 §10.4), with the sizes that must pass with default settings. */
export const limitCases = section("RFC 6455 §10.4", [
  ...whole,
  ...fragmented,
  ...longFragments,
  ...chopped,
  ...roundTrips,
  ...limited,
]);
