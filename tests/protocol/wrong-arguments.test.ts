import { describe, expect, test } from "vitest";
import { Opcode } from "../../src/protocol/index.ts";
import { CountingBytes } from "../rigs/protocol/counting-bytes.ts";
import { bytes, frameTo } from "../rigs/protocol/masked-frame.ts";
import { openConnection, openServerConnection, roles } from "../rigs/protocol/open-connection.ts";

describe("arguments of the wrong type (CVE-2016-10518, CVE-2026-45736)", () => {
  const wrong: [string, unknown][] = [
    ["a number", 200],
    ["undefined", undefined],
    ["null", null],
    ["an object", {}],
    ["a DataView", new DataView(new ArrayBuffer(8))],
    ["an ArrayBuffer", new ArrayBuffer(8)],
    ["a string", "text"],
    ["another typed array", Uint16Array.of(0x4142, 0x4344)],
    ["a long typed array of another type", new Float64Array(40_000)],
  ];

  test.each(wrong)("%s as a payload throws, and nothing is sent", (_, value) => {
    for (const role of roles) {
      const { connection } = openConnection(role, { bytes: new CountingBytes() });
      const payload = value as Uint8Array;
      expect(() => connection.sendBinary(payload)).toThrow();
      expect(() => connection.sendPing(payload)).toThrow();
      expect(() => connection.sendFragment("binary", payload, true)).toThrow();
      expect(connection.outgoing.size).toBe(0);
    }
  });

  test.each([200, undefined, null, {}, Uint8Array.of(65, 66)])(
    "%s as text throws, and nothing is sent",
    (value) => {
      for (const role of roles) {
        const { connection } = openConnection(role, { bytes: new CountingBytes() });
        expect(() => connection.sendText(value as string)).toThrow();
        expect(connection.outgoing.size).toBe(0);
        connection.sendText("goes on");
        expect(connection.outgoing.size).toBeGreaterThan(0);
      }
    },
  );

  test.each([200, new Uint8Array(100), {}])(
    "%s as a close reason throws or is sent as its text, never as memory",
    (value) => {
      const { connection, sentFrames } = openServerConnection({ bytes: new CountingBytes() });
      let threw = false;
      try {
        connection.close(1000, value as string);
      } catch {
        threw = true;
      }
      const expected = threw
        ? []
        : [new TextDecoder().decode(new TextEncoder().encode(value as string))];
      expect(sentFrames().map(({ payload }) => Buffer.from(payload.slice(2)).toString())).toEqual(
        expected,
      );
    },
  );
});

describe("errors for a mistake of the caller", () => {
  test("have a stable code and a one-line message with what was passed and what to do", () => {
    const { connection } = openServerConnection();
    const mistakes: [string, () => void][] = [
      ["invalid_close_code", () => connection.close(1005)],
      ["invalid_close_reason", () => connection.close(1000, "x".repeat(124))],
      ["long_control", () => connection.sendPing(bytes(126))],
      [
        "unfinished_message",
        () => {
          connection.sendFragment("binary", bytes(1), false);
          connection.sendText("x");
        },
      ],
      [
        "not_open",
        () => {
          connection.receive(frameTo("server", { opcode: Opcode.Close }));
          connection.sendText("x");
        },
      ],
    ];
    for (const [code, mistake] of mistakes) {
      expect(mistake).toThrow(
        expect.objectContaining({
          name: "LongwireError",
          code,
          message: expect.stringMatching(/^[A-Z][^\n]*; [^\n]*\.$/) as string,
        }),
      );
    }
  });
});
