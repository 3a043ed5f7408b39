import { describe, expect, expectTypeOf, onTestFinished, test, vi } from "vitest";
import { createSSRApp, effectScope, h, nextTick, ref, watchSyncEffect } from "vue";
import { renderToString } from "vue/server-renderer";
import type { FeedStatus, KeyedItem, Live, LogItem } from "../../src/live/client/index.ts";
import { useConnection, useTopic } from "../../src/vue/index.ts";
import { ap, machine, openWorld, type Api, type Device } from "../rigs/live/open-world.ts";

/** Runs a component's setup; what it follows ends with the returned function. */
function setup<Made>(make: () => Made): { made: Made; unmount: () => void } {
  const scope = effectScope();
  const made = scope.run(make)!;
  onTestFinished(() => scope.stop());
  return { made, unmount: () => scope.stop() };
}

/** Records the values that an effect reads from now on, which a template would show. */
function shown<Value>(read: () => Value): Value[] {
  const seen: Value[] = [];
  setup(() => watchSyncEffect(() => void seen.push(structuredClone(read()))));
  return seen;
}

test("maxPerSecond: the newest values, and not each step", async () => {
  const { world, live, arrive, set } = await openWorld();
  const { made: lab } = setup(() => useTopic(live, "devices/lab", {}, { maxPerSecond: 1 }));
  await arrive();
  const seen = shown(() => lab.entries.value);
  for (let clients = 1; clients <= 5; clients += 1) await set("lab", { "ap-1": ap(clients) });
  expect(seen).toEqual([new Map()]);
  await world.pass(2_000);
  expect(seen).toEqual([new Map(), new Map([["ap-1", ap(5)]])]);
});

describe("entries and status", () => {
  test("entries appear, change and go, and whoever shows them is told each time", async () => {
    const { live, arrive, set, remove } = await openWorld();
    await set("lab", { "ap-1": ap(1) });
    const { made: lab } = setup(() => useTopic(live, "devices/lab"));
    await arrive();
    const seen = shown(() => lab.entries.value);
    await set("lab", { "ap-1": ap(2), "ap-2": ap(3) });
    await remove("lab", "ap-1");
    expect(seen).toEqual([
      new Map([["ap-1", ap(1)]]),
      new Map([["ap-1", ap(2)]]),
      new Map([
        ["ap-1", ap(2)],
        ["ap-2", ap(3)],
      ]),
      new Map([["ap-2", ap(3)]]),
    ]);
  });

  test("the status is that of the feed: catching up, live, and over a cut the same again", async () => {
    const { world, live, arrive, set } = await openWorld();
    const { made: lab } = setup(() => useTopic(live, "devices/lab"));
    const seen = shown(() => lab.status.value.state);
    await arrive();
    world.network.cut();
    await set("lab", { "ap-1": ap(1) });
    expect(lab.entries.value.size).toBe(0);
    await world.pass(1_000);
    expect(lab.entries.value).toEqual(new Map([["ap-1", ap(1)]]));
    expect([...new Set(seen)]).toEqual(["catching-up", "live"]);
    expect(lab.status.value).toEqual({ state: "live" });
  });

  test("a topic that the server refuses ends with its error", async () => {
    const { live, arrive } = await openWorld();
    const { made } = setup(() => useTopic(live as unknown as Live, "nonsense"));
    await arrive();
    expect(made.status.value).toMatchObject({ state: "ended", error: { code: "unknown_topic" } });
  });

  test("each item is handed over: events of a log, sets and removals of a keyed topic", async () => {
    const { world, live, arrive, set, remove } = await openWorld();
    const heard: unknown[] = [];
    const { unmount } = setup(() => {
      useTopic(live, "news", undefined, { onItem: (item) => heard.push(item) });
      useTopic(live, "devices/lab", {}, { onItem: ({ type }) => heard.push(type) });
    });
    await arrive();
    await world.server.topic("news").publish("first");
    await set("lab", { "ap-1": ap(1) });
    await remove("lab", "ap-1");
    expect(heard).toEqual([{ type: "event", offset: 1, data: "first" }, "set", "removed"]);
    unmount();
    await set("lab", { "ap-1": ap(1) });
    expect(heard).toHaveLength(3);
  });
});

describe("with schedule", () => {
  test("any number of changes causes one notification, when the schedule runs", async () => {
    const { live, arrive, set } = await openWorld();
    const frames: (() => void)[] = [];
    const { made: lab } = setup(() =>
      useTopic(live, "devices/lab", {}, { schedule: (tell) => frames.push(tell) }),
    );
    const sizes = shown(() => lab.entries.value.size);
    await arrive();
    for (const frame of frames.splice(0)) frame();
    sizes.splice(0);
    await set("lab", { "ap-1": ap(1), "ap-2": ap(2), "ap-3": ap(3) });
    expect(sizes).toEqual([]);
    expect(frames).toHaveLength(1);
    for (const frame of frames.splice(0)) frame();
    expect(sizes).toEqual([3]);
    await set("lab", { "ap-4": ap(4) });
    expect(frames).toHaveLength(1);
  });

  test("what was scheduled is not told when another topic has taken its place, nor after the end", async () => {
    const { live, arrive, set } = await openWorld();
    const frames: (() => void)[] = [];
    const site = ref<"devices/lab" | "devices/hall">("devices/lab");
    const { made, unmount } = setup(() =>
      useTopic(live, site, {}, { schedule: (tell) => frames.push(tell) }),
    );
    // Somebody else follows both, so that they go on.
    setup(() => [useTopic(live, "devices/lab"), useTopic(live, "devices/hall")]);
    await arrive();
    await set("lab", { "ap-1": ap(1) });
    site.value = "devices/hall";
    await nextTick();
    const seen = shown(() => [...made.entries.value.keys()]);
    for (const frame of frames.splice(0)) frame();
    expect(seen).toEqual([[]]);
    await set("hall", { "ap-9": ap(9) });
    unmount();
    for (const frame of frames.splice(0)) frame();
    expect(seen).toEqual([[]]);
  });
});

