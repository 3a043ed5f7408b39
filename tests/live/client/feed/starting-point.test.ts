import { expect, test } from "vitest";
import type { LogItem } from "../../../../src/live/client/index.ts";
import { history } from "../../../../src/live/client/history/index.ts";
import {
  comeBack,
  event,
  openWelcomed,
  outcomeOf,
  settle,
  type Message,
} from "../../../rigs/live/open-client.ts";

const from = { last: 2 };

function collected(feed: AsyncIterable<unknown>): LogItem<unknown>[] {
  const items: LogItem<unknown>[] = [];
  void (async () => {
    for await (const item of feed) items.push(item as LogItem<unknown>);
  })();
  return items;
}

test("from is sent with every subscribe, beside the position once there is one", async () => {
  const opened = openWelcomed();
  const items = collected(opened.live.topic("news", {}, { from }));
  expect(opened.socket.sent).toMatchObject([{ type: "subscribe", topic: "news", from }]);
  opened.socket.subscribed({ offset: 8, latest: 10 });
  opened.socket.say(event("news", 9), event("news", 10));
  await settle();
  expect(items).toMatchObject([{ offset: 9 }, { offset: 10 }]);
  const again = comeBack(opened);
  expect(again.sent).toMatchObject([{ from, since: { epoch: "e", offset: 10 } }]);
  again.subscribed({ epoch: "f", offset: 3, latest: 4 });
  again.say({ type: "gap", topic: "news", epoch: "f", from: 1, to: 3, reason: "epoch" });
  again.say(event("news", 4));
  await settle();
  expect(items.slice(2)).toMatchObject([{ type: "gap", to: 3 }, { offset: 4 }]);
});

test("a feed is live when what was kept has arrived", () => {
  const { live, socket } = openWelcomed();
  const feed = live.topic("news", {}, { from });
  feed.subscribe(() => {});
  socket.subscribed({ offset: 8, latest: 10 });
  expect(feed.status.state).toBe("catching-up");
  socket.say(event("news", 9), event("news", 10));
  expect(feed.status.state).toBe("live");
});

test("each feed with from is a feed of its own, and its position is saved apart", () => {
  const { live } = openWelcomed();
  expect(live.topic("news", {}, { from })).not.toBe(live.topic("news", {}, { from }));
  expect(live.topic("news", {}, {})).toBe(live.topic("news"));
  const saved: string[] = [];
  const other = openWelcomed({
    positions: {
      load: (name) => {
        saved.push(name);
        return Promise.resolve(undefined);
      },
      saver: () => () => {},
    },
  });
  other.live.topic("news", { a: 1 }, { from }).subscribe(() => {});
  other.live.topic("news", { a: 1 }).subscribe(() => {});
  expect(saved).toEqual(['news {"a":1} {"from":{"last":2}}', 'news {"a":1}']);
});

const features = ["history"];
const before = { epoch: "e", offset: 5 };

test("history resolves with a page, and is repeated over a lost connection", async () => {
  const opened = openWelcomed({}, { features });
  const outcome = outcomeOf(history(opened.live, "news", { before, last: 2, params: { a: 1 } }));
  const asked = { type: "history", topic: "news", before, last: 2, params: { a: 1 } };
  expect(opened.socket.sent).toMatchObject([asked]);
  const again = comeBack(opened, { features });
  expect(again.sent).toMatchObject([asked]);
  const page = { epoch: "e", events: [{ offset: 3, data: "x" }], more: true };
  const { id } = again.sent[0] as Message;
  again.say({ type: "history", id, topic: "news", ...page });
  await settle();
  expect(outcome).toEqual({ value: page });
});

test("history is rejected by a server that has none, and with the server's refusal", async () => {
  const older = openWelcomed({}, { features: ["presence"] });
  const unsupported = outcomeOf(history(older.live, "news"));
  const { live, socket } = openWelcomed({}, { features });
  const refused = outcomeOf(history(live, "news"));
  const { id } = socket.sent[0] as Message;
  socket.say({ type: "error", id, code: "forbidden", message: "You may not." });
  await settle();
  expect(unsupported.error).toMatchObject({ code: "unsupported" });
  expect(refused.error).toMatchObject({ code: "forbidden" });
});

test("history is not posted when the page is left", async () => {
  const opened = openWelcomed({}, { features });
  let posts = 0;
  const { fetch } = globalThis;
  globalThis.fetch = () => {
    posts += 1;
    return Promise.reject(new Error("no network"));
  };
  outcomeOf(history(opened.live, "news"));
  opened.page("left");
  await settle();
  globalThis.fetch = fetch;
  expect(posts).toBe(0);
});
