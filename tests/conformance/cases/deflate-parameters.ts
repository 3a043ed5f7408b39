import {
  answers,
  section,
  sends,
  type ConformanceCase,
  type DeflateAgreement,
  type DeflatedMessage,
} from "../conformance-case.ts";
import { DEFAULT, TAKEOVER } from "./deflate-framing.ts";

const KIB = 1024;
const ALL = { thresholdBytes: 1 };
const BOTH = { ...ALL, incomingContextTakeover: true, outgoingContextTakeover: true };

const windows = (
  server: [bits: number, takeover: boolean],
  client: [bits: number, takeover: boolean],
): NonNullable<DeflateAgreement["windows"]> => ({
  server: { bits: server[0], takeover: server[1] },
  client: { bits: client[0], takeover: client[1] },
});

interface Agreed extends DeflateAgreement {
  name: string;
  roles?: ConformanceCase["roles"];
}

/** The parameters to agree on: context takeover and window, for each direction. */
const AGREED: readonly Agreed[] = [
  { name: "no takeover, whole windows", ...DEFAULT, compression: ALL },
  { name: "takeover both ways, whole windows", ...TAKEOVER },
  {
    name: "takeover of the server only",
    roles: ["server"],
    compression: { ...ALL, outgoingContextTakeover: true },
    offer: "permessage-deflate",
    answer: "permessage-deflate; client_no_context_takeover",
    windows: windows([15, true], [15, false]),
  },
  {
    name: "takeover of the client only",
    roles: ["client"],
    compression: { ...ALL, outgoingContextTakeover: true },
    offer: "permessage-deflate; server_no_context_takeover; client_max_window_bits",
    answer: "permessage-deflate; server_no_context_takeover",
    windows: windows([15, false], [15, true]),
  },
  ...[8, 9, 10, 11, 12, 13, 14].map((bits) => ({
    name: `takeover both ways, windows of 2^${bits}`,
    compression: { ...BOTH, incomingWindowBits: bits, outgoingWindowBits: bits },
    offer: `permessage-deflate; server_max_window_bits=${bits}; client_max_window_bits=${bits}`,
    answer: `permessage-deflate; server_max_window_bits=${bits}; client_max_window_bits=${bits}`,
    windows: windows([bits, true], [bits, true]),
  })),
  {
    name: "no takeover, windows of 2^8",
    compression: { ...ALL, incomingWindowBits: 8, outgoingWindowBits: 8 },
    offer:
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=8",
    answer:
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=8",
    windows: windows([8, false], [8, false]),
  },
  {
    name: "the client requires no takeover",
    roles: ["server"],
    compression: BOTH,
    offer: "permessage-deflate; server_no_context_takeover",
    answer: "permessage-deflate; server_no_context_takeover",
    windows: windows([15, false], [15, true]),
  },
  ...[8, 15].map((bits): Agreed => ({
    name: `the client requires a window of 2^${bits}`,
    roles: ["server"],
    compression: BOTH,
    offer: `permessage-deflate; server_max_window_bits=${bits}`,
    answer: `permessage-deflate; server_max_window_bits=${bits}`,
    windows: windows([bits, true], [15, true]),
  })),
  ...[8, 15].map((bits): Agreed => ({
    name: `the client requires no takeover and a window of 2^${bits}`,
    roles: ["server"],
    compression: BOTH,
    offer: `permessage-deflate; server_no_context_takeover; server_max_window_bits=${bits}`,
    answer: `permessage-deflate; server_no_context_takeover; server_max_window_bits=${bits}`,
    windows: windows([bits, false], [15, true]),
  })),
  {
    name: "the client has three offers, the first is accepted",
    roles: ["server"],
    compression: BOTH,
    offer:
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=8, permessage-deflate; server_no_context_takeover, permessage-deflate",
    answer: "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
    windows: windows([8, false], [15, true]),
  },
  {
    name: "different windows",
    roles: ["server"],
    compression: { ...BOTH, incomingWindowBits: 9, outgoingWindowBits: 11 },
    offer: "permessage-deflate; server_max_window_bits=12; client_max_window_bits",
    answer: "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9",
    windows: windows([11, true], [9, true]),
  },
  {
    name: "the server requires a window of 2^9 and no takeover of a client that offered both",
    roles: ["client"],
    compression: BOTH,
    offer: "permessage-deflate; client_max_window_bits",
    answer: "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
    windows: windows([15, true], [9, false]),
  },
  {
    name: "the server reduces its own parameters without being asked: no takeover and a window of 2^10",
    roles: ["client"],
    compression: BOTH,
    offer: "permessage-deflate; client_max_window_bits",
    answer: "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
    windows: windows([10, false], [15, true]),
  },
];

/** The lengths of messages, and the compressed size of their fragments. */
const SIZES: readonly [size: number, fragmentBytes?: number][] = [
  ...[16, 64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB].map(
    (size): [number] => [size],
  ),
  ...[8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB].map((size): [number, number] => [
    size,
    256,
  ]),
  [128 * KIB, KIB],
  [128 * KIB, 4 * KIB],
  [128 * KIB, 32 * KIB],
];

