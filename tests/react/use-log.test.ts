import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, expectTypeOf, onTestFinished, test } from "vitest";
import { connect, type Live, type LogItem, type Presence } from "../../src/live/client/index.ts";
import {
  browserOnly,
  useConnection,
  useLog,
  usePresence,
  useTopic,
} from "../../src/react/index.ts";
import { countingSockets } from "../rigs/live/counting-sockets.ts";
import { ap, machine, openWorld, type Api, type Line } from "../rigs/live/open-world.ts";
import { mount } from "./mount.ts";

type Room = "rooms/a" | "rooms/b";

test.each([false, true])(
  "useLog collects each event once, up to the limit, and starts again for another topic (StrictMode: %s)",
  async (isStrict) => {
    const { live, arrive, write, subscriptions } = await openWorld();
    const page = await mount(
      ({ room }: { room: Room }) =>
        useLog(live, room, {}, { limit: 2 }).events.map(({ data }) => data.text),
      { room: "rooms/a" },
      { isStrict },
    );
    await page.act(arrive);
    await page.act(() => write("a", ["1"]));
    expect(page.last).toEqual(["1"]);
    await page.act(() => write("a", ["2", "3"]));
    expect(page.last).toEqual(["2", "3"]);
    await page.render({ room: "rooms/b" });
    await page.act(arrive);
    expect(page.last).toEqual([]);
    await page.act(() => write("b", ["4"]));
    expect(page.last).toEqual(["4"]);
    expect(subscriptions()).toBe(1);
    await page.unmount();
    await arrive();
    expect(subscriptions()).toBe(0);
  },
);

test.each([false, true])(
  "useLog with from shows kept events first, and does not begin again when it renders (StrictMode: %s)",
  async (isStrict) => {
    const { live, arrive, write, asked } = await openWorld();
    await write("a", ["1", "2", "3"]);
    const page = await mount(
      () => useLog(live, "rooms/a", {}, { from: { last: 2 } }).events.map(({ data }) => data.text),
      {},
      { isStrict },
    );
    await page.act(arrive);
    expect(page.last).toEqual(["2", "3"]);
    asked();
    await page.render({});
    await page.act(() => write("a", ["4"]));
    expect(page.last).toEqual(["2", "3", "4"]);
    expect(asked()).toEqual([]);
  },
);

test("useLog returns the same object until something changes, and an old one does not change", async () => {
  const { live, arrive, write } = await openWorld();
  const page = await mount(() => useLog(live, "rooms/a"), {});
  await page.act(arrive);
  const before = page.last;
  await page.render({});
  expect(page.last).toBe(before);
  await page.act(() => write("a", ["1"]));
  expect([before.events.length, page.last.events.length]).toEqual([0, 1]);
});

test("usePresence shows the subscribers, their updates and their departure", async () => {
  const { world, live, arrive } = await openWorld();
  const page = await mount(() => usePresence(live, "rooms/a"), {});
  await page.act(arrive);
  const { update } = page.last;
  expect(page.last.entries.size).toBe(0);
  const other = await mount(() => useLog(live, "rooms/a"), {});
  await page.act(arrive);
  expect([...page.last.entries.values()]).toEqual([{ since: expect.any(Number) as number }]);
  await page.act(() => world.settle(update({ status: "away" })));
  await page.act(arrive);
  expect([...page.last.entries.values()]).toMatchObject([{ status: "away" }]);
  const { last } = page;
  await page.render({});
  expect([page.last, page.last.update]).toEqual([last, update]);
  expect(page.last).toBe(last);
  await other.unmount();
  await page.act(() => world.pass(1_000));
  expect(page.last.entries.size).toBe(0);
  await page.unmount();
});

test.each([false, true])(
  "with keepPrevious, the previous entries stay, marked, until the new topic is live (StrictMode: %s)",
  async (isStrict) => {
    const { live, arrive, set } = await openWorld();
    await set("lab", { "ap-1": ap(1), "m-1": machine(0) });
    const page = await mount(
      ({ deviceType }: { deviceType: string }) => {
        const view = useTopic(live, "devices/lab", { deviceType }, { keepPrevious: true });
        return [[...view.entries.keys()], view.isPrevious, view.status.state];
      },
      { deviceType: "AP" },
      { isStrict },
    );
    await page.act(arrive);
    expect(page.last).toEqual([["ap-1"], false, "live"]);
    const count = page.results.length;
    await page.render({ deviceType: "machine" });
    expect(page.last).toEqual([["ap-1"], true, "catching-up"]);
    await page.render({ deviceType: "other" });
    await page.render({ deviceType: "machine" });
    await page.act(arrive);
    expect(page.last).toEqual([["m-1"], false, "live"]);
    // The table was empty in no render.
    expect(page.results.slice(count).filter(([keys]) => (keys as string[]).length === 0)).toEqual(
      [],
    );
  },
);

test("without keepPrevious, another topic starts with no entries", async () => {
  const { live, arrive, set } = await openWorld();
  await set("lab", { "ap-1": ap(1) });
  const page = await mount(
    ({ deviceType }: { deviceType: string }) => useTopic(live, "devices/lab", { deviceType }),
    { deviceType: "AP" },
  );
  await page.act(arrive);
  await page.render({ deviceType: "machine" });
  expect([page.last.entries.size, page.last.isPrevious]).toEqual([0, false]);
});

/** The text that a server renders for a page with all of them. */
function rendered(live: Live<Api>): string {
  const Page = (): string => {
    const { entries } = useTopic(live, "devices/lab", {}, { keepPrevious: true });
    const { events, status } = useLog(live, "rooms/a");
    const present = usePresence(live, "rooms/a");
    const sizes = [entries.size, events.length, present.entries.size];
    return `${useConnection(live).state} ${status.state} ${sizes.join(" ")}`;
  };
  return renderToString(createElement(Page));
}

test("rendering on a server subscribes to nothing", async () => {
  const { live, arrive, asked } = await openWorld();
  expect(rendered(live)).toBe("connecting closed 0 0 0");
  await arrive();
  expect(asked()).toEqual([]);
});

test("with browserOnly, rendering on a server creates no WebSocket", () => {
  const { WebSocket, count } = countingSockets();
  const live = browserOnly(() => connect<Api>("/live", { webSocket: WebSocket }));
  onTestFinished(() => live.close());
  expect(rendered(live)).toBe("connecting closed 0 0 0");
  expect(count()).toBe(0);
});

test("the topic's declaration types the names, params, events and presence", () => {
  // Its body is for the type checker alone.
  const types = (live: Live<Api>): void => {
    const { events, items } = useLog(live, "rooms/a", { level: "info" });
    expectTypeOf(events[0]!.data).toEqualTypeOf<Line>();
    expectTypeOf(items).toEqualTypeOf<readonly LogItem<Line>[]>();
    expectTypeOf(usePresence(live, "rooms/a").entries).toEqualTypeOf<
      ReadonlyMap<string, Presence>
    >();
    // @ts-expect-error: it is a keyed topic
    useLog(live, "devices/lab");
    // @ts-expect-error: it has no such params
    useLog(live, "rooms/a", { level: 1 });
    // @ts-expect-error: there is no such topic
    usePresence(live, "nonsense");
    useLog(live as unknown as Live, "any");
  };
  expect(types).toBeTypeOf("function");
});
