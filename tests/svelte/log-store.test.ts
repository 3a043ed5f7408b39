import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { compile } from "svelte/compiler";
import type { Component } from "svelte";
import { render } from "svelte/server";
import { get, writable } from "svelte/store";
import { expect, expectTypeOf, onTestFinished, test } from "vitest";
import { connect, type Live, type LogItem, type Presence } from "../../src/live/client/index.ts";
import {
  browserOnly,
  connectionStore,
  logStore,
  presenceStore,
  topicStore,
  type Readable,
} from "../../src/svelte/index.ts";
import { countingSockets } from "../rigs/live/counting-sockets.ts";
import { ap, machine, openWorld, type Api, type Line } from "../rigs/live/open-world.ts";

/** Subscribes to a store until the test is over. */
function use<Value>(store: Readable<Value>): {
  seen: Value[];
  last: () => Value;
  stop: () => void;
} {
  const seen: Value[] = [];
  const stop = store.subscribe((value) => seen.push(value));
  onTestFinished(stop);
  return { seen, last: () => seen.at(-1)!, stop };
}

test("logStore collects events up to the limit, and starts again for another topic", async () => {
  const { live, arrive, write, asked, subscriptions } = await openWorld();
  const room = writable<"rooms/a" | "rooms/b">("rooms/a");
  const params = writable<{ level?: string }>({});
  const log = logStore(live, room, params, { limit: 2 });
  const { last, stop } = use(log);
  const texts = () => last().events.map(({ data }) => data.text);
  await arrive();
  await write("a", ["1", "2", "3"]);
  expect([texts(), last().status.state]).toEqual([["2", "3"], "live"]);
  // A later subscriber sees the same list, not one of its own.
  const other = use(log);
  expect(other.last()).toBe(last());
  other.stop();
  params.set({ level: "error" });
  await arrive();
  await write("a", ["4"], "info");
  await write("a", ["5"], "error");
  expect(texts()).toEqual(["5"]);
  room.set("rooms/b");
  await arrive();
  expect(texts()).toEqual([]);
  expect(asked().filter((line) => line.startsWith("subscribe"))).toEqual([
    "subscribe rooms/a",
    'subscribe rooms/a {"level":"error"}',
    'subscribe rooms/b {"level":"error"}',
  ]);
  stop();
  await arrive();
  expect(subscriptions()).toBe(0);
});

test("presenceStore shows the subscribers, their updates and their departure", async () => {
  const { world, live, arrive } = await openWorld();
  const present = presenceStore(live, "rooms/a");
  const { last } = use(present);
  await arrive();
  expect(last().entries.size).toBe(0);
  const { stop } = use(logStore(live, "rooms/a"));
  await arrive();
  expect([...last().entries.values()]).toEqual([{ since: expect.any(Number) as number }]);
  await world.settle(present.update({ status: "away" }));
  await arrive();
  expect([...last().entries.values()]).toMatchObject([{ status: "away" }]);
  stop();
  await world.pass(1_000);
  expect(last().entries.size).toBe(0);
});

test("with keepPrevious, the previous entries stay, marked, until the new topic is live", async () => {
  const { live, arrive, set } = await openWorld();
  await set("lab", { "ap-1": ap(1), "m-1": machine(0) });
  const params = writable({ deviceType: "AP" });
  const lab = topicStore(live, "devices/lab", params, { keepPrevious: true });
  const { last } = use(lab);
  const shown = () => [[...last().entries.keys()], last().isPrevious, last().status.state];
  await arrive();
  expect(shown()).toEqual([["ap-1"], false, "live"]);
  params.set({ deviceType: "machine" });
  expect(shown()).toEqual([["ap-1"], true, "catching-up"]);
  params.set({ deviceType: "other" });
  expect(shown()).toEqual([["ap-1"], true, "catching-up"]);
  params.set({ deviceType: "machine" });
  await arrive();
  expect(shown()).toEqual([["m-1"], false, "live"]);
});

test("params that are set again with equal content ask the server for nothing", async () => {
  const { live, arrive, asked } = await openWorld();
  const params = writable({ deviceType: "AP" });
  use(topicStore(live, "devices/lab", params));
  await arrive();
  asked();
  params.set({ deviceType: "AP" });
  await arrive();
  expect(asked()).toEqual([]);
});

const page = `
<script>
  const { connection, lab, log, present } = $props();
</script>
{$connection.state} {$lab.status.state}
{$lab.entries.size} {$log.events.length} {$present.entries.size}
`;

/** The text that a server renders for a page with all of them. */
async function rendered(live: Live<Api>): Promise<string> {
  // Inside the project, because the compiled page imports Svelte.
  const cache = resolve(import.meta.dirname, "../../.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "svelte-page-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "page.js");
  writeFileSync(file, compile(page, { filename: "Page.svelte", generate: "server" }).js.code);
  const { default: Page } = (await import(file)) as {
    default: Component<Record<string, Readable<unknown>>>;
  };
  const props = {
    connection: connectionStore(live),
    lab: topicStore(live, "devices/lab", {}, { keepPrevious: true }),
    log: logStore(live, "rooms/a"),
    present: presenceStore(live, "rooms/a"),
  };
  const { body } = render(Page, { props });
  return body
    .replaceAll(/<!--.*?-->/g, "")
    .trim()
    .replaceAll(/\s+/g, " ");
}

test("rendering on a server subscribes to nothing", async () => {
  const { live, arrive, asked } = await openWorld();
  expect(await rendered(live)).toBe("live closed 0 0 0");
  await arrive();
  expect(asked()).toEqual([]);
});

test("with browserOnly, rendering on a server creates no WebSocket", async () => {
  const { WebSocket, count } = countingSockets();
  const live = browserOnly(() => connect<Api>("/live", { webSocket: WebSocket }));
  onTestFinished(() => live.close());
  expect(await rendered(live)).toBe("connecting closed 0 0 0");
  expect(count()).toBe(0);
});

test("the topic's declaration types the names, params, events and presence", () => {
  // Its body is for the type checker alone.
  const types = (live: Live<Api>): void => {
    const { events, items } = get(logStore(live, "rooms/a", writable({ level: "info" })));
    expectTypeOf(events[0]!.data).toEqualTypeOf<Line>();
    expectTypeOf(items).toEqualTypeOf<readonly LogItem<Line>[]>();
    expectTypeOf(get(presenceStore(live, "rooms/a")).entries).toEqualTypeOf<
      ReadonlyMap<string, Presence>
    >();
    // @ts-expect-error: it is a keyed topic
    logStore(live, "devices/lab");
    // @ts-expect-error: it has no such params
    logStore(live, "rooms/a", { level: 1 });
    // @ts-expect-error: there is no such topic
    presenceStore(live, "nonsense");
    logStore(live as unknown as Live, "any");
  };
  expect(types).toBeTypeOf("function");
});
