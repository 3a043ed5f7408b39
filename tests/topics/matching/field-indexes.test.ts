import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Encoding } from "../../../src/topics/fan-out/encoding.ts";
import { type TopicEvent } from "../../../src/live/index.ts";
import { EventLog, eventOf } from "../../../src/topics/index.ts";
import { LaneBudget } from "../../../src/topics/fan-out/lane-budget.ts";
import { FieldIndexes } from "../../../src/topics/matching/field-indexes.ts";
import { compileParams, type FieldPair } from "../../../src/topics/matching/narrowing.ts";
import { PageCache } from "../../../src/topics/fan-out/page-cache.ts";
import { View } from "../../../src/topics/fan-out/view.ts";
import { freshWalk, walkFrom, type Walk } from "../../../src/topics/log/walk.ts";
import { Work } from "../../../src/topics/slices/work.ts";

/** Encodes which entries a page has, and nothing else. */
const encoding: Encoding = {
  name: "test",
  event: () => new Uint8Array(0),
  page: (_topic, { entries }) => {
    const texts = entries.map(
      ({ key, offset, removed }) => `${key}@${offset}${removed ? "x" : ""}`,
    );
    return Buffer.from(texts.join(" "));
  },
};

const address = { name: "devices", epoch: "e" };

/** A view of `log` that is watched as a topic watches it, with indexes or without. */
class WatchedView {
  readonly view: View;
  readonly #indexes: FieldIndexes | undefined;
  readonly #counter = { eventCount: 0 };

  constructor(log: EventLog, params: Record<string, unknown>, indexes: FieldIndexes | undefined) {
    this.#indexes = indexes;
    const counter = this.#counter;
    this.view = new View(address, compileParams(params), {
      keyed: true,
      log,
      indexes,
      pages: new PageCache(1_000_000),
      lanes: new LaneBudget(1_000_000),
      get eventCount() {
        return counter.eventCount;
      },
      watch: () => {},
      unwatch: () => {},
      onUsed: () => {},
    });
    this.view.wake();
  }

  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    this.#counter.eventCount += 1;
    this.#indexes?.take(event, replaced);
    this.view.take(event, replaced);
  }
}

/**
 * Walks one page at a time, and begins again where removals are lost, as a subscription does. A page
 * that sends nothing only says that the walk is not over: an index skips what a plain walk passes, and
 * may itself need one more. So it is read together with the one after it.
 */
class Reader {
  readonly pages: string[] = [];
  readonly #view: View;
  #walk: Walk | undefined;

  constructor(view: View) {
    this.#view = view;
  }

  start(walk: Walk): void {
    this.#walk = walk;
  }

  read(log: EventLog): void {
    let sent = "";
    while (this.#walk !== undefined && sent === "") {
      if (this.#walk.base < log.floor) this.#walk = freshWalkOf(log);
      const page = this.#view.page(encoding, this.#walk);
      sent = Buffer.from(page.bytes!).toString();
      this.#walk = page.isLast ? undefined : { ...this.#walk, reached: page.reached };
      if (page.isLast) expect(page.reached).toBe(log.lastOffset);
    }
    if (sent !== "") this.pages.push(sent);
  }
}

function freshWalkOf(log: EventLog): Walk {
  return freshWalk({ kind: "keyed", position: { epoch: "e", offset: log.lastOffset } });
}

/** Two that have the same hash: it reads the first 1,024 characters. */
const LONG = ["1", "2"].map((end) => `${"l".repeat(1_100)}${end}`);
const text = fc.constantFrom("x", "x", "x", "x", "y", "y", 1, null, ...LONG, {});
const data = fc.oneof(
  fc.record({ a: text, b: text }, { requiredKeys: [] }),
  fc.record({ a: text, pad: fc.constant("p".repeat(30_000)) }),
  fc.constantFrom<unknown>(["x"], "x", null),
);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("set" as const), key: fc.nat(15), data }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), key: fc.nat(15) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("page" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("start" as const), back: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fresh" as const) }) },
);

const params = fc.constantFrom<Record<string, unknown>>(
  { a: "x" },
  { a: "x", b: "y" },
  { a: LONG[0] },
  { b: 1, a: null },
  { 0: "x" },
  { a: "x", nowhere: 1 },
  { a: {} },
);

