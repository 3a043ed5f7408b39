import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { Utf8Validator } from "../../../src/protocol/messages/utf8-validator.ts";
import { cuttings, singleBytes } from "../../rigs/protocol/cut-chunks.ts";
import { frameTo, joinBytes, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { openConnection, roles } from "../../rigs/protocol/open-connection.ts";

/** Returns how many bytes of `octets` the platform's decoder accepts before it throws, or all. */
function validPrefix(octets: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let at = 0; at < octets.length; at += 1) {
    try {
      decoder.decode(octets.subarray(at, at + 1), { stream: true });
    } catch {
      return at;
    }
  }
  return octets.length;
}

function isValid(octets: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(octets);
    return true;
  } catch {
    return false;
  }
}

/** Bytes that are nearly UTF-8, which random bytes almost never are. */
const nearlyText = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 6 }).map(utf8) },
      {
        weight: 2,
        arbitrary: fc
          .array(
            fc.constantFrom(
              0x7f,
              0x80,
              0x8f,
              0x90,
              0x9f,
              0xa0,
              0xbf,
              0xc0,
              0xc1,
              0xc2,
              0xdf,
              0xe0,
              0xe1,
              0xec,
              0xed,
              0xee,
              0xef,
              0xf0,
              0xf1,
              0xf3,
              0xf4,
              0xf5,
              0xfe,
              0xff,
            ),
            { maxLength: 5 },
          )
          .map((octets) => Uint8Array.from(octets)),
      },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }) },
    ),
    { maxLength: 6 },
  )
  .map(joinBytes);

const invalid: [string, number[], badAt: number][] = [
  ["a lone continuation byte", [0x61, 0x80], 1],
  ["an overlong slash in two bytes", [0xc0, 0xaf], 0],
  ["an overlong DEL in two bytes", [0xc1, 0xbf], 0],
  ["an overlong slash in three bytes", [0xe0, 0x80, 0xaf], 1],
  ["the highest overlong of three bytes", [0xe0, 0x9f, 0xbf], 1],
  ["an overlong slash in four bytes", [0xf0, 0x80, 0x80, 0xaf], 1],
  ["the highest overlong of four bytes", [0xf0, 0x8f, 0xbf, 0xbf], 1],
  ["the first surrogate", [0xed, 0xa0, 0x80], 1],
  ["the last surrogate", [0xed, 0xbf, 0xbf], 1],
  ["a surrogate pair", [0xed, 0xa1, 0x80, 0xed, 0xb0, 0x80], 1],
  ["U+110000", [0xf4, 0x90, 0x80, 0x80], 1],
  ["a lead byte of five", [0xf8, 0x88, 0x80, 0x80, 0x80], 0],
  ["0xf5", [0xf5, 0x80, 0x80, 0x80], 0],
  ["0xff", [0x61, 0xff], 1],
  ["ASCII instead of a continuation byte", [0xe2, 0x82, 0x41], 2],
  ["a lead byte instead of a continuation byte", [0xc3, 0xc3, 0xa9], 1],
  ["an invalid byte far behind ASCII", [...Array<number>(200).fill(0x61), 0xfe], 200],
];

const valid: [string, string][] = [
  ["nothing", ""],
  ["ASCII", "hello\0\x7f"],
  ["two bytes, lowest and highest", "\u0080\u07ff"],
  ["three bytes, lowest and highest", "\u0800\uffff"],
  ["around the surrogates", "\ud7ff\ue000"],
  ["four bytes, lowest and highest", "\u{10000}\u{10ffff}"],
  ["noncharacters", "\ufffe\u{1fffe}\ufdd0"],
  ["a byte order mark, which is kept", "\ufeffx\ufeff"],
  ["a mixture", "κόσμε — 日本 😀"],
];

