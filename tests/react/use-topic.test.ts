import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import type { FeedStatus, KeyedItem, Live, LiveStatus } from "../../src/live/client/index.ts";
import { useConnection, useTopic } from "../../src/react/index.ts";
import { ap, machine, openWorld, type Api, type Device } from "../rigs/live/open-world.ts";
import { mount } from "./mount.ts";

type Site = "devices/lab" | "devices/hall";

describe("entries and status", () => {
  test("entries appear, change and go; each view is another object, and an old one stays as it was", async () => {
    const { live, arrive, set, remove } = await openWorld();
    await set("lab", { "ap-1": ap(1) });
    // A view copies the entries when they are asked for, as a component does when it is rendered.
    const page = await mount(() => useTopic(live, "devices/lab").entries, {});
    await page.act(arrive);
    const first = page.last;
    await page.act(() => set("lab", { "ap-1": ap(2), "ap-2": ap(3) }));
    const second = page.last;
    await page.act(() => remove("lab", "ap-1"));
    expect(first).toEqual(new Map([["ap-1", ap(1)]]));
    expect(second).toEqual(new Map(Object.entries({ "ap-1": ap(2), "ap-2": ap(3) })));
    expect(page.last).toEqual(new Map([["ap-2", ap(3)]]));
  });

  test("between changes the view is the same object: rendering again makes no other one", async () => {
    const { live, arrive } = await openWorld();
    const page = await mount(() => useTopic(live, "devices/lab"), {});
    await page.act(arrive);
    const { last, results } = page;
    const count = results.length;
    expect(count).toBeLessThan(6);
    await page.render({});
    await page.render({});
    expect(results.slice(count)).toEqual([last, last]);
    expect(new Set(results.slice(count - 1)).size).toBe(1);
    expect(last.entries).toBe(last.entries);
  });

  test("the status of the topic follows a cut", async () => {
    const { world, live, arrive } = await openWorld();
    const page = await mount(() => useTopic(live, "devices/lab").status.state, {});
    await page.act(arrive);
    expect(page.last).toBe("live");
    await page.act(() => {
      world.network.cut();
      return world.pass(10);
    });
    expect(page.last).toBe("catching-up");
    await page.act(() => world.pass(1_000));
    expect(page.last).toBe("live");
  });

  test("items go to the function that was given last, and each one once", async () => {
    const { world, live, arrive, asked } = await openWorld();
    const heard: string[] = [];
    const page = await mount(
      ({ as }: { as: string }) =>
        useTopic(live, "news", undefined, {
          onItem: (item) => heard.push(`${as}: ${item.type === "event" ? item.data : "gap"}`),
        }),
      { as: "first" },
    );
    await page.act(arrive);
    await world.server.topic("news").publish("a");
    await page.act(arrive);
    await page.render({ as: "second" });
    await world.server.topic("news").publish("b");
    await page.act(arrive);
    expect(heard).toEqual(["first: a", "second: b"]);
    expect(asked()).toEqual(["subscribe news"]);
    await page.unmount();
    await world.server.topic("news").publish("c");
    await arrive();
    expect(heard).toHaveLength(2);
  });

  test("with a schedule, any number of changes renders once", async () => {
    const { live, arrive, set } = await openWorld();
    const frames: (() => void)[] = [];
    const schedule = (tell: () => void): void => void frames.push(tell);
    const frame = async (): Promise<void> => {
      for (const tell of frames.splice(0)) tell();
    };
    const page = await mount(
      () => useTopic(live, "devices/lab", {}, { schedule }).entries.size,
      {},
    );
    await page.act(arrive);
    await page.act(frame);
    const count = page.results.length;
    await page.act(() => set("lab", { "ap-1": ap(1), "ap-2": ap(2), "ap-3": ap(3) }));
    expect(page.results).toHaveLength(count);
    await page.act(frame);
    expect(page.results.slice(count)).toEqual([3]);
  });
});