describe("an index over fields", () => {
  test("returns the same pages as a plain walk, whatever changes between them", () => {
    let told = 0;
    let removals = 0;
    fc.assert(
      fc.property(params, fc.array(step, { minLength: 60, maxLength: 120 }), (params, steps) => {
        const log = new EventLog("keyed", { maxEvents: 4 });
        const views = [
          new WatchedView(log, params, new FieldIndexes(log, 0)),
          new WatchedView(log, params, undefined),
        ];
        const readers = views.map(({ view }) => new Reader(view));
        for (const step of steps) {
          if (step.do === "set" || step.do === "remove") {
            const draft =
              step.do === "set"
                ? { key: `k${step.key}`, data: step.data }
                : { key: `k${step.key}`, removed: true };
            const event = eventOf(draft, log.lastOffset + 1, 0);
            const replaced = log.append(event);
            for (const view of views) view.take(event, replaced);
          } else if (step.do === "page") {
            for (const reader of readers) reader.read(log);
          } else {
            const since = Math.max(
              log.floor,
              log.lastOffset - (step.do === "start" ? step.back : 0),
            );
            const walk = step.do === "start" ? walkFrom(since) : freshWalkOf(log);
            for (const reader of readers) reader.start(walk);
          }
        }
        for (let at = 0; at < 20; at += 1) for (const reader of readers) reader.read(log);
        const [indexed, plain] = readers.map(({ pages }) => pages);
        told += plain!.length;
        removals += plain!.filter((page) => page.includes("x")).length;
        expect(indexed).toEqual(plain);
      }),
      { numRuns: 400 },
    );
    expect(told).toBeGreaterThan(500);
    expect(removals).toBeGreaterThan(100);
  });

  /** A log of devices: 100 sites, each device with an id of its own. */
  function devices(count: number): { log: EventLog; indexes: FieldIndexes } {
    const log = new EventLog("keyed");
    for (let n = 0; n < count; n += 1) {
      log.append(eventOf({ key: `k${n}`, data: { id: n, site: n % 100 } }, n + 1, 0));
    }
    return { log, indexes: new FieldIndexes(log) };
  }

  const pairs = (params: Record<string, unknown>): readonly FieldPair[] => {
    const compiled = compileParams(params);
    return compiled.kind === "fields" ? compiled.pairs : [];
  };

  function find(
    indexes: FieldIndexes,
    wanted: readonly FieldPair[],
  ): { kind: string; slices: number } {
    for (let slices = 1; ; slices += 1) {
      const { kind } = indexes.find(wanted, new Work());
      if (kind !== "building") return { kind, slices };
    }
  }

  test("is built in slices, and then used in one slice without checking an event", () => {
    const { indexes } = devices(20_000);
    // The names of the fields, and the field: each event is visited twice.
    const built = find(indexes, pairs({ id: 7 }));
    expect(built.kind).toBe("few");
    expect(built.slices).toBeGreaterThanOrEqual(10);
    const work = new Work();
    expect(indexes.find(pairs({ id: 8 }), work).kind).toBe("few");
    expect(work.visits).toBe(0);
  });

  test("that is being built takes in changes of events on both sides of its progress", () => {
    const { log, indexes } = devices(20_000);
    const wanted = pairs({ site: 7 });
    expect(indexes.find(wanted, new Work()).kind).toBe("building");
    for (let at = 0; ; at += 1) {
      // One that the index knows after a few slices, and one that it comes to at last.
      for (const n of [7 + at * 100, 19_907 - at * 100, 20_000 + at]) {
        const data = { id: n, site: n < 20_000 ? 8 : 7 };
        const event = eventOf({ key: `k${n}`, data }, log.lastOffset + 1, 0);
        indexes.take(event, log.append(event));
      }
      if (indexes.find(wanted, new Work()).kind !== "building") break;
    }
    const found = indexes.find(wanted, new Work());
    const plain = [...log.after(0)].filter(({ data }) => (data as { site: number }).site === 7);
    expect(found.kind === "few" && [...found.events]).toEqual(plain);
    expect(plain.at(-1)!.offset).toBeGreaterThan(20_000);
  });

  test("knows that no event has a field: nothing matches, and no index is built", () => {
    const { log, indexes } = devices(2_000);
    expect(find(indexes, pairs({ nowhere: 1 })).kind).toBe("none");
    expect(indexes.size).toBe(0);
    const event = eventOf({ key: "k0", data: { nowhere: 1 } }, 2_001, 0);
    indexes.take(event, log.append(event));
    expect(find(indexes, pairs({ nowhere: 1 })).kind).toBe("few");
  });

  test("of a ninth field replaces the one that was used least recently", () => {
    const log = new EventLog("keyed");
    const data = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, 1]));
    for (let n = 0; n < 1_100; n += 1) log.append(eventOf({ key: `k${n}`, data }, n + 1, 0));
    const indexes = new FieldIndexes(log);
    for (let at = 0; at < 20; at += 1) {
      expect(find(indexes, pairs({ [`f${at}`]: 1 })).kind).toBe("few");
      expect(indexes.size).toBeLessThanOrEqual(8);
    }
  });

  test("is not built for every field of params with very many fields", () => {
    const log = new EventLog("keyed");
    const data = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`f${at}`, 1]));
    for (let n = 0; n < 5_000; n += 1) log.append(eventOf({ key: `k${n}`, data }, n + 1, 0));
    const indexes = new FieldIndexes(log);
    expect(find(indexes, pairs(data)).kind).toBe("many");
    expect(indexes.size).toBe(3);
  });

  test("that is unused is dropped, and rebuilt when it is needed", () => {
    const { indexes } = devices(2_000);
    find(indexes, pairs({ id: 7 }));
    for (let at = 0; at < 8; at += 1) indexes.tidy();
    expect(indexes.size).toBe(1);
    indexes.tidy();
    expect(indexes.size).toBe(0);
    expect(find(indexes, pairs({ id: 7 })).kind).toBe("few");
  });
});
