import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields } from "../../../../src/live/index.ts";
import { MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

async function filled(count = 10, maxEvents = 5_000): Promise<MemoryLive> {
  const live = await MemoryLive.open({
    topics: [
      logTopic("notes", { match: matchFields, retention: { maxEvents } }),
      logTopic("secret", { authorize: () => false }),
      keyedTopic("keyed"),
    ],
  });
  for (let n = 1; n <= count; n += 1) {
    await live.live.topic("notes").publish({ n, room: n % 2 === 0 ? "a" : "b" });
  }
  return live;
}

interface Page {
  epoch: string;
  events: { offset: number; data: { n: number } }[];
  more: boolean;
}

let ids = 0;

async function ask(client: Guest, about: object): Promise<Page> {
  ids += 1;
  const answer = await client.ask({ type: "history", id: ids, topic: "notes", ...about });
  return answer as unknown as Page;
}

const offsets = ({ events }: Page): number[] => events.map(({ offset }) => offset);

describe("history", () => {
  test("pages backwards to the oldest kept event, without a hole or a repetition", async () => {
    const live = await filled(10, 8);
    const client = await live.level1();
    const { epoch } = live.live.topic("notes").position;
    const newest = await ask(client, { last: 3 });
    expect(newest).toMatchObject({ type: "history", topic: "notes", epoch, more: true });
    expect(newest.events.at(-1)).toEqual({ offset: 10, data: { n: 10, room: "a" } });
    const pages = [newest];
    while (pages[0]!.more) {
      const [first] = offsets(pages[0]!);
      pages.unshift(await ask(client, { last: 3, before: { epoch, offset: first } }));
    }
    expect(pages.flatMap(offsets)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("is narrowed by params, and more means that another event matches", async () => {
    const live = await filled();
    const client = await live.level1();
    const page = await ask(client, { last: 4, params: { room: "a" } });
    expect([offsets(page), page.more]).toEqual([[4, 6, 8, 10], true]);
    const rest = await ask(client, {
      params: { room: "a" },
      before: { epoch: page.epoch, offset: 4 },
    });
    expect([offsets(rest), rest.more]).toEqual([[2], false]);
    expect(await ask(client, { params: { room: "c" } })).toMatchObject({ events: [], more: false });
  });

  test("has at most 1,000 events and 64 KiB in a page", async () => {
    const live = await filled(2_500);
    const client = await live.level1();
    const page = await ask(client, { last: 5_000 });
    expect([page.events.length, page.more]).toEqual([1_000, true]);
    for (let n = 0; n < 100; n += 1) await live.live.topic("notes").publish("x".repeat(1_000));
    const long = await ask(client, {});
    expect(long.more).toBe(true);
    expect(long.events.length).toBeGreaterThan(10);
    expect(JSON.stringify(long).length).toBeLessThan(66_000);
  });

  test("an event that is longer than a page is a page", async () => {
    const live = await filled();
    await live.live.topic("notes").publish("x".repeat(100_000));
    await live.live.topic("notes").publish("y".repeat(100_000));
    const client = await live.level1();
    const page = await ask(client, {});
    expect([offsets(page), page.more]).toEqual([[12], true]);
    const { epoch } = page;
    expect(offsets(await ask(client, { before: { epoch, offset: 12 } }))).toEqual([11]);
  });

  test("an answer is no longer than the client's maxMessage", async () => {
    const live = await filled(100);
    const client = await live.level1();
    await client.send({ type: "hello", maxMessage: 2_048 });
    const page = await ask(client, {});
    expect(page.more).toBe(true);
    expect(JSON.stringify(page).length).toBeLessThanOrEqual(2_048);
    await live.live.topic("notes").publish("x".repeat(3_000));
    expect(await ask(client, {})).toMatchObject({ type: "error", code: "too_large" });
  });

  test("of another epoch is empty, and ahead of the topic it is refused", async () => {
    const live = await filled();
    const { epoch } = live.live.topic("notes").position;
    const client = await live.level1();
    expect(await ask(client, { before: { epoch: "other", offset: 5 } })).toMatchObject({
      epoch,
      events: [],
      more: false,
    });
    const refusal = { type: "error", code: "bad_request" };
    expect(await ask(client, { before: { epoch, offset: 12 } })).toMatchObject(refusal);
    expect(offsets(await ask(client, { before: { epoch, offset: 11 }, last: 1 }))).toEqual([10]);
    expect(await ask(client, { before: { epoch, offset: 1 } })).toMatchObject({ events: [] });
  });

  test.each([
    [{ topic: "keyed" }, "bad_request"],
    [{ topic: "secret" }, "forbidden"],
    [{ topic: "missing" }, "unknown_topic"],
    [{ last: 0 }, "bad_request"],
    [{ last: "all" }, "bad_request"],
    [{ before: 3 }, "bad_request"],
    [{ params: 1 }, "invalid_params"],
  ])("%j is refused with %s", async (about, code) => {
    const client = await (await filled()).level1();
    expect(await ask(client, about)).toMatchObject({ type: "error", code });
  });

  test("what a page collects is charged to the client, and refunded", async () => {
    const live = await filled(2_000);
    const client = await live.level1();
    await ask(client, {});
    const { account } = client.peer;
    const before = account.payer!.heldBytes;
    for (let n = 0; n < 10; n += 1) await ask(client, {});
    client.take();
    await live.settle();
    expect(account.payer!.heldBytes).toBe(before);
  });
});
