import { describe, expect, test } from "vitest";
import { untilPasses } from "../clock/eventually.ts";
import { ofPattern } from "./of-pattern.ts";
import {
  keyedTopic,
  logTopic,
  type Broker,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../src/live/index.ts";

/** How the suite gets a broker, and moves the time that it lives by. */
export interface BrokerUnderTest {
  broker: Broker;
  /** The broker of another node on the same engine; in memory, where there is one node, the same. */
  readonly another: () => Promise<Broker>;
  /** Ends a node's broker without a word, as its process's death does. */
  readonly kill: (broker: Broker) => void | Promise<void>;
  /** Lets the window for idempotency keys (five minutes) pass. */
  readonly passWindow: () => void | Promise<void>;
  /**
   * Lets some time pass. Work that becomes due has then run, or is about to: with real time, tests
   * poll for work that is due, and work that is not yet due has half a second to spare.
   */
  readonly pass: (ms: number) => void | Promise<void>;
  /**
   * Counts what the engine keeps: streams, keys, records. Where a folder is one process's, it can
   * be called only when the brokers are closed.
   */
  readonly kept: () => Promise<number>;
}

/**
 * The tests that every broker must pass; `open` returns an empty one.
 *
 * @param concurrent whether several tests run at a time: with real time, most of their time is
 *   spent waiting. Default false
 */
export function describeBroker(
  name: string,
  open: () => Promise<BrokerUnderTest>,
  { concurrent = false } = {},
): void {
  const offsets = (events: TopicEvent[]): number[] => events.map(({ offset }) => offset);
  const ignore = (): void => {};

  describe(name, { concurrent }, () => {
    test("offsets are strictly increasing, in the order in which appends were requested", async () => {
      const { broker } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(logTopic("t"), (event) => seen.push(event));
      expect([topic.offset, topic.floor]).toEqual([0, 0]);
      const receipts = await Promise.all(
        Array.from({ length: 50 }, (_, n) => topic.append({ data: n })),
      );
      const given = receipts.map(({ offset }) => offset);
      expect(given[0]).toBeGreaterThanOrEqual(1);
      for (const [at, offset] of given.entries())
        if (at > 0) expect(offset).toBeGreaterThan(given[at - 1]!);
      expect(offsets(seen)).toEqual(given);
      expect(seen.map(({ data }) => data)).toEqual(given.map((_, n) => n));
      expect(receipts.every(({ duplicate }) => !duplicate)).toBe(true);
      await broker.close();
    });

    test("a topic has the same epoch for everyone who opens it, and does not share its log with other topics", async () => {
      const { broker } = await open();
      const one = await broker.openTopic(logTopic("t"), ignore);
      const { epoch } = one;
      await one.append({ data: 1 });
      const again = await broker.openTopic(logTopic("t"), ignore);
      const other = await broker.openTopic(logTopic("u"), ignore);
      expect([again.epoch, again.offset, other.offset]).toEqual([epoch, 1, 0]);
      expect(one.epoch).toBe(epoch);
      await broker.close();
    });

    test("every follower has received an event when its append resolves", async () => {
      const { broker } = await open();
      const followed: string[] = [];
      const topic = await broker.openTopic(logTopic("t"), () => followed.push("first"));
      await broker.openTopic(logTopic("t"), () => followed.push("second"));
      await topic.append({ data: 1 });
      expect(followed).toEqual(["first", "second"]);
      await broker.close();
    });

    test("catchUp resolves when everything acknowledged before has been followed, on whichever node it was appended", async () => {
      const { broker, another } = await open();
      const elsewhere = await another();
      for (const declaration of [logTopic("t"), keyedTopic("u")]) {
        const seen: TopicEvent[] = [];
        const topic = await broker.openTopic(declaration, (event) => seen.push(event));
        const other = await elsewhere.openTopic(declaration, ignore);
        const key = declaration.kind === "keyed" ? "a" : undefined;
        for (let n = 1; n <= 20; n += 1) {
          const { offset } = await other.append({ key, data: n });
          await topic.catchUp();
          expect(seen.at(-1)?.offset).toBe(offset);
        }
        expect(offsets(seen)).toHaveLength(20);
      }
      await broker.close();
      await elsewhere.close();
    });

    test("a follower receives the retained events, then new ones, once and in order", async () => {
      const { broker } = await open();
      const declaration = logTopic("t", { retention: { maxEvents: 3 } });
      const topic = await broker.openTopic(declaration, ignore);
      for (let n = 1; n <= 5; n += 1) await topic.append({ data: n });
      const seen: TopicEvent[] = [];
      const opened = await broker.openTopic(declaration, (event) => seen.push(event));
      expect(seen.map(({ data }) => data)).toEqual([3, 4, 5]);
      expect(opened.offset).toBe(seen.at(-1)!.offset);
      // A reader that has the event before the oldest has missed nothing; one that has less has.
      expect(opened.floor).toBeGreaterThanOrEqual(1);
      expect(opened.floor).toBeLessThan(seen[0]!.offset);
      await topic.append({ data: 6 });
      await opened.append({ data: 7 });
      expect(seen.map(({ data }) => data)).toEqual([3, 4, 5, 6, 7]);
      await broker.close();
    });

    test("a follower of a keyed topic receives the newest event of each key and the tombstones", async () => {
      const { broker } = await open();
      const topic = await broker.openTopic(keyedTopic("t"), ignore);
      await topic.append({ key: "a", data: 1 });
      await topic.append({ key: "b", data: 1 });
      await topic.append({ key: "a", data: 2 });
      await topic.append({ key: "b", removed: true });
      const seen: string[] = [];
      const { floor } = await broker.openTopic(keyedTopic("t"), ({ key, json, removed }) =>
        seen.push(`${key}=${removed ? "removed" : json}`),
      );
      expect([seen, floor]).toEqual([["a=2", "b=removed"], 0]);
      await broker.close();
    });

    test("a dropped tombstone raises the floor", async () => {
      const { broker } = await open();
      const declaration = keyedTopic("t", { retention: { maxEvents: 1 } });
      const topic = await broker.openTopic(declaration, ignore);
      const { offset } = await topic.append({ key: "a", removed: true });
      await topic.append({ key: "b", removed: true });
      const opened = await broker.openTopic(declaration, ignore);
      expect(opened.floor).toBeGreaterThanOrEqual(offset);
      await broker.close();
    });

    test("repeating an idempotency key within the window returns a duplicate with the first offset and stores nothing", async () => {
      const { broker } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(logTopic("t"), (event) => seen.push(event));
      const first = await topic.append({ data: 1, idempotencyKey: "k" });
      await topic.append({ data: 2, idempotencyKey: "l" });
      const second = await topic.append({ data: 1, idempotencyKey: "k" });
      expect(first.duplicate).toBe(false);
      expect(second).toEqual({ offset: first.offset, duplicate: true });
      expect(seen.map(({ data }) => data)).toEqual([1, 2]);
      await broker.close();
    });

    test("two simultaneous appends with one idempotency key are stored once", async () => {
      const { broker } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(logTopic("t"), (event) => seen.push(event));
      const draft = { data: 1, idempotencyKey: "k" };
      const receipts = await Promise.all([topic.append(draft), topic.append(draft)]);
      expect(receipts.filter(({ duplicate }) => duplicate)).toHaveLength(1);
      expect(new Set(receipts.map(({ offset }) => offset)).size).toBe(1);
      expect(seen).toHaveLength(1);
      await broker.close();
    });

    test("an idempotency key can be used again after the window, and at any time in another topic", async () => {
      const { broker, passWindow } = await open();
      const topic = await broker.openTopic(logTopic("t"), ignore);
      const other = await broker.openTopic(logTopic("u"), ignore);
      const draft = { data: 1, idempotencyKey: "k" };
      const first = await topic.append(draft);
      expect(await other.append(draft)).toMatchObject({ duplicate: false });
      await passWindow();
      const later = await topic.append(draft);
      expect(later.duplicate).toBe(false);
      expect(later.offset).toBeGreaterThan(first.offset);
      await broker.close();
    });

    test("a rejected append leaves no event, offset or idempotency key behind", async () => {
      const { broker } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(logTopic("t"), (event) => seen.push(event));
      const bad = topic.append({ data: 1n, idempotencyKey: "k" });
      await expect(bad).rejects.toMatchObject({ code: "invalid_data" });
      expect(seen).toEqual([]);
      const good = await topic.append({ data: 1, idempotencyKey: "k" });
      expect(good.duplicate).toBe(false);
      expect(offsets(seen)).toEqual([good.offset]);
      await broker.close();
    });

    test.each(["\ud800", "a\udc00b", "\udc00\ud800"])(
      "a key, topic or idempotency key must be well-formed text: %j",
      async (text) => {
        const { broker } = await open();
        const refused = { code: "bad_request" };
        await expect(broker.openTopic(logTopic(text), ignore)).rejects.toMatchObject(refused);
        const seen: TopicEvent[] = [];
        const topic = await broker.openTopic(keyedTopic("t"), (event) => seen.push(event));
        const bad = [
          { key: text },
          { key: "a", idempotencyKey: text },
          { key: text, removed: true },
        ];
        for (const draft of bad) {
          await expect(topic.append({ data: 1, ...draft })).rejects.toMatchObject(refused);
        }
        // The replacement character and a whole surrogate pair are different, valid texts.
        await topic.append({ key: "\ufffd", data: 1 });
        await topic.append({ key: "\ud83d\ude00", data: text });
        expect(seen.map(({ key, data }) => [key, data])).toEqual([
          ["\ufffd", 1],
          ["\ud83d\ude00", text],
        ]);
        await broker.close();
      },
    );

    test("ifNewest appends if it is the key's newest event, removed or not, and is a conflict otherwise", async () => {
      const { broker } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => seen.push(event));
      const conflict = { code: "conflict" };
      const first = await topic.append({ key: "a", data: 1 });
      const other = await topic.append({ key: "b", data: 1 });
      const draft = { key: "a", data: 2 };
      const wrong = topic.append({ ...draft, ifNewest: other.offset });
      await expect(wrong).rejects.toMatchObject(conflict);
      const second = await topic.append({ ...draft, ifNewest: first.offset });
      await expect(topic.append({ ...draft, ifNewest: first.offset })).rejects.toMatchObject(
        conflict,
      );
      const third = await topic.append({ key: "a", removed: true, ifNewest: second.offset });
      const fourth = await topic.append({ ...draft, ifNewest: third.offset });
      expect(fourth.offset).toBeGreaterThan(third.offset);
      expect(offsets(seen)).toEqual(
        [first, other, second, third, fourth].map(({ offset }) => offset),
      );
      await broker.close();
    });

    test("of two simultaneous appends with the same ifNewest, one succeeds", async () => {
      const { broker } = await open();
      const topic = await broker.openTopic(keyedTopic("t"), ignore);
      const { offset } = await topic.append({ key: "a", data: 0 });
      const draft = { key: "a", data: 1, ifNewest: offset };
      const outcomes = await Promise.allSettled([topic.append(draft), topic.append(draft)]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await broker.close();
    });

    test("a key with a lease is removed when it expires, by an event that all followers receive", async () => {
      const { broker, pass } = await open();
      const seen: string[] = [];
      const follow = ({ key, removed }: TopicEvent): void =>
        void seen.push(`${key} ${removed ? "removed" : "set"}`);
      const topic = await broker.openTopic(keyedTopic("t"), follow);
      await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "b", data: 1 });
      await pass(400);
      expect(seen).toEqual(["a set", "b set"]);
      await pass(601);
      await untilPasses(() => expect(seen).toEqual(["a set", "b set", "a removed"]));
      await broker.close();
    });

    test("a renewed lease runs from the renewal; the lease of an outdated value is not renewed", async () => {
      const { broker, pass } = await open();
      const removed: string[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => {
        if (event.removed) removed.push(event.key ?? "");
      });
      const a = await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
      const b = await topic.append({ key: "b", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "b", data: 2, leaseMs: 1_000 });
      await pass(400);
      const held = [
        { key: "a", offset: a.offset },
        { key: "b", offset: b.offset },
        { key: "nothing", offset: 1 },
      ];
      await topic.lease(held, 2_000);
      await pass(601);
      await untilPasses(() => expect(removed).toEqual(["b"]));
      await pass(1_400);
      await untilPasses(() => expect(removed).toEqual(["b", "a"]));
      await broker.close();
    });

    test("a lease ends when its value is replaced", async () => {
      const { broker, pass } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => seen.push(event));
      await topic.append({ key: "a", data: 1, leaseMs: 300 });
      await topic.append({ key: "a", data: 2 });
      await topic.append({ key: "b", data: 1, leaseMs: 300 });
      await topic.append({ key: "b", removed: true });
      await pass(600);
      expect(seen).toHaveLength(4);
      await broker.close();
    });

    test("a closed follower receives nothing more; the topic keeps its events, and leases continue to run", async () => {
      const { broker, pass } = await open();
      const told: TopicEvent[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => told.push(event));
      const other = await broker.openTopic(keyedTopic("t"), ignore);
      await topic.append({ key: "a", data: 1, leaseMs: 300 });
      await topic.append({ key: "b", data: 1 });
      await topic.close();
      await other.append({ key: "c", data: 1 });
      await other.close();
      await pass(600);
      expect(told).toHaveLength(2);
      const seen: string[] = [];
      const again = await broker.openTopic(keyedTopic("t"), ({ key, removed: gone }) =>
        seen.push(`${key}${gone ? " removed" : ""}`),
      );
      expect(seen.sort()).toEqual(["a removed", "b", "c"]);
      expect([again.epoch, again.offset]).toEqual([topic.epoch, 4]);
      await broker.close();
    });

    test("retention by count, size and age: dropped events are not followed, and raise the floor", async () => {
      const { broker, pass } = await open();
      const tellAgain = async (declaration: TopicDeclaration): Promise<[number, unknown[]]> => {
        const told: unknown[] = [];
        const { floor } = await broker.openTopic(declaration, ({ data }) => told.push(data));
        return [floor, told];
      };
      const bySize = logTopic("size", { retention: { maxBytes: 3_000 } });
      const sized = await broker.openTopic(bySize, ignore);
      const long = "x".repeat(1_000);
      for (let n = 0; n < 4; n += 1) await sized.append({ data: `${n}${long}` });
      const [sizeFloor, kept] = await tellAgain(bySize);
      expect([sizeFloor, kept]).toEqual([2, [`2${long}`, `3${long}`]]);
      const byAge = logTopic("age", { retention: { maxAgeMs: 1_000 } });
      const aged = await broker.openTopic(byAge, ignore);
      await aged.append({ data: "old" });
      await pass(1_001);
      await aged.append({ data: "new" });
      expect(await tellAgain(byAge)).toEqual([1, ["new"]]);
      await broker.close();
    });

    test("in a keyed topic, values never expire, and removals expire by age", async () => {
      const { broker, pass } = await open();
      const declaration = keyedTopic("t", { retention: { maxAgeMs: 500, maxEvents: 1 } });
      const topic = await broker.openTopic(declaration, ignore);
      await topic.append({ key: "a", data: 1 });
      await topic.append({ key: "b", data: 2 });
      const { offset } = await topic.append({ key: "c", removed: true });
      await pass(501);
      await topic.append({ key: "d", data: 3 });
      const told: unknown[] = [];
      const { floor } = await broker.openTopic(declaration, ({ key }) => told.push(key));
      expect([told, floor]).toEqual([["a", "b", "d"], offset]);
      await broker.close();
    });

    test("events are followed as they were appended: keys and data with any characters, and the time", async () => {
      const { broker, another } = await open();
      const other = await another();
      const written: TopicEvent[] = [];
      const read: TopicEvent[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => written.push(event));
      await other.openTopic(keyedTopic("t"), (event) => read.push(event));
      const values = [
        "",
        " ",
        "1 2 3",
        "é\u0000\n\r%s}{",
        "\ud83d\ude00",
        { a: [null, true, 1.5e300] },
      ];
      for (const [at, data] of values.entries()) {
        await topic.append({ key: typeof data === "string" && at > 0 ? data : `${at}`, data });
      }
      await untilPasses(() => expect(read.length).toBe(values.length));
      const plain = ({ offset, key, data, json, removed, at }: TopicEvent): object => {
        return { offset, key, data, json, removed, at };
      };
      expect(read.map(plain)).toEqual(written.map(plain));
      expect(written.map(({ data }) => data)).toEqual(values);
      const [{ at }] = written as [TopicEvent];
      expect(written.at(-1)!.at).toBeGreaterThanOrEqual(at);
      for (const node of [broker, other]) await node.close();
    });

    describe("a topic of a pattern that was never published to", () => {
      const kinds = [ofPattern(logTopic("rooms/log")), ofPattern(keyedTopic("rooms/keyed"))];

      test("opening and reading it stores nothing at the broker", async () => {
        async function keptAfter(names: number): Promise<number> {
          const { broker, another, kept } = await open();
          const nodes = [broker, await another()];
          for (const node of nodes) {
            for (let n = 0; n < names; n += 1) {
              const declaration = n % 2 === 0 ? logTopic(`rooms/${n}`) : keyedTopic(`rooms/${n}`);
              const topic = await node.openTopic(ofPattern(declaration), ignore);
              await topic.catchUp();
              if (n % 3 === 0) await topic.close();
            }
          }
          for (const node of nodes) await node.close();
          return kept();
        }
        expect(await keptAfter(100)).toBe(await keptAfter(0));
      });

      test.each([["one node"], ["two nodes"]])(
        "a reader that joined before the first event receives it, at the same epoch: %s",
        async (count) => {
          const { broker, another } = await open();
          const other = count === "one node" ? broker : await another();
          for (const declaration of kinds) {
            const seen: TopicEvent[] = [];
            const reader = await other.openTopic(declaration, (event) => seen.push(event));
            const writer = await broker.openTopic(declaration, ignore);
            expect([reader.offset, reader.floor]).toEqual([0, 0]);
            expect(writer.epoch).toBe(reader.epoch);
            const key = declaration.kind === "keyed" ? "a" : undefined;
            await writer.append({ key, data: "first" });
            await untilPasses(() =>
              expect(seen.map(({ offset, data }) => [offset, data])).toEqual([[1, "first"]]),
            );
            const later = await (await another()).openTopic(declaration, ignore);
            expect([later.epoch, later.offset, later.floor]).toEqual([reader.epoch, 1, 0]);
            await writer.append({ key, data: "second" });
            await untilPasses(() => expect(offsets(seen)).toEqual([1, 2]));
          }
          await broker.close();
          await other.close();
        },
      );

      test("first appends of two nodes end up in one log, in each node's order", async () => {
        const { broker, another } = await open();
        const nodes = [broker, await another()];
        const lost: string[] = [];
        for (const declaration of kinds) {
          const seen: TopicEvent[][] = [[], []];
          const topics = await Promise.all(
            nodes.map((node, at) =>
              node.openTopic(
                declaration,
                (event) => seen[at]!.push(event),
                () => lost.push(declaration.name),
              ),
            ),
          );
          const key = declaration.kind === "keyed" ? (n: number) => `${n}` : () => undefined;
          const appends: Promise<unknown>[] = [];
          for (let n = 0; n < 40; n += 1) {
            appends.push(topics[n % 2]!.append({ key: key(n), data: n }));
            // Some while the log is being made, some when it is there.
            if (n % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 1));
          }
          await Promise.all(appends);
          await untilPasses(() => expect(seen.map(({ length }) => length)).toEqual([40, 40]));
          expect(offsets(seen[0]!)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
          const data = seen.map((events) => events.map((event) => event.data as number));
          expect(data[1]).toEqual(data[0]);
          for (const at of [0, 1]) {
            const own = data[0]!.filter((n) => n % 2 === at);
            expect(own).toEqual([...own].sort((a, b) => a - b));
          }
        }
        expect(lost).toEqual([]);
        for (const node of nodes) await node.close();
      });

      test("its position is the same after closing and reopening it on any node", async () => {
        const { broker, another } = await open();
        const other = await another();
        for (const declaration of kinds) {
          const before = await broker.openTopic(declaration, ignore);
          await before.close();
          for (const node of [broker, other]) {
            const again = await node.openTopic(declaration, ignore);
            expect([again.epoch, again.offset]).toEqual([before.epoch, 0]);
            await again.close();
          }
        }
        for (const node of [broker, other]) await node.close();
      });

      test("a rejected append stores nothing at the broker either", async () => {
        async function keptAfter(append: boolean): Promise<number> {
          const { broker, kept } = await open();
          const topic = await broker.openTopic(kinds[0]!, ignore);
          const bad = append ? topic.append({ data: 1n }) : Promise.reject(new Error());
          await expect(bad).rejects.toThrow();
          await broker.close();
          return kept();
        }
        expect(await keptAfter(true)).toBe(await keptAfter(false));
      });
    });

    describe("two nodes", () => {
      test("appending to one topic at the same time follow the same order, offsets and epoch", async () => {
        const { broker, another } = await open();
        const nodes = [broker, await another()];
        const seen: TopicEvent[][] = [[], []];
        const topics = await Promise.all(
          nodes.map((node, at) => node.openTopic(logTopic("t"), (event) => seen[at]!.push(event))),
        );
        expect(topics[0]!.epoch).toBe(topics[1]!.epoch);
        const appends = Array.from({ length: 200 }, (_, n) =>
          topics[n % 2]!.append({ data: n }).then(({ offset }) => {
            // It has been followed where it was appended, and so has all that was before it.
            expect(seen[n % 2]!.at(-1)!.offset).toBeGreaterThanOrEqual(offset);
            return [n, offset];
          }),
        );
        const receipts = new Map((await Promise.all(appends)) as [number, number][]);
        await untilPasses(() => expect(seen.map(({ length }) => length)).toEqual([200, 200]));
        expect(offsets(seen[0]!)).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
        const plain = seen.map((events) => events.map(({ offset, data }) => [data, offset]));
        expect(plain[1]).toEqual(plain[0]);
        for (const [n, offset] of plain[0] as [number, number][]) {
          expect(receipts.get(n)).toBe(offset);
        }
        for (const node of nodes) await node.close();
      });

      test("an idempotency key repeated at another node is a duplicate with the first offset, which that node has followed", async () => {
        const { broker, another } = await open();
        const other = await another();
        const one = await broker.openTopic(logTopic("t"), ignore);
        const seen: TopicEvent[] = [];
        const two = await other.openTopic(logTopic("t"), (event) => seen.push(event));
        const first = await one.append({ data: 1, idempotencyKey: "k" });
        const second = await two.append({ data: 1, idempotencyKey: "k" });
        expect(second).toEqual({ offset: first.offset, duplicate: true });
        expect(offsets(seen)).toEqual([first.offset]);
        const draft = { data: 2, idempotencyKey: "l" };
        const raced = await Promise.all([one, two].map((topic) => topic.append(draft)));
        expect(raced.filter(({ duplicate }) => duplicate)).toHaveLength(1);
        for (const node of [broker, other]) await node.close();
      });

      test("of racing conditional appends, at most one per round succeeds, and all nodes agree which", async () => {
        const { broker, another } = await open();
        const nodes = [broker, await another()];
        const topics = await Promise.all(
          nodes.map((node) => node.openTopic(keyedTopic("t"), ignore)),
        );
        let { offset } = await topics[0]!.append({ key: "a", data: 0 });
        for (let round = 1; round <= 20; round += 1) {
          const outcomes = await Promise.allSettled(
            topics.map((topic) => topic.append({ key: "a", data: round, ifNewest: offset })),
          );
          const done = outcomes.filter((outcome) => outcome.status === "fulfilled");
          const refused = outcomes.filter((outcome) => outcome.status === "rejected");
          expect(done).toHaveLength(1);
          expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual([
            "conflict",
          ]);
          offset = done[0]!.value.offset;
        }
        for (const node of nodes) await node.close();
      });

      test("a keyed topic has the same state and removals whichever node opens it", async () => {
        const { broker, another } = await open();
        const other = await another();
        const topic = await broker.openTopic(keyedTopic("t"), ignore);
        for (let n = 0; n < 1_200; n += 1) void topic.append({ key: `k${n % 700}`, data: n });
        await topic.append({ key: "k5", removed: true });
        const tell = async (node: Broker): Promise<[number, string][]> => {
          const told: [number, string][] = [];
          const { offset, floor } = await node.openTopic(keyedTopic("t"), (event) =>
            told.push([event.offset, `${event.key}=${event.removed ? "removed" : event.json}`]),
          );
          expect([offset, floor]).toEqual([1_201, 0]);
          return told;
        };
        const told = await tell(other);
        expect(told).toHaveLength(700);
        expect(told.at(-1)).toEqual([1_201, "k5=removed"]);
        expect(told.map(([offset]) => offset)).toEqual(
          told.map(([offset]) => offset).sort((a, b) => a - b),
        );
        expect(await tell(broker)).toEqual(told);
        for (const node of [broker, other]) await node.close();
      });

      test("a lease whose holder crashed expires once, for all remaining nodes", async () => {
        const { broker, another, kill, pass } = await open();
        const other = await another();
        const third = await another();
        const holder = await broker.openTopic(keyedTopic("t"), ignore);
        const seen: string[][] = [[], []];
        for (const [at, node] of [other, third].entries()) {
          await node.openTopic(keyedTopic("t"), ({ key, removed }) =>
            seen[at]!.push(`${key} ${removed ? "removed" : "set"}`),
          );
        }
        await holder.append({ key: "a", data: 1, leaseMs: 600 });
        await kill(broker);
        await pass(601);
        const all = ["a set", "a removed"];
        await untilPasses(() => expect(seen).toEqual([all, all]));
        await pass(300);
        expect(seen).toEqual([all, all]);
        for (const node of [other, third]) await node.close();
      });

      test("a lease can be renewed by a node other than the one that set the key", async () => {
        const { broker, another, pass } = await open();
        const other = await another();
        const seen: string[] = [];
        const one = await broker.openTopic(keyedTopic("t"), ({ removed }) =>
          seen.push(removed ? "removed" : "set"),
        );
        const two = await other.openTopic(keyedTopic("t"), ignore);
        const { offset } = await one.append({ key: "a", data: 1, leaseMs: 600 });
        await two.lease([{ key: "a", offset }], 1_800);
        await pass(900);
        expect(seen).toEqual(["set"]);
        await pass(901);
        await untilPasses(() => expect(seen).toEqual(["set", "removed"]));
        for (const node of [broker, other]) await node.close();
      });
    });
  });
}
