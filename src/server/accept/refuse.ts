import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TimerWheel } from "../../base/index.ts";
import type { Transport } from "../../node/index.ts";
import { hasToken, type Refusal } from "../../protocol/index.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** How long a refused client may take to close its side, in milliseconds. */
export const LINGER_MS = 2_000;

/**
 * Headers that every response sets itself, or that its HTTP version forbids. (RFC 9112 §6, RFC 9113
 * §8.2.2)
 */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
]);

/** Returns a refusal's headers without those that would contradict the response. */
export function refusalFields({ headers }: Pick<Refusal, "headers">): Refusal["headers"] {
  return headers.filter(([name]) => !OWN_FIELDS.has(name.toLowerCase()));
}

/**
 * Returns the headers for refusing a plain request. The connection stays open unless the client
 * closes it, because Node looks only at the `Connection` header given here. (RFC 9112 §9.3)
 */
export function plainRefusalFields(
  { headers }: Pick<Refusal, "headers">,
  incoming: IncomingMessage,
): Record<string, string> {
  const fields = Object.fromEntries(headers);
  return isLast(incoming) ? { ...fields, Connection: "Upgrade, close" } : fields;
}

function isLast({ httpVersion, headers }: IncomingMessage): boolean {
  const fields: Refusal["headers"] = [["connection", headers.connection ?? ""]];
  return hasToken(fields, "connection", "close") || Number(httpVersion) < 1.1;
}

/** Returns the JSON body of a refusal, readable by programs and people. */
export function refusalBody({ code, message }: Pick<Refusal, "code" | "message">): string {
  return `${JSON.stringify({ code, message })}\n`;
}

/** Answers a handshake over HTTP/1.1 with a status other than 101, and closes. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  socket.on("error", () => socket.destroy());
  socket.end(refusalText(refusal));
  // Unread bytes would turn the close into a reset, and the client could lose the response.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(linger));
}

/** Does the same as `refuseUpgrade` on a transport that is not a stream. */
export function refuseOver(transport: Transport, refusal: Refusal, wheel: TimerWheel): void {
  transport.write(Buffer.from(refusalText(refusal)));
  transport.end();
  const linger = wheel.after(LINGER_MS, () => transport.destroy());
  const ignore = (): void => {};
  transport.start(
    {
      room: undefined,
      onChunk: ignore,
      onWritten: ignore,
      onEnd: ignore,
      onError: ignore,
      onGone: () => linger.cancel(),
    },
    NOTHING,
  );
  transport.resume();
}

function refusalText(refusal: Refusal): string {
  const body = refusalBody(refusal);
  const all = refusalFields(refusal);
  const isUpgrade = all.some(([name]) => name.toLowerCase() === "upgrade");
  const fields: [string, string][] = [
    ...all,
    // A response with `Upgrade` must list it in `Connection`, too. (RFC 9110 §7.8)
    ["Connection", isUpgrade ? "Upgrade, close" : "close"],
    ["Content-Type", "application/json; charset=utf-8"],
    ["Content-Length", String(Buffer.byteLength(body))],
  ];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const reason = STATUS_CODES[refusal.status] ?? "Refused";
  return `HTTP/1.1 ${refusal.status} ${reason}\r\n${lines}\r\n${body}`;
}
