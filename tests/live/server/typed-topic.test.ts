import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, type TopicHandle } from "../../../src/live/index.ts";

const topics = [
  logTopic("news", { data: v.object({ headline: v.string() }) }),
  keyedTopic("devices/:site", { data: v.object({ name: v.string() }) }),
] as const;

test("a topic handle has the types of its declaration, and mismatches are refused by the compiler and at run time", async () => {
  const live = await LiveServer.open({ broker: new MemoryBroker(), topics });
  const news = live.topic("news");
  expectTypeOf(news).toEqualTypeOf<TopicHandle<{ headline: string }, "log">>();
  await news.publish({ headline: "a" });
  for (const { data } of news.events()) expectTypeOf(data).toEqualTypeOf<{ headline: string }>();
  // @ts-expect-error wrong data
  await expect(news.publish({ headline: 1 })).rejects.toMatchObject({ code: "invalid_data" });
  // @ts-expect-error a log topic has no keys
  await expect(news.set("a", { headline: "a" })).rejects.toMatchObject({ code: "bad_request" });
  // @ts-expect-error nor a state
  expect(news.get("a")).toBeUndefined();

  const devices = live.topic("devices/lab");
  expectTypeOf(devices).toEqualTypeOf<TopicHandle<{ name: string }, "keyed">>();
  await devices.set("a", { name: "a" });
  expectTypeOf(devices.get("a")).toEqualTypeOf<{ name: string } | undefined>();
  expect(devices.get("a")).toEqual({ name: "a" });
  // @ts-expect-error wrong data
  await expect(devices.set("b", "b")).rejects.toMatchObject({ code: "invalid_data" });
  // @ts-expect-error a keyed topic is set, not published to
  await expect(devices.publish({ name: "a" })).rejects.toMatchObject({ code: "bad_request" });
  expect([news.kind, devices.kind]).toEqual(["log", "keyed"]);

  const unknown = expect.objectContaining({ code: "unknown_topic" });
  // @ts-expect-error no such topic
  expect(() => live.topic("olds")).toThrow(unknown);
  // @ts-expect-error a pattern is not a topic's name
  expect(() => live.topic("devices")).toThrow(unknown);
  await live.close();
});
