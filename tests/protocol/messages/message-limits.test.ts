import { describe, expect, test } from "vitest";
import { MemoryBudget, Opcode } from "../../../src/protocol/index.ts";
import { CountingBytes } from "../../rigs/protocol/counting-bytes.ts";
import { singleBytes } from "../../rigs/protocol/cut-chunks.ts";
import { bytes, joinBytes, maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { hex, openServerConnection } from "../../rigs/protocol/open-connection.ts";
import type { OpenConnection } from "../../rigs/protocol/open-connection.ts";

const MIB = 1024 * 1024;

describe("the byte limit (RFC 6455 §7.4.1, §10.4)", () => {
  const limits = { maxMessageBytes: 1000, maxMessageFragments: 100 };

  test("a message of exactly the limit is accepted, whole or in fragments (RFC 6455 §10.4)", () => {
    const { connection, seen } = openServerConnection({ limits });
    connection.receive(maskedFrame({ opcode: Opcode.Binary, payload: bytes(1000) }));
    connection.receive(maskedFrame({ opcode: Opcode.Binary, fin: false, payload: bytes(600) }));
    connection.receive(maskedFrame({ opcode: Opcode.Continuation, payload: bytes(400) }));
    expect(seen.kinds).toEqual(["binary", "binary"]);
  });

  test("one more byte fails with 1009, the size and the limit (RFC 6455 §7.4.1)", () => {
    const { connection, seen, sentFrames } = openServerConnection({ limits });
    connection.receive(maskedFrame({ opcode: Opcode.Text, payload: bytes(1001) }));
    expect(seen.failed).toMatchObject({
      name: "LimitError",
      code: "message_too_big",
      closeCode: 1009,
      size: 1001,
      limit: 1000,
    });
    expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close, payload: Uint8Array.of(3, 241) }]);
  });

  test("it applies to all fragments together (RFC 6455 §5.4, §10.4)", () => {
    const { connection, seen } = openServerConnection({ limits });
    connection.receive(maskedFrame({ opcode: Opcode.Binary, fin: false, payload: bytes(600) }));
    expect(seen.events).toEqual([]);
    connection.receive(maskedFrame({ opcode: Opcode.Continuation, announced: 401n }));
    expect(seen.failed).toMatchObject({ closeCode: 1009, size: 1001 });
  });

  test("a frame that is too long is rejected on its header, without an allocation (RFC 6455 §10.4)", () => {
    const counting = new CountingBytes();
    const budget = new MemoryBudget(MIB);
    const { connection, seen } = openServerConnection({ limits, bytes: counting, account: budget });
    const header = maskedFrame({ opcode: Opcode.Binary, announced: 1001n });
    for (const byte of singleBytes(header)) connection.receive(byte);
    expect(seen.failed).toMatchObject({ closeCode: 1009 });
    expect(counting.allocations).toBe(0);
    expect(budget.usedBytes).toBe(0);
  });

  test("control frames do not count (RFC 6455 §5.5)", () => {
    const { connection, seen } = openServerConnection({
      limits: { maxMessageBytes: 1, maxMessageFragments: 2 },
    });
    const pong = maskedFrame({ opcode: Opcode.Pong, payload: bytes(125) });
    const first = maskedFrame({ opcode: Opcode.Text, fin: false, payload: utf8("x") });
    const last = maskedFrame({ opcode: Opcode.Continuation });
    connection.receive(joinBytes([pong, first, pong, pong, pong, last]));
    expect(seen.kinds).toEqual(["pong", "pong", "pong", "pong", "text"]);
  });

  test("it applies to each message separately (RFC 6455 §10.4)", () => {
    const { connection, seen } = openServerConnection({ limits });
    for (let sent = 0; sent < 20; sent += 1) {
      connection.receive(maskedFrame({ opcode: Opcode.Binary, fin: false, payload: bytes(900) }));
      connection.receive(maskedFrame({ opcode: Opcode.Continuation, payload: bytes(100) }));
    }
    expect(seen.kinds).toEqual(Array(20).fill("binary"));
  });
});

