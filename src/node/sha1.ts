import { createHash } from "node:crypto";

/** The hash that the opening handshake names; it proves reading, not secrecy. (RFC 6455 §10.8) */
export function sha1Base64(text: string): string {
  return createHash("sha1").update(text, "latin1").digest("base64");
}
