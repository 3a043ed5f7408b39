import { describe, expect, test } from "vitest";
import { webByteOperations } from "../../src/base/index.ts";
import { nodeByteOperations } from "../../src/node/index.ts";
import { Connection, Opcode } from "../../src/protocol/index.ts";
import { joinBytes, frameTo, utf8 } from "../rigs/protocol/masked-frame.ts";
import { CollectingHandler, failure } from "../rigs/protocol/open-connection.ts";

const LENGTHS = [0, 1, 63, 64, 65, 300];

describe("Node's byte operations", () => {
  test.each(LENGTHS)("detect ASCII like the portable ones, %i octets", (length) => {
    for (let at = 0; at < length; at += 1) {
      const bytes = new Uint8Array(length + 2).fill(0x80);
      bytes.fill(0x7f, 1, length + 1);
      for (const operations of [nodeByteOperations, webByteOperations]) {
        expect(operations.isAscii(bytes, 1, length + 1)).toBe(true);
        bytes[1 + at] = 0x80;
        expect(operations.isAscii(bytes, 1, length + 1)).toBe(false);
        bytes[1 + at] = 0x7f;
      }
    }
  });

  test.each([
    ["an overlong form", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a lone continuation", [0x80]],
    ["a cut character", [0xe4, 0xb8]],
  ])("do not accept %s as UTF-8 (RFC 3629 §3, §4)", (_, octets) => {
    const bytes = joinBytes([utf8("文".repeat(40)), Uint8Array.from(octets)]);
    expect(nodeByteOperations.isKnownUtf8(bytes, 0, 120)).toBe(true);
    expect(nodeByteOperations.isKnownUtf8(bytes, 0, bytes.length)).toBe(false);
  });
});

describe("text that is checked with them", () => {
  const text = "ascii, 中文, ελληνικά, 🙂🙂 ".repeat(12);

  test("arrives unchanged, wherever it is cut (RFC 6455 §8.1)", () => {
    const frame = frameTo("client", { opcode: Opcode.Text, payload: utf8(text) });
    for (let cut = 0; cut <= frame.length; cut += 1) {
      const seen = new CollectingHandler();
      const connection = new Connection("client", seen, { bytes: nodeByteOperations });
      connection.receive(frame.slice(0, cut));
      connection.receive(frame.slice(cut));
      expect(seen.texts).toEqual([text]);
    }
  });

  test("is rejected if it ends within a character, however long (RFC 6455 §8.1)", () => {
    const payload = utf8("文".repeat(100));
    for (const end of [payload.length - 1, payload.length - 2]) {
      const seen = new CollectingHandler();
      const connection = new Connection("client", seen, { bytes: nodeByteOperations });
      connection.receive(
        frameTo("client", { opcode: Opcode.Text, payload: payload.slice(0, end) }),
      );
      expect(seen.events).toEqual(failure("invalid_utf8", 1007));
    }
  });

  test.each(["a", "文"])("is rejected if a valid character stands within another: %s", (good) => {
    const seen = new CollectingHandler();
    const connection = new Connection("client", seen, { bytes: nodeByteOperations });
    const pieces = [utf8("文").slice(0, 2), utf8(good.repeat(100)), utf8("文").slice(2)];
    for (const [index, payload] of pieces.entries()) {
      const opcode = index === 0 ? Opcode.Text : Opcode.Continuation;
      connection.receive(frameTo("client", { opcode, fin: index === 2, payload }));
    }
    expect(seen.events).toEqual(failure("invalid_utf8", 1007));
  });
});
