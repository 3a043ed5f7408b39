import { expect, expectTypeOf, onTestFinished, test } from "vitest";
import { createSSRApp, effectScope, h, nextTick, ref } from "vue";
import { renderToString } from "vue/server-renderer";
import { connect, type Live, type LogItem, type Presence } from "../../src/live/client/index.ts";
import { browserOnly, useConnection, useLog, usePresence, useTopic } from "../../src/vue/index.ts";
import { countingSockets } from "../rigs/live/counting-sockets.ts";
import { ap, machine, openWorld, type Api, type Line } from "../rigs/live/open-world.ts";

/** Runs a component's setup; the returned function unmounts it. */
function setup<Made>(make: () => Made): { made: Made; unmount: () => void } {
  const scope = effectScope();
  const made = scope.run(make)!;
  onTestFinished(() => scope.stop());
  return { made, unmount: () => scope.stop() };
}

test("useLog collects events up to the limit, and starts again for another topic", async () => {
  const { live, arrive, write, asked, subscriptions } = await openWorld();
  const room = ref<"rooms/a" | "rooms/b">("rooms/a");
  const level = ref<string>();
  const { made, unmount } = setup(() =>
    useLog(live, room, () => (level.value === undefined ? {} : { level: level.value }), {
      limit: 2,
    }),
  );
  const texts = () => made.events.value.map(({ data }) => data.text);
  await arrive();
  await write("a", ["1", "2", "3"]);
  expect([texts(), made.status.value.state]).toEqual([["2", "3"], "live"]);
  level.value = "error";
  await arrive();
  expect(texts()).toEqual([]);
  await write("a", ["4"], "info");
  await write("a", ["5"], "error");
  expect(texts()).toEqual(["5"]);
  room.value = "rooms/b";
  await arrive();
  expect(texts()).toEqual([]);
  expect(asked().filter((line) => line.startsWith("subscribe"))).toEqual([
    "subscribe rooms/a",
    'subscribe rooms/a {"level":"error"}',
    'subscribe rooms/b {"level":"error"}',
  ]);
  unmount();
  await arrive();
  expect(subscriptions()).toBe(0);
});

test("useLog with from shows kept events first, and each event once", async () => {
  const { live, arrive, write } = await openWorld();
  await write("a", ["1", "2", "3"]);
  const { made } = setup(() => useLog(live, "rooms/a", {}, { from: { last: 2 } }));
  await arrive();
  const texts = () => made.events.value.map(({ data }) => data.text);
  expect(texts()).toEqual(["2", "3"]);
  await write("a", ["4"]);
  expect(texts()).toEqual(["2", "3", "4"]);
  // Another component has a list of its own.
  const { made: later } = setup(() => useLog(live, "rooms/a", {}, { from: { last: 2 } }));
  await arrive();
  expect(later.events.value.map(({ data }) => data.text)).toEqual(["3", "4"]);
});

test("useLog has the error of a topic that the server refuses", async () => {
  const { live, arrive } = await openWorld();
  const { made } = setup(() => useLog(live as unknown as Live, "nonsense"));
  await arrive();
  expect(made.error.value).toMatchObject({ code: "unknown_topic" });
  expect(made.status.value.state).toBe("ended");
});

test("usePresence shows the subscribers, their updates and their departure", async () => {
  const { world, live, arrive } = await openWorld();
  const present: string[] = [];
  const { made } = setup(() =>
    usePresence(live, "rooms/a", { onItem: ({ type }) => present.push(type) }),
  );
  await arrive();
  expect(made.entries.value.size).toBe(0);
  const { unmount } = setup(() => useLog(live, "rooms/a"));
  await arrive();
  expect([...made.entries.value.values()]).toEqual([{ since: expect.any(Number) as number }]);
  await world.settle(made.update({ status: "away" }));
  await arrive();
  expect([...made.entries.value.values()]).toMatchObject([{ status: "away" }]);
  unmount();
  await world.pass(1_000);
  expect(made.entries.value.size).toBe(0);
  expect(present).toEqual(["set", "set", "removed"]);
});

