import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields } from "../../../../src/live/index.ts";
import { EventReader } from "../../../rigs/live/event-reader.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";

/** Ten events, alternately of the rooms "a" and "b". */
async function filled(maxEvents = 100): Promise<RunningLive> {
  const live = await RunningLive.start({
    topics: [
      logTopic("notes", { match: matchFields, retention: { maxEvents } }),
      keyedTopic("keyed"),
    ],
  });
  for (let n = 1; n <= 10; n += 1) {
    await live.topic("notes").publish({ n, room: n % 2 === 0 ? "a" : "b" });
  }
  return live;
}

async function get(live: RunningLive, target: string): Promise<Message & { status: number }> {
  const response = await fetch(live.http(target));
  return { status: response.status, ...((await response.json()) as Message) };
}

const offsets = ({ events }: Message): number[] =>
  (events as { offset: number }[]).map(({ offset }) => offset);

describe("GET of a log topic", () => {
  test.each([
    ["last=3", [8, 9, 10]],
    ["last=2&room=a", [8, 10]],
    ["last=0", []],
    ["last=all", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["sinceMs=60000", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ])("?%s answers with the events %j, and the position after them", async (query, expected) => {
    const answer = await get(await filled(), `notes?${query}`);
    expect(offsets(answer)).toEqual(expected);
    expect(answer).toMatchObject({ status: 200, offset: 10 });
  });

  test("?before pages backwards, and joins the newest events without a hole or a repetition", async () => {
    const live = await filled(8);
    const newest = await get(live, "notes?last=3");
    const pages = [newest];
    for (;;) {
      const target = `notes?last=3&epoch=${String(newest["epoch"])}&before=${offsets(pages[0]!)[0]}`;
      pages.unshift(await get(live, target));
      expect(pages[0]).not.toHaveProperty("offset");
      if (pages[0]!["more"] === false) break;
    }
    expect(pages.flatMap(offsets)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("?before without an epoch is of the present one, and of another epoch it is empty", async () => {
    const live = await filled();
    expect(offsets(await get(live, "notes?before=3"))).toEqual([1, 2]);
    expect(await get(live, "notes?before=3&epoch=other")).toMatchObject({
      events: [],
      more: false,
    });
  });

  test("?last limits what follows a position that has expired, and the gap ends there", async () => {
    const live = await filled(4);
    const { epoch } = live.topic("notes").position;
    const answer = await get(live, `notes?last=2&epoch=${epoch}&offset=3`);
    expect(offsets(answer)).toEqual([9, 10]);
    expect(answer["gap"]).toEqual({ from: 4, to: 8, reason: "expired" });
  });

  test.each([
    "notes?last=some",
    "notes?last=-1",
    "notes?sinceMs=x",
    "notes?before=x",
    "notes?before=12",
    "notes?before=3&sinceMs=1",
    "keyed?last=1",
    "keyed?before=1",
  ])("%s is refused with 400", async (target) => {
    expect(await get(await filled(), target)).toMatchObject({ status: 400, code: "bad_request" });
  });
});

describe("server-sent events", () => {
  test("?last begins with the newest events, and a stream that comes back resumes", async () => {
    const live = await filled();
    const first = await EventReader.open(live.http("notes?last=2"));
    expect((await first.next()).data).toMatchObject({ type: "position", offset: 8 });
    expect((await first.next()).data).toMatchObject({ offset: 9 });
    const { id, data } = await first.next();
    expect(data).toMatchObject({ offset: 10 });
    await live.topic("notes").publish({ n: 11 });
    const again = await EventReader.open(live.http("notes?last=2"), id);
    expect((await again.next()).data).toMatchObject({ type: "position", offset: 10 });
    expect((await again.next()).data).toMatchObject({ offset: 11 });
  });

  test("?last follows the gap of a stream whose position has expired", async () => {
    const live = await filled(4);
    const { epoch } = live.topic("notes").position;
    const stream = await EventReader.open(live.http("notes?last=1"), `${epoch}:2`);
    expect((await stream.next()).data).toMatchObject({ type: "gap", from: 3, to: 9 });
    expect((await stream.next()).data).toMatchObject({ type: "position", offset: 9 });
    expect((await stream.next()).data).toMatchObject({ offset: 10 });
  });
});
