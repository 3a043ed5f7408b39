import { describe, expect, test } from "vitest";
import { Opcode } from "../../src/protocol/index.ts";
import type { Role } from "../../src/protocol/index.ts";
import { cutChunks, singleBytes } from "../rigs/protocol/cut-chunks.ts";
import { bytes, frameTo, joinBytes, maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import type { FrameOptions } from "../rigs/protocol/masked-frame.ts";
import {
  failure,
  hex,
  openConnection,
  openServerConnection,
  roles,
} from "../rigs/protocol/open-connection.ts";
import type { Seen } from "../rigs/protocol/open-connection.ts";

function receive(role: Role, options: FrameOptions): Seen[] {
  const { connection, seen } = openConnection(role);
  connection.receive(frameTo(role, options));
  return seen.events;
}

describe("control frames (RFC 6455 §5.5)", () => {
  test.each([Opcode.Ping, Opcode.Pong, Opcode.Close])(
    "a control frame longer than 125 bytes fails with 1002, opcode %i (RFC 6455 §5.5)",
    (opcode) => {
      for (const role of roles) {
        for (const length of [126, 127, 65_536]) {
          expect(receive(role, { opcode, payload: bytes(length) })).toEqual(
            failure("long_control"),
          );
        }
        const announced = { opcode, announced: 2n ** 62n };
        expect(receive(role, announced)).toEqual(failure("long_control"));
      }
    },
  );

  test.each([Opcode.Ping, Opcode.Pong, Opcode.Close])(
    "a control frame without FIN fails with 1002, opcode %i (RFC 6455 §5.5)",
    (opcode) => {
      for (const role of roles) {
        expect(receive(role, { opcode, fin: false })).toEqual(failure("fragmented_control"));
      }
    },
  );

  test.each([0, 1, 124, 125])(
    "a control frame of %i bytes arrives, cut anywhere (RFC 6455 §5.5)",
    (length) => {
      const payload = bytes(length);
      for (const role of roles) {
        const frame = frameTo(role, { opcode: Opcode.Pong, payload });
        for (const chunks of [singleBytes(frame), cutChunks(frame, [3, 7, 50])]) {
          const { connection, seen } = openConnection(role);
          for (const chunk of chunks) connection.receive(chunk);
          expect(seen.events).toEqual([{ kind: "pong", hex: hex(payload) }]);
        }
      }
    },
  );

  test("with lendsPings a payload is part of what was received, and a held pong is not", () => {
    const { connection, seen, sentFrames } = openServerConnection({ lendsPings: true });
    const received: Uint8Array[] = [];
    seen.onPing = (payload) => void received.push(payload);
    connection.holdsPongs = true;
    for (const content of ["one", "seven", "six"]) {
      const chunk = frameTo("server", { opcode: Opcode.Ping, payload: utf8(content) });
      connection.receive(chunk, chunk.length, true);
      expect(received.at(-1)!.buffer).toBe(chunk.buffer);
      chunk.fill(0);
    }
    connection.holdsPongs = false;
    const [pong] = sentFrames();
    expect(Buffer.from(pong!.payload).toString()).toBe("six");
  });

  test("a control payload may be kept, because later frames do not change it (RFC 6455 §5.5)", () => {
    for (const role of roles) {
      const kept: Uint8Array[] = [];
      const { connection, seen } = openConnection(role);
      seen.onPong = (payload) => void kept.push(payload);
      const chunk = joinBytes(
        ["one", "two", "six"].map((text) =>
          frameTo(role, { opcode: Opcode.Pong, payload: utf8(text) }),
        ),
      );
      connection.receive(chunk);
      chunk.fill(0);
      expect(kept.map((payload) => Buffer.from(payload).toString())).toEqual(["one", "two", "six"]);
    }
  });
});

describe("pings and pongs (RFC 6455 §5.5.2, §5.5.3)", () => {
  test.each([0, 1, 4, 125])("a pong repeats a ping of %i bytes (RFC 6455 §5.5.3)", (length) => {
    const payload = bytes(length);
    for (const role of roles) {
      const { connection, seen, sentFrames } = openConnection(role);
      connection.receive(frameTo(role, { opcode: Opcode.Ping, payload }));
      expect(seen.events).toEqual([{ kind: "ping", hex: hex(payload) }]);
      const masked = role === "client";
      const [pong, ...more] = sentFrames();
      expect(pong).toMatchObject({ opcode: Opcode.Pong, fin: true, reservedBits: 0 });
      expect(hex(pong!.payload)).toBe(hex(payload));
      expect(pong!.key !== undefined).toBe(masked);
      expect(more).toEqual([]);
    }
  });

  test("several pings are answered in order, even inside a message (RFC 6455 §5.5.2)", () => {
    const { connection, seen, sentFrames } = openServerConnection();
    const ping = (text: string): Uint8Array =>
      maskedFrame({ opcode: Opcode.Ping, payload: utf8(text) });
    connection.receive(
      joinBytes([
        ping("a"),
        maskedFrame({ opcode: Opcode.Text, fin: false, payload: utf8("he") }),
        ping("b"),
        ping(""),
        maskedFrame({ opcode: Opcode.Continuation, payload: utf8("y") }),
      ]),
    );
    expect(seen.kinds).toEqual(["ping", "ping", "ping", "text"]);
    expect(sentFrames().map(({ payload }) => Buffer.from(payload).toString())).toEqual([
      "a",
      "b",
      "",
    ]);
  });

  test("while pongs are held, only the latest ping is answered, later (RFC 6455 §5.5.3)", () => {
    for (const role of roles) {
      const { connection, seen, sentFrames } = openConnection(role);
      const ping = (text: string): void =>
        connection.receive(frameTo(role, { opcode: Opcode.Ping, payload: utf8(text) }));
      connection.holdsPongs = true;
      for (const text of ["a", "b", "c"]) ping(text);
      expect(seen.kinds).toEqual(["ping", "ping", "ping"]);
      expect(sentFrames()).toEqual([]);
      connection.holdsPongs = false;
      connection.holdsPongs = false;
      expect(sentFrames().map(({ payload }) => hex(payload))).toEqual([hex(utf8("c"))]);
      ping("d");
      expect(sentFrames()).toHaveLength(1);
    }
  });

  test("with 64 KiB of output that is not taken, pongs are held (RFC 6455 §5.5.3)", () => {
    for (const role of roles) {
      const { connection, sentFrames } = openConnection(role);
      const ping = frameTo(role, { opcode: Opcode.Ping, payload: bytes(125) });
      for (let n = 0; n < 10_000; n += 1) connection.receive(ping);
      expect(connection.holdsPongs).toBe(true);
      const held = sentFrames();
      expect(held.length).toBeGreaterThan(400);
      expect(held.length).toBeLessThan(600);
      connection.holdsPongs = false;
      expect(sentFrames()).toHaveLength(1);
    }
  });

  test("a pong that is held is not sent after the Close frame (RFC 6455 §5.5.1)", () => {
    const { connection, sentFrames } = openServerConnection();
    connection.holdsPongs = true;
    connection.receive(frameTo("server", { opcode: Opcode.Ping, payload: utf8("a") }));
    connection.close();
    connection.holdsPongs = false;
    expect(sentFrames().map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
  });

  test("an unsolicited pong is accepted and not answered (RFC 6455 §5.5.3)", () => {
    for (const role of roles) {
      const { connection, seen, sent } = openConnection(role);
      connection.receive(frameTo(role, { opcode: Opcode.Pong, payload: utf8("p") }));
      expect(seen.events).toEqual([{ kind: "pong", hex: hex(utf8("p")) }]);
      expect(sent()).toHaveLength(0);
    }
  });

  test("pings and unsolicited pongs are sent with up to 125 bytes (RFC 6455 §5.5)", () => {
    for (const role of roles) {
      const { connection, sentFrames } = openConnection(role);
      connection.sendPing(bytes(125));
      connection.sendPong(new Uint8Array(0));
      expect(sentFrames()).toMatchObject([
        { opcode: Opcode.Ping, payload: bytes(125) },
        { opcode: Opcode.Pong, payload: new Uint8Array(0) },
      ]);
      const long = expect.objectContaining({ name: "LongwireError", code: "long_control" });
      expect(() => connection.sendPing(bytes(126))).toThrow(long);
      expect(() => connection.sendPong(bytes(126))).toThrow(long);
      expect(connection.outgoing.size).toBe(0);
    }
  });
});
