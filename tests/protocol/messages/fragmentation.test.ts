import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import type { Role } from "../../../src/protocol/index.ts";
import { singleBytes } from "../../rigs/protocol/cut-chunks.ts";
import { bytes, frameTo, joinBytes, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { hex, openConnection, roles } from "../../rigs/protocol/open-connection.ts";
import type { OpenConnection } from "../../rigs/protocol/open-connection.ts";

function fragment(role: Role, opcode: number, payload: string, fin = false): Uint8Array {
  return frameTo(role, { opcode, fin, payload: utf8(payload) });
}

describe.each(roles)("fragments at a %s (RFC 6455 §5.4)", (role) => {
  const text = (payload: string): Uint8Array => fragment(role, Opcode.Text, payload);
  const more = (payload: string): Uint8Array => fragment(role, Opcode.Continuation, payload);
  const last = (payload: string): Uint8Array => fragment(role, Opcode.Continuation, payload, true);
  const received = (...frames: Uint8Array[]): OpenConnection => {
    const opened = openConnection(role);
    opened.connection.receive(joinBytes(frames));
    return opened;
  };

  test("are joined to one message of the first one's kind (RFC 6455 §5.4)", () => {
    const { seen } = received(text("a"), more("b"), last("c"));
    expect(seen.events).toEqual([{ kind: "text", text: "abc", ascii: true }]);
  });

  test("may be empty: the first, the middle, the last and all (RFC 6455 §5.4)", () => {
    const frames = [text(""), more(""), more("x"), more(""), last(""), text(""), last("")];
    expect(received(...frames).seen.texts).toEqual(["x", ""]);
    const binary = [fragment(role, Opcode.Binary, ""), more(""), last("")];
    expect(received(...binary).seen.events).toEqual([{ kind: "binary", hex: "" }]);
  });

  test("do not delay control frames between them (RFC 6455 §5.4)", () => {
    const ping = fragment(role, Opcode.Ping, "p", true);
    const pong = fragment(role, Opcode.Pong, "q", true);
    const { connection, seen } = received(text("a"), ping, more("b"), pong, ping);
    expect(seen.kinds).toEqual(["ping", "pong", "ping"]);
    connection.receive(last("c"));
    expect(seen.events.at(-1)).toEqual({ kind: "text", text: "abc", ascii: true });
  });

  test("may be interrupted by a Close, which ends the connection (RFC 6455 §5.4, §5.5.1)", () => {
    const close = frameTo(role, { opcode: Opcode.Close });
    const { seen } = received(text("a"), close, last("b"));
    expect(seen.events).toEqual([
      { kind: "peer-close", code: 1005, reason: "" },
      { kind: "finished" },
    ]);
  });

  test("a continuation without a message fails with 1002 (RFC 6455 §5.4)", () => {
    for (const frame of [more(""), last("x")]) {
      expect(received(frame).seen.failed).toMatchObject({
        code: "stray_continuation",
        closeCode: 1002,
      });
    }
    const behindMessages = [
      [text("a"), last("b"), last("c")],
      [fragment(role, Opcode.Text, "whole", true), more("c")],
      [fragment(role, Opcode.Binary, "", true), last("")],
    ];
    for (const frames of behindMessages) {
      expect(received(...frames).seen.failed).toMatchObject({ code: "stray_continuation" });
    }
  });

  test("a new message inside an unfinished one fails with 1002 (RFC 6455 §5.4)", () => {
    for (const opcode of [Opcode.Text, Opcode.Binary]) {
      for (const first of [text("a"), text(""), fragment(role, Opcode.Binary, "")]) {
        const { seen } = received(first, fragment(role, opcode, "b", true));
        expect(seen.failed).toMatchObject({ code: "unfinished_message", closeCode: 1002 });
      }
    }
  });

  test("messages of both kinds alternate without mixing (RFC 6455 §5.4)", () => {
    const { seen } = received(
      text("é"),
      last("a"),
      fragment(role, Opcode.Binary, "b", true),
      fragment(role, Opcode.Text, "c", true),
      fragment(role, Opcode.Binary, "d"),
      last("e"),
    );
    expect(seen.events).toEqual([
      { kind: "text", text: "éa", ascii: false },
      { kind: "binary", hex: hex(utf8("b")) },
      { kind: "text", text: "c", ascii: true },
      { kind: "binary", hex: hex(utf8("de")) },
    ]);
  });
});

describe("the ownership of a message's bytes (RFC 6455 §5.6)", () => {
  test("a binary message in one chunk is lent, and a joined one may be kept (RFC 6455 §5.6)", () => {
    for (const role of roles) {
      const owned: { lent: boolean; bytes: Uint8Array }[] = [];
      const { connection, seen } = openConnection(role);
      seen.onBinary = (source, start, end, lent) => {
        owned.push({ lent, bytes: source.subarray(start, end) });
      };
      const whole = frameTo(role, { opcode: Opcode.Binary, payload: bytes(50) });
      connection.receive(whole.slice());
      for (const chunk of singleBytes(whole)) connection.receive(chunk);
      const first = { opcode: Opcode.Binary, fin: false, payload: bytes(20) };
      const last = { opcode: Opcode.Continuation, payload: bytes(30) };
      const chunk = joinBytes([frameTo(role, first), frameTo(role, last)]);
      connection.receive(chunk);
      chunk.fill(0);
      for (const byte of singleBytes(whole)) connection.receive(byte);
      expect(owned.map(({ lent }) => lent)).toEqual([true, false, false, false]);
      expect(owned.slice(1).map((message) => hex(message.bytes))).toEqual([
        hex(bytes(50)),
        hex(joinBytes([bytes(20), bytes(30)])),
        hex(bytes(50)),
      ]);
    }
  });
});
