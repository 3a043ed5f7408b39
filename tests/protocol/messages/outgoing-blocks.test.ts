import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { webByteOperations } from "../../../src/base/index.ts";
import { encodeTextFrame, Opcode } from "../../../src/protocol/index.ts";
import type { Role } from "../../../src/protocol/index.ts";
import { OutgoingBlocks } from "../../../src/protocol/messages/outgoing-blocks.ts";
import { CountingBytes } from "../../rigs/protocol/counting-bytes.ts";
import { bytes, joinBytes, plainFrame } from "../../rigs/protocol/masked-frame.ts";
import {
  hex,
  openConnection,
  openServerConnection,
  other,
  roles,
} from "../../rigs/protocol/open-connection.ts";
import type { Seen } from "../../rigs/protocol/open-connection.ts";

/** Returns what the other role receives from `wire`. */
function seenByPeer(sender: Role, wire: Uint8Array): Seen[] {
  const { connection, seen } = openConnection(other(sender));
  connection.receive(wire);
  return seen.events;
}

describe("output (RFC 6455 §6.1)", () => {
  test("onOutput is called once until the output is taken", () => {
    const { connection, seen, sent } = openServerConnection();
    connection.sendText("a");
    connection.sendBinary(bytes(3));
    connection.sendFrames(plainFrame({ opcode: Opcode.Text }));
    connection.sendPing(bytes(0));
    expect(seen.outputs).toBe(1);
    sent();
    connection.sendPong(bytes(0));
    expect(seen.outputs).toBe(2);
    sent();
    connection.close();
    expect(seen.outputs).toBe(3);
  });

  test("no frames cause no output", () => {
    const { connection, seen } = openServerConnection();
    connection.sendFrames(new Uint8Array(0));
    expect(seen.outputs).toBe(0);
  });

  test("ready-made frames are sent by reference, in order with other messages", () => {
    const { connection } = openServerConnection();
    const frames = joinBytes([
      encodeTextFrame("shared", webByteOperations),
      plainFrame({ opcode: Opcode.Binary, payload: bytes(4) }),
    ]);
    connection.sendText("before");
    connection.sendFrames(frames);
    connection.sendText("after");
    const chunks = connection.outgoing.take();
    expect(chunks).toContain(frames);
    const events = seenByPeer("server", joinBytes(chunks));
    expect(events).toEqual([
      { kind: "text", text: "before", ascii: true },
      { kind: "text", text: "shared", ascii: true },
      { kind: "binary", hex: hex(bytes(4)) },
      { kind: "text", text: "after", ascii: true },
    ]);
  });

  test.each([0, 1, 125, 126, 21_845, 65_535, 65_536])(
    "encodeTextFrame returns the frame that sendText sends, %i characters (RFC 6455 §5.2)",
    (count) => {
      for (const unit of ["a", "é", "€"]) {
        const { connection, sent } = openServerConnection();
        connection.sendText(unit.repeat(count));
        const frame = encodeTextFrame(unit.repeat(count), new CountingBytes());
        expect(Buffer.compare(frame, sent())).toBe(0);
      }
    },
  );

  test("size is the size of what take returns, and take leaves nothing", () => {
    const { connection } = openConnection("client");
    connection.sendText("é".repeat(100));
    connection.sendBinary(bytes(50_000));
    const { size } = connection.outgoing;
    expect(joinBytes(connection.outgoing.take())).toHaveLength(size);
    expect(connection.outgoing.size).toBe(0);
    expect(connection.outgoing.take()).toEqual([]);
  });

  test("encoded and shared bytes keep their order, whatever their sizes", () => {
    type Step = { kind: "own" | "shared" | "take"; size: number };
    const step: fc.Arbitrary<Step> = fc.record({
      kind: fc.constantFrom("own", "own", "shared", "take"),
      size: fc.oneof(fc.nat(50), fc.constantFrom(4000, 4095, 4096, 4097, 9000)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const outgoing = new OutgoingBlocks(new CountingBytes());
        const written: number[] = [];
        const taken: Uint8Array[] = [];
        let value = 0;
        let waiting = 0;
        for (const { kind, size } of steps) {
          if (kind === "take") {
            taken.push(...outgoing.take());
            waiting = 0;
            continue;
          }
          const piece = Uint8Array.from({ length: size }, () => (value = (value + 1) & 0xff));
          written.push(...piece);
          waiting += size;
          if (kind === "shared") {
            outgoing.share(piece);
          } else {
            // More is reserved than written, as for text of unknown length.
            const block = outgoing.reserve(size + 14);
            block.set(piece, outgoing.position);
            outgoing.commit(outgoing.position + size);
          }
          expect(outgoing.size).toBe(waiting);
        }
        taken.push(...outgoing.take());
        expect(hex(joinBytes(taken))).toBe(hex(Uint8Array.from(written)));
      }),
      { numRuns: 300 },
    );
  });

  test("memory is reused only once everything taken from it is released", () => {
    const bytes = new CountingBytes();
    const one = openServerConnection({ bytes }).connection;
    const two = openServerConnection({ bytes }).connection;
    const textOf = (chunks: Uint8Array[]): string => Buffer.concat(chunks).toString("latin1");
    one.sendText("first");
    two.sendText("second");
    const first = one.outgoing.take();
    const second = two.outgoing.take();
    expect(first[0]!.buffer).toBe(second[0]!.buffer);
    one.outgoing.release();
    one.sendText("third");
    expect(textOf(second)).toContain("second");
    expect(textOf(one.outgoing.take())).toContain("third");
    two.outgoing.release();
    one.outgoing.release();
    two.sendText("fourth");
    // At the position of the first one.
    expect(textOf(first)).toContain("four");
  });

  test("memory that was not released before the next take is never reused", () => {
    const { connection } = openServerConnection({ bytes: new CountingBytes() });
    connection.sendText("first");
    const first = connection.outgoing.take();
    connection.sendText("second");
    connection.outgoing.take();
    connection.outgoing.release();
    connection.sendText("third");
    expect(Buffer.concat(first).toString("latin1")).toContain("first");
  });

  test("no uninitialised memory is sent (CVE-2016-10518)", () => {
    for (const role of roles) {
      const { connection, sentFrames } = openConnection(role, { bytes: new CountingBytes() });
      connection.sendText("€".repeat(60));
      connection.sendText("");
      connection.sendBinary(new Uint8Array(300));
      connection.sendPing(new Uint8Array(125));
      connection.close(1000, "ok");
      for (const { payload } of sentFrames()) {
        expect(payload.every((octet) => octet !== CountingBytes.stale || role === "server")).toBe(
          true,
        );
      }
    }
  });
});