describe("the fragment limit (RFC 6455 §5.4, §10.4)", () => {
  const limits = { maxMessageBytes: 1000, maxMessageFragments: 3 };
  const first = maskedFrame({ opcode: Opcode.Text, fin: false });
  const more = maskedFrame({ opcode: Opcode.Continuation, fin: false });
  const last = maskedFrame({ opcode: Opcode.Continuation });

  test("a message of exactly the limit is accepted, counted per message", () => {
    const { connection, seen } = openServerConnection({ limits });
    for (let sent = 0; sent < 10; sent += 1) connection.receive(joinBytes([first, more, last]));
    expect(seen.texts).toEqual(Array(10).fill(""));
  });

  test("one more fragment fails with 1009, even if it is the last one (RFC 6455 §7.4.1)", () => {
    for (const fourth of [more, last]) {
      const { connection, seen } = openServerConnection({ limits });
      connection.receive(joinBytes([first, more, more, fourth]));
      expect(seen.failed).toMatchObject({
        name: "LimitError",
        code: "too_many_fragments",
        closeCode: 1009,
        size: 4,
        limit: 3,
      });
    }
  });

  test("whole messages between fragmented ones do not use it up (a counter that is never reset, ws#2333)", () => {
    const { connection, seen } = openServerConnection({ limits });
    const whole = maskedFrame({ opcode: Opcode.Text, payload: utf8("x") });
    for (let sent = 0; sent < 100; sent += 1) connection.receive(whole.slice());
    connection.receive(joinBytes([first, last]));
    expect(seen.kinds).toEqual(Array(101).fill("text"));
  });
});

describe("tiny and empty fragments (CVE-2026-48779)", () => {
  const FRAGMENTS = 131_000;

  /** Sends a message's fragments without FIN, a thousand per chunk. */
  function drip(opened: OpenConnection, count: number, payload: Uint8Array): void {
    const first = maskedFrame({ opcode: Opcode.Binary, fin: false, payload });
    const more = maskedFrame({ opcode: Opcode.Continuation, fin: false, payload });
    opened.connection.receive(first);
    for (let left = count - 1; left > 0; left -= 1000) {
      opened.connection.receive(joinBytes(Array<Uint8Array>(Math.min(left, 1000)).fill(more)));
    }
  }

  test("131,000 of one byte hold at most twice their bytes, copied a constant number of times", () => {
    const counting = new CountingBytes();
    const budget = new MemoryBudget(64 * MIB);
    const opened = openServerConnection({ bytes: counting, account: budget });
    drip(opened, FRAGMENTS, Uint8Array.of(7));
    expect(opened.seen.events).toEqual([]);
    expect(budget.usedBytes).toBeGreaterThanOrEqual(FRAGMENTS);
    expect(budget.usedBytes).toBeLessThanOrEqual(2 * FRAGMENTS);
    expect(counting.allocatedBytes).toBeLessThanOrEqual(4 * FRAGMENTS);
    expect(counting.allocations).toBeLessThan(20);
  });

  test("131,000 empty ones hold nothing", () => {
    const counting = new CountingBytes();
    const budget = new MemoryBudget(64 * MIB);
    const opened = openServerConnection({ bytes: counting, account: budget });
    drip(opened, FRAGMENTS, new Uint8Array(0));
    expect(opened.seen.events).toEqual([]);
    expect(budget.usedBytes).toBe(0);
    expect(counting.allocations).toBe(0);
  });

  test("131,072 are accepted, the 131,073rd is rejected with 1009, and all memory is released", () => {
    for (const payload of [new Uint8Array(0), Uint8Array.of(1)]) {
      const budget = new MemoryBudget(64 * MIB);
      const opened = openServerConnection({ account: budget });
      drip(opened, 131_072, payload);
      expect(opened.seen.events).toEqual([]);
      opened.connection.receive(maskedFrame({ opcode: Opcode.Continuation, payload }));
      expect(opened.seen.failed).toMatchObject({ closeCode: 1009, size: 131_073, limit: 131_072 });
      expect(budget.usedBytes).toBe(0);
    }
  });

  test("a message in 20,000 chunks of one byte is copied a constant number of times", () => {
    const counting = new CountingBytes();
    const { connection, seen } = openServerConnection({ bytes: counting });
    const frame = maskedFrame({ opcode: Opcode.Binary, payload: bytes(20_000) });
    for (const byte of singleBytes(frame)) connection.receive(byte);
    expect(seen.events).toEqual([{ kind: "binary", hex: hex(bytes(20_000)) }]);
    expect(counting.allocatedBytes).toBeLessThanOrEqual(4 * 20_000);
  });
});