describe("which topic", () => {
  test("another name, and other params, are followed over the same connection, one at a time", async () => {
    const { live, arrive, set, asked, subscriptions, connections } = await openWorld();
    await set("lab", { "ap-1": ap(1), "m-1": machine(0) });
    await set("hall", { "ap-9": ap(9) });
    const [site, deviceType] = [ref<"devices/lab" | "devices/hall">("devices/lab"), ref("AP")];
    const { made } = setup(() => useTopic(live, site, () => ({ deviceType: deviceType.value })));
    await arrive();
    expect([...made.entries.value.keys()]).toEqual(["ap-1"]);
    deviceType.value = "machine";
    await arrive();
    expect([...made.entries.value.keys()]).toEqual(["m-1"]);
    site.value = "devices/hall";
    deviceType.value = "AP";
    await arrive();
    expect([...made.entries.value.keys()]).toEqual(["ap-9"]);
    expect(asked()).toEqual([
      'subscribe devices/lab {"deviceType":"AP"}',
      "unsubscribe devices/lab",
      'subscribe devices/lab {"deviceType":"machine"}',
      "unsubscribe devices/lab",
      'subscribe devices/hall {"deviceType":"AP"}',
    ]);
    expect([subscriptions(), connections()]).toEqual([1, 1]);
  });

  test("a change that ends with equal params asks the server for nothing", async () => {
    const { live, arrive, asked } = await openWorld();
    const params = ref<{ deviceType?: string; site?: string }>({ deviceType: "AP", site: "x" });
    setup(() => useTopic(live as unknown as Live, "devices/lab", params));
    await arrive();
    asked();
    params.value = { site: "x", deviceType: "AP" };
    await arrive();
    expect(asked()).toEqual([]);
  });

  test("two components with equal params share a subscription, which ends with the last of them", async () => {
    const { live, arrive, set, subscriptions } = await openWorld();
    const [first, second] = [1, 2].map(() =>
      setup(() => useTopic(live, "devices/lab", { deviceType: "AP" })),
    );
    await arrive();
    expect(subscriptions()).toBe(1);
    first?.unmount();
    await set("lab", { "ap-1": ap(1) });
    expect(second?.made.entries.value.size).toBe(1);
    expect(subscriptions()).toBe(1);
    second?.unmount();
    await arrive();
    expect(subscriptions()).toBe(0);
  });
});

describe("useConnection", () => {
  test("it follows every status, and no more after its end", async () => {
    const { world, live } = await openWorld();
    const { made: status, unmount } = setup(() => useConnection(live));
    expect(status.value).toEqual({ state: "live" });
    world.network.goDown();
    await world.pass(10);
    expect(status.value).toMatchObject({ state: "offline", code: 1006 });
    world.network.comeBack();
    await world.pass(1_000);
    expect(status.value).toEqual({ state: "live" });
    unmount();
    world.network.goDown();
    await world.pass(10);
    expect(status.value).toEqual({ state: "live" });
  });
});

test("a page that a server renders shows nothing, subscribes to nothing and leaves nothing behind", async () => {
  const { live, arrive, subscriptions } = await openWorld();
  const listen = vi.spyOn(live, "onStatus");
  const page = createSSRApp({
    setup: () => {
      const { entries, status } = useTopic(live, "devices/lab", {}, { onItem: () => {} });
      const connection = useConnection(live);
      return () => h("p", `${connection.value.state} ${status.value.state} ${entries.value.size}`);
    },
  });
  expect(await renderToString(page)).toBe("<p>connecting closed 0</p>");
  await arrive();
  expect(subscriptions()).toBe(0);
  expect(listen).not.toHaveBeenCalled();
});

test("the topic's declaration types entries, items, params and names", () => {
  // Its body is for the type checker alone.
  const types = (live: Live<Api>): void => {
    const { entries, status } = useTopic(live, "devices/lab", () => ({ deviceType: "AP" }), {
      schedule: requestAnimationFrame,
      onItem: (item) => expectTypeOf(item).toEqualTypeOf<KeyedItem<Device>>(),
    });
    expectTypeOf(entries.value).toEqualTypeOf<ReadonlyMap<string, Device>>();
    expectTypeOf(status.value).toEqualTypeOf<FeedStatus>();
    useTopic(live, "news", undefined, {
      onItem: (item) => expectTypeOf(item).toEqualTypeOf<LogItem<string>>(),
    });
    // @ts-expect-error: there is no such topic
    useTopic(live, "nonsense");
    // @ts-expect-error: nor such params
    useTopic(live, "devices/lab", { deviceType: 1 });
  };
  expect(types).toBeTypeOf("function");
});
