import { checkDeflateResponse } from "../deflate/check-response.ts";
import type { DeflateParameters, DeflatePreferences } from "../deflate/deflate-parameters.ts";
import { HandshakeError } from "./handshake-error.ts";
import { fieldValues, hasToken, listMembers, type HeaderFields } from "./header-fields.ts";
import { acceptFor, type Sha1Base64 } from "./key.ts";
import type { ResponseHead } from "./response-head.ts";

export interface OpeningOptions {
  /** The path with its query, as it stands in the request line. */
  target: string;
  /** The host, with its port unless that is the scheme's default. */
  host: string;
  key: string;
  protocols: readonly string[];
  /** `Sec-WebSocket-Extensions`' value, when extensions are offered. */
  extensions?: string | undefined;
  /** Further header lines, checked by the caller. */
  headers?: HeaderFields | undefined;
}

/** Returns the client's opening handshake with its final empty line. (RFC 6455 §4.1) */
export function formatOpening(options: OpeningOptions): string {
  const lines = [
    `GET ${options.target} HTTP/1.1`,
    `Host: ${options.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${options.key}`,
    "Sec-WebSocket-Version: 13",
  ];
  if (options.protocols.length > 0) {
    lines.push(`Sec-WebSocket-Protocol: ${options.protocols.join(", ")}`);
  }
  if (options.extensions !== undefined) {
    lines.push(`Sec-WebSocket-Extensions: ${options.extensions}`);
  }
  for (const [name, value] of options.headers ?? []) lines.push(`${name}: ${value}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** What a client asked for, and may be given. */
export interface OpeningDemand {
  /** The subprotocols that were asked for. */
  protocols: readonly string[];
  /** What was offered of permessage-deflate, if it was. */
  deflate?: DeflatePreferences | undefined;
}

export interface Expectation extends OpeningDemand {
  key: string;
  sha1: Sha1Base64;
}

/** What the server agreed to. */
export interface Agreement {
  /** The chosen subprotocol, or `""`. */
  protocol: string;
  /** The server's extensions as it wrote them, or `""`. */
  extensions: string;
  /** How messages may be compressed; `undefined` if they may not. */
  deflate: DeflateParameters | undefined;
}

/**
 * Checks the server's answer as a client must. (RFC 6455 §4.1, the list after the request)
 */
export function checkAcceptance(
  head: ResponseHead,
  expected: Expectation,
): Agreement | HandshakeError {
  const { headers, status } = head;
  if (status !== 101) return refusedBy(head);
  if (head.httpVersion !== "1.1") return bad(`The answer is HTTP/${head.httpVersion}, not 1.1.`);
  const upgrade = listMembers(headers, "upgrade");
  if (upgrade.length !== 1 || upgrade[0]!.toLowerCase() !== "websocket") {
    return bad("The answer's Upgrade must be websocket.");
  }
  if (!hasToken(headers, "connection", "upgrade")) {
    return bad("The answer's Connection must name Upgrade.");
  }
  const accept = fieldValues(headers, "sec-websocket-accept");
  if (accept.length !== 1 || accept[0] !== acceptFor(expected.key, expected.sha1)) {
    return bad("The answer's Sec-WebSocket-Accept does not belong to the key that was sent.");
  }
  return agreementOn(headers, expected);
}

/**
 * Checks the server's answer to an extended CONNECT as a client must. (RFC 8441 §5)
 */
export function checkConnectAcceptance(
  head: ResponseHead,
  expected: OpeningDemand,
): Agreement | HandshakeError {
  if (head.status < 200 || head.status > 299) return refusedBy(head);
  return agreementOn(head.headers, expected);
}

function agreementOn(headers: HeaderFields, expected: OpeningDemand): Agreement | HandshakeError {
  const extensions = fieldValues(headers, "sec-websocket-extensions").join(", ");
  const deflate = checkDeflateResponse(extensions, expected.deflate);
  if (deflate instanceof HandshakeError) return deflate;
  const protocol = checkProtocol(headers, expected.protocols);
  return protocol instanceof HandshakeError ? protocol : { protocol, extensions, deflate };
}

function checkProtocol(headers: HeaderFields, asked: readonly string[]): string | HandshakeError {
  const chosen = fieldValues(headers, "sec-websocket-protocol");
  if (chosen.length === 0 && asked.length === 0) return "";
  const protocol = chosen[0];
  if (protocol === undefined) {
    // Stricter than RFC 6455, as browsers are. (WHATWG WebSockets, "establish a connection")
    return bad(
      `The server chose none of the subprotocols ${asked.join(", ")}; it must choose one.`,
    );
  }
  if (chosen.length > 1 || !asked.includes(protocol)) {
    return bad(
      "The server chose a subprotocol that was not offered; it must choose an offered one.",
    );
  }
  return protocol;
}

function refusedBy(head: ResponseHead): HandshakeError {
  const { status } = head;
  const said = `${status} ${printable(head.statusText)}`.trim();
  const message = `The server answered ${said} instead of ${head.httpVersion === "2" ? "200" : "101"}; check the URL and what the server demands.`;
  return new HandshakeError("handshake_refused", message, { status });
}

/** A server's words, short and without what could steer a terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, "").slice(0, 100);
}

function bad(message: string): HandshakeError {
  return new HandshakeError("bad_response", message);
}
