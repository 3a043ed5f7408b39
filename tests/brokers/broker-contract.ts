import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, type Broker, type TopicEvent } from "../../src/live/index.ts";

/** How the suite gets a broker, and moves the time that it lives by. */
export interface BrokerUnderTest {
  broker: Broker;
  /** Lets the window for idempotency keys (five minutes) pass. */
  readonly passWindow: () => void | Promise<void>;
  /** Lets some time pass, and what becomes due by it happen. */
  readonly pass: (ms: number) => void | Promise<void>;
}

/** What every broker must do; `open` makes one that has nothing in it yet. */
export function describeBroker(name: string, open: () => Promise<BrokerUnderTest>): void {
  const offsets = (events: TopicEvent[]): number[] => events.map(({ offset }) => offset);
  const ignore = (): void => {};

  describe(name, () => {
    test("offsets are strictly increasing, in the order in which appends were asked for", async () => {
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

    test("a topic's epoch stays what it is, for all who open it; topics do not share their logs", async () => {
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

    test("an event has been followed, by everyone, when its append resolves", async () => {
      const { broker } = await open();
      const followed: string[] = [];
      const topic = await broker.openTopic(logTopic("t"), () => followed.push("first"));
      await broker.openTopic(logTopic("t"), () => followed.push("second"));
      await topic.append({ data: 1 });
      expect(followed).toEqual(["first", "second"]);
      await broker.close();
    });

    test("a follower gets what is retained, then what is new, once and in order", async () => {
      const { broker } = await open();
      const declaration = logTopic("t", { retention: { maxEvents: 3 } });
      const topic = await broker.openTopic(declaration, ignore);
      for (let n = 1; n <= 5; n += 1) await topic.append({ data: n });
      const seen: TopicEvent[] = [];
      const opened = await broker.openTopic(declaration, (event) => seen.push(event));
      expect(seen.map(({ data }) => data)).toEqual([3, 4, 5]);
      expect(opened.offset).toBe(seen.at(-1)!.offset);
      // Who read up to the event before the oldest misses nothing, who read less does.
      expect(opened.floor).toBeGreaterThanOrEqual(1);
      expect(opened.floor).toBeLessThan(seen[0]!.offset);
      await topic.append({ data: 6 });
      await opened.append({ data: 7 });
      expect(seen.map(({ data }) => data)).toEqual([3, 4, 5, 6, 7]);
      await broker.close();
    });

    test("a follower of a keyed topic gets the newest of each key and the tombstones", async () => {
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

    test("a tombstone that is let go of raises the floor", async () => {
      const { broker } = await open();
      const declaration = keyedTopic("t", { retention: { maxEvents: 1 } });
      const topic = await broker.openTopic(declaration, ignore);
      const { offset } = await topic.append({ key: "a", removed: true });
      await topic.append({ key: "b", removed: true });
      const opened = await broker.openTopic(declaration, ignore);
      expect(opened.floor).toBeGreaterThanOrEqual(offset);
      await broker.close();
    });

    test("an idempotency key again within the window: a duplicate with the first offset, not in the log again", async () => {
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

    test("two appends of one idempotency key at the same time are one event", async () => {
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

    test("after the window the key is new; another topic's keys are its own", async () => {
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

    test("an append that is rejected leaves nothing behind: no event, no offset, no idempotency key", async () => {
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

    test("ifNewest: appends while it is the key's newest event, removed or not, and is a conflict otherwise", async () => {
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

    test("of two that say the same ifNewest at one time one is appended", async () => {
      const { broker } = await open();
      const topic = await broker.openTopic(keyedTopic("t"), ignore);
      const { offset } = await topic.append({ key: "a", data: 0 });
      const draft = { key: "a", data: 1, ifNewest: offset };
      const outcomes = await Promise.allSettled([topic.append(draft), topic.append(draft)]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await broker.close();
    });

    test("a key with a lease is removed when it runs out, as an event that all follow", async () => {
      const { broker, pass } = await open();
      const seen: string[] = [];
      const follow = ({ key, removed }: TopicEvent): void =>
        void seen.push(`${key} ${removed ? "removed" : "set"}`);
      const topic = await broker.openTopic(keyedTopic("t"), follow);
      await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "b", data: 1 });
      await pass(900);
      expect(seen).toEqual(["a set", "b set"]);
      await pass(200);
      expect(seen).toEqual(["a set", "b set", "a removed"]);
      await broker.close();
    });

    test("a lease that is renewed runs from then on; one of a value that is not the newest is not renewed", async () => {
      const { broker, pass } = await open();
      const removed: string[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => {
        if (event.removed) removed.push(event.key ?? "");
      });
      const a = await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
      const b = await topic.append({ key: "b", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "b", data: 2, leaseMs: 1_000 });
      await pass(600);
      const held = [
        { key: "a", offset: a.offset },
        { key: "b", offset: b.offset },
        { key: "nothing", offset: 1 },
      ];
      await topic.lease(held, 1_000);
      await pass(600);
      expect(removed).toEqual(["b"]);
      await pass(600);
      expect(removed).toEqual(["b", "a"]);
      await broker.close();
    });

    test("a lease ends with the value that it was of", async () => {
      const { broker, pass } = await open();
      const seen: TopicEvent[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => seen.push(event));
      await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "a", data: 2 });
      await topic.append({ key: "b", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "b", removed: true });
      await pass(5_000);
      expect(seen).toHaveLength(4);
      await broker.close();
    });

    test("who has closed a topic is told nothing more of it; what is in it stays, and leases run on", async () => {
      const { broker, pass } = await open();
      const told: TopicEvent[] = [];
      const topic = await broker.openTopic(keyedTopic("t"), (event) => told.push(event));
      const other = await broker.openTopic(keyedTopic("t"), ignore);
      await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
      await topic.append({ key: "b", data: 1 });
      await topic.close();
      await other.append({ key: "c", data: 1 });
      await other.close();
      await pass(5_000);
      expect(told).toHaveLength(2);
      const seen: string[] = [];
      const again = await broker.openTopic(keyedTopic("t"), ({ key, removed: gone }) =>
        seen.push(`${key}${gone ? " removed" : ""}`),
      );
      expect(seen.sort()).toEqual(["a removed", "b", "c"]);
      expect([again.epoch, again.offset]).toEqual([topic.epoch, 4]);
      await broker.close();
    });
  });
}
