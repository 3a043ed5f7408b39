import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic } from "../../../src/live/index.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { MemoryLive, type Guest } from "../../rigs/live/memory-live.ts";

const topics = [
  logTopic("news", { clientPublish: true }),
  keyedTopic("devices", { clientPublish: true }),
];
const publish = { type: "publish", id: "p", topic: "news", data: 1, idempotencyKey: "k" };

const receipt = async (guest: Guest, fields: object = {}): Promise<[unknown, unknown]> => {
  const answer = await guest.ask({ ...publish, ...fields });
  return [answer?.["offset"], answer?.["duplicate"]];
};

describe("the idempotency key of a publish", () => {
  test("belongs to one identity: nobody can use up the keys of others", async () => {
    const live = await MemoryLive.open({
      topics,
      authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
      tokenQuery: "as",
    });
    const as = (id: string): Promise<Guest> => live.level1({ search: `?as=${id}` });
    expect(await receipt(await as("eve"))).toEqual([1, false]);
    expect(await receipt(await as("ann"))).toEqual([2, false]);
    expect(await receipt(await as("ann"))).toEqual([2, true]);
    // No identity and no key can be put together so that they read as another's.
    const odd = await as(encodeURIComponent('ann","k'));
    expect(await receipt(odd, { idempotencyKey: "" })).toEqual([undefined, undefined]);
    expect(await receipt(odd, { idempotencyKey: '["ann","k"]' })).toEqual([3, false]);
    expect(live.live.statistics).toMatchObject({ published: 3, duplicates: 1 });
  });

  test("belongs to clients: none can use up those of the server's own code", async () => {
    const live = await MemoryLive.open({ topics });
    expect(await receipt(await live.level1())).toEqual([1, false]);
    for (const idempotencyKey of ['[null,"other"]', '["ann","other"]']) {
      await receipt(await live.level1(), { idempotencyKey });
    }
    for (const idempotencyKey of ["k", "other"]) {
      const own = await live.live.topic("news").publish(1, { idempotencyKey });
      expect(own.duplicate).toBe(false);
    }
    // Those of nobody are of all who are nobody: whoever comes back has a new connection.
    expect(await receipt(await live.level1())).toEqual([1, true]);
  });

  test("is the same over a connection and over HTTP", async () => {
    const live = await RunningLive.start({ topics });
    const client = await live.level1();
    expect(await client.ask(publish)).toMatchObject({ offset: 1, duplicate: false });
    const body = JSON.stringify({ data: 1, idempotencyKey: "k" });
    const response = await fetch(live.http("news"), { method: "POST", body });
    expect(await response.json()).toEqual({ topic: "news", offset: 1, duplicate: true });
  });

  test("is not used up by a refused publish", async () => {
    let allowed = false;
    const live = await MemoryLive.open({ topics, authorize: () => allowed });
    const guest = await live.level1();
    expect(await guest.ask(publish)).toMatchObject({ code: "forbidden" });
    allowed = true;
    expect(await receipt(guest)).toEqual([1, false]);
  });

  test("does not let a repeated set undo later changes", async () => {
    const live = await MemoryLive.open({ topics });
    const guest = await live.level1();
    const set = { topic: "devices", key: "a" };
    expect(await receipt(guest, { ...set, data: "first" })).toEqual([1, false]);
    await guest.ask({ ...publish, ...set, data: "second", idempotencyKey: "other" });
    expect(await receipt(guest, { ...set, data: "first" })).toEqual([1, true]);
    expect(live.live.topic("devices").get("a")).toBe("second");
  });
});
