import { createHash } from "node:crypto";
import type { HandshakeRequest } from "../../../src/protocol/index.ts";

/** The key of RFC 6455 §1.3 and its accept value. */
export const RFC_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const RFC_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export function sha1(text: string): string {
  return createHash("sha1").update(text, "latin1").digest("base64");
}

export type Fields = [name: string, value: string][];

const FIELDS: Fields = [
  ["Host", "example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", RFC_KEY],
  ["Sec-WebSocket-Version", "13"],
];

/** Returns a legal opening request; a given header replaces those of its name, `[]` omits it. */
export function openingRequest(
  changed: Record<string, string | string[]> = {},
  request: Partial<HandshakeRequest> = {},
): HandshakeRequest {
  return { method: "GET", httpVersion: "1.1", headers: fields(FIELDS, changed), ...request };
}

/** Returns `given`, with the headers of `changed` replacing those of the same name. */
export function fields(given: Fields, changed: Record<string, string | string[]>): Fields {
  const replaced = new Set(Object.keys(changed).map((name) => name.toLowerCase()));
  const kept = given.filter(([name]) => !replaced.has(name.toLowerCase()));
  const added = Object.entries(changed).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  return [...kept, ...added];
}
