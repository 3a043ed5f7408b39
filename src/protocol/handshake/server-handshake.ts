import { parseExtensions, type Extension } from "./extensions.ts";
import { fieldValues, hasToken, isToken, listMembers, type HeaderFields } from "./header-fields.ts";
import { acceptFor, isHandshakeKey, type Sha1Base64 } from "./key.ts";

/** An HTTP request as received. */
export interface HandshakeRequest {
  method: string;
  /** `"1.1"`, for example. */
  httpVersion: string;
  headers: HeaderFields;
}

/** The parameters of a valid opening handshake. */
export interface Opening {
  /** Subprotocols in the client's order of preference, without repetition. */
  protocols: string[];
  extensions: Extension[];
  /** The `Origin` header, which browsers always send; `undefined` without one. */
  origin: string | undefined;
}

/** A response other than 101. */
export interface Refusal {
  status: number;
  /** Stable, for programs. */
  code: string;
  /** For people: what happened, what was expected, what to do. */
  message: string;
  headers: [name: string, value: string][];
}

export type OpeningResult =
  | { kind: "opening"; opening: Opening }
  | { kind: "refusal"; refusal: Refusal };

export type UpgradeResult =
  | { kind: "opening"; key: string; opening: Opening }
  | { kind: "refusal"; refusal: Refusal };

/** Checks a client's opening handshake over HTTP/1.1 as a server must. (RFC 6455 §4.2.1) */
export function checkUpgrade(request: HandshakeRequest): UpgradeResult {
  const refusal = methodRefusal(request) ?? upgradeRefusal(request) ?? versionRefusal(request);
  if (refusal !== undefined) return { kind: "refusal", refusal };
  const keys = fieldValues(request.headers, "sec-websocket-key");
  const key = keys[0];
  if (keys.length !== 1 || key === undefined || !isHandshakeKey(key)) {
    return refused(
      "bad_key",
      "The request must have one Sec-WebSocket-Key header, the base64 of 16 bytes.",
    );
  }
  const result = readOpening(request.headers);
  return result.kind === "refusal" ? result : { ...result, key };
}

/** Reads the parts that both kinds of handshake have in common. */
export function readOpening(headers: HeaderFields): OpeningResult {
  const protocols = listMembers(headers, "sec-websocket-protocol");
  if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
    return refused(
      "bad_protocols",
      "The Sec-WebSocket-Protocol header must be a list of distinct tokens.",
    );
  }
  const offered = fieldValues(headers, "sec-websocket-extensions").join(", ");
  const extensions = parseExtensions(offered);
  if (extensions === undefined) {
    return refused("bad_extensions", "The Sec-WebSocket-Extensions header is malformed.");
  }
  const origins = fieldValues(headers, "origin");
  if (origins.length > 1)
    return refused("bad_origin", "The request must have at most one Origin header.");
  return { kind: "opening", opening: { protocols, extensions, origin: origins[0] } };
}

function methodRefusal(request: HandshakeRequest): Refusal | undefined {
  if (request.method !== "GET") {
    const message = `The request method is ${request.method.slice(0, 20)}; a WebSocket handshake requires GET.`;
    return refusal(405, "bad_method", message, [["Allow", "GET"]]);
  }
  if (!(Number(request.httpVersion) >= 1.1)) {
    const message = `The HTTP version is ${request.httpVersion}; a WebSocket handshake requires 1.1.`;
    return refusal(400, "bad_http_version", message);
  }
  if (fieldValues(request.headers, "host").length !== 1) {
    return refusal(400, "bad_host", "The request must have one Host header.");
  }
  // A body has no meaning here, and disagreement about its length could be used to smuggle a
  // request.
  const lengths = fieldValues(request.headers, "content-length");
  const hasCoding = fieldValues(request.headers, "transfer-encoding").length > 0;
  if (hasCoding || lengths.some((length) => length !== "0")) {
    return refusal(400, "unexpected_body", "A WebSocket handshake must not have a body.");
  }
  return undefined;
}

function upgradeRefusal({ headers }: HandshakeRequest): Refusal | undefined {
  const upgrades = hasToken(headers, "upgrade", "websocket");
  if (upgrades && hasToken(headers, "connection", "upgrade")) return undefined;
  if (fieldValues(headers, "sec-websocket-key").length > 0) {
    const message =
      "The Upgrade header must contain websocket, and the Connection header must contain Upgrade.";
    return refusal(400, "bad_upgrade", message);
  }
  return upgradeRequired();
}

/** Returns the response to a plain request on a WebSocket path. (RFC 9110 §15.5.22) */
export function upgradeRequired(): Refusal {
  const message = "This is a WebSocket endpoint; connect to it with a WebSocket client.";
  return refusal(426, "upgrade_required", message, [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
  ]);
}

export function versionRefusal({
  headers,
}: Pick<HandshakeRequest, "headers">): Refusal | undefined {
  const versions = fieldValues(headers, "sec-websocket-version");
  if (versions.length === 1 && versions[0] === "13") return undefined;
  const message = "The request must have one Sec-WebSocket-Version header with the value 13.";
  // The refusal lists the supported versions. (RFC 6455 §4.4)
  return refusal(426, "bad_version", message, [
    ["Sec-WebSocket-Version", "13"],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
  ]);
}

function refused(code: string, message: string): { kind: "refusal"; refusal: Refusal } {
  return { kind: "refusal", refusal: refusal(400, code, message) };
}

export function refusal(
  status: number,
  code: string,
  message: string,
  headers: [name: string, value: string][] = [],
): Refusal {
  return { status, code, message, headers };
}

export interface AcceptanceOptions {
  key: string;
  sha1: Sha1Base64;
  /** The chosen subprotocol, one that the client offered. */
  protocol?: string | undefined;
  /** The value of `Sec-WebSocket-Extensions`, if an extension was agreed. */
  extensions?: string | undefined;
  /** Additional headers, checked by the caller. */
  headers?: HeaderFields | undefined;
}

/** Returns the 101 response, including the final empty line. (RFC 6455 §4.2.2) */
export function formatAcceptance(options: AcceptanceOptions): string {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptFor(options.key, options.sha1)}`,
  ];
  if (options.protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${options.protocol}`);
  if (options.extensions !== undefined) {
    lines.push(`Sec-WebSocket-Extensions: ${options.extensions}`);
  }
  for (const [name, value] of options.headers ?? []) lines.push(`${name}: ${value}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