describe("which topic", () => {
  test("another name, and other params, are followed over the same connection, one at a time", async () => {
    const { live, arrive, set, asked, subscriptions, connections } = await openWorld();
    await set("lab", { "ap-1": ap(1), "m-1": machine(0) });
    await set("hall", { "ap-9": ap(9) });
    const page = await mount(
      ({ site, deviceType }: { site: Site; deviceType: string }) => [
        ...useTopic(live, site, { deviceType }).entries.keys(),
      ],
      { site: "devices/lab", deviceType: "AP" },
    );
    await page.act(arrive);
    expect(page.last).toEqual(["ap-1"]);
    await page.render({ site: "devices/lab", deviceType: "machine" });
    expect(page.last).toEqual([]);
    await page.act(arrive);
    expect(page.last).toEqual(["m-1"]);
    await page.render({ site: "devices/hall", deviceType: "AP" });
    await page.act(arrive);
    expect(page.last).toEqual(["ap-9"]);
    expect(asked()).toEqual([
      'subscribe devices/lab {"deviceType":"AP"}',
      "unsubscribe devices/lab",
      'subscribe devices/lab {"deviceType":"machine"}',
      "unsubscribe devices/lab",
      'subscribe devices/hall {"deviceType":"AP"}',
    ]);
    expect([subscriptions(), connections()]).toEqual([1, 1]);
  });

  test("equal params in another object with each render ask the server for nothing", async () => {
    const { live, arrive, asked } = await openWorld();
    const page = await mount(() => useTopic(live, "devices/lab", { deviceType: "AP" }), {});
    await page.act(arrive);
    asked();
    await page.render({});
    await page.act(arrive);
    expect(asked()).toEqual([]);
  });

  test("two components with equal params share a subscription, which ends with the last of them", async () => {
    const { live, arrive, set, subscriptions } = await openWorld();
    const use = (): number => useTopic(live, "devices/lab", { deviceType: "AP" }).entries.size;
    const first = await mount(use, {});
    const second = await mount(use, {});
    await second.act(arrive);
    expect(subscriptions()).toBe(1);
    await first.unmount();
    await second.act(() => set("lab", { "ap-1": ap(1) }));
    expect(second.last).toBe(1);
    expect(subscriptions()).toBe(1);
    await second.unmount();
    await arrive();
    expect(subscriptions()).toBe(0);
  });

  test("in StrictMode, which mounts twice, one subscription is left, and none after the end", async () => {
    const { live, arrive, set, subscriptions } = await openWorld();
    const heard: string[] = [];
    const page = await mount(
      () =>
        useTopic(live, "devices/lab", {}, { onItem: ({ key }) => heard.push(key) }).entries.size,
      {},
      { isStrict: true },
    );
    await page.act(arrive);
    await page.act(() => set("lab", { "ap-1": ap(1) }));
    expect(page.last).toBe(1);
    expect(heard).toEqual(["ap-1"]);
    expect(subscriptions()).toBe(1);
    await page.unmount();
    await arrive();
    expect(subscriptions()).toBe(0);
  });
});

test("useConnection follows every status", async () => {
  const { world, live } = await openWorld();
  const page = await mount(() => useConnection(live), {});
  expect(page.last).toEqual({ state: "live" });
  await page.act(() => {
    world.network.goDown();
    return world.pass(10);
  });
  expect(page.last).toMatchObject({ state: "offline", code: 1006 });
  world.network.comeBack();
  await page.act(() => world.pass(1_000));
  expect(page.last).toEqual({ state: "live" });
});

test("a page that a server renders shows nothing, subscribes to nothing and leaves nothing behind", async () => {
  const { live, arrive, set, subscriptions } = await openWorld();
  await set("lab", { "ap-1": ap(1) });
  // Somebody else follows it: the page that is rendered must be as the browser will begin.
  const stop = live.topic("devices/lab").onChange(() => {});
  await arrive();
  const listen = vi.spyOn(live, "onStatus");
  const Page = (): string => {
    const { status, entries } = useTopic(live, "devices/lab", {}, { onItem: () => {} });
    return `${useConnection(live).state} ${status.state} ${entries.size}`;
  };
  expect(renderToString(createElement(Page))).toBe("connecting closed 0");
  stop();
  await arrive();
  expect(subscriptions()).toBe(0);
  expect(listen).not.toHaveBeenCalled();
});

test("the topic's declaration types entries, items, params and names", () => {
  // Its body is for the type checker alone.
  const types = (live: Live<Api>): void => {
    const { entries, status } = useTopic(
      live,
      "devices/lab",
      { deviceType: "AP" },
      { onItem: (item) => expectTypeOf(item).toEqualTypeOf<KeyedItem<Device>>() },
    );
    expectTypeOf(entries).toEqualTypeOf<ReadonlyMap<string, Device>>();
    expectTypeOf(status).toEqualTypeOf<FeedStatus>();
    expectTypeOf(useConnection(live)).toEqualTypeOf<LiveStatus>();
    // @ts-expect-error: there is no such topic
    useTopic(live, "nonsense");
    // @ts-expect-error: nor such params
    useTopic(live, "devices/lab", { deviceType: 1 });
  };
  expect(types).toBeTypeOf("function");
});
