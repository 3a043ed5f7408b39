import { expect, onTestFinished, test, vi } from "vitest";
import { savePositions } from "../../../../src/live/client/positions/index.ts";
import type { Position } from "../../../../src/live/client/index.ts";
import {
  entry,
  event,
  openWelcomed,
  outcomeOf,
  page,
  settle,
  type Message,
} from "../../../rigs/live/open-client.ts";

function store(held?: Position) {
  const saved: [string, number][] = [];
  return {
    saved,
    load: (_name: string): Position | undefined => held,
    save: (name: string, { offset }: Position): void | Promise<void> =>
      void saved.push([name, offset]),
  };
}

test("a log topic starts from the stored position", async () => {
  const names: string[] = [];
  const positions = {
    ...store(),
    load: (name: string) => (names.push(name), { epoch: "e", offset: 3 }),
  };
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  live.topic("news", { b: 1 }).subscribe(() => {});
  expect(socket.sent).toEqual([]);
  await settle();
  expect(socket.sent).toMatchObject([{ topic: "news", since: { epoch: "e", offset: 3 } }]);
  expect(names).toEqual(['news {"b":1}']);
});

test("the saved position is the handled one, not the received one", async () => {
  const positions = store();
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  let release: () => void = () => {};
  live.topic("news").subscribe(() => new Promise<void>((resolve) => (release = resolve)));
  await settle();
  socket.subscribed();
  await settle();
  socket.say(event("news", 11), event("news", 12));
  socket.say({ type: "position", topic: "news", epoch: "e", offset: 15 });
  await settle();
  expect(positions.saved).toEqual([["news", 10]]);
  release();
  await settle();
  expect(positions.saved).toEqual([
    ["news", 10],
    ["news", 11],
  ]);
  release();
  await settle();
  expect(positions.saved.at(-1)).toEqual(["news", 15]);
});

test("the slowest reader decides; an iteration has handled an item when it requests the next", async () => {
  const positions = store();
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  const feed = live.topic("news");
  feed.subscribe(() => {});
  const iteration = feed[Symbol.asyncIterator]();
  await settle();
  socket.subscribed();
  socket.say(event("news", 11), event("news", 12));
  await iteration.next();
  await settle();
  expect(positions.saved.at(-1)).toEqual(["news", 10]);
  await iteration.next();
  await settle();
  expect(positions.saved.at(-1)).toEqual(["news", 11]);
});

test("the same holds if the slowest reader is the first", async () => {
  const positions = store();
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  const feed = live.topic("news");
  feed.subscribe(() => new Promise(() => {}));
  feed.subscribe(() => {});
  await settle();
  socket.subscribed();
  socket.say(event("news", 11), event("news", 12));
  await settle();
  expect(positions.saved).toEqual([["news", 10]]);
});

test("saves do not overtake each other, and only the newest of the waiting ones is made", async () => {
  const releases: (() => void)[] = [];
  const saved: number[] = [];
  const positions = {
    ...store(),
    save: (_name: string, { offset }: Position) => {
      saved.push(offset);
      return new Promise<void>((resolve) => releases.push(resolve));
    },
  };
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  live.topic("news").subscribe(() => {});
  await settle();
  socket.subscribed();
  for (let n = 11; n < 20; n += 1) socket.say(event("news", n));
  await settle();
  expect(saved).toEqual([10]);
  releases[0]!();
  await settle();
  expect(saved).toEqual([10, 19]);
});

test("a store that fails is reported once until it works again, and each save is attempted", async () => {
  const report = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => report.mockRestore());
  let saves = 0;
  let isFull = true;
  const save = () => {
    saves += 1;
    return isFull ? Promise.reject(new Error("full")) : undefined;
  };
  const { live, socket } = openWelcomed({ positions: savePositions({ ...store(), save }) });
  live.topic("news").subscribe(() => {});
  await settle();
  socket.subscribed();
  let offset = 10;
  const next = async (full: boolean): Promise<void> => {
    isFull = full;
    socket.say(event("news", (offset += 1)));
    await settle();
  };
  await settle();
  await next(true);
  await next(true);
  expect([saves, report.mock.calls.length]).toEqual([3, 1]);
  await next(false);
  await next(true);
  expect([saves, report.mock.calls.length]).toEqual([5, 2]);
});

test.each([
  ["text", () => "7"],
  ["an object of something else", () => ({ offset: 3 })],
  ["an offset that is text", () => ({ epoch: "e", offset: "3" })],
  ["broken JSON", () => JSON.parse('{"epoch":"e","off') as unknown],
])(
  "a value that is not a position (%s) is reported once and dropped: a gap reports lost events",
  async (_what, load) => {
    const report = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => report.mockRestore());
    const positions = { ...store(), load: load as () => Position };
    const { live, socket } = openWelcomed({ positions: savePositions(positions) });
    const items: Message[] = [];
    live.topic("news").subscribe((item) => items.push(item));
    await settle();
    expect(report.mock.calls).toMatchObject([[{ code: "bad_position" }]]);
    expect(socket.sent).toMatchObject([{ topic: "news", since: { epoch: "lost", offset: 0 } }]);
    socket.subscribed();
    socket.say({ type: "gap", topic: "news", epoch: "e", from: 1, to: 10, reason: "epoch" });
    socket.say(event("news", 11));
    await settle();
    expect(items).toMatchObject([{ type: "gap", reason: "epoch" }, { offset: 11 }]);
    expect(positions.saved.at(-1)).toEqual(["news", 11]);
  },
);

test("a store that returns null has no position", async () => {
  const positions = { ...store(), load: () => null as never };
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  live.topic("news").subscribe(() => {});
  await settle();
  expect(socket.sent).toHaveLength(1);
  expect(socket.sent[0]).not.toHaveProperty("since");
});

test("a position that cannot be loaded ends the feed instead of starting from now", async () => {
  const positions = { ...store(), load: () => Promise.reject(new Error("corrupt")) };
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  const next = outcomeOf(live.topic("news")[Symbol.asyncIterator]().next());
  await settle();
  expect(next.error).toMatchObject({ message: "corrupt" });
  expect(socket.sent).toEqual([]);
});

test("for a keyed topic nothing is saved, and a stored position is not used", async () => {
  const positions = store({ epoch: "e", offset: 5 });
  const { live, socket } = openWelcomed({ positions: savePositions(positions) });
  const feed = live.topic("devices");
  const items: Message[] = [];
  feed.subscribe((item) => items.push(item));
  await settle();
  socket.subscribed({ kind: "keyed", resumed: true });
  expect(socket.sent).toHaveLength(2);
  expect(socket.sent[1]).toMatchObject({ type: "subscribe", topic: "devices" });
  expect(socket.sent[1]).not.toHaveProperty("since");
  socket.subscribed({ kind: "keyed" });
  socket.say(page("devices", 10, [entry("a", 8)]));
  await settle();
  expect([items.length, positions.saved]).toEqual([1, []]);
});
