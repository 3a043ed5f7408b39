import { checkDeflateResponse } from "../deflate/check-response.ts";
import type { DeflateParameters, DeflatePreferences } from "../deflate/deflate-parameters.ts";
import { HandshakeError } from "./handshake-error.ts";
import { fieldValues, hasToken, listMembers, type HeaderFields } from "./header-fields.ts";
import { acceptFor, type Sha1Base64 } from "./key.ts";
import type { ResponseHead } from "./response-head.ts";

export interface OpeningOptions {
  /** The path with its query, for the request line. */
  target: string;
  /** The host, with its port unless it is the scheme's default. */
  host: string;
  key: string;
  protocols: readonly string[];
  /** The value of `Sec-WebSocket-Extensions`, if extensions are offered. */
  extensions?: string | undefined;
  /** Additional headers, checked by the caller. */
  headers?: HeaderFields | undefined;
}

/** Returns the client's opening handshake, including the final empty line. (RFC 6455 §4.1) */
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

/** The client's offer, which the response is checked against. */
export interface OpeningDemand {
  /** The requested subprotocols. */
  protocols: readonly string[];
  /** The offer of permessage-deflate, if any. */
  deflate?: DeflatePreferences | undefined;
}

export interface Expectation extends OpeningDemand {
  key: string;
  sha1: Sha1Base64;
}

/** The result of a handshake. */
export interface Agreement {
  /** The chosen subprotocol, or `""`. */
  protocol: string;
  /** The server's extensions as received, or `""`. */
  extensions: string;
  /** The parameters of compression; `undefined` if messages are not compressed. */
  deflate: DeflateParameters | undefined;
}

/** Checks the server's response as a client must. (RFC 6455 §4.1, the list after the request) */
export function checkAcceptance(
  head: ResponseHead,
  expected: Expectation,
): Agreement | HandshakeError {
  const { headers, status } = head;
  if (status !== 101) return refusedBy(head);
  if (head.httpVersion !== "1.1")
    return bad(
      `The server responded with HTTP/${head.httpVersion}; a WebSocket handshake requires HTTP/1.1.`,
    );
  const upgrade = listMembers(headers, "upgrade");
  if (upgrade.length !== 1 || upgrade[0]!.toLowerCase() !== "websocket") {
    return bad("The response's Upgrade header must be websocket.");
  }
  if (!hasToken(headers, "connection", "upgrade")) {
    return bad("The response's Connection header must contain Upgrade.");
  }
  const accept = fieldValues(headers, "sec-websocket-accept");
  if (accept.length !== 1 || accept[0] !== acceptFor(expected.key, expected.sha1)) {
    return bad("The response's Sec-WebSocket-Accept header does not match the request's key.");
  }
  return agreementOn(headers, expected);
}

/** Checks the server's response to an extended CONNECT as a client must. (RFC 8441 §5) */
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
    // Stricter than RFC 6455, like browsers. (WHATWG WebSockets, "establish a connection")
    return bad(
      `The server did not choose any of the subprotocols ${asked.join(", ")}; it must choose one.`,
    );
  }
  if (chosen.length > 1 || !asked.includes(protocol)) {
    return bad("The server chose a subprotocol that the client did not offer.");
  }
  return protocol;
}

function refusedBy(head: ResponseHead): HandshakeError {
  const { status } = head;
  const statusLine = `${status} ${printable(head.statusText)}`.trim();
  const message = `The server responded with ${statusLine} instead of ${head.httpVersion === "2" ? "200" : "101"}; check the URL and the server's requirements.`;
  return new HandshakeError("handshake_refused", message, { status });
}

/** Shortens a server's text, and removes characters that could control a terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, "").slice(0, 100);
}

function bad(message: string): HandshakeError {
  return new HandshakeError("bad_response", message);
}
