import { hash } from "node:crypto";

/**
 * The hash of the opening handshake. It proves that the key was read, and does not protect secrets.
 * (RFC 6455 §10.8)
 */
export function sha1Base64(text: string): string {
  return hash("sha1", text, "base64");
}
