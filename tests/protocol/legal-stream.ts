import * as fc from "fast-check";
import { Opcode } from "../../src/protocol/index.ts";
import type { Role } from "../../src/protocol/index.ts";
import { closePayload, frameTo, joinBytes, utf8 } from "../rigs/protocol/masked-frame.ts";
import { hex, type Seen } from "../rigs/protocol/open-connection.ts";

interface Control {
  kind: "ping" | "pong";
  payload: Uint8Array;
}

interface Message {
  kind: "text" | "binary";
  payload: Uint8Array;
  /**
   * The positions of the cuts into fragments, as fractions of the length; equal ones give empty
   * fragments.
   */
  cuts: number[];
  /** Control frames after each fragment but the last. */
  between: Control[];
}

type Step = Control | Message;

/** A legal stream, with the events that its receiver must see. */
export interface LegalStream {
  bytesTo(receiver: Role): Uint8Array;
  events: Seen[];
}

const control: fc.Arbitrary<Control> = fc.record({
  kind: fc.constantFrom("ping" as const, "pong" as const),
  payload: fc.uint8Array({ maxLength: 125 }),
});

const payloadSize = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 3, arbitrary: fc.integer({ min: 90, max: 300 }) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 70_001) },
);

const textPayload = fc
  .tuple(fc.string({ unit: "binary", maxLength: 60 }), fc.integer({ min: 1, max: 4 }))
  .map(([text, times]) => utf8(text.repeat(times)));

const binaryPayload = fc
  .tuple(payloadSize, fc.nat(255))
  .map(([size, seed]) =>
    Uint8Array.from({ length: size }, (_, index) => (index * 31 + seed) & 255),
  );

const message: fc.Arbitrary<Message> = fc
  .oneof(
    fc.record({ kind: fc.constant("text" as const), payload: textPayload }),
    fc.record({ kind: fc.constant("binary" as const), payload: binaryPayload }),
  )
  .chain(({ kind, payload }) =>
    fc.record({
      kind: fc.constant(kind),
      payload: fc.constant(payload),
      cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
      between: fc.array(control, { maxLength: 3 }),
    }),
  );

const ending = fc.option(
  fc.record({
    code: fc.constantFrom(1000, 1001, 1011, 3000, 4999),
    reason: fc.string({ unit: "binary", maxLength: 30 }),
  }),
  { nil: undefined },
);

/** Any legal sequence of messages, fragments and control frames, with or without a Close. */
export const legalStreams: fc.Arbitrary<LegalStream> = fc
  .tuple(fc.array(fc.oneof(message, control), { maxLength: 8 }), ending)
  .map(([steps, close]) => {
    const framesTo = (receiver: Role): Uint8Array[] =>
      steps.flatMap((step) => frames(step, receiver));
    const closeTo = (receiver: Role): Uint8Array[] =>
      close === undefined
        ? []
        : [
            frameTo(receiver, {
              opcode: Opcode.Close,
              payload: closePayload(close.code, utf8(close.reason)),
            }),
          ];
    const closeEvents: Seen[] =
      close === undefined ? [] : [{ kind: "peer-close", ...close }, { kind: "finished" }];
    return {
      bytesTo: (receiver) => joinBytes([...framesTo(receiver), ...closeTo(receiver)]),
      events: [...steps.flatMap(eventsOf), ...closeEvents],
    };
  });

function frames(step: Step, receiver: Role): Uint8Array[] {
  if (!("cuts" in step)) return [controlFrame(step, receiver)];
  const at = step.cuts.map((cut) => Math.floor(cut * step.payload.length)).sort((a, b) => a - b);
  const opcode = step.kind === "text" ? Opcode.Text : Opcode.Binary;
  return [0, ...at].flatMap((start, index) => {
    const fin = index === at.length;
    const fragment = frameTo(receiver, {
      opcode: index === 0 ? opcode : Opcode.Continuation,
      fin,
      payload: step.payload.slice(start, at[index] ?? step.payload.length),
    });
    const next = fin ? undefined : step.between[index];
    return next === undefined ? [fragment] : [fragment, controlFrame(next, receiver)];
  });
}

function controlFrame({ kind, payload }: Control, receiver: Role): Uint8Array {
  return frameTo(receiver, { opcode: kind === "ping" ? Opcode.Ping : Opcode.Pong, payload });
}

function eventsOf(step: Step): Seen[] {
  if (!("cuts" in step)) return [{ kind: step.kind, hex: hex(step.payload) }];
  const between = step.between.slice(0, step.cuts.length).flatMap(eventsOf);
  if (step.kind === "binary") return [...between, { kind: "binary", hex: hex(step.payload) }];
  const text = Buffer.from(step.payload).toString("utf8");
  return [...between, { kind: "text", text, ascii: step.payload.every((octet) => octet < 0x80) }];
}
