import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Connection, MemoryBudget, Opcode } from "../../src/protocol/index.ts";
import type { ConnectionLimits, Role } from "../../src/protocol/index.ts";
import { Random } from "../rigs/random.ts";
import { DeflatingConnection, fresh } from "../rigs/protocol/deflating-connection.ts";
import { cuttings } from "../rigs/protocol/cut-chunks.ts";
import { legalStreams } from "./legal-stream.ts";
import { bytes, frameTo, joinBytes, maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import {
  CollectingHandler,
  hex,
  openConnection,
  roles,
  type Seen,
} from "../rigs/protocol/open-connection.ts";

const limits: ConnectionLimits = { maxMessageBytes: 100_000, maxMessageFragments: 50 };
/** The content of a lent buffer after it was returned. */
const OVERWRITTEN = 0x99;

/** Keeps everything that may be kept, and checks at the end that it is unchanged. */
class KeepingHandler extends CollectingHandler {
  readonly #kept: { source: Uint8Array; before: string }[] = [];

  override onBinary(source: Uint8Array, start: number, end: number, lent: boolean): void {
    const message = source.subarray(start, end);
    if (!lent) this.#kept.push({ source: message, before: hex(message) });
    super.onBinary(source, start, end, lent);
  }

  override onPing(payload: Uint8Array): void {
    this.#kept.push({ source: payload, before: hex(payload) });
    super.onPing(payload);
  }

  get changed(): string[] {
    return this.#kept
      .filter(({ source, before }) => hex(source) !== before)
      .map(({ before }) => before);
  }
}

/** One buffer for everything, as in a transport; longer data arrives in parts. */
class LentBuffer {
  readonly #buffer = new Uint8Array(80_000);

  give(connection: Connection, chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += this.#buffer.length) {
      const part = chunk.subarray(at, at + this.#buffer.length);
      this.#buffer.set(part);
      connection.receive(this.#buffer, part.length, true);
      this.#buffer.fill(OVERWRITTEN, 0, part.length);
    }
  }
}

interface Reading {
  lent: boolean;
  /** The chunks before which to pause or resume. */
  pauses?: readonly ("pause" | "resume" | "none")[];
  /** Whether to pause at each event. */
  atEvents?: boolean;
}

function eventsOf(role: Role, chunks: Uint8Array[], { lent, pauses, atEvents }: Reading): Seen[] {
  const budget = new MemoryBudget(1 << 20);
  const seen = new KeepingHandler();
  const connection = new Connection(role, seen, { limits, account: budget });
  if (atEvents === true) seen.react = () => connection.pause();
  const buffer = new LentBuffer();
  for (const [index, chunk] of chunks.entries()) {
    const step = pauses?.[index % pauses.length] ?? "none";
    if (step !== "none") connection[step]();
    if (lent) buffer.give(connection, chunk);
    else connection.receive(chunk.slice());
  }
  for (let before = -1; before < seen.events.length;) {
    before = seen.events.length;
    connection.resume();
  }
  connection.transportEnded();
  expect(seen.changed).toEqual([]);
  expect(budget.usedBytes).toBe(0);
  return seen.events;
}

const pauses = fc.array(fc.constantFrom("pause" as const, "resume" as const, "none" as const), {
  minLength: 1,
  maxLength: 8,
});

describe.each(roles)("a %s that is lent one buffer repeatedly", (role) => {
  test("has the same events as with whole copies, however the stream is cut", () => {
    fc.assert(
      fc.property(legalStreams, cuttings, (stream, cut) => {
        const wire = stream.bytesTo(role);
        fc.pre(wire.length < 80_000);
        expect(eventsOf(role, cut(wire), { lent: true })).toEqual(stream.events);
      }),
      { numRuns: 100 },
    );
  });

  test("has them even if it pauses and resumes at any chunk, because waiting data is copied", () => {
    fc.assert(
      fc.property(legalStreams, cuttings, pauses, fc.boolean(), (stream, cut, steps, atEvents) => {
        const wire = stream.bytesTo(role);
        fc.pre(wire.length < 80_000);
        const reading = { lent: true, pauses: steps, atEvents };
        expect(eventsOf(role, cut(wire), reading)).toEqual(stream.events);
      }),
      { numRuns: 100 },
    );
  });

  test("has the same failure for any bytes (RFC 6455 §7.1.7)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), cuttings, pauses, (wire, cut, steps) => {
        const expected = eventsOf(role, [wire], { lent: false });
        expect(eventsOf(role, cut(wire), { lent: true, pauses: steps })).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("does not read beyond the length", () => {
    const { connection, seen } = openConnection(role);
    const ping = frameTo(role, { opcode: Opcode.Ping, payload: utf8("p") });
    connection.receive(joinBytes([ping, ping, ping]), ping.length + 1, true);
    expect(seen.kinds).toEqual(["ping"]);
    connection.receive(ping.slice(1), ping.length - 1, true);
    expect(seen.kinds).toEqual(["ping", "ping"]);
  });

  test("does not keep bytes beyond the length while it is paused", () => {
    const { connection, seen } = openConnection(role);
    const ping = frameTo(role, { opcode: Opcode.Ping });
    connection.pause();
    connection.receive(joinBytes([ping, ping]), ping.length, true);
    connection.resume();
    expect(seen.kinds).toEqual(["ping"]);
  });

  test("copies a chunk that arrives inside a delivery", () => {
    const { connection, seen } = openConnection(role);
    const buffer = new LentBuffer();
    const text = (content: string): Uint8Array =>
      frameTo(role, { opcode: Opcode.Text, payload: utf8(content) });
    seen.react = (event) => {
      if (event.kind === "text" && event.text === "0") buffer.give(connection, text("2"));
    };
    connection.receive(joinBytes([text("0"), text("1")]));
    expect(seen.texts).toEqual(["0", "1", "2"]);
  });
});

test("a chunk whose ownership is transferred is not copied while it waits", () => {
  const { connection, seen } = openConnection("server");
  const chunk = maskedFrame({ opcode: Opcode.Binary, payload: bytes(1000) });
  let source: Uint8Array | undefined;
  seen.onBinary = (given) => void (source = given);
  connection.pause();
  connection.receive(chunk);
  connection.resume();
  expect(source?.buffer).toBe(chunk.buffer);
});

describe("lent chunks of compressed messages (RFC 7692 §7.2.2)", () => {
  /** Messages that inflate synchronously, and some that the thread pool inflates. */
  const message = fc
    .tuple(fc.constantFrom(2_000, 20_000, 300_000), fc.nat(1000), fc.boolean())
    .map(([size, seed, isText]) => {
      const random = new Random(seed);
      const payload = Uint8Array.from({ length: size }, () => random.integer(97, 117));
      return isText ? Buffer.from(payload).toString("latin1") : payload;
    });

  test("have the same result as whole copies", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 500, max: 40_000 }),
        pauses,
        async (messages, size, steps) => {
          const client = new DeflatingConnection("client", { agreed: fresh });
          const server = new DeflatingConnection("server", { agreed: fresh });
          for (const one of messages) {
            if (typeof one === "string") client.connection.sendText(one);
            else client.connection.sendBinary(one);
          }
          const parts: Uint8Array[] = [];
          await client.until(() => {
            parts.push(...client.connection.outgoing.take().map((part) => part.slice()));
            return client.connection.pendingBytes === 0;
          });
          const wire = joinBytes(parts);
          const buffer = new LentBuffer();
          for (let at = 0; at < wire.length; at += size) {
            const step = steps[(at / size) % steps.length]!;
            if (step !== "none") server.connection[step]();
            buffer.give(server.connection, wire.slice(at, at + size));
          }
          server.connection.resume();
          await server.until(() => server.seen.events.length === messages.length);
          expect(server.seen.events).toEqual(
            messages.map((one) =>
              typeof one === "string"
                ? { kind: "text", text: one, ascii: true }
                : { kind: "binary", hex: hex(one) },
            ),
          );
        },
      ),
      { numRuns: 15 },
    );
  });
});
