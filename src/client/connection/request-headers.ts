import { LongwireError } from "../../base/index.ts";
import { isFieldValue, isToken, type HeaderFields } from "../../protocol/index.ts";

/**
 * Additional request headers: an object, `Headers`, a `Map`, or pairs of name and value. A list as
 * a value becomes several headers, or for `Cookie` a single one. (RFC 6265 §5.4)
 */
export type RequestHeaders =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly [name: string, value: string | readonly string[]]>;

/** Headers that the handshake sets itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "upgrade",
  "connection",
  "content-length",
  "transfer-encoding",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
]);

/** @throws LongwireError `invalid_header` */
export function requestHeaders(given: RequestHeaders = {}): HeaderFields {
  return pairsOf(given).flatMap((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw invalid(`headers contains an entry that is not a pair; use [name, value], or ${FORM}.`);
    }
    const [name, value] = pair as [unknown, unknown];
    return linesOf(String(name), value);
  });
}

const FORM = 'an object such as { Authorization: "Bearer …" }';

function pairsOf(given: unknown): unknown[] {
  if (typeof given !== "object" || given === null) {
    throw invalid(`headers is ${given === null ? "null" : typeof given}; use ${FORM}.`);
  }
  return Symbol.iterator in given ? Array.from(given as Iterable<unknown>) : Object.entries(given);
}

function linesOf(name: string, value: unknown): [string, string][] {
  const lower = name.toLowerCase();
  if (OWN_HEADERS.has(lower)) {
    throw invalid(`The header ${name} is set by the handshake; leave it out.`);
  }
  const values = (Array.isArray(value) ? value : [value]).map((one: unknown) => textOf(name, one));
  const lines = lower === "cookie" ? [values.join("; ")] : values;
  for (const line of lines) {
    if (isToken(name) && isFieldValue(line)) continue;
    const shown = JSON.stringify(name);
    throw invalid(
      `The header ${shown} cannot be sent; use a token as the name and a value without control characters.`,
    );
  }
  return lines.map((line) => [name, line]);
}

/**
 * Numbers are accepted. Other objects are rejected, because they would be sent as "[object
 * Object]".
 */
function textOf(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const seen = value === null ? "null" : typeof value;
  throw invalid(
    `The header ${JSON.stringify(name)} is ${seen}; use a string, or a list of strings.`,
  );
}

function invalid(message: string): LongwireError {
  return new LongwireError("invalid_header", message);
}
