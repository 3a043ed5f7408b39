import type { IncomingMessage } from "node:http";
import { isHandshakeKey } from "../../protocol/index.ts";
import { parse as parseExtensions } from "../deflate/extension.ts";
import { PerMessageDeflate } from "../deflate/per-message-deflate.ts";
import type { ResolvedServerOptions } from "./server-options.ts";
import { parse as parseProtocols } from "../wire/subprotocol.ts";

/** The reason for refusing a handshake. */
export class UpgradeRefusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = "Error";
    this.status = status;
    this.headers = headers;
  }
}

/** Checks that a request is a WebSocket handshake. @throws UpgradeRefusal */
export function requireUpgrade({ method, headers }: IncomingMessage): string {
  if (method !== "GET") throw new UpgradeRefusal(405, "Invalid HTTP method");
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    throw new UpgradeRefusal(400, "Invalid Upgrade header");
  }
  const key = headers["sec-websocket-key"];
  if (key === undefined || !isHandshakeKey(key)) {
    throw new UpgradeRefusal(400, "Missing or invalid Sec-WebSocket-Key header");
  }
  const version = Number(headers["sec-websocket-version"]);
  if (version !== 13 && version !== 8) {
    const message = "Missing or invalid Sec-WebSocket-Version header";
    throw new UpgradeRefusal(400, message, { "Sec-WebSocket-Version": "13, 8" });
  }
  return key;
}

/** @throws UpgradeRefusal */
export function protocolsIn({ headers }: IncomingMessage): Set<string> {
  const field = headers["sec-websocket-protocol"];
  if (field === undefined) return new Set();
  try {
    return parseProtocols(field);
  } catch {
    throw new UpgradeRefusal(400, "Invalid Sec-WebSocket-Protocol header");
  }
}

/** Negotiates compression, if the server and the client support it. @throws UpgradeRefusal */
export function agreedDeflate(
  { headers }: IncomingMessage,
  { perMessageDeflate: choice, maxPayload }: ResolvedServerOptions,
): PerMessageDeflate | undefined {
  const field = headers["sec-websocket-extensions"];
  if (typeof choice !== "object" || field === undefined) return undefined;
  try {
    const offers = parseExtensions(field)[PerMessageDeflate.extensionName];
    if (offers === undefined) return undefined;
    const deflate = new PerMessageDeflate({ ...choice, isServer: true, maxPayload }, choice);
    deflate.accept(offers);
    return deflate;
  } catch {
    throw new UpgradeRefusal(400, "Invalid or unacceptable Sec-WebSocket-Extensions header");
  }
}
