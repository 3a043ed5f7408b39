import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import type { Role } from "../../../src/protocol/index.ts";
import { CountingBytes } from "../../rigs/protocol/counting-bytes.ts";
import { cutChunks, singleBytes } from "../../rigs/protocol/cut-chunks.ts";
import {
  bytes,
  frameTo,
  joinBytes,
  maskedFrame,
  plainFrame,
  utf8,
} from "../../rigs/protocol/masked-frame.ts";
import type { FrameOptions } from "../../rigs/protocol/masked-frame.ts";
import {
  failure,
  hex,
  openClientConnection,
  openConnection,
  openServerConnection,
  roles,
} from "../../rigs/protocol/open-connection.ts";
import type { Seen } from "../../rigs/protocol/open-connection.ts";

const BOUNDARY_LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536];

function receive(role: Role, options: FrameOptions): Seen[] {
  const { connection, seen } = openConnection(role);
  connection.receive(frameTo(role, options));
  return seen.events;
}

describe.each(roles)("a %s reads payload lengths (RFC 6455 §5.2)", (role) => {
  test.each(BOUNDARY_LENGTHS)("a frame of %i bytes arrives whole (RFC 6455 §5.2)", (length) => {
    const payload = bytes(length);
    expect(receive(role, { opcode: Opcode.Binary, payload })).toEqual([
      { kind: "binary", hex: hex(payload) },
    ]);
  });

  test.each(BOUNDARY_LENGTHS)("a frame of %i bytes arrives in any two pieces (§5.2)", (length) => {
    const payload = bytes(length);
    const frame = frameTo(role, { opcode: Opcode.Binary, payload });
    for (const cut of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 100, frame.length - 1]) {
      const { connection, seen } = openConnection(role);
      for (const chunk of cutChunks(frame, [cut])) connection.receive(chunk);
      expect(seen.events).toEqual([{ kind: "binary", hex: hex(payload) }]);
    }
  });

  test.each([0, 1, 125])("%i in the 16-bit form fails with 1002 (RFC 6455 §5.2)", (length) => {
    const options = {
      opcode: Opcode.Binary,
      payload: bytes(length),
      lengthForm: "medium",
    } as const;
    expect(receive(role, options)).toEqual(failure("padded_length"));
  });

  test.each([0, 1, 125, 126, 65_535])(
    "%i in the 64-bit form fails with 1002 (RFC 6455 §5.2)",
    (length) => {
      const options = {
        opcode: Opcode.Binary,
        payload: bytes(length),
        lengthForm: "long",
      } as const;
      expect(receive(role, options)).toEqual(failure("padded_length"));
    },
  );

  test.each([2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n, 0x8000_0000_0000_0005n])(
    "a 64-bit length with the highest bit set (%s) fails with 1002 (RFC 6455 §5.2)",
    (announced) => {
      expect(receive(role, { opcode: Opcode.Binary, announced })).toEqual(
        failure("negative_length"),
      );
    },
  );

  // Each of these would be small without its high word, or after rounding as a double.
  test.each([
    2n ** 32n,
    2n ** 32n + 5n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    0x7fff_ffff_0000_0001n,
  ])(
    "a length of %s is rejected with 1009 when its header arrives (RFC 6455 §7.4.1)",
    (announced) => {
      const counting = new CountingBytes();
      const { connection, seen } = openConnection(role, { bytes: counting });
      const frame = frameTo(role, { opcode: Opcode.Binary, announced, payload: bytes(5) });
      connection.receive(frame);
      expect(seen.events).toEqual(failure("message_too_big", 1009));
      expect(counting.allocations).toBe(0);
    },
  );

  test("no length overflows the largest possible limit (RFC 6455 §5.2)", () => {
    const limits = { maxMessageBytes: Number.MAX_SAFE_INTEGER, maxMessageFragments: 10 };
    for (const announced of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      const { connection, seen } = openConnection(role, { limits });
      connection.receive(frameTo(role, { opcode: Opcode.Binary, announced }));
      expect(seen.events).toEqual(failure("message_too_big", 1009));
    }
    const { connection, seen } = openConnection(role, { limits });
    const first = { opcode: Opcode.Binary, fin: false, payload: bytes(1) };
    connection.receive(frameTo(role, first));
    connection.receive(frameTo(role, { opcode: Opcode.Continuation, announced: 2n ** 53n - 1n }));
    expect(seen.events).toEqual(failure("message_too_big", 1009));
  });
});

