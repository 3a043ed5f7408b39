import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Connection, MemoryBudget, Opcode } from "../../src/protocol/index.ts";
import type { ConnectionLimits, Role } from "../../src/protocol/index.ts";
import { DeflatingConnection, fresh } from "../rigs/protocol/deflating-connection.ts";
import { CountingBytes } from "../rigs/protocol/counting-bytes.ts";
import { bytes, frameTo, joinBytes, maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import {
  failure,
  hex,
  openConnection,
  openServerConnection,
  roles,
  type Seen,
} from "../rigs/protocol/open-connection.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** Reserved as a whole with its first 64 KiB, header included. */
const LONG = 1000 * KIB;
const CHUNK = 64 * KIB;

/**
 * Passes bytes to a connection as a transport does: in its room, or else in a buffer that is
 * overwritten after each call.
 */
class Driver {
  readonly #connection: Connection;
  readonly #buffer = new Uint8Array(CHUNK);
  #room: Uint8Array | undefined;
  bytesIntoRoom = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Passes the start of `wire`, at most `most` bytes; returns how many. */
  give(wire: Uint8Array, most: number): number {
    const target = this.#room ?? this.#buffer;
    const size = Math.min(most, wire.length, target.length);
    if (this.#room !== undefined) this.bytesIntoRoom += size;
    Buffer.from(wire.buffer, wire.byteOffset, size).copy(target);
    this.#connection.receive(target, size, true);
    this.#buffer.fill(0x99);
    this.#room = this.#connection.room;
    return size;
  }

  giveAll(wire: Uint8Array, most: number = CHUNK): void {
    for (let at = 0; at < wire.length;) at += this.give(wire.subarray(at), most);
  }
}

/** Returns the number of bytes that `work` copies; every copy uses `set`. */
function copiedBytes(work: () => void): number {
  const copies = vi.spyOn(Uint8Array.prototype, "set");
  try {
    work();
    return copies.mock.calls.reduce((sum, [source]) => sum + source.length, 0);
  } finally {
    copies.mockRestore();
  }
}

function binaryTo(role: Role, size: number, fin = true): Uint8Array {
  return frameTo(role, { opcode: Opcode.Binary, fin, payload: bytes(size) });
}

describe.each(roles)("the rest of a long message that a %s reads into its room", (role) => {
  test("is not copied, and nothing is allocated for it", () => {
    const counting = new CountingBytes();
    const { connection, seen } = openConnection(role, { bytes: counting });
    const driver = new Driver(connection);
    const wire = binaryTo(role, LONG);
    const copied = copiedBytes(() => driver.giveAll(wire));
    expect(seen.events).toEqual([{ kind: "binary", hex: hex(bytes(LONG)) }]);
    // All but the first chunk, and the last one, which is short.
    expect(driver.bytesIntoRoom).toBeGreaterThan(LONG - 2 * CHUNK);
    expect(copied).toBeLessThanOrEqual(LONG - driver.bytesIntoRoom + 14);
    expect(counting.allocations).toBe(1);
  });

  test("gives the same message with any chunks, pauses, fragments and control frames", () => {
    const size = fc.oneof(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 60 * KIB, max: 70 * KIB }),
      fc.integer({ min: 100 * KIB, max: 300 * KIB }),
    );
    const message = fc.record({
      sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
      isText: fc.boolean(),
      isPinged: fc.boolean(),
    });
    const step = fc.record({
      most: fc.oneof(fc.integer({ min: 1, max: CHUNK }), fc.constant(CHUNK)),
      pausing: fc.constantFrom("pause" as const, "resume" as const, "none" as const),
    });
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 3 }),
        fc.array(step, { minLength: 1, maxLength: 10 }),
        (messages, steps) => {
          const wire = joinBytes(messages.flatMap((one) => framesOf(role, one)));
          const budget = new MemoryBudget(4 * MIB);
          const { connection, seen } = openConnection(role, { account: budget });
          const driver = new Driver(connection);
          for (let at = 0, count = 0; at < wire.length; count += 1) {
            // A few bytes at a time would take for ever.
            const { most, pausing } = steps[count % steps.length]!;
            if (pausing !== "none") connection[pausing]();
            at += driver.give(wire.subarray(at), count < 50 ? most : CHUNK);
          }
          connection.resume();
          expect(seen.events).toEqual(messages.flatMap(eventsOf));
          expect(budget.usedBytes).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("may be kept by its receiver, because nothing is read into it afterwards", () => {
    const { connection, seen } = openConnection(role);
    const kept: Uint8Array[] = [];
    const lents: boolean[] = [];
    seen.onBinary = (source, start, end, lent) => {
      kept.push(source.subarray(start, end));
      lents.push(lent);
    };
    new Driver(connection).giveAll(joinBytes([binaryTo(role, LONG), binaryTo(role, LONG)]));
    expect(lents).toEqual([false, false]);
    expect(kept.map(hex)).toEqual([hex(bytes(LONG)), hex(bytes(LONG))]);
  });
});

interface Cut {
  sizes: number[];
  isText: boolean;
  isPinged: boolean;
}

const payloadOf = ({ isText }: Cut, size: number): Uint8Array =>
  isText ? utf8("x".repeat(size)) : bytes(size);

function framesOf(role: Role, message: Cut): Uint8Array[] {
  const { sizes, isText, isPinged } = message;
  return sizes.flatMap((size, index) => {
    const opcode = index > 0 ? Opcode.Continuation : isText ? Opcode.Text : Opcode.Binary;
    const fin = index === sizes.length - 1;
    const fragment = frameTo(role, { opcode, fin, payload: payloadOf(message, size) });
    const ping = frameTo(role, { opcode: Opcode.Ping, payload: utf8("p") });
    return isPinged ? [fragment, ping] : [fragment];
  });
}

function eventsOf(message: Cut): Seen[] {
  const payload = joinBytes(message.sizes.map((size) => payloadOf(message, size)));
  const ping: Seen = { kind: "ping", hex: hex(utf8("p")) };
  const pings = message.isPinged ? message.sizes.map(() => ping) : [];
  const delivered: Seen = message.isText
    ? { kind: "text", text: Buffer.from(payload).toString(), ascii: true }
    : { kind: "binary", hex: hex(payload) };
  // The last ping follows the last fragment.
  return message.isPinged ? [...pings.slice(1), delivered, ping] : [delivered];
}

describe("room", () => {
  const begun = binaryTo("server", LONG);

  /** Returns a connection that has read the first 64 KiB of a long message. */
  function openInMessage(
    options: Parameters<typeof openServerConnection>[0] = {},
  ): ReturnType<typeof openServerConnection> {
    const opened = openServerConnection(options);
    opened.connection.receive(begun.slice(0, CHUNK));
    return opened;
  }

  test("exists for the rest of a long message, and for no byte beyond it", () => {
    const { connection } = openInMessage();
    expect(connection.room).toHaveLength(begun.length - CHUNK);
  });

  test("is never longer than the rest of the frame, even if more of the message was reserved", () => {
    const { connection } = openServerConnection();
    connection.receive(binaryTo("server", 300 * KIB, false));
    // Its buffer doubles, to hold 600 KiB.
    connection.receive(frameTo("server", { opcode: 0, fin: false, payload: bytes(1) }));
    const next = frameTo("server", { opcode: 0, payload: bytes(100 * KIB) });
    connection.receive(next.slice(0, 10 * KIB));
    expect(connection.room).toHaveLength(next.length - 10 * KIB);
  });

  test("does not exist before and between messages", () => {
    const { connection } = openServerConnection();
    expect(connection.room).toBeUndefined();
    connection.receive(begun.slice());
    expect(connection.room).toBeUndefined();
  });

  test("does not exist below 64 KiB, where it is not worth it", () => {
    const { connection } = openInMessage();
    connection.receive(begun.slice(CHUNK, begun.length - CHUNK));
    expect(connection.room).toHaveLength(CHUNK);
    connection.receive(begun.slice(begun.length - CHUNK, begun.length - CHUNK + 1));
    expect(connection.room).toBeUndefined();
  });

  test("does not exist where less than that is reserved, however much was announced", () => {
    const { connection } = openServerConnection();
    connection.receive(begun.slice(0, 4000));
    expect(connection.room).toBeUndefined();
  });

  test("does not exist in a control frame, even between the fragments of a long message", () => {
    const { connection } = openServerConnection();
    connection.receive(binaryTo("server", LONG, false));
    const ping = maskedFrame({ opcode: Opcode.Ping, payload: bytes(125) });
    for (const part of [ping.slice(0, 1), ping.slice(1, 20), ping.slice(20)]) {
      connection.receive(part);
      expect(connection.room).toBeUndefined();
    }
  });

  test("does not exist while paused, and exists again afterwards", () => {
    const { connection } = openInMessage();
    connection.pause();
    expect(connection.room).toBeUndefined();
    connection.resume();
    expect(connection.room).toHaveLength(begun.length - CHUNK);
  });

  test("accepts bytes that were read at another position of it, and copies them to their place", () => {
    const { connection, seen } = openInMessage();
    const elsewhere = connection.room!.subarray(1000, 1000 + CHUNK);
    elsewhere.set(begun.subarray(CHUNK, 2 * CHUNK));
    connection.receive(elsewhere, CHUNK, true);
    connection.receive(begun.slice(2 * CHUNK));
    expect(seen.events).toEqual([{ kind: "binary", hex: hex(bytes(LONG)) }]);
  });

  test("does not exist after the connection has failed, or its transport has ended", () => {
    const failed = openServerConnection();
    failed.connection.receive(begun.slice(0, CHUNK));
    failed.connection.receive(begun.slice(CHUNK));
    failed.connection.receive(maskedFrame({ opcode: 0x3 }));
    expect(failed.connection.room).toBeUndefined();
    const ended = openInMessage();
    ended.connection.transportEnded();
    expect(ended.connection.room).toBeUndefined();
  });

  test("still exists while the Close frame of this end is unanswered (RFC 6455 §5.5.1)", () => {
    const { connection } = openInMessage();
    connection.close(1000);
    expect(connection.room).toHaveLength(begun.length - CHUNK);
  });
});

describe("the limits for data that is read into room", () => {
  const limits: ConnectionLimits = { maxMessageBytes: MIB, maxMessageFragments: 50 };

  test("reject a fragment that would exceed them on its header", () => {
    const { connection, seen } = openServerConnection({ limits });
    const driver = new Driver(connection);
    driver.giveAll(binaryTo("server", LONG, false));
    expect(driver.bytesIntoRoom).toBeGreaterThan(0);
    driver.giveAll(maskedFrame({ opcode: Opcode.Continuation, payload: bytes(MIB - LONG + 1) }));
    expect(seen.events).toEqual(failure("message_too_big", 1009));
  });

  test("accept a message of exactly the limit", () => {
    const { connection, seen } = openServerConnection({ limits });
    const driver = new Driver(connection);
    const half = MIB / 2;
    driver.giveAll(binaryTo("server", half, false));
    driver.giveAll(maskedFrame({ opcode: Opcode.Continuation, payload: bytes(half) }));
    expect(seen.kinds).toEqual(["binary"]);
  });

  test("include the memory budget, which is charged and refunded", () => {
    const budget = new MemoryBudget(LONG + CHUNK);
    const { connection, seen } = openServerConnection({ limits, account: budget });
    const driver = new Driver(connection);
    const wire = binaryTo("server", LONG);
    driver.give(wire, CHUNK);
    expect(budget.usedBytes).toBe(LONG);
    const other = openServerConnection({ limits, account: budget });
    new Driver(other.connection).giveAll(wire.subarray(0, CHUNK));
    expect(other.seen.events).toMatchObject([{ kind: "failed", closeCode: 1013 }, {}]);
    driver.giveAll(wire.subarray(CHUNK));
    expect(seen.kinds).toEqual(["binary"]);
    expect(budget.usedBytes).toBe(0);
  });

  test("text in it is checked as it arrives (RFC 6455 §8.1)", () => {
    const { connection, seen } = openServerConnection({ limits });
    const driver = new Driver(connection);
    const payload = utf8("é".repeat(MIB / 2));
    payload[MIB - 3 * CHUNK] = 0xff;
    const wire = maskedFrame({ opcode: Opcode.Text, payload });
    driver.giveAll(wire.subarray(0, MIB - 2 * CHUNK));
    expect(driver.bytesIntoRoom).toBeGreaterThan(0);
    expect(seen.events).toEqual(failure("invalid_utf8", 1007));
  });
});

test("a long compressed message is read into room, too, and inflates correctly", async () => {
  const client = new DeflatingConnection("client", { agreed: fresh });
  const server = new DeflatingConnection("server", { agreed: fresh });
  // Bytes that compress only slightly.
  const payload = new Uint8Array(randomBytes(MIB)).map((octet) => octet % 200);
  client.connection.sendBinary(payload);
  client.connection.sendText("behind");
  const parts: Uint8Array[] = [];
  await client.until(() => {
    parts.push(...client.connection.outgoing.take().map((part) => part.slice()));
    return client.connection.pendingBytes === 0;
  });
  const wire = joinBytes(parts);
  const driver = new Driver(server.connection);
  driver.giveAll(wire);
  expect(driver.bytesIntoRoom).toBeGreaterThan(wire.length / 2);
  await server.until(() => server.seen.events.length === 2);
  expect(server.seen.events).toEqual([
    { kind: "binary", hex: hex(payload) },
    { kind: "text", text: "behind", ascii: true },
  ]);
});
