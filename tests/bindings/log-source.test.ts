import { describe, expect, onTestFinished, test } from "vitest";
import { logSource, type LogOptions, type LogView } from "../../src/bindings/index.ts";
import type { Feed, LogItem } from "../../src/live/client/index.ts";
import { openWorld, type Line } from "../rigs/live/open-world.ts";

type Room = Feed<LogItem<Line>, unknown>;

/** Follows a feed; `views` has the view after each notification. */
function follow(feed: Room, options: LogOptions = {}, previous?: LogView<Line>) {
  const source = logSource(feed, options, previous);
  const views: LogView<Line>[] = [];
  const stop = source.follow(() => views.push(source.view()));
  onTestFinished(stop);
  return { source, views, stop };
}

/** Texts of events; a gap as `gap FROM-TO`. */
function shown({ items }: LogView<Line>): string[] {
  return items.map((item) =>
    item.type === "event" ? item.data.text : `gap ${item.from}-${item.to}`,
  );
}

describe("items and events of a log", () => {
  test("the newest ones up to the limit are kept, oldest first", async () => {
    const { live, arrive, write } = await openWorld();
    const { source } = follow(live.topic("rooms/a"), { limit: 3 });
    await arrive();
    await write("a", ["1", "2"]);
    expect(shown(source.view())).toEqual(["1", "2"]);
    await write("a", ["3", "4", "5", "6", "7", "8", "9"]);
    expect(shown(source.view())).toEqual(["7", "8", "9"]);
    expect(source.view().events.map(({ offset }) => offset)).toEqual([7, 8, 9]);
  });

  test("1,000 are kept by default", async () => {
    const { live, arrive, write } = await openWorld();
    const { source } = follow(live.topic("rooms/a"));
    await arrive();
    await write(
      "a",
      Array.from({ length: 1_001 }, (_, n) => String(n)),
    );
    const { events } = source.view();
    expect([events.length, events[0]?.data.text]).toEqual([1_000, "1"]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "a limit of %s is rejected with invalid_option",
    async (limit) => {
      const { live } = await openWorld();
      expect(() => logSource(live.topic("rooms/a") as Room, { limit })).toThrow(
        expect.objectContaining({ code: "invalid_option" }),
      );
    },
  );

  test("a gap is among the items, at its place, and not among the events", async () => {
    const { world, live, arrive, write } = await openWorld();
    const { source } = follow(live.topic("rooms/a"));
    await arrive();
    await write("a", ["1", "2"]);
    await world.restart("lost");
    await world.server.topic("rooms/a").publish({ level: "info", text: "unseen" });
    await world.pass(5_000);
    await write("a", ["3"]);
    const view = source.view();
    expect(shown(view)).toEqual(["1", "2", "gap 1-1", "3"]);
    expect(view.events.map(({ data }) => data.text)).toEqual(["1", "2", "3"]);
  });

  test("any number of events in one turn cause one notification", async () => {
    const { world, live, arrive } = await openWorld();
    const { views } = follow(live.topic("rooms/a"));
    await arrive();
    views.splice(0);
    const topic = world.server.topic("rooms/a");
    await Promise.all(["1", "2", "3"].map((text) => topic.publish({ level: "info", text })));
    await arrive();
    expect(views.map(shown)).toEqual([["1", "2", "3"]]);
  });

  test("a view does not change afterwards, and stays the same object until the next change", async () => {
    const { live, arrive, write } = await openWorld();
    const { source } = follow(live.topic("rooms/a"), { limit: 2 });
    await arrive();
    await write("a", ["1"]);
    const first = source.view();
    expect(source.view()).toBe(first);
    await write("a", ["2", "3", "4", "5"]);
    expect([shown(first), shown(source.view())]).toEqual([["1"], ["4", "5"]]);
  });
});

describe("following a log", () => {
  test("starts with an empty list each time, and notifies nobody after its end", async () => {
    const { live, arrive, write, subscriptions } = await openWorld();
    const frames: (() => void)[] = [];
    const schedule = (notify: () => void): void => void frames.push(notify);
    const { source, views, stop } = follow(live.topic("rooms/a"), { schedule });
    await arrive();
    await write("a", ["1"]);
    for (const frame of frames.splice(0)) frame();
    expect(shown(source.view())).toEqual(["1"]);
    await write("a", ["2"]);
    stop();
    const count = views.length;
    for (const frame of frames.splice(0)) frame();
    expect(views).toHaveLength(count);
    await arrive();
    expect(subscriptions()).toBe(0);
    onTestFinished(source.follow(() => {}));
    expect(shown(source.view())).toEqual([]);
  });

  test("continues when another reader opens the feed again after the server ended it", async () => {
    const { world, live, arrive, write } = await openWorld();
    const feed = live.topic("rooms/a");
    const { source } = follow(feed);
    await arrive();
    await write("a", ["1"]);
    const { connections } = world.server;
    await connections.unsubscribe({ topic: "rooms/a" }, "rooms/a");
    await arrive();
    expect(source.view()).toMatchObject({
      status: { state: "ended" },
      error: { code: "forbidden" },
    });
    onTestFinished(feed.onChange(() => {}));
    await arrive();
    await write("a", ["2"]);
    expect(source.view()).toMatchObject({ status: { state: "live" }, error: undefined });
    expect(shown(source.view())).toEqual(["1", "2"]);
  });

  test("a keyed topic is reported with not_a_log", async () => {
    const { live, arrive, set } = await openWorld();
    const { source } = follow(live.topic("devices/lab") as unknown as Room);
    await arrive();
    await set("lab", { "ap-1": { deviceType: "AP", clients: 1 } });
    expect(source.view()).toMatchObject({ items: [], error: { code: "not_a_log" } });
  });
});

describe("keepPrevious", () => {
  test("the previous items stay, marked, until the new topic is live", async () => {
    const { live, arrive, write } = await openWorld();
    const first = follow(live.topic("rooms/a"));
    await arrive();
    await write("a", ["1"]);
    const second = follow(live.topic("rooms/b"), { keepPrevious: true }, first.source.view());
    first.stop();
    expect(second.source.view()).toMatchObject({
      isPrevious: true,
      status: { state: "catching-up" },
    });
    expect(shown(second.source.view())).toEqual(["1"]);
    await arrive();
    expect(second.source.view()).toMatchObject({ isPrevious: false, items: [] });
  });
});
