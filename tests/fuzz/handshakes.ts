import * as ws from "ws";
import { sha1Base64 } from "../../src/node/index.ts";
import {
  checkAcceptance,
  checkExtendedConnect,
  checkUpgrade,
  parseExtensions,
  ResponseHeadReader,
  type HeaderFields,
} from "../../src/protocol/index.ts";
import { trimmed } from "../../src/protocol/handshake/header-fields.ts";
import type { Random } from "../rigs/random.ts";
import { utf8 } from "../rigs/protocol/masked-frame.ts";
import { GOOD_HEADERS, KEY } from "../rigs/sockets/raw-client.ts";
import { randomBytes, randomChunks } from "./byte-streams.ts";

const NAMES = [
  ...Object.keys(GOOD_HEADERS),
  "Sec-WebSocket-Protocol",
  "Sec-WebSocket-Extensions",
  "Sec-WebSocket-Accept",
  "Origin",
  "Content-Length",
  "Transfer-Encoding",
  "Cookie",
  "Authorization",
  "__proto__",
  "X-A",
  "TE",
];
const VALUES = [
  ...Object.values(GOOD_HEADERS),
  "",
  " ",
  ",",
  "a, b",
  "a,a",
  "permessage-deflate; client_max_window_bits",
  "chunked",
  "0",
  'x; y="z"',
  'x; y="z',
  "permessage-deflate; server_max_window_bits=99",
  "http://a",
  "null",
  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  "__proto__",
  "13, 8",
  "x".repeat(300),
  "\u00e9",
  "a;b;;c",
];
const EXTENSION_UNITS = Array.from('ab1 \t,;="\\-é\0');

/** Returns the headers of a handshake, valid or modified. */
export function randomHeaders(random: Random): [string, string][] {
  const headers = Object.entries(GOOD_HEADERS);
  for (let left = random.integer(0, 5); left > 0; left -= 1) {
    const line: [string, string] = [random.pick(NAMES), random.pick(VALUES)];
    const at = random.integer(0, headers.length);
    headers.splice(at, random.pick([0, 0, 1]), line);
  }
  return headers;
}

/** Returns requests as text, some of them cut off or with changed octets. */
export function randomRequest(random: Random): string {
  const method = random.pick(["GET", "GET", "GET", "POST", "get", "CONNECT", "\0"]);
  const target = random.pick(["/", "/?a=b", "*", "http://a/b", "/%00", "//", `/${"x".repeat(99)}`]);
  const version = random.pick(["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "X"]);
  const lines = randomHeaders(random).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `${method} ${target} ${version}\r\n${lines.join("")}\r\n`;
  if (random.chance(0.7)) return text;
  const at = random.integer(0, text.length);
  const noise = Buffer.from(randomBytes(random, random.integer(0, 3))).toString("latin1");
  return text.slice(0, at) + noise + text.slice(at + random.integer(0, 3));
}

/** Passes handshakes to their parsers, and throws if a parser throws or breaks a rule. */
export function fuzzHandshakes(random: Random): void {
  const headers: HeaderFields = randomHeaders(random);
  const method = random.pick(["GET", "POST", ""]);
  const httpVersion = random.pick(["1.1", "1.0", "2.0", "", "x"]);
  checkUpgrade({ method, httpVersion, headers });
  const authority = random.pick(["a", undefined]);
  const protocol = random.pick(["websocket", "x", undefined]);
  checkExtendedConnect({ protocol, authority, headers });
  compareExtensions(random);
  readResponse(random, headers);
}

const { extension } = ws as unknown as { extension: { parse(text: string): unknown } };

/** Forms that are known to be parsed differently. */
const KNOWN_SHAPES = [
  // RFC 6455 §9.1 requires a token in quotes; ws accepts anything, even nothing.
  /"/,
  // The grammar allows blanks between any two words (RFC 2616 §2.1); ws does not allow them around
  // "=".
  /[ \t]=|=[ \t]/,
  // ws does not accept empty elements. (RFC 9110 §5.6.1.2)
  /^,|,[ \t]*(?:,|$)/,
];

function compareExtensions(random: Random): void {
  const length = random.integer(0, 24);
  // As HTTP delivers it, without blanks at its ends. (RFC 9110 §5.5)
  const text = trimmed(Array.from({ length }, () => random.pick(EXTENSION_UNITS)).join(""));
  const extensions = parseExtensions(text);
  const ours = extensions?.length === 0 ? undefined : extensions;
  let theirs = true;
  try {
    // ws treats an empty text as a missing header.
    theirs = Object.keys(extension.parse(text) as object).length > 0;
  } catch {
    theirs = false;
  }
  if ((ours !== undefined) === theirs) return;
  if (KNOWN_SHAPES.some((shape) => shape.test(text))) return;
  throw new Error(
    `Extensions ${JSON.stringify(text)}: Longwire ${ours !== undefined}, ws ${theirs}.`,
  );
}

/** Checks that a response is parsed the same with any chunking. */
function readResponse(random: Random, headers: HeaderFields): void {
  const status = random.pick([
    "101 Switching Protocols",
    "103 X",
    "200",
    "404 \u00e9",
    "1",
    "99999 x",
  ]);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const bytes = utf8(`HTTP/1.1 ${status}\r\n${lines}\r\nbehind`);
  if (random.chance(0.5)) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
  const limits = {
    maxHeaderBytes: random.pick([200, 16_384]),
    maxHeaderLines: random.pick([5, 200]),
    maxInterimResponses: random.pick([1, 16]),
  };
  const read = (chunks: readonly Uint8Array[]): string => {
    const reader = new ResponseHeadReader(limits);
    for (const [index, chunk] of chunks.entries()) {
      const progress = reader.receive(chunk);
      if (progress.kind === "failed") return progress.error.message;
      if (progress.kind === "incomplete") continue;
      const rest = Buffer.concat([progress.rest, ...chunks.slice(index + 1)]).toString("hex");
      const expected = { key: KEY, sha1: sha1Base64, protocols: ["a"], deflate: undefined };
      checkAcceptance(progress.head, expected);
      return JSON.stringify([progress.head, rest]);
    }
    return "incomplete";
  };
  const whole = read([bytes.slice()]);
  const cut = read(randomChunks(random, bytes));
  if (whole !== cut) throw new Error(`A response in pieces: ${cut}; whole: ${whole}.`);
}