test("with keepPrevious, the previous entries stay, marked, until the new topic is live", async () => {
  const { live, arrive, set, asked } = await openWorld();
  await set("lab", { "ap-1": ap(1), "m-1": machine(0) });
  const deviceType = ref("AP");
  const { made } = setup(() =>
    useTopic(live, "devices/lab", () => ({ deviceType: deviceType.value }), { keepPrevious: true }),
  );
  const shown = () => [[...made.entries.value.keys()], made.isPrevious.value];
  await arrive();
  expect(shown()).toEqual([["ap-1"], false]);
  deviceType.value = "machine";
  await nextTick();
  expect([shown(), made.status.value.state]).toEqual([[["ap-1"], true], "catching-up"]);
  // A second change before the first has arrived: the last entries that were live stay.
  deviceType.value = "other";
  await nextTick();
  expect(shown()).toEqual([["ap-1"], true]);
  deviceType.value = "machine";
  await arrive();
  expect(shown()).toEqual([["m-1"], false]);
  expect(asked().filter((line) => line.startsWith("unsubscribe"))).toHaveLength(3);
});

test("without keepPrevious, another topic starts with no entries", async () => {
  const { live, arrive, set } = await openWorld();
  await set("lab", { "ap-1": ap(1) });
  const deviceType = ref("AP");
  const { made } = setup(() =>
    useTopic(live, "devices/lab", () => ({ deviceType: deviceType.value })),
  );
  await arrive();
  deviceType.value = "machine";
  await nextTick();
  expect([made.entries.value.size, made.isPrevious.value]).toEqual([0, false]);
});

test("previous entries go when the new topic ends with an error", async () => {
  const { live, arrive, set } = await openWorld();
  await set("lab", { "ap-1": ap(1) });
  const name = ref("devices/lab");
  const { made } = setup(() => useTopic(live as unknown as Live, name, {}, { keepPrevious: true }));
  await arrive();
  name.value = "nonsense";
  await nextTick();
  expect([made.entries.value.size, made.isPrevious.value]).toEqual([1, true]);
  await arrive();
  expect([made.entries.value.size, made.isPrevious.value]).toEqual([0, false]);
  expect(made.error.value).toMatchObject({ code: "unknown_topic" });
});

/** A page with all of them, and the text that a server renders. */
function rendered(live: Live<Api>): Promise<string> {
  const page = createSSRApp({
    setup: () => {
      const { entries } = useTopic(live, "devices/lab", {}, { keepPrevious: true });
      const { events, status } = useLog(live, "rooms/a");
      const present = usePresence(live, "rooms/a");
      const connection = useConnection(live);
      return () => {
        const sizes = [entries.value.size, events.value.length, present.entries.value.size];
        return h("p", `${connection.value.state} ${status.value.state} ${sizes.join(" ")}`);
      };
    },
  });
  return renderToString(page);
}

test("rendering on a server subscribes to nothing", async () => {
  const { live, arrive, asked } = await openWorld();
  expect(await rendered(live)).toBe("<p>connecting closed 0 0 0</p>");
  await arrive();
  expect(asked()).toEqual([]);
});

test("with browserOnly, rendering on a server creates no WebSocket", async () => {
  const { WebSocket, count } = countingSockets();
  const live = browserOnly(() => connect<Api>("/live", { webSocket: WebSocket }));
  onTestFinished(() => live.close());
  expect(await rendered(live)).toBe("<p>connecting closed 0 0 0</p>");
  expect(count()).toBe(0);
});

test("the topic's declaration types the names, params, events and presence", () => {
  // Its body is for the type checker alone.
  const types = (live: Live<Api>): void => {
    const { events, items } = useLog(live, "rooms/a", () => ({ level: "info" }));
    expectTypeOf(events.value[0]!.data).toEqualTypeOf<Line>();
    expectTypeOf(items.value).toEqualTypeOf<readonly LogItem<Line>[]>();
    expectTypeOf(usePresence(live, "rooms/a").entries.value).toEqualTypeOf<
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
