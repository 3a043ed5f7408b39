import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryBudget } from "../../src/protocol/index.ts";
import type { Connection, ConnectionLimits, Role } from "../../src/protocol/index.ts";
import { cuttings } from "../rigs/protocol/cut-chunks.ts";
import { legalStreams } from "./legal-stream.ts";
import { frameTo, joinBytes } from "../rigs/protocol/masked-frame.ts";
import { openConnection, other, roles } from "../rigs/protocol/open-connection.ts";
import type { CollectingHandler, Seen } from "../rigs/protocol/open-connection.ts";
import { readFrames } from "../rigs/protocol/read-frames.ts";

const limits: ConnectionLimits = { maxMessageBytes: 100_000, maxMessageFragments: 50 };

interface Outcome {
  events: Seen[];
  /** The replies, without the masking keys, which always differ. */
  answers: { opcode: number; payload: string }[];
  state: string;
}

function outcome(role: Role, chunks: Uint8Array[], pausing = false): Outcome {
  const budget = new MemoryBudget(1 << 20);
  const { connection, seen, sent } = openConnection(role, { limits, account: budget });
  if (pausing) seen.react = () => connection.pause();
  for (const chunk of chunks) connection.receive(chunk);
  if (pausing) resumeUntilNothingComes(connection, seen);
  const answers = readFrames(sent()).map(({ opcode, payload }) => ({
    opcode,
    payload: Buffer.from(payload).toString("hex"),
  }));
  const { state } = connection;
  connection.transportEnded();
  expect(budget.usedBytes).toBe(0);
  return { events: seen.events, answers, state };
}

function resumeUntilNothingComes(connection: Connection, seen: CollectingHandler): void {
  for (let before = -1; before < seen.events.length;) {
    before = seen.events.length;
    connection.resume();
  }
}

describe.each(roles)(
  "any chunking at a %s has the same result as one chunk (RFC 6455 §5)",
  (role) => {
    test("of a legal stream: exactly the messages that were sent (RFC 6455 §5.4)", () => {
      fc.assert(
        fc.property(legalStreams, cuttings, (stream, cut) => {
          const wire = stream.bytesTo(role);
          const whole = outcome(role, [wire.slice()]);
          expect(whole.events).toEqual(stream.events);
          // One byte per chunk is too slow for the largest.
          fc.pre(wire.length < 80_000);
          expect(outcome(role, cut(wire))).toEqual(whole);
        }),
        { numRuns: 250 },
      );
    });

    test("of a legal stream, pausing at each event (RFC 6455 §6.2)", () => {
      fc.assert(
        fc.property(legalStreams, cuttings, (stream, cut) => {
          const wire = stream.bytesTo(role);
          fc.pre(wire.length < 5000);
          expect(outcome(role, cut(wire), true).events).toEqual(stream.events);
        }),
        { numRuns: 150 },
      );
    });

    test("of random bytes: the same events and the same failure, without a throw (§7.1.7)", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), cuttings, (wire, cut) => {
          expect(outcome(role, cut(wire))).toEqual(outcome(role, [wire.slice()]));
        }),
        { numRuns: 400 },
      );
    });

    test("of random frames, legal or not (RFC 6455 §5.2, §5.4)", () => {
      const frame = fc.record({
        opcode: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(0, 0, 0, 1, 2, 8, 9, 10) },
          { weight: 1, arbitrary: fc.nat(15) },
        ),
        fin: fc.boolean(),
        reservedBits: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10),
        payload: fc.oneof(
          fc.uint8Array({ maxLength: 8 }),
          fc.string({ maxLength: 130 }).map((text) => new TextEncoder().encode(text)),
        ),
      });
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 12 }), cuttings, (frames, cut) => {
          const wire = joinBytes(frames.map((options) => frameTo(role, options)));
          expect(outcome(role, cut(wire))).toEqual(outcome(role, [wire.slice()]));
        }),
        { numRuns: 400 },
      );
    });

    test("of a legal stream with bits flipped (RFC 6455 §7.1.7)", () => {
      const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(7)), {
        minLength: 1,
        maxLength: 5,
      });
      fc.assert(
        fc.property(legalStreams, flips, cuttings, (stream, flipped, cut) => {
          const wire = stream.bytesTo(role);
          fc.pre(wire.length < 20_000);
          for (const [place, bit] of flipped) {
            const at = Math.floor(place * wire.length);
            if (at < wire.length) wire[at]! ^= 1 << bit;
          }
          expect(outcome(role, cut(wire))).toEqual(outcome(role, [wire.slice()]));
        }),
        { numRuns: 400 },
      );
    });

    test("a failure is final: one failed, one finished, one Close frame at the end (§7.1.7)", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (wire) => {
          const { events, answers, state } = outcome(role, [wire]);
          const failures = events.filter(({ kind }) => kind === "failed");
          expect(failures.length).toBe(state === "failed" ? 1 : 0);
          const finished = events.findIndex(({ kind }) => kind === "finished");
          if (finished >= 0) expect(finished).toBe(events.length - 1);
          const closes = answers.findIndex(({ opcode }) => opcode === 8);
          if (state === "open") expect(closes).toBe(-1);
          else expect(closes).toBe(answers.length - 1);
        }),
        { numRuns: 400 },
      );
    });
  },
);

describe.each(roles)("the other role reads the output of a %s (RFC 6455 §6)", (role) => {
  const sending = fc.oneof(
    fc.record({ kind: fc.constant("text" as const), text: fc.string({ unit: "binary" }) }),
    fc.record({
      kind: fc.constantFrom("binary" as const, "ping" as const, "pong" as const),
      bytes: fc.uint8Array({ maxLength: 125 }),
    }),
    fc.record({
      kind: fc.constant("fragments" as const),
      parts: fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 }),
    }),
  );

  test("in order and unchanged, cut anywhere (RFC 6455 §6.2)", () => {
    fc.assert(
      fc.property(fc.array(sending, { maxLength: 10 }), cuttings, (steps, cut) => {
        const { connection, sent } = openConnection(role);
        const expected: Seen[] = steps.map((step) => {
          if (step.kind === "text") {
            connection.sendText(step.text);
            const ascii = /^\p{ASCII}*$/u.test(step.text);
            return { kind: "text", text: step.text, ascii };
          }
          if (step.kind === "fragments") {
            const last = step.parts.length - 1;
            step.parts.forEach((part, at) => connection.sendFragment("binary", part, at === last));
            return { kind: "binary", hex: Buffer.concat(step.parts).toString("hex") };
          }
          if (step.kind === "binary") connection.sendBinary(step.bytes);
          else if (step.kind === "ping") connection.sendPing(step.bytes);
          else connection.sendPong(step.bytes);
          return { kind: step.kind, hex: Buffer.from(step.bytes).toString("hex") };
        });
        expect(outcome(other(role), cut(sent())).events).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
