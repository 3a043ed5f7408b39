/** Appended to the key before hashing. (RFC 6455 §1.3) */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Base64 of exactly 16 bytes: the last character before the padding has four zero bits. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Hashes ASCII text with SHA-1 and returns the digest as base64; implemented by the platform. */
export type Sha1Base64 = (text: string) => string;

export function isHandshakeKey(text: string): boolean {
  return KEY.test(text);
}

/** Returns a fresh `Sec-WebSocket-Key`: 16 random bytes as base64. (RFC 6455 §4.1) */
export function freshHandshakeKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

/** Returns the `Sec-WebSocket-Accept` that proves that the server read `key`. (RFC 6455 §4.2.2) */
export function acceptFor(key: string, sha1: Sha1Base64): string {
  return sha1(key + ACCEPT_GUID);
}
