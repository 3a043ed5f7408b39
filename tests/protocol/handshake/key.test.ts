import { describe, expect, test } from "vitest";
import { acceptFor, freshHandshakeKey } from "../../../src/protocol/index.ts";
import { isHandshakeKey } from "../../../src/protocol/handshake/key.ts";
import { RFC_ACCEPT, RFC_KEY, sha1 } from "./opening-request.ts";

describe("the key and its accept value (RFC 6455 §1.3, §4.1)", () => {
  test("the RFC's example key has the RFC's accept value (RFC 6455 §1.3)", () => {
    expect(acceptFor(RFC_KEY, sha1)).toBe(RFC_ACCEPT);
  });

  test("a fresh key is the base64 of 16 bytes, different each time (RFC 6455 §4.1)", () => {
    const keys = Array.from({ length: 500 }, freshHandshakeKey);
    expect(new Set(keys).size).toBe(500);
    for (const key of keys) {
      expect(isHandshakeKey(key)).toBe(true);
      const octets = Buffer.from(key, "base64");
      expect(octets).toHaveLength(16);
      expect(octets.toString("base64")).toBe(key);
    }
    const octets = Buffer.concat(keys.map((key) => Buffer.from(key, "base64")));
    expect(new Set(octets).size).toBe(256);
  });
});
