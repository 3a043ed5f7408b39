import { describe, expect, test } from "vitest";
import type { Encoding } from "../../src/topics/fan-out/encoding.ts";
import {
  keyedTopic,
  logTopic,
  matchFields,
  type Params,
  type TopicEvent,
} from "../../src/live/index.ts";
import { hasEntry } from "../../src/topics/log/has-entry.ts";
import type { SendBuffer } from "../../src/topics/fan-out/send-buffer.ts";
import { Subscription } from "../../src/topics/fan-out/subscription.ts";
import type { Topic } from "../../src/topics/topic.ts";
import { freshWalk, walkFrom, type Walk } from "../../src/topics/log/walk.ts";
import { openTopic } from "../rigs/live/open-topic.ts";
import { TurnClock } from "../rigs/clock/turn-clock.ts";

const text = ({ key, removed }: TopicEvent): string => `${key}${removed ? "x" : ""} `;

const encoding: Encoding = {
  name: "test",
  event: (_topic, event) => Buffer.from(text(event)),
  page: (_topic, { entries, more }) =>
    Buffer.from(`${entries.map(text).join("")}${more ? "" : "|"}`),
};

const reader = { onGrown: () => {} };

/** Takes everything at once. */
class Sink implements SendBuffer {
  readonly bufferedAmount = 0;
  got = "";
  writes = 0;
  write(bytes: Uint8Array): void {
    this.writes += 1;
    this.got += Buffer.from(bytes).toString();
  }
  watchDrain(): void {}
  fail(cause: unknown): void {
    throw cause;
  }
}

function subscribe(
  topic: Topic,
  params: Params,
  { walk = freshWalk(topic), payer }: { walk?: Walk; payer?: string } = {},
): { sink: Sink; subscription: Subscription; caughtUp: () => number; lost: () => number } {
  const sink = new Sink();
  let caughtUp = 0;
  let lost = 0;
  const view = topic.view(params);
  const source = { topic, view, encoding, walk, ...(payer !== undefined && { payer }) };
  const subscription = new Subscription(source, sink, {
    onLost: () => {
      lost += 1;
      return "go-on";
    },
    onEnded: () => {},
    onCaughtUp: () => (caughtUp += 1),
  });
  subscription.pump();
  return { sink, subscription, caughtUp: () => caughtUp, lost: () => lost };
}

/** `count` keys; 10 keys have each owner. */
async function filled(
  count: number,
  match: (params: never, event: TopicEvent) => boolean,
): Promise<{ topic: Topic; clock: TurnClock }> {
  const opened = await openTopic(keyedTopic("devices", { match }), new TurnClock());
  for (let n = 0; n < count; n += 1) {
    const data = { owner: `o${n % (count / 10)}`, on: true };
    await opened.topic.append({ key: `k${n}`, data });
  }
  return opened;
}

const asks: (params: never, event: TopicEvent) => boolean = (params, event) =>
  matchFields(params, event);

describe("a subscribe", () => {
  test("that matches 10 of 100,000 keys visits only those, once the field is indexed", async () => {
    const { topic, clock } = await filled(100_000, matchFields);
    const first = subscribe(topic, { owner: "o1" });
    // The index is built meanwhile.
    clock.turns(100);
    expect(first.sink.got.split(" ")).toHaveLength(11);
    const page = topic.view({ owner: "o2", on: "true" }).page(encoding, freshWalk(topic));
    expect([page.isLast, page.visits]).toEqual([true, 10]);
    expect(subscribe(topic, { owner: "o3" }).sink.got.split(" ")).toHaveLength(11);
    const none = topic.view({ nowhere: 1 }).page(encoding, freshWalk(topic));
    expect([none.isLast, none.visits]).toEqual([true, 0]);
  });

  test("with an application's match walks all keys in slices, between which others are served", async () => {
    const { topic, clock } = await filled(20_000, asks);
    const slow = subscribe(topic, { owner: "o1999" });
    expect(slow.sink.got).toBe("k1999 ");
    const { slices } = topic.slices;
    const quick = subscribe(topic, { owner: "o1" }, { walk: walkFrom(20_000) });
    clock.turn();
    expect(quick.sink.got).toBe("|");
    expect(slow.sink.got.split(" ").length).toBeLessThan(11);
    clock.turns(20);
    expect(slow.sink.got.split(" ")).toHaveLength(11);
    // An event costs 128 units and its 27 characters, a slice has 524,288.
    expect(topic.slices.slices - slices).toBeGreaterThanOrEqual(5);
    expect([slow.caughtUp(), quick.caughtUp()]).toEqual([1, 1]);
    expect(topic.slices.waiting).toBe(0);
  });

  test("writes nothing for slices without an entry, and misses no event between them", async () => {
    const { topic, clock } = await filled(20_000, asks);
    const { sink } = subscribe(topic, { owner: "o1999" });
    expect(sink.got).toBe("k1999 ");
    await topic.append({ key: "k1999", removed: true });
    await topic.append({ key: "k19999", data: { owner: "somebody" } });
    await topic.append({ key: "new", data: { owner: "o1999" } });
    clock.turns(20);
    const keys = sink.got.split(" ");
    expect(keys.slice(0, 9)).toEqual(Array.from({ length: 9 }, (_, n) => `k${n * 2_000 + 1_999}`));
    // The end of the log, where what has changed is. That the last one never came does no harm.
    expect(keys.slice(9)).toEqual(["k1999x", "k19999x", "new", "|"]);
    expect(sink.writes).toBeLessThanOrEqual(7);
  });

  test("that has sent nothing yet loses nothing if removals are forgotten between its slices", async () => {
    const declaration = keyedTopic("devices", { match: asks, retention: { maxEvents: 1 } });
    const { topic, clock } = await openTopic(declaration, new TurnClock());
    for (let n = 0; n < 10_000; n += 1) {
      await topic.append({ key: `k${n}`, data: { owner: n < 9_999 ? "many" : "one" } });
    }
    const { sink, lost } = subscribe(topic, { owner: "one" });
    for (const key of ["k1", "k2", "k3"]) await topic.append({ key, removed: true });
    expect(topic.floor).toBeGreaterThan(10_000);
    clock.turns(20);
    expect([sink.got, lost()]).toEqual(["k9999 |", 0]);
  });

  test("that ends while it waits for a slice uses no further slice", async () => {
    const { topic, clock } = await filled(20_000, asks);
    const { subscription } = subscribe(topic, { owner: "o1" });
    expect(topic.slices.waiting).toBe(1);
    subscription.end();
    expect(topic.slices.waiting).toBe(0);
    clock.turn();
    expect(topic.slices.slices).toBe(0);
  });

  test("of 50 subscribers with equal params costs one walk", async () => {
    const { topic, clock } = await filled(20_000, asks);
    const all = Array.from({ length: 50 }, () => subscribe(topic, { owner: "o1" }));
    clock.turns(12);
    for (const { sink } of all) expect(sink.got.split(" ")).toHaveLength(11);
  });
});

