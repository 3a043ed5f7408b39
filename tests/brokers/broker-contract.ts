import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, type Broker, type TopicEvent } from "../../src/live/index.ts";

/** How the suite gets a broker, and moves the time that it lives by. */
export interface BrokerUnderTest {
  broker: Broker;
  /** Lets the window for idempotency keys (five minutes) pass. */
  readonly passWindow: () => void | Promise<void>;
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
  });
}
