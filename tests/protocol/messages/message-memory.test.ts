import { describe, expect, test } from "vitest";
import { MemoryBudget, Opcode } from "../../../src/protocol/index.ts";
import { CountingBytes } from "../../rigs/protocol/counting-bytes.ts";
import { bytes, maskedFrame } from "../../rigs/protocol/masked-frame.ts";
import { openServerConnection } from "../../rigs/protocol/open-connection.ts";
import type { OpenConnection } from "../../rigs/protocol/open-connection.ts";

const MIB = 1024 * 1024;

describe("memory reserved for announced bytes (RFC 6455 §10.4)", () => {
  test.each([1, 31, 32, 33, 1000, 65_536])(
    "a header of 16 MiB and %i bytes reserve at most 17 times the bytes, or 512",
    (sentBytes) => {
      const counting = new CountingBytes();
      const budget = new MemoryBudget(64 * MIB);
      const { connection, seen } = openServerConnection({ bytes: counting, account: budget });
      const announced = BigInt(16 * MIB);
      const payload = bytes(sentBytes);
      connection.receive(maskedFrame({ opcode: Opcode.Binary, announced, payload }));
      expect(seen.events).toEqual([]);
      expect(budget.usedBytes).toBeLessThanOrEqual(Math.max(512, 17 * sentBytes));
      expect(budget.usedBytes).toBeGreaterThanOrEqual(sentBytes);
      expect(counting.largestBytes).toBeLessThanOrEqual(Math.max(512, 17 * sentBytes));
    },
  );

  test("1 MiB is reserved as a whole with its first 64 KiB, and never grows", () => {
    const counting = new CountingBytes();
    const { connection, seen } = openServerConnection({ bytes: counting });
    const frame = maskedFrame({ opcode: Opcode.Binary, payload: bytes(MIB) });
    for (let at = 0; at < frame.length; at += 65_536)
      connection.receive(frame.slice(at, at + 65_536));
    expect(seen.kinds).toEqual(["binary"]);
    expect(counting.allocations).toBe(1);
    expect(counting.largestBytes).toBe(MIB);
  });

  test("a header alone reserves nothing", () => {
    const counting = new CountingBytes();
    const budget = new MemoryBudget(64 * MIB);
    const { connection } = openServerConnection({ bytes: counting, account: budget });
    connection.receive(maskedFrame({ opcode: Opcode.Binary, announced: BigInt(16 * MIB) }));
    expect(budget.usedBytes).toBe(0);
    expect(counting.allocations).toBe(0);
  });

  test("never more than the announced size is reserved, with any chunking", () => {
    const budget = new MemoryBudget(64 * MIB);
    const { connection, seen } = openServerConnection({ account: budget });
    const frame = maskedFrame({ opcode: Opcode.Binary, payload: bytes(100_000) });
    for (let at = 0; at < frame.length - 1000; at += 1000) {
      connection.receive(frame.slice(at, at + 1000));
      expect(budget.usedBytes).toBeLessThanOrEqual(100_000);
    }
    connection.receive(frame.slice(100_000));
    expect(seen.kinds).toEqual(["binary"]);
    expect(budget.usedBytes).toBe(0);
  });
});