describe("an event", () => {
  test("visits none of 10,000 views whose params it does not match", async () => {
    const { topic } = await openTopic(logTopic("alerts", { match: matchFields }));
    for (let n = 0; n < 9_998; n += 1) topic.view({ kind: "AP", site: n }).join(encoding, reader);
    topic.view({ site: "here" }).join(encoding, reader);
    topic.view({ kind: "switch" }).join(encoding, reader);
    await topic.append({ data: { site: "there", kind: "AP" } });
    expect(topic.viewsAsked).toBeLessThanOrEqual(1);
    const before = topic.viewsAsked;
    await topic.append({ data: { site: "here", kind: "switch" } });
    expect(topic.viewsAsked - before).toBe(2);
  });

  test("finds a view by the pair that the fewest events have, if known", async () => {
    const { topic, clock } = await filled(2_000, matchFields);
    subscribe(topic, { on: "true" });
    subscribe(topic, { owner: "o1" });
    clock.turns(20);
    topic.view({ on: "true", owner: "o1" }).join(encoding, reader);
    const before = topic.viewsAsked;
    await topic.append({ key: "k", data: { on: true, owner: "o2" } });
    expect(topic.viewsAsked - before).toBe(1);
  });

  test("visits the views that have the event it replaces, and no others", async () => {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    await topic.append({ key: "k", data: { site: 1 } });
    for (let site = 0; site < 100; site += 1) topic.view({ site }).join(encoding, reader);
    const { lane } = topic.view({ site: 1 }).join(encoding, reader);
    await topic.append({ key: "k", data: { site: 2 } });
    expect(topic.viewsAsked).toBe(2);
    expect(Buffer.from(lane.read(0, 100)!.bytes).toString()).toBe("kx ");
  });

  test("that is an array visits no view, because it has no fields", async () => {
    const { topic } = await openTopic(logTopic("alerts", { match: matchFields }));
    for (const params of [{ length: 2 }, { 0: "x" }, { 1: "x" }]) {
      topic.view(params).join(encoding, reader);
    }
    await topic.append({ data: ["x", "y"] });
    expect(topic.viewsAsked).toBe(0);
  });

  test("visits no view without readers after 1,000 events", async () => {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    for (let site = 0; site < 50; site += 1) topic.view({ site: 1, n: site });
    const data = { site: 1, n: 1 };
    for (let n = 0; n < 1_002; n += 1) await topic.append({ key: "k", data });
    const before = topic.viewsAsked;
    await topic.append({ key: "k", data });
    expect(topic.viewsAsked).toBe(before);
  });
});

describe("params", () => {
  test("with more than 64 names are invalid_params", async () => {
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields }));
    const names = (count: number): Params =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, 1]));
    expect(() => topic.view(names(64))).not.toThrow();
    expect(() => topic.view(names(65))).toThrow(
      expect.objectContaining({ code: "invalid_params" }),
    );
  });

  test("for matchFields share a view if they compare the same, also after a schema", async () => {
    const validate = ({ type }: { type: string }): { value: Params } => ({ value: { type } });
    const params = { "~standard": { version: 1, vendor: "test", validate } } as never;
    const { topic } = await openTopic(keyedTopic("devices", { match: matchFields, params }));
    expect(topic.view({ type: 1, other: 2 })).toBe(topic.view({ type: "1", another: 3 }));
    expect(topic.viewCount).toBe(1);
  });

  test("for an application's match have a limited total length", async () => {
    const { topic } = await openTopic(logTopic("alerts", { match: () => true }));
    const long = "x".repeat(16_000);
    const add = (n: number): unknown => topic.view({ long, n }).join(encoding, reader);
    for (let n = 0; n < 65; n += 1) add(n);
    expect(() => add(65)).toThrow(expect.objectContaining({ code: "unavailable" }));
  });
});

test("a walk is searched for an entry in slices", async () => {
  const { topic, clock } = await filled(20_000, asks);
  const ask = async (owner: string): Promise<boolean> => {
    const asked = hasEntry(topic, { view: topic.view({ owner }), walk: freshWalk(topic) });
    for (let turns = 0; turns < 12; turns += 1) {
      await Promise.resolve();
      clock.turn();
    }
    return asked;
  };
  expect(await ask("o1999")).toBe(true);
  expect(topic.slices.slices).toBe(0);
  expect(await ask("nobody")).toBe(false);
  expect(topic.slices.slices).toBeGreaterThanOrEqual(5);
});
