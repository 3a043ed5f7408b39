import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type TopicEvent } from "../../../src/live/index.ts";
import { EventLog, eventOf } from "../../../src/topics/index.ts";

const OVERHEAD = 256;
const sizeOf = ({ json, key = "" }: TopicEvent): number => json.length + key.length + OVERHEAD;

interface Retention {
  maxEvents: number;
  maxBytes: number;
  maxAgeMs: number;
}

/** The simplest log that is correct: it keeps all events, and filters them at each question. */
class NaiveLog {
  readonly all: TopicEvent[] = [];
  floor = 0;
  readonly #keyed: boolean;
  readonly #retention: Retention;

  constructor(keyed: boolean, retention: Retention) {
    this.#keyed = keyed;
    this.#retention = retention;
  }

  append(event: TopicEvent): void {
    if (this.#keyed) {
      const at = this.all.findIndex(({ key }) => key === event.key);
      if (at !== -1) this.all.splice(at, 1);
    }
    this.all.push(event);
    this.expire(event.at);
  }

  expire(now: number): void {
    const { maxEvents, maxBytes, maxAgeMs } = this.#retention;
    for (;;) {
      const kept = this.#keyed ? this.all.filter(({ removed }) => removed) : this.all;
      const [oldest] = kept;
      if (oldest === undefined) return;
      const bytes = this.all.reduce((sum, event) => sum + sizeOf(event), 0);
      const tooMany = kept.length > maxEvents || (!this.#keyed && bytes > maxBytes);
      if (!tooMany && now - oldest.at <= maxAgeMs) return;
      this.all.splice(this.all.indexOf(oldest), 1);
      this.floor = oldest.offset;
    }
  }
}

const retention = fc.record({
  maxEvents: fc.integer({ min: 1, max: 12 }),
  maxBytes: fc.integer({ min: 100, max: 3_000 }),
  maxAgeMs: fc.integer({ min: 1, max: 60 }),
});

const step = fc.record({
  waitMs: fc.nat(12),
  skip: fc.integer({ min: 1, max: 3 }),
  key: fc.nat(9),
  removed: fc.boolean(),
  size: fc.nat(300),
  expires: fc.boolean(),
});

const offsets = (events: Iterable<TopicEvent>): number[] => [...events].map(({ offset }) => offset);

describe("an event log", () => {
  test("of a log topic holds what a plain list under the same retention holds", () => {
    fc.assert(
      fc.property(retention, fc.array(step, { maxLength: 200 }), (retention, steps) => {
        const log = new EventLog("log", retention);
        const naive = new NaiveLog(false, retention);
        let offset = 0;
        let now = 1_000;
        for (const { waitMs, skip, size, expires } of steps) {
          now += waitMs;
          offset += skip;
          const event = eventOf({ data: "x".repeat(size) }, offset, now);
          log.append(event);
          naive.append(event);
          if (expires) {
            now += waitMs;
            log.expire(now);
            naive.expire(now);
          }
          expect(offsets(log.after(0))).toEqual(offsets(naive.all));
          expect([log.floor, log.lastOffset]).toEqual([naive.floor, offset]);
          const from = Math.floor(offset / 2);
          expect(offsets(log.after(from))).toEqual(offsets(naive.all).filter((at) => at > from));
        }
      }),
      { numRuns: 150 },
    );
  });

  test("of a keyed topic holds the newest event of each key, and tombstones under the retention", () => {
    const keyed = fc.array(step, { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(retention, keyed, (retention, steps) => {
        const log = new EventLog("keyed", retention);
        const naive = new NaiveLog(true, retention);
        let offset = 0;
        let now = 1_000;
        // Holes are closed up now and then; what is found must be the same before and after.
        for (const { waitMs, skip, key, removed, size, expires } of steps) {
          now += waitMs;
          offset += skip;
          const draft = { key: `k${key}`, data: size, removed };
          const event = eventOf(draft, offset, now);
          const before = log.newest(draft.key);
          expect(log.append(event)).toBe(before);
          naive.append(event);
          if (expires) {
            now += waitMs * 3;
            log.expire(now);
            naive.expire(now);
          }
          expect(log.floor).toBe(naive.floor);
        }
        expect(offsets(log.after(0))).toEqual(offsets(naive.all));
        for (let from = 0; from < offset; from += 7) {
          expect(offsets(log.after(from))).toEqual(offsets(naive.all).filter((at) => at > from));
        }
        expect(log.keyCount).toBe(naive.all.filter(({ removed }) => !removed).length);
        for (const event of naive.all) expect(log.newest(event.key!)).toBe(event);
        expect(log.newest("never")).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  test("a key that is set again drops its tombstone without raising the floor", () => {
    const log = new EventLog("keyed", { maxEvents: 1 });
    log.append(eventOf({ key: "a", data: 1 }, 1, 0));
    log.append(eventOf({ key: "a", removed: true }, 2, 0));
    log.append(eventOf({ key: "a", data: 2 }, 3, 0));
    log.append(eventOf({ key: "b", removed: true }, 4, 0));
    expect([log.floor, offsets(log.after(0))]).toEqual([0, [3, 4]]);
    log.append(eventOf({ key: "c", removed: true }, 5, 0));
    expect([log.floor, offsets(log.after(0))]).toEqual([4, [3, 5]]);
  });

  test("a keyed log with many changes of few keys stays as small as its keys", () => {
    const log = new EventLog("keyed");
    for (let offset = 1; offset <= 100_000; offset += 1) {
      log.append(eventOf({ key: `k${offset % 5}`, data: offset }, offset, 0));
    }
    expect(offsets(log.after(0))).toEqual([99_996, 99_997, 99_998, 99_999, 100_000]);
  });

  test("that continues another log begins where the other log's retention does", () => {
    const log = new EventLog("log");
    for (const offset of [7, 8]) log.append(eventOf({ data: offset }, offset, 0));
    log.continueFrom(8, 6);
    expect([log.lastOffset, log.floor, offsets(log.after(0))]).toEqual([8, 6, [7, 8]]);
    const empty = new EventLog("log");
    empty.continueFrom(8, 6);
    expect([empty.lastOffset, empty.floor]).toEqual([8, 8]);
  });
});

describe("an event", () => {
  test("keeps its published value, even if the object changes later", () => {
    const data = { list: [1] };
    const event = eventOf({ data }, 1, 0);
    data.list.push(2);
    expect([event.json, event.data]).toEqual(['{"list":[1]}', { list: [1] }]);
  });

  test("has the data that subscribers get: dates as text, no undefined fields", () => {
    const event = eventOf({ data: { at: new Date(0), none: undefined } }, 1, 0);
    expect(event.data).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  test.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a bigint", 1n],
    ["a cycle", Object.assign([] as unknown[], { 0: null })],
  ])("of %s is invalid_data, unless JSON can represent it", (what, data) => {
    if (what === "a cycle") (data as unknown as unknown[])[0] = data;
    expect(() => eventOf({ data }, 1, 0)).toThrow(
      expect.objectContaining({ code: "invalid_data" }),
    );
  });
});
