import { derived, get } from "svelte/store";
import { expect, expectTypeOf, test } from "vitest";
import type { FeedStatus, Live, LiveStatus } from "../../src/live/client/index.ts";
import { connectionStore, topicStore, type Readable } from "../../src/svelte/index.ts";
import { ap, openWorld, type Api, type Device } from "../rigs/live/open-world.ts";

test("entries appear, change and go, and subscribers are told each time, the first time at once", async () => {
  const { live, arrive, set, remove } = await openWorld();
  await set("lab", { "ap-1": ap(1) });
  const seen: [string, number | undefined][] = [];
  const stop = topicStore(live, "devices/lab").subscribe(({ status, entries }) => {
    seen.push([status.state, entries.get("ap-1")?.clients]);
  });
  expect(seen).not.toEqual([]);
  await arrive();
  await set("lab", { "ap-1": ap(2) });
  await remove("lab", "ap-1");
  stop();
  const count = seen.length;
  await set("lab", { "ap-1": ap(3) });
  expect(seen).toHaveLength(count);
  expect(seen.slice(-3)).toEqual([
    ["live", 1],
    ["live", 2],
    ["live", undefined],
  ]);
  expect(seen[0]).toEqual(["closed", undefined]);
  expect(seen.slice(1, -3).every(([state]) => state === "catching-up")).toBe(true);
});

test("the status of the topic follows a cut", async () => {
  const { world, live, arrive } = await openWorld();
  const states: string[] = [];
  const stop = topicStore(live, "devices/lab").subscribe(({ status }) => states.push(status.state));
  await arrive();
  world.network.cut();
  await world.pass(10);
  expect(states.at(-1)).toBe("catching-up");
  await world.pass(1_000);
  expect(states.at(-1)).toBe("live");
  stop();
});

test("stores with equal params share one subscription, which ends with its last subscriber", async () => {
  const { live, arrive, subscriptions } = await openWorld();
  const stops = [1, 2].map(() =>
    topicStore(live, "devices/lab", { deviceType: "AP" }).subscribe(() => {}),
  );
  await arrive();
  expect(subscriptions()).toBe(1);
  stops[0]?.();
  await arrive();
  expect(subscriptions()).toBe(1);
  stops[1]?.();
  await arrive();
  expect(subscriptions()).toBe(0);
});

test("Svelte's own derived and get take it for a store", async () => {
  const { live, arrive, set, subscriptions } = await openWorld();
  const lab = topicStore(live, "devices/lab");
  const count = derived(lab, ({ entries }) => entries.size);
  const seen: number[] = [];
  const stop = count.subscribe((value) => seen.push(value));
  await arrive();
  await set("lab", { "ap-1": ap(1) });
  await set("lab", { "ap-2": ap(2) });
  expect(seen).toEqual([0, 1, 2]);
  expect(get(count)).toBe(2);
  expect(get(lab).entries.size).toBe(2);
  stop();
  await arrive();
  expect(subscriptions()).toBe(0);
  expect(get(lab).entries.size).toBe(0);
});

test("with a schedule, any number of changes causes one notification, and none after the end", async () => {
  const { live, arrive, set } = await openWorld();
  const frames: (() => void)[] = [];
  const schedule = (tell: () => void): void => void frames.push(tell);
  const sizes: number[] = [];
  const stop = topicStore(live, "devices/lab", {}, { schedule }).subscribe(({ entries }) => {
    sizes.push(entries.size);
  });
  await arrive();
  for (const frame of frames.splice(0)) frame();
  sizes.splice(0);
  await set("lab", { "ap-1": ap(1), "ap-2": ap(2) });
  expect(frames).toHaveLength(1);
  for (const frame of frames.splice(0)) frame();
  expect(sizes).toEqual([2]);
  await set("lab", { "ap-3": ap(3) });
  stop();
  for (const frame of frames.splice(0)) frame();
  expect(sizes).toEqual([2]);
});

test("the connection's status is a store: present at once, then each one that follows", async () => {
  const { world, live } = await openWorld();
  const states: string[] = [];
  const status = connectionStore(live);
  const stop = status.subscribe(({ state }) => states.push(state));
  expect(states).toEqual(["live"]);
  world.network.cut();
  await world.pass(1_000);
  stop();
  world.network.goDown();
  await world.pass(10);
  expect(states).toEqual(["live", "offline", "connecting", "live"]);
  expect(get(status)).toMatchObject({ state: "offline", code: 1006 });
});

test("the topic's declaration types entries, params and names", () => {
  // Its body is for the type checker alone.
  const types = (live: Live<Api>): void => {
    const lab = topicStore(live, "devices/lab", { deviceType: "AP" });
    expectTypeOf(get(lab).entries).toEqualTypeOf<ReadonlyMap<string, Device>>();
    expectTypeOf(get(lab).status).toEqualTypeOf<FeedStatus>();
    expectTypeOf(connectionStore(live)).toEqualTypeOf<Readable<LiveStatus>>();
    // @ts-expect-error: there is no such topic
    topicStore(live, "nonsense");
    // @ts-expect-error: nor such params
    topicStore(live, "devices/lab", { deviceType: 1 });
  };
  expect(types).toBeTypeOf("function");
});
