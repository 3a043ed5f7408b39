import { describe, expect, test } from "vitest";
import type { Encoding } from "../../../src/topics/fan-out/encoding.ts";
import { keyedTopic, matchFields } from "../../../src/live/index.ts";
import { eventOf } from "../../../src/topics/index.ts";
import { LaneBudget } from "../../../src/topics/fan-out/lane-budget.ts";
import { Lane } from "../../../src/topics/fan-out/lane.ts";
import { PageCache } from "../../../src/topics/fan-out/page-cache.ts";
import { sharedResources } from "../../../src/topics/shared-resources.ts";
import { Topic } from "../../../src/topics/topic.ts";
import type { Page } from "../../../src/topics/fan-out/page.ts";
import { freshWalk } from "../../../src/topics/log/walk.ts";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";

describe("an event's data", () => {
  test("is parsed once per task for all readers, and not kept longer", async () => {
    const event = eventOf({ data: { n: 1 } }, 1, 0);
    const { data } = event;
    const other = eventOf({ data: 2 }, 2, 0);
    expect([event.data === data, other.data, event.data === data]).toEqual([true, 2, true]);
    await Promise.resolve();
    expect(event.data).toEqual(data);
    expect(event.data).not.toBe(data);
  });
});

const page = (length: number): Page => ({
  bytes: new Uint8Array(length),
  reached: 1,
  told: 1,
  isLast: true,
  isYield: false,
  units: 0,
  visits: 0,
});

describe("cached pages", () => {
  test("have a total limit: the oldest are evicted first, and a view's pages are dropped together", () => {
    const pages = new PageCache(10_000);
    const [one, other] = [{}, {}];
    pages.set(one, "a", page(3_000));
    pages.set(other, "a", page(3_000));
    pages.set(one, "b", page(3_000));
    expect(pages.get(one, "a")).toBeUndefined();
    expect(pages.bytes).toBeLessThanOrEqual(10_000);
    pages.set(one, "huge", page(20_000));
    expect([pages.get(one, "huge"), pages.get(one, "b")?.bytes?.length]).toEqual([
      undefined,
      3_000,
    ]);
    pages.clear(one);
    expect([pages.get(one, "b"), pages.get(other, "a")?.bytes?.length]).toEqual([undefined, 3_000]);
    pages.clear(other);
    expect(pages.bytes).toBe(0);
  });

  test("that are cached again count once", () => {
    const pages = new PageCache(10_000);
    const owner = {};
    for (let at = 0; at < 5; at += 1) pages.set(owner, "a", page(1_000 * (at + 1)));
    expect(pages.bytes).toBeLessThan(5_600);
    pages.clear(owner);
    expect(pages.bytes).toBe(0);
  });
});

describe("lanes", () => {
  test("share a long frame: it is not copied, and counts once", () => {
    const budget = new LaneBudget(64_000_000);
    const frame = new Uint8Array(1_000_000);
    const lanes = Array.from({ length: 60 }, () => new Lane(512 * 1024, budget));
    for (const lane of lanes) lane.append(frame, 1);
    expect(budget.bytes).toBe(1_000_000);
    expect(lanes[59]!.read(0, 1_000_000)!.bytes.buffer).toBe(frame.buffer);
    for (const lane of lanes.slice(1)) lane.close();
    expect(budget.bytes).toBe(1_000_000);
    lanes[0]!.close();
    expect(budget.bytes).toBe(0);
  });

  test("have a total limit: the lane that grew least recently loses its blocks, the growing one does not", () => {
    const budget = new LaneBudget(400_000);
    const [idle, busy] = [new Lane(300_000, budget), new Lane(300_000, budget)];
    for (let at = 1; at <= 4; at += 1) idle.append(new Uint8Array(50_000), at);
    for (let at = 1; at <= 5; at += 1) busy.append(new Uint8Array(50_000), at);
    expect([idle.start, busy.start, budget.bytes]).toEqual([50_000, 0, 400_000]);
    busy.append(new Uint8Array(390_000), 6);
    expect([idle.start, idle.end, budget.bytes]).toEqual([200_000, 200_000, 390_000]);
    expect(busy.read(250_000, 1)!.bytes.length).toBe(390_000);
    idle.append(new Uint8Array(10), 7);
    expect(idle.read(200_000, 100)).toMatchObject({ next: 200_010, offset: 7 });
  });
});

test("a view without matches keeps no lane blocks, and a view's data is dropped with its readers", async () => {
  const clock = new VirtualClock();
  const shared = sharedResources(clock);
  const encoding: Encoding = {
    name: "test",
    event: (_topic, { json }) => Buffer.from(json),
    page: () => Buffer.from("page"),
  };
  const topic = await Topic.open(
    keyedTopic("devices", { match: matchFields }),
    new MemoryBroker({ clock }),
    { clock, report: () => {}, shared },
  );
  const reader = { onGrown: () => {} };
  const joined = Array.from({ length: 1_000 }, (_, site) => {
    const view = topic.view({ site });
    return { view, lane: view.join(encoding, reader) };
  });
  for (let n = 0; n < 10; n += 1) await topic.append({ key: "k", data: { site: 7, n } });
  expect(shared.lanes.bytes).toBeLessThanOrEqual(2_048);
  for (const { view } of joined) view.page(encoding, freshWalk(topic));
  expect(shared.pages.bytes).toBeGreaterThan(0);
  for (const { view, lane } of joined) view.leave(lane, reader);
  expect([shared.lanes.bytes, shared.pages.bytes]).toEqual([0, 0]);
});