describe.each(roles)("a %s reads opcodes and reserved bits (RFC 6455 §5.2)", (role) => {
  test.each([0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf])(
    "reserved opcode %i fails the connection with 1002 (RFC 6455 §5.2)",
    (opcode) => {
      expect(receive(role, { opcode })).toEqual(failure("reserved_opcode"));
      expect(receive(role, { opcode, fin: false, payload: bytes(3) })).toEqual(
        failure("reserved_opcode"),
      );
    },
  );

  test.each([0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70])(
    "reserved bits 0x%i fail every kind of frame with 1002 (RFC 6455 §5.2)",
    (reservedBits) => {
      for (const opcode of [Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong, Opcode.Close]) {
        expect(receive(role, { opcode, reservedBits })).toEqual(failure("reserved_bits"));
      }
      const { connection, seen } = openConnection(role);
      connection.receive(frameTo(role, { opcode: Opcode.Text, fin: false }));
      connection.receive(frameTo(role, { opcode: Opcode.Continuation, reservedBits }));
      expect(seen.events).toEqual(failure("reserved_bits"));
    },
  );
});

describe("masking is required of clients only (RFC 6455 §5.1)", () => {
  test.each([Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong, Opcode.Close])(
    "a server fails an unmasked frame with 1002, opcode %i (RFC 6455 §5.1)",
    (opcode) => {
      const { connection, seen, sentFrames } = openServerConnection();
      connection.receive(plainFrame({ opcode }));
      expect(seen.events).toEqual(failure("missing_mask"));
      expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close }]);
    },
  );

  test.each([Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong, Opcode.Close])(
    "a client fails a masked frame with 1002, opcode %i (RFC 6455 §5.1)",
    (opcode) => {
      const { connection, seen, sentFrames } = openClientConnection();
      connection.receive(maskedFrame({ opcode }));
      expect(seen.events).toEqual(failure("unexpected_mask"));
      expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close }]);
    },
  );

  test("a masking key of zeros is valid (RFC 6455 §5.3)", () => {
    const { connection, seen } = openServerConnection();
    connection.receive(maskedFrame({ opcode: Opcode.Text, payload: utf8("é") }, new Uint8Array(4)));
    expect(seen.events).toEqual([{ kind: "text", text: "é", ascii: false }]);
  });
});

describe.each(roles)("a failed %s (RFC 6455 §7.1.7)", (role) => {
  test("sends one Close frame with the error's code (RFC 6455 §7.1.7)", () => {
    const { connection, seen, sentFrames } = openConnection(role);
    connection.receive(frameTo(role, { opcode: 0x3 }));
    const payload = Uint8Array.of(1002 >> 8, 1002 & 255);
    expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close, fin: true, payload }]);
    expect(seen.failed).toMatchObject({ name: "ProtocolError", closeCode: 1002 });
    expect(seen.failed!.message).not.toContain("\n");
    expect(connection.state).toBe("failed");
  });

  test("reads nothing more, in the same chunk or later (RFC 6455 §7.1.7)", () => {
    const { connection, seen } = openConnection(role);
    const good = frameTo(role, { opcode: Opcode.Text, payload: utf8("x") });
    connection.receive(joinBytes([good, frameTo(role, { opcode: 0x3 }), good]));
    connection.receive(good.slice());
    expect(seen.kinds).toEqual(["text", "failed", "finished"]);
  });

  test("sends nothing more (RFC 6455 §5.5.1)", () => {
    const { connection, sent } = openConnection(role);
    connection.receive(frameTo(role, { opcode: 0x3 }));
    sent();
    expect(() => connection.sendText("x")).toThrow(expect.objectContaining({ code: "not_open" }));
    connection.close(1000);
    expect(connection.outgoing.size).toBe(0);
  });

  test("fails in the same way if the data arrives byte by byte (RFC 6455 §5.2)", () => {
    for (const options of [
      { opcode: 0xb },
      { opcode: Opcode.Text, reservedBits: 0x40 },
      { opcode: Opcode.Ping, payload: bytes(126) },
      { opcode: Opcode.Binary, announced: 2n ** 63n },
    ]) {
      const { connection, seen } = openConnection(role);
      for (const chunk of singleBytes(frameTo(role, options))) connection.receive(chunk);
      expect(seen.events).toEqual(receive(role, options));
      expect(seen.kinds).toEqual(["failed", "finished"]);
    }
  });

  test("an empty chunk has no effect, at any position (RFC 6455 §5.2)", () => {
    const { connection, seen } = openConnection(role);
    const frame = frameTo(role, { opcode: Opcode.Text, payload: utf8("hello") });
    for (const chunk of singleBytes(frame)) {
      connection.receive(new Uint8Array(0));
      connection.receive(chunk);
      connection.receive(new Uint8Array(0));
    }
    expect(seen.events).toEqual([{ kind: "text", text: "hello", ascii: true }]);
  });
});
