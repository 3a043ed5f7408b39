import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import { keyedTopic, logTopic } from "../../../src/live/index.ts";
import { method } from "../../../src/live/live-api.ts";
import type {
  KeyedItem,
  Live,
  LogItem,
  Presence,
  Published,
} from "../../../src/live/client/index.ts";

const api = {
  topics: [
    logTopic("news", { data: v.object({ headline: v.string() }) }),
    keyedTopic("devices/:site", {
      data: v.object({ name: v.string() }),
      params: v.object({ deviceType: v.optional(v.string()) }),
    }),
  ],
  methods: {
    reboot: method({
      params: v.object({ device: v.string() }),
      handle: ({ device }) => ({ rebooted: device }),
    }),
    now: method({ handle: () => 1 }),
  },
} as const;

/** Its body is for the type checker alone. */
function typesOf(check: (live: Live<typeof api>, untyped: Live) => unknown): unknown {
  return check;
}

test("items, entries and params are typed by the topic's declaration", () => {
  typesOf((live) => {
    const news = live.topic("news");
    news.subscribe((item) => expectTypeOf(item).toEqualTypeOf<LogItem<{ headline: string }>>());
    const devices = live.topic("devices/lab", { deviceType: "AP" });
    devices.subscribe((item) => expectTypeOf(item).toEqualTypeOf<KeyedItem<{ name: string }>>());
    expectTypeOf(devices.entries).toEqualTypeOf<ReadonlyMap<string, { name: string }>>();
    expectTypeOf(live.presence("devices/lab").entries).toEqualTypeOf<
      ReadonlyMap<string, Presence>
    >();
    // @ts-expect-error: there is no such topic
    live.topic("nonsense");
    // @ts-expect-error: nor such params
    live.topic("devices/lab", { deviceType: 1 });
  });
});

test("published data must match the topic's data and kind", () => {
  typesOf((live) => {
    expectTypeOf(live.publish("news", { headline: "" })).resolves.toEqualTypeOf<Published>();
    void live.set("devices/lab", "a", { name: "" });
    void live.remove("devices/lab", "a");
    // @ts-expect-error: a log topic has no keys
    void live.set("news", "a", { headline: "" });
    // @ts-expect-error: a keyed topic needs one
    void live.publish("devices/lab", { name: "" });
    // @ts-expect-error: other data
    void live.publish("news", { headline: 1 });
  });
});

test("calls have the method's params and result", () => {
  typesOf((live) => {
    const answer = live.call("reboot", { device: "a" }, { idempotencyKey: "once" });
    expectTypeOf(answer).resolves.toEqualTypeOf<{ rebooted: string }>();
    expectTypeOf(live.call("now")).resolves.toEqualTypeOf<number>();
    // @ts-expect-error: it needs params
    void live.call("reboot");
    // @ts-expect-error: there is no such method
    void live.call("nonsense");
  });
});

test("without an API any name is accepted, and data is unknown", () => {
  typesOf((_live, untyped) => {
    const feed = untyped.topic("anything", { any: 1 });
    expectTypeOf(feed.entries).toEqualTypeOf<ReadonlyMap<string, unknown>>();
    feed.subscribe((item) => {
      expectTypeOf(item).toEqualTypeOf<LogItem<unknown> | KeyedItem<unknown>>();
    });
    void untyped.publish("a", 1);
    void untyped.set("a", "key", 1);
    expectTypeOf(untyped.call("x", 1)).resolves.toEqualTypeOf<unknown>();
  });
});