describe("the budget that connections share (RFC 6455 §10.4)", () => {
  const part = (size: number): Uint8Array =>
    maskedFrame({ opcode: Opcode.Binary, fin: false, payload: bytes(size) });

  test("a connection that exceeds it fails with 1013, and the others continue (RFC 6455 §7.4.1)", () => {
    const budget = new MemoryBudget(10_000);
    const opened = Array.from({ length: 10 }, () => openServerConnection({ account: budget }));
    for (const { connection } of opened) connection.receive(part(1000));
    expect(budget.usedBytes).toBe(10_000);
    const late = openServerConnection({ account: budget });
    late.connection.receive(part(1));
    expect(late.seen.failed).toMatchObject({ name: "LimitError", closeCode: 1013 });
    expect(late.sentFrames()).toMatchObject([{ payload: Uint8Array.of(1013 >> 8, 1013 & 255) }]);
    expect(budget.usedBytes).toBe(10_000);
    for (const { connection, seen } of opened) {
      connection.receive(maskedFrame({ opcode: Opcode.Continuation }));
      expect(seen.kinds).toEqual(["binary"]);
    }
    expect(budget.usedBytes).toBe(0);
  });

  test("the error contains the limit that was reached (RFC 6455 §7.4.1)", () => {
    const budget = new MemoryBudget(10_000);
    const { connection, seen } = openServerConnection({ account: budget });
    connection.receive(part(10_001));
    expect(seen.failed).toMatchObject({ code: "over_share" });
  });

  test("a message in one chunk does not use it", () => {
    const budget = new MemoryBudget(1);
    const { connection, seen } = openServerConnection({ account: budget });
    connection.receive(maskedFrame({ opcode: Opcode.Binary, payload: bytes(1000) }));
    expect(seen.kinds).toEqual(["binary"]);
    expect(budget.usedBytes).toBe(0);
  });

  const endings: [string, (opened: OpenConnection) => void][] = [
    ["delivery", ({ connection }) => connection.receive(maskedFrame({ opcode: 0 }))],
    ["the peer's Close", ({ connection }) => connection.receive(maskedFrame({ opcode: 8 }))],
    ["a violation", ({ connection }) => connection.receive(maskedFrame({ opcode: 3 }))],
    ["a second message", ({ connection }) => connection.receive(maskedFrame({ opcode: 2 }))],
    ["the transport's end", ({ connection }) => connection.transportEnded()],
    [
      "the transport's end inside a delivery",
      ({ connection, seen }) => {
        seen.react = () => connection.transportEnded();
        connection.receive(maskedFrame({ opcode: Opcode.Pong }));
      },
    ],
    [
      "an oversize fragment",
      ({ connection }) =>
        connection.receive(maskedFrame({ opcode: 0, announced: BigInt(16 * MIB) })),
    ],
    [
      "invalid UTF-8",
      ({ connection }) => {
        connection.receive(maskedFrame({ opcode: 0 }));
        connection.receive(maskedFrame({ opcode: 1, fin: false, payload: bytes(9) }));
        connection.receive(maskedFrame({ opcode: 0, payload: Uint8Array.of(0xff) }));
      },
    ],
  ];

  test.each(endings)("is refunded on %s", (_, end) => {
    const budget = new MemoryBudget(100_000);
    const opened = openServerConnection({ account: budget });
    opened.connection.receive(part(3000));
    expect(budget.usedBytes).toBeGreaterThanOrEqual(3000);
    end(opened);
    expect(budget.usedBytes).toBe(0);
    opened.connection.transportEnded();
    expect(budget.usedBytes).toBe(0);
  });

  test("is refunded by each of many connections, including rejected ones", () => {
    const budget = new MemoryBudget(50_000);
    const opened = Array.from({ length: 200 }, () => openServerConnection({ account: budget }));
    for (const { connection } of opened) {
      connection.receive(part(600));
      expect(budget.usedBytes).toBeLessThanOrEqual(50_000);
    }
    expect(opened.filter(({ seen }) => seen.failed !== undefined)).toHaveLength(200 - 83);
    for (const { connection } of opened) connection.transportEnded();
    expect(budget.usedBytes).toBe(0);
  });

  test("charges all or nothing, and exactly its limit", () => {
    const budget = new MemoryBudget(10);
    expect(budget.charge(10)).toBe(true);
    expect(budget.charge(1)).toBe(false);
    budget.refund(4);
    expect(budget.charge(5)).toBe(false);
    expect(budget.usedBytes).toBe(6);
    expect(budget.charge(4)).toBe(true);
  });
});
