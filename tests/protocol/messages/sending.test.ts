import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import type { Role } from "../../../src/protocol/index.ts";
import { bytes, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { hex, openConnection, other, roles } from "../../rigs/protocol/open-connection.ts";
import type { Seen } from "../../rigs/protocol/open-connection.ts";
import { readFrames } from "../../rigs/protocol/read-frames.ts";

/** Returns what the other role receives from `wire`. */
function seenByPeer(sender: Role, wire: Uint8Array): Seen[] {
  const { connection, seen } = openConnection(other(sender));
  connection.receive(wire);
  return seen.events;
}

function shortestHeader(role: Role, payloadBytes: number): number {
  const length = payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10;
  return length + (role === "client" ? 4 : 0);
}

describe.each(roles)("text from a %s (RFC 6455 §5.6, §6.1)", (role) => {
  const widths: [string, string][] = [
    ["one byte", "a"],
    ["NUL", "\0"],
    ["two bytes", "é"],
    ["three bytes", "€"],
    ["four bytes", "😀"],
    ["a byte order mark", "\ufeff"],
    ["a lone high surrogate", "\ud83d"],
    ["a lone low surrogate", "\ude00"],
    ["a reversed surrogate pair", "\ude00\ud83d "],
  ];

  // Character counts around every point at which a guessed header length can be wrong.
  const counts = [
    0, 1, 41, 42, 43, 62, 63, 64, 124, 125, 126, 127, 21_844, 21_845, 21_846, 32_767, 32_768,
    65_534, 65_535, 65_536,
  ];

  test.each(widths)("of %s arrives, of any length, in the shortest frame", (_, unit) => {
    const { connection, sent } = openConnection(role);
    for (const count of counts) {
      const expected = unit.repeat(count).toWellFormed();
      const length = connection.sendText(unit.repeat(count));
      const wire = sent();
      expect(length).toBe(Buffer.byteLength(expected));
      expect(readFrames(wire)).toMatchObject([
        {
          fin: true,
          reservedBits: 0,
          opcode: Opcode.Text,
          headerBytes: shortestHeader(role, length),
        },
      ]);
      const [event, ...more] = seenByPeer(role, wire);
      expect(event?.kind === "text" && event.text === expected).toBe(true);
      expect(more).toEqual([]);
    }
  });

  test("of any characters arrives unchanged, lone surrogates as U+FFFD (RFC 6455 §8.1)", () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc
        .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
        .map((units) => String.fromCharCode(...units)),
    );
    const { connection, sent } = openConnection(role);
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 4 }), (texts) => {
        for (const text of texts) connection.sendText(text);
        const events = seenByPeer(role, sent());
        expect(events.map((event) => event.kind === "text" && event.text)).toEqual(
          texts.map((text) => text.toWellFormed()),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe.each(roles)("binary messages and fragments from a %s (RFC 6455 §5.4, §6.1)", (role) => {
  test.each([0, 1, 125, 126, 127, 4096, 32_767, 32_768, 65_535, 65_536])(
    "%i bytes arrive in the shortest frame (RFC 6455 §5.2)",
    (length) => {
      const { connection, sent } = openConnection(role);
      connection.sendBinary(bytes(length));
      const wire = sent();
      expect(readFrames(wire)).toMatchObject([
        { opcode: Opcode.Binary, fin: true, headerBytes: shortestHeader(role, length) },
      ]);
      expect(seenByPeer(role, wire)).toEqual([{ kind: "binary", hex: hex(bytes(length)) }]);
    },
  );

  test("a short payload is copied, so it may change after it is sent (RFC 6455 §6.1)", () => {
    const { connection, sent } = openConnection(role);
    const payload = bytes(1000);
    connection.sendBinary(payload);
    payload.fill(0);
    expect(seenByPeer(role, sent())).toEqual([{ kind: "binary", hex: hex(bytes(1000)) }]);
  });

  test("the caller's payload is never masked in place (RFC 6455 §5.3)", () => {
    const { connection, sent } = openConnection(role);
    const payload = bytes(100_000);
    connection.sendBinary(payload);
    sent();
    expect(hex(payload)).toBe(hex(bytes(100_000)));
  });

  test.each(["text", "binary"] as const)("%s is sent in fragments (RFC 6455 §5.4)", (kind) => {
    const { connection, sent } = openConnection(role);
    connection.sendFragment(kind, utf8("a"), false);
    connection.sendFragment(kind, utf8(""), false);
    connection.sendPing(utf8("p"));
    connection.sendFragment(kind, utf8("b"), true);
    connection.sendFragment(kind, utf8("whole"), true);
    const wire = sent();
    const first = kind === "text" ? Opcode.Text : Opcode.Binary;
    expect(readFrames(wire).map(({ opcode, fin }) => [opcode, fin])).toEqual([
      [first, false],
      [Opcode.Continuation, false],
      [Opcode.Ping, true],
      [Opcode.Continuation, true],
      [first, true],
    ]);
    expect(seenByPeer(role, wire).map((event) => event.kind)).toEqual(["ping", kind, kind]);
  });

  test("a whole message cannot be sent between the fragments of another (RFC 6455 §5.4)", () => {
    const { connection, sent } = openConnection(role);
    connection.sendFragment("text", utf8("a"), false);
    sent();
    const unfinished = expect.objectContaining({ code: "unfinished_message" });
    expect(() => connection.sendText("x")).toThrow(unfinished);
    expect(() => connection.sendBinary(bytes(1))).toThrow(unfinished);
    expect(() => connection.sendFrames(bytes(1))).toThrow(unfinished);
    expect(connection.outgoing.size).toBe(0);
    connection.sendFragment("text", utf8("b"), true);
    connection.sendText("x");
    expect(connection.outgoing.size).toBeGreaterThan(0);
  });

  test("the fragments of one message must be of one kind (RFC 6455 §5.4)", () => {
    const { connection } = openConnection(role);
    connection.sendFragment("text", utf8("a"), false);
    expect(() => connection.sendFragment("binary", Uint8Array.of(0xff), true)).toThrow();
  });
});
