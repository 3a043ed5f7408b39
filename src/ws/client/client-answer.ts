import type { IncomingMessage } from "node:http";
import { sha1Base64 } from "../../node/index.ts";
import { acceptFor } from "../../protocol/index.ts";
import { parse } from "../deflate/extension.ts";
import { PerMessageDeflate } from "../deflate/per-message-deflate.ts";

/** The client's request, which the response is checked against. */
export interface Asked {
  key: string;
  protocols: ReadonlySet<string>;
  /** `undefined` if no compression was offered. */
  deflate: PerMessageDeflate | undefined;
}

/**
 * Checks a server's response. (RFC 6455 §4.1)
 *
 * @returns the subprotocol, or `""`, and whether messages may be compressed
 * @throws Error with the text of `ws`
 */
export function checkAnswer(
  { headers }: IncomingMessage,
  { key, protocols, deflate }: Asked,
): { protocol: string; deflate: PerMessageDeflate | undefined } {
  if (headers.upgrade?.toLowerCase() !== "websocket") throw new Error("Invalid Upgrade header");
  if (headers["sec-websocket-accept"] !== acceptFor(key, sha1Base64)) {
    throw new Error("Invalid Sec-WebSocket-Accept header");
  }
  return {
    protocol: checkProtocol(headers["sec-websocket-protocol"], protocols),
    deflate: checkExtensions(headers["sec-websocket-extensions"], deflate),
  };
}

function checkProtocol(chosen: string | undefined, asked: ReadonlySet<string>): string {
  if (chosen === undefined) {
    if (asked.size > 0) throw new Error("Server sent no subprotocol");
    return "";
  }
  if (asked.size === 0) throw new Error("Server sent a subprotocol but none was requested");
  if (!asked.has(chosen)) throw new Error("Server sent an invalid subprotocol");
  return chosen;
}

function checkExtensions(
  field: string | undefined,
  deflate: PerMessageDeflate | undefined,
): PerMessageDeflate | undefined {
  if (field === undefined) return undefined;
  if (deflate === undefined) {
    const message = "Server sent a Sec-WebSocket-Extensions header but no extension was requested";
    throw new Error(message);
  }
  const extensions = orInvalid(() => parse(field));
  const [name, ...more] = Object.keys(extensions);
  if (name !== PerMessageDeflate.extensionName || more.length > 0) {
    throw new Error("Server indicated an extension that was not requested");
  }
  orInvalid(() => deflate.accept(extensions[name]!));
  return deflate;
}

function orInvalid<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw new Error("Invalid Sec-WebSocket-Extensions header", { cause });
  }
}
