import { decodeText } from "../../node/index.ts";
import {
  fieldValues,
  hasToken,
  isToken,
  trimmed,
  type HeaderFields,
} from "../../protocol/index.ts";

/** The head of a request to upgrade to WebSocket. */
export interface RequestHead {
  target: string;
  headers: HeaderFields;
  /** In bytes. */
  length: number;
}

const END = "\r\n\r\n";
/** An absolute path of visible ASCII, optionally with a query. */
const REQUEST_LINE = /^GET (\/[!-"$-~]*) HTTP\/1\.1$/;
const VALUE = /^[\t -~]*$/;
/** Headers of requests that do not end with the head, or are otherwise unusual. */
const UNUSUAL: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "expect"]);
const MOST_LINES = 100;

/**
 * Reads the head of a WebSocket handshake in the form that browsers and libraries send.
 *
 * Anything unusual, legal or not, is left to a complete HTTP parser, which decides whether to
 * accept it.
 *
 * @param bytes the first bytes of a connection
 * @returns `undefined` unless the bytes hold the complete and plain head of an upgrade to WebSocket
 */
export function plainRequestHead(bytes: Uint8Array, maxBytes: number): RequestHead | undefined {
  const text = decodeText(bytes, 0, bytes.length, true);
  const end = text.indexOf(END);
  if (end === -1 || end + END.length > maxBytes) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const target = REQUEST_LINE.exec(first)?.[1];
  const headers = target === undefined ? undefined : plainHeaders(lines);
  if (target === undefined || headers === undefined || !asksForWebSocket(headers)) return undefined;
  return { target, headers, length: end + END.length };
}

function plainHeaders(lines: readonly string[]): HeaderFields | undefined {
  if (lines.length > MOST_LINES) return undefined;
  const headers: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    const value = line.slice(colon + 1);
    if (!isToken(name) || !VALUE.test(value) || UNUSUAL.has(name.toLowerCase())) return undefined;
    headers.push([name, trimmed(value)]);
  }
  return headers;
}

function asksForWebSocket(headers: HeaderFields): boolean {
  return (
    hasToken(headers, "upgrade", "websocket") &&
    hasToken(headers, "connection", "upgrade") &&
    fieldValues(headers, "host").length === 1
  );
}
