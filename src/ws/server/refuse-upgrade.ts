import { STATUS_CODES, type OutgoingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";

export interface UpgradeAnswer {
  status: number;
  /** The body. Default: the status text. */
  message?: string | undefined;
  headers?: OutgoingHttpHeaders | undefined;
}

/** Answers a handshake with a status other than 101, and ends its connection. */
export function refuseUpgrade(socket: Duplex, { status, message, headers }: UpgradeAnswer): void {
  const text = STATUS_CODES[status] ?? "";
  const body = message || text;
  const fields = {
    Connection: "close",
    "Content-Type": "text/html",
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${String(value)}`);
  socket.once("finish", () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${text}`, ...lines, "", body].join("\r\n"));
}
