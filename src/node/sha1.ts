import { hash } from "node:crypto";

/** The hash that the opening handshake names; it proves reading, not secrecy. (RFC 6455 §10.8) */
export function sha1Base64(text: string): string {
  return hash("sha1", text, "base64");
}
