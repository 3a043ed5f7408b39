/** The key of every handshake, and what a server makes of it. (RFC 6455 §1.3) */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
