import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "../protocol/index.ts";

/** How long a refused client may take to close, in milliseconds. */
const LINGER_MS = 2_000;

/** What each answer writes itself, or its HTTP must not have. (RFC 9112 §6, RFC 9113 §8.2.2) */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
]);

/** A refusal's header lines without those that would contradict the answer. */
export function refusalFields({ headers }: Pick<Refusal, "headers">): Refusal["headers"] {
  return headers.filter(([name]) => !OWN_FIELDS.has(name.toLowerCase()));
}

/** The body of a refusal, for programs and people. */
export function refusalBody({ code, message }: Pick<Refusal, "code" | "message">): string {
  return `${JSON.stringify({ code, message })}\n`;
}

/** Answers a handshake over HTTP/1.1 with something other than 101, and closes. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = refusalBody(refusal);
  const fields: [string, string][] = [
    ...refusalFields(refusal),
    ["Connection", "close"],
    ["Content-Type", "application/json; charset=utf-8"],
    ["Content-Length", String(Buffer.byteLength(body))],
  ];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const reason = STATUS_CODES[refusal.status] ?? "Refused";
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${refusal.status} ${reason}\r\n${lines}\r\n${body}`);
  // Unread bytes would turn the close into a reset, and the client could lose the answer to it.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(linger));
}
