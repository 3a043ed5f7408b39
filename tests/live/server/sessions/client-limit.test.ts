import { describe, expect, test } from "vitest";
import {
  keyedTopic,
  logTopic,
  method,
  type LiveServerOptions,
} from "../../../../src/live/index.ts";
import { MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

const topics = [logTopic("news"), logTopic("other"), keyedTopic("prices")];
const fits = "x".repeat(800);
const tooLong = "x".repeat(1_100);

const methods = {
  repeat: method({ handle: (params) => "x".repeat((params as { times: number }).times) }),
};

const open = (options: Partial<LiveServerOptions> = {}): Promise<MemoryLive> =>
  MemoryLive.open({ topics, methods, ...options });

/** A client that takes 1,500 bytes, and so is sent 1,024 at most. */
async function small(live: MemoryLive): Promise<Guest> {
  const guest = await live.level1();
  await guest.send({ type: "hello", maxMessage: 1_500 });
  guest.take();
  return guest;
}

const subscribe = (topic: string, more: object = {}): object => ({
  type: "subscribe",
  id: topic,
  topic,
  ...more,
});

const ended = (topic: string): object => ({ type: "unsubscribed", topic, code: "too_large" });

describe("a client with a small maxMessage", () => {
  test("receives shorter messages, and its subscription ends with a reason at a longer one", async () => {
    const live = await open();
    const guest = await small(live);
    const other = await live.level1();
    for (const each of [guest, other]) await each.send(subscribe("news"), subscribe("other"));
    for (const each of [guest, other]) each.take();
    const news = live.live.topic("news");
    for (const data of [fits, tooLong, fits]) await news.publish(data);
    await live.settle();
    await live.live.topic("other").publish(1);
    await live.settle();
    const got = guest.take();
    expect(got).toMatchObject([
      { type: "event", topic: "news", offset: 1 },
      ended("news"),
      { type: "event", topic: "other" },
    ]);
    expect(got[1]!["message"]).toBe(
      "news has a message that is longer than the maxMessage of your hello; raise it.",
    );
    expect(other.types()).toEqual(["event", "event", "event", "event"]);
    expect(guest.closeCode).toBe(undefined);
    expect(live.errors).toEqual([]);
  });

  test("continues after it if it subscribes again", async () => {
    const live = await open();
    const guest = await small(live);
    await guest.send(subscribe("news"));
    await live.live.topic("news").publish(tooLong);
    await live.settle();
    guest.take();
    await guest.send(subscribe("news"));
    await live.live.topic("news").publish(fits);
    await live.settle();
    expect(guest.take()).toMatchObject([{ type: "subscribed" }, { type: "event", offset: 2 }]);
  });

  test("resumes a log up to the event that is too long", async () => {
    const live = await open();
    const { epoch, offset } = (await (await small(live)).ask({ ...subscribe("news") }))!;
    for (const data of [fits, fits, tooLong, fits]) await live.live.topic("news").publish(data);
    const guest = await small(live);
    await guest.send(subscribe("news", { since: { epoch, offset } }));
    expect(guest.take()).toMatchObject([
      { type: "subscribed", resumed: true },
      { type: "event", offset: 1 },
      { type: "event", offset: 2 },
      ended("news"),
    ]);
  });

  test("receives a state in pages that it accepts", async () => {
    const live = await open();
    const prices = live.live.topic("prices");
    for (const key of ["a", "b", "c"]) await prices.set(key, fits);
    const guest = await small(live);
    await guest.send(subscribe("prices"));
    const pages = guest.take().filter(({ type }) => type === "snapshot");
    expect(pages.map(({ entries, more }) => [(entries as unknown[]).length, more])).toEqual([
      [1, true],
      [1, true],
      [1, false],
    ]);
    await prices.set("d", tooLong);
    await live.settle();
    expect(guest.take()).toMatchObject([ended("prices")]);
    await guest.send(subscribe("prices"));
    expect(guest.types()).toEqual([
      "subscribed",
      "snapshot",
      "snapshot",
      "snapshot",
      "unsubscribed",
    ]);
    await prices.set("d", fits);
    await guest.send(subscribe("prices"));
    expect(guest.types()).toEqual(["subscribed", ...Array.from({ length: 4 }, () => "snapshot")]);
  });

  test("receives an error instead of an answer that is too long", async () => {
    const guest = await small(await open());
    const call = { type: "call", method: "repeat" };
    expect(await guest.ask({ ...call, id: 1, params: { times: 900 } })).toMatchObject({
      type: "result",
    });
    expect(await guest.ask({ ...call, id: 2, params: { times: 1_500 } })).toEqual({
      type: "error",
      id: 2,
      code: "too_large",
      message: "The answer is longer than the maxMessage of your hello; raise it.",
    });
  });

  test("may send maxMessage together with its token", async () => {
    const live = await open({
      authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
    });
    const guest = await live.level1();
    await guest.send({ type: "hello", token: "ann", maxMessage: 1_024 }, subscribe("news"));
    await live.live.topic("news").publish(tooLong);
    await live.settle();
    expect(guest.types()).toEqual(["welcome", "subscribed", "unsubscribed"]);
  });
});

test("that reads slowly receives what is before the event that is too long", async () => {
  const live = await open();
  const guest = await small(live);
  await guest.send(subscribe("news"));
  guest.take();
  guest.peer.bufferedAmount = 1_000_000;
  for (const data of [fits, fits, tooLong]) await live.live.topic("news").publish(data);
  await live.settle();
  expect(guest.types()).toEqual([]);
  guest.peer.bufferedAmount = 0;
  live.endpoint.onDrain(guest.peer);
  await live.settle();
  expect(guest.types()).toEqual(["event", "event", "unsubscribed"]);
});

test.each([1_023, -1, "1 MiB", null, Number.NaN])(
  "maxMessage of %s is refused",
  async (maxMessage) => {
    const guest = await (await open()).level1();
    guest.take();
    await guest.send({ type: "hello", maxMessage });
    expect(guest.take()).toMatchObject([{ type: "error", code: "bad_request" }]);
  },
);

test("a client whose maxMessage exceeds every message shares its frames with all others", async () => {
  const live = await open();
  const guests = [await live.level1(), await live.level1()];
  await guests[0]!.send({ type: "hello", maxMessage: 16 * 1024 * 1024 });
  for (const guest of guests) await guest.send(subscribe("news"));
  await live.live.topic("news").publish(fits);
  await live.settle();
  expect(guests.map((guest) => guest.peer.encodings).reduce((sum, count) => sum + count)).toBe(1);
});