/** A message that every window shortens, with distant references if the window allows them. */
function message(size: number, seed: number): string {
  if (size <= 64) return "ok ".repeat(22).slice(0, size);
  const lines: string[] = [];
  for (let length = 0; length < size;) {
    const number = (lines.length * 7919 + seed * 104_729) % 10_007;
    lines.push(`{"device":"ap-${number}","online":${number % 3 > 0},"clients":${number % 97}}\n`);
    length += lines.at(-1)!.length;
  }
  return lines.join("").slice(0, size);
}

/** Two messages of each size, answered before the next: text, then similar binary. */
function exchangesOf(sizes: typeof SIZES): ConformanceCase["steps"] {
  return sizes.flatMap(([size, fragmentBytes]) =>
    [0, 1].flatMap((seed) => {
      const content = message(size, seed);
      const one: DeflatedMessage = { deflated: seed === 0 ? content : Buffer.from(content) };
      return [sends(fragmentBytes === undefined ? one : { ...one, fragmentBytes }), answers(one)];
    }),
  );
}

const allExchanges = exchangesOf(SIZES);
const someExchanges = exchangesOf([[64], [4 * KIB], [8 * KIB, 256], [128 * KIB, 4 * KIB]]);

/** (RFC 7692 §7.1) */
export const deflateParameterCases = section(
  "RFC 7692 §7.1",
  AGREED.flatMap(({ name, roles, ...deflate }): ConformanceCase[] => {
    const common = { deflate, ...(roles && { roles }) };
    return [
      {
        name: `messages of all sizes, whole and in fragments: ${name}`,
        transports: ["TCP"],
        steps: allExchanges,
        ...common,
      },
      {
        name: `messages of some sizes, whole and in fragments: ${name}`,
        transports: ["TLS", "HTTP/2"],
        steps: someExchanges,
        ...common,
      },
    ];
  }),
);

const PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const offers: readonly [offer: string, answer: string | undefined][] = [
  ["permessage-deflate", PLAIN],
  ["permessage-deflate; client_max_window_bits", PLAIN],
  ["permessage-deflate; client_max_window_bits=15", PLAIN],
  ["permessage-deflate; client_max_window_bits=8", `${PLAIN}; client_max_window_bits=8`],
  ["permessage-deflate; server_max_window_bits=8", `${PLAIN}; server_max_window_bits=8`],
  ['permessage-deflate; server_max_window_bits="10"', `${PLAIN}; server_max_window_bits=10`],
  ["permessage-deflate ;server_no_context_takeover ; client_no_context_takeover", PLAIN],
  ["x-unknown, permessage-deflate", PLAIN],
  ["x-unknown; a=1, permessage-deflate; nonsense, permessage-deflate", PLAIN],
  ["permessage-deflate; server_max_window_bits=7, permessage-deflate", PLAIN],
  ["x-webkit-deflate-frame", undefined],
  ["permessage-deflate; nonsense", undefined],
  ["permessage-deflate; server_max_window_bits", undefined],
  ["permessage-deflate; server_max_window_bits=7", undefined],
  ["permessage-deflate; server_max_window_bits=16", undefined],
  ["permessage-deflate; server_max_window_bits=08", undefined],
  ["permessage-deflate; server_max_window_bits=8.0", undefined],
  ["permessage-deflate; client_max_window_bits=7", undefined],
  ["permessage-deflate; client_max_window_bits=16", undefined],
  ["permessage-deflate; server_no_context_takeover=1", undefined],
  ["permessage-deflate; client_no_context_takeover=true", undefined],
  ["permessage-deflate; server_no_context_takeover; server_no_context_takeover", undefined],
  ["permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", undefined],
  ["Permessage-Deflate", undefined],
];

/** The responses of Longwire's server to valid and invalid offers. (RFC 7692 §5, §7.1) */
export const deflateOfferCases = section(
  "RFC 7692 §5",
  offers.map(([offer, answer]) => ({
    name: `the offer ${offer} is ${answer === undefined ? "declined" : `answered with ${answer}`}`,
    roles: ["server" as const],
    deflate: { offer, answer },
    steps: [],
  })),
);

/** Invalid responses to the offer of Longwire's client. (RFC 7692 §5.1, §7.1) */
export const badAnswers: readonly string[] = [
  "x-unknown",
  "permessage-deflate; nonsense",
  "permessage-deflate; server_no_context_takeover=1",
  "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  "permessage-deflate; server_no_context_takeover; server_max_window_bits=7",
  "permessage-deflate; server_no_context_takeover; server_max_window_bits=16",
  "permessage-deflate; server_no_context_takeover; server_max_window_bits",
  "permessage-deflate; server_no_context_takeover; client_max_window_bits",
  "permessage-deflate; server_no_context_takeover; client_max_window_bits=7",
  "permessage-deflate; client_no_context_takeover",
  `${PLAIN}, permessage-deflate`,
  `${PLAIN}, x-unknown`,
  "permessage-deflate; server_no_context_takeover; =",
];
