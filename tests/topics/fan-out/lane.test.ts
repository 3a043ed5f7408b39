import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Lane } from "../../../src/topics/fan-out/lane.ts";

/** A frame that contains its number and its length. */
function frameOf(number: number, size: number): Uint8Array {
  const frame = new Uint8Array(size + 8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length);
  view.setUint32(4, number);
  frame.fill(number % 251, 8);
  return frame;
}

/** The numbers of the frames in `bytes`, each checked to be whole. */
function numbersIn(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const size = view.getUint32(at);
    const number = view.getUint32(at + 4);
    // Not toEqual, which takes its time over so many bytes.
    const isWhole = Buffer.compare(bytes.subarray(at, at + size), frameOf(number, size - 8)) === 0;
    if (!isWhole) throw new Error(`frame ${number} is not whole`);
    numbers.push(number);
    at += size;
  }
  return numbers;
}

const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("append"), size: fc.nat(3_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("append"), size: fc.nat(90_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("read"), size: fc.nat(70_000) }) },
);

test("reads of two cursors at any budget return whole frames, in order, each exactly once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1), action), { maxLength: 150 }),
      fc.integer({ min: 1, max: 300_000 }),
      (actions, maxBytes) => {
        const lane = new Lane(maxBytes);
        const cursors = [
          { position: 0, next: 1 },
          { position: 0, next: 1 },
        ];
        let appended = 0;
        for (const [which, { kind, size }] of actions) {
          if (kind === "append") {
            appended += 1;
            lane.append(frameOf(appended, size), appended * 2);
            continue;
          }
          const cursor = cursors[which]!;
          if (cursor.position < lane.start) {
            // Fallen off the start: it goes on at the end, as after a walk over the log.
            Object.assign(cursor, { position: lane.end, next: appended + 1 });
          }
          const slice = lane.read(cursor.position, size);
          if (slice === undefined) {
            expect([cursor.position, cursor.next]).toEqual([lane.end, appended + 1]);
            continue;
          }
          const numbers = numbersIn(slice.bytes);
          expect(numbers.length).toBeGreaterThan(0);
          expect(numbers).toEqual(numbers.map((_, at) => cursor.next + at));
          if (numbers.length > 1) expect(slice.bytes.length).toBeLessThanOrEqual(size);
          expect(slice.offset).toBe(numbers.at(-1)! * 2);
          Object.assign(cursor, { position: slice.next, next: numbers.at(-1)! + 1 });
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("the oldest blocks are dropped beyond the limit, the newest frame never", () => {
  const lane = new Lane(100_000);
  expect([lane.start, lane.end]).toEqual([0, 0]);
  for (let number = 1; number <= 100; number += 1) lane.append(frameOf(number, 9_992), number);
  expect(lane.end).toBe(1_000_000);
  expect(lane.start).toBeGreaterThanOrEqual(900_000 - 64 * 1024);
  const huge = frameOf(101, 500_000);
  lane.append(huge, 101);
  expect(numbersIn(lane.read(lane.end - huge.length, 1)!.bytes)).toEqual([101]);
});

test("readers at the same position get the same bytes object", () => {
  const lane = new Lane(100_000);
  lane.append(frameOf(1, 10), 1);
  expect(lane.read(0, 1_000)).toBe(lane.read(0, 64_000));
});

test("a lane with little data takes little memory", () => {
  const lane = new Lane(512 * 1024);
  lane.append(frameOf(1, 10), 1);
  expect(lane.read(0, 1_000)!.bytes.buffer.byteLength).toBeLessThanOrEqual(1_024);
});
