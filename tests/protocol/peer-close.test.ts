import { describe, expect, test } from "vitest";
import { Opcode } from "../../src/protocol/index.ts";
import type { Role } from "../../src/protocol/index.ts";
import { cutChunks, singleBytes } from "../rigs/protocol/cut-chunks.ts";
import { expectNothingSendable } from "./nothing-sendable.ts";
import { closePayload, frameTo, joinBytes, utf8 } from "../rigs/protocol/masked-frame.ts";
import { failure, openConnection, roles } from "../rigs/protocol/open-connection.ts";
import type { OpenConnection } from "../rigs/protocol/open-connection.ts";

const LEGAL = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];

const ILLEGAL = [
  0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 32_768, 65_535,
];

function closeTo(role: Role, payload: Uint8Array): Uint8Array {
  return frameTo(role, { opcode: Opcode.Close, payload });
}

function received(role: Role, payload: Uint8Array): OpenConnection {
  const opened = openConnection(role);
  opened.connection.receive(closeTo(role, payload));
  return opened;
}

describe.each(roles)("a Close frame at a %s (RFC 6455 §5.5.1)", (role) => {
  test.each(LEGAL)(
    "code %i is reported, and the reply repeats the payload (RFC 6455 §5.5.1, §7.4)",
    (code) => {
      const { connection, seen, sentFrames } = received(role, closePayload(code, utf8("bye")));
      expect(seen.events).toEqual([
        { kind: "peer-close", code, reason: "bye" },
        { kind: "finished" },
      ]);
      expect(sentFrames()).toMatchObject([
        { opcode: Opcode.Close, fin: true, payload: closePayload(code, utf8("bye")) },
      ]);
      expect(connection.state).toBe("finished");
    },
  );

  test.each(ILLEGAL)("code %i fails with 1002 (RFC 6455 §7.4)", (code) => {
    const { connection, seen, sentFrames } = received(role, closePayload(code));
    expect(seen.events).toEqual(failure("invalid_close_code", 1002));
    expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close, payload: closePayload(1002) }]);
    expect(connection.state).toBe("failed");
  });

  test("without a payload is reported as 1005, and answered without one (RFC 6455 §7.1.5)", () => {
    const { seen, sentFrames } = received(role, new Uint8Array(0));
    expect(seen.events).toEqual([
      { kind: "peer-close", code: 1005, reason: "" },
      { kind: "finished" },
    ]);
    expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close, payload: new Uint8Array(0) }]);
  });

  test("with a payload of one byte fails with 1002 (RFC 6455 §5.5.1)", () => {
    expect(received(role, Uint8Array.of(3)).seen.events).toEqual(failure("short_close", 1002));
  });

  test.each([
    [0xff],
    [0xc0, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0x61, 0xe2, 0x82],
  ])("with a reason that is not UTF-8 fails with 1007 (RFC 6455 §5.5.1, §8.1)", (...reason) => {
    const payload = closePayload(1000, Uint8Array.from(reason));
    expect(received(role, payload).seen.events).toEqual(failure("invalid_close_reason", 1007));
  });

  test("its code is checked before its reason (RFC 6455 §7.4)", () => {
    const payload = closePayload(1005, Uint8Array.of(0xff));
    expect(received(role, payload).seen.events).toEqual(failure("invalid_close_code", 1002));
  });

  test("a reason of 123 bytes is accepted, with 124 the frame is too long (RFC 6455 §5.5)", () => {
    const reason = "é".repeat(61) + "x";
    expect(utf8(reason)).toHaveLength(123);
    expect(received(role, closePayload(1000, utf8(reason))).seen.events).toEqual([
      { kind: "peer-close", code: 1000, reason },
      { kind: "finished" },
    ]);
    const long = received(role, closePayload(1000, utf8(`${reason}x`)));
    expect(long.seen.events).toEqual(failure("long_control", 1002));
  });

  test("a reason keeps its byte order mark (RFC 6455 §5.5.1)", () => {
    const { seen } = received(role, closePayload(1000, utf8("\ufeffbye")));
    expect(seen.events[0]).toEqual({ kind: "peer-close", code: 1000, reason: "\ufeffbye" });
  });

  test("is read with any chunking (RFC 6455 §5.5)", () => {
    const frame = closeTo(role, closePayload(4321, utf8("so long")));
    for (const chunks of [singleBytes(frame), cutChunks(frame, [1, 6, 7])]) {
      const { connection, seen } = openConnection(role);
      for (const chunk of chunks) connection.receive(chunk);
      expect(seen.events[0]).toEqual({ kind: "peer-close", code: 4321, reason: "so long" });
    }
  });

  test("later data is ignored, in its chunk and after (RFC 6455 §5.5.1)", () => {
    const { connection, seen, sentFrames } = openConnection(role);
    const text = frameTo(role, { opcode: Opcode.Text, payload: utf8("x") });
    const ping = frameTo(role, { opcode: Opcode.Ping });
    const close = closeTo(role, closePayload(1000));
    connection.receive(joinBytes([text, close, text, ping, close, Uint8Array.of(0xff, 0xff)]));
    connection.receive(joinBytes([text, close]));
    expect(seen.kinds).toEqual(["text", "peer-close", "finished"]);
    expect(sentFrames()).toHaveLength(1);
  });

  test("afterwards, nothing can be sent (RFC 6455 §5.5.1)", () => {
    const { connection, sent } = received(role, closePayload(1000));
    sent();
    expectNothingSendable(connection);
  });
});