describe("the validator (RFC 3629 §4)", () => {
  test("agrees with TextDecoder on any bytes with any chunking (RFC 3629 §4)", () => {
    fc.assert(
      fc.property(
        fc.oneof(nearlyText, fc.uint8Array({ maxLength: 12 })),
        cuttings,
        (octets, cut) => {
          const validator = new Utf8Validator();
          const good = cut(octets).every((chunk) => validator.push(chunk, 0, chunk.length));
          expect(good && validator.isComplete).toBe(isValid(octets));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("rejects exactly the first byte that cannot continue any text (RFC 6455 §8.1)", () => {
    fc.assert(
      fc.property(nearlyText, (octets) => {
        const validator = new Utf8Validator();
        let taken = 0;
        while (taken < octets.length && validator.push(octets, taken, taken + 1)) taken += 1;
        expect(taken).toBe(validPrefix(octets));
      }),
      { numRuns: 2000 },
    );
  });

  test("agrees with TextDecoder on every two bytes, and on three after each lead byte (RFC 3629)", () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
    const mistakes: number[][] = [];
    const check = (octets: number[]): void => {
      const source = Uint8Array.from(octets);
      const validator = new Utf8Validator();
      const verdict = validator.push(source, 0, source.length) && validator.isComplete;
      if (verdict !== isValid(source)) mistakes.push(octets);
    };
    for (let first = 0; first < 256; first += 1) {
      check([first]);
      for (let second = 0; second < 256; second += 1) check([first, second]);
      if (first < 0xc0) continue;
      for (const second of edges) for (const third of edges) check([first, second, third]);
    }
    for (const lead of [0xf0, 0xf1, 0xf3, 0xf4, 0xf5]) {
      for (const second of edges) for (const third of edges) check([lead, second, third, 0x80]);
    }
    expect(mistakes).toEqual([]);
  });

  test("starts over after a reset (RFC 6455 §8.1)", () => {
    const validator = new Utf8Validator();
    for (const lead of [0xe0, 0xed, 0xf0, 0xf4]) {
      validator.push(Uint8Array.of(lead), 0, 1);
      expect(validator.isComplete).toBe(false);
      validator.reset();
      expect(validator.isComplete).toBe(true);
      expect(validator.push(utf8("\u0080\u07ff"), 0, 4)).toBe(true);
    }
  });
});

describe.each(roles)("text at a %s (RFC 6455 §5.6, §8.1)", (role) => {
  test.each(valid)("%s arrives unchanged, whole, byte by byte and in fragments", (_, text) => {
    const payload = utf8(text);
    const ascii = payload.every((octet) => octet < 0x80);
    const whole = frameTo(role, { opcode: Opcode.Text, payload });
    const fragments = [
      frameTo(role, { opcode: Opcode.Text, fin: false }),
      ...singleBytes(payload).map((octet) =>
        frameTo(role, { opcode: Opcode.Continuation, fin: false, payload: octet }),
      ),
      frameTo(role, { opcode: Opcode.Continuation }),
    ];
    for (const chunks of [[whole.slice()], singleBytes(whole), fragments]) {
      const { connection, seen } = openConnection(role);
      for (const chunk of chunks) connection.receive(chunk);
      expect(seen.events).toEqual([{ kind: "text", text, ascii }]);
    }
  });

  test.each(invalid)("%s fails with 1007, whatever follows (RFC 6455 §8.1)", (_, octets) => {
    const payload = Uint8Array.from(octets);
    for (const fin of [true, false]) {
      const { connection, seen, sentFrames } = openConnection(role);
      connection.receive(frameTo(role, { opcode: Opcode.Text, fin, payload }));
      expect(seen.events).toEqual([
        { kind: "failed", code: "invalid_utf8", closeCode: 1007 },
        { kind: "finished" },
      ]);
      expect(sentFrames()).toMatchObject([
        { opcode: Opcode.Close, payload: Uint8Array.of(3, 239) },
      ]);
    }
  });

  test.each(invalid)(
    "%s fails on its first invalid byte, inside a frame (§8.1)",
    (_, octets, badAt) => {
      const { connection, seen } = openConnection(role);
      // Much more is announced, so that only the byte itself can be the reason.
      const frame = frameTo(role, {
        opcode: Opcode.Text,
        payload: Uint8Array.from([...octets, ...Array<number>(300).fill(0x61)]),
      });
      const payloadAt = frame.length - octets.length - 300;
      singleBytes(frame).forEach((byte, at) => {
        connection.receive(byte);
        expect(seen.failed !== undefined).toBe(at >= payloadAt + badAt);
      });
      expect(seen.failed).toMatchObject({ closeCode: 1007 });
    },
  );

  test.each(invalid)(
    "%s fails on its first invalid byte, over fragments (§8.1)",
    (_, octets, badAt) => {
      const { connection, seen } = openConnection(role);
      connection.receive(frameTo(role, { opcode: Opcode.Text, fin: false }));
      octets.forEach((octet, at) => {
        const payload = Uint8Array.of(octet);
        connection.receive(frameTo(role, { opcode: Opcode.Continuation, fin: false, payload }));
        expect(seen.failed !== undefined).toBe(at >= badAt);
      });
      expect(seen.failed).toMatchObject({ closeCode: 1007 });
    },
  );

  test.each(["é", "€", "😀"])(
    "%s, cut off by the end of the message, fails with 1007 (§8.1)",
    (character) => {
      const octets = utf8(character);
      for (let kept = 1; kept < octets.length; kept += 1) {
        const payload = octets.slice(0, kept);
        const inOne = openConnection(role);
        inOne.connection.receive(frameTo(role, { opcode: Opcode.Text, payload }));
        expect(inOne.seen.failed).toMatchObject({ closeCode: 1007 });
        const inTwo = openConnection(role);
        inTwo.connection.receive(frameTo(role, { opcode: Opcode.Text, fin: false, payload }));
        expect(inTwo.seen.events).toEqual([]);
        inTwo.connection.receive(frameTo(role, { opcode: Opcode.Continuation }));
        expect(inTwo.seen.failed).toMatchObject({ closeCode: 1007 });
        const byAscii = openConnection(role);
        byAscii.connection.receive(frameTo(role, { opcode: Opcode.Text, fin: false, payload }));
        const ascii = { opcode: Opcode.Continuation, payload: utf8("abc") };
        byAscii.connection.receive(frameTo(role, ascii));
        expect(byAscii.seen.failed).toMatchObject({ closeCode: 1007 });
      }
    },
  );

  test("an incomplete character does not affect the next message (RFC 6455 §5.6)", () => {
    const { connection, seen } = openConnection(role);
    for (const text of ["😀", "é", "plain", "é"]) {
      const frame = frameTo(role, { opcode: Opcode.Text, payload: utf8(text) });
      connection.receive(frame.slice(0, -1));
      connection.receive(frame.slice(-1));
    }
    expect(seen.texts).toEqual(["😀", "é", "plain", "é"]);
  });

  test("bytes of a binary message are not checked (RFC 6455 §5.6)", () => {
    const { connection, seen } = openConnection(role);
    for (const [, octets] of invalid) {
      connection.receive(
        frameTo(role, { opcode: Opcode.Binary, payload: Uint8Array.from(octets) }),
      );
    }
    expect(seen.kinds).toEqual(invalid.map(() => "binary"));
  });

  test("bytes of control frames between fragments do not count as text (RFC 6455 §5.4)", () => {
    const { connection, seen } = openConnection(role);
    connection.receive(
      joinBytes([
        frameTo(role, { opcode: Opcode.Text, fin: false, payload: Uint8Array.of(0xe2) }),
        frameTo(role, { opcode: Opcode.Pong, payload: Uint8Array.of(0xff, 0xc0) }),
        frameTo(role, { opcode: Opcode.Continuation, payload: Uint8Array.of(0x82, 0xac) }),
      ]),
    );
    expect(seen.texts).toEqual(["€"]);
  });
});
