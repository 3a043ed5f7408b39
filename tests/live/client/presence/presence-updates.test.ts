import { expect, test } from "vitest";
import { updatePresence } from "../../../../src/live/client/presence/index.ts";
import {
  comeBack,
  openClient,
  openWelcomed,
  outcomeOf,
  settle,
  type FakeSocket,
} from "../../../rigs/live/open-client.ts";

const features = ["presence"];

function acknowledge(socket: FakeSocket): void {
  const { id } = socket.sent.findLast(({ type }) => type === "publish")!;
  socket.say({ type: "published", id, topic: "news/$presence", offset: 1, duplicate: false });
}

test("an update of presence is a publish to its topic, which resolves when it is stored", async () => {
  const { live, socket } = openWelcomed({}, { features });
  const outcome = outcomeOf(updatePresence(live, "news", { status: "away" }));
  expect(socket.sent).toMatchObject([
    { type: "publish", topic: "news/$presence", data: { status: "away" } },
  ]);
  acknowledge(socket);
  await settle();
  expect(outcome).toEqual({ value: undefined });
  expect("value" in outcome).toBe(true);
});

test("an update waits for the connection, and is rejected by a server that has none", async () => {
  const { live, socket } = openClient();
  const outcome = outcomeOf(updatePresence(live, "news", { status: "away" }));
  socket.welcome({ features: ["requests"] });
  await settle();
  expect(socket.sent).toEqual([]);
  expect(outcome.error).toMatchObject({ code: "unsupported" });
});

const subscribed = (socket: FakeSocket): void => {
  const { id } = socket.sent.findLast(({ type }) => type === "subscribe")!;
  socket.say({ type: "subscribed", id, topic: "news", kind: "log", epoch: "e", offset: 0 });
};

test("with each later subscription to the topic the last update is sent again, once", async () => {
  const opened = openWelcomed({}, { features });
  opened.live.topic("news").subscribe(() => {});
  subscribed(opened.socket);
  for (const status of ["away", "here"]) {
    outcomeOf(updatePresence(opened.live, "news", { status }));
    acknowledge(opened.socket);
    await settle();
  }
  const again = comeBack(opened, { features });
  expect(again.sent).toMatchObject([{ type: "subscribe", topic: "news" }]);
  subscribed(again);
  expect(again.taken().slice(1)).toMatchObject([
    { type: "publish", topic: "news/$presence", data: { status: "here" } },
  ]);
});

test("an update is not followed by an older one that was answered later", async () => {
  const opened = openWelcomed({}, { features });
  outcomeOf(updatePresence(opened.live, "news", { status: "away" }));
  outcomeOf(updatePresence(opened.live, "news", { status: "here" }));
  const [{ id } = { id: 0 }] = opened.socket.sent;
  opened.socket.say({ type: "published", id, topic: "news/$presence", offset: 1 });
  await settle();
  expect(comeBack(opened, { features }).sent).toMatchObject([{ data: { status: "here" } }]);
});

test("an update that waits is not followed by an older one", async () => {
  const opened = openWelcomed({}, { features });
  outcomeOf(updatePresence(opened.live, "news", { status: "away" }));
  acknowledge(opened.socket);
  await settle();
  outcomeOf(updatePresence(opened.live, "news", { status: "here" }));
  const again = comeBack(opened, { features });
  expect(again.sent).toMatchObject([{ data: { status: "here" } }]);
});

test("an update that the server refused is not sent again", async () => {
  const opened = openWelcomed({}, { features });
  const outcome = outcomeOf(updatePresence(opened.live, "news", { status: 1 }));
  const { id } = opened.socket.sent[0]!;
  opened.socket.say({ type: "error", id, code: "invalid_data", message: "no" });
  await settle();
  expect(outcome.error).toMatchObject({ code: "invalid_data" });
  expect(comeBack(opened, { features }).sent).toEqual([]);
});

test("an update that older servers do not support is sent again to the next newer one", async () => {
  const opened = openWelcomed({ backoff: { firstMs: 0 } }, { features });
  opened.live.topic("news").subscribe(() => {});
  subscribed(opened.socket);
  const publishedTo = async (welcome: object): Promise<unknown[]> => {
    opened.socket.end();
    opened.clock.advance(0);
    opened.socket.welcome({ ...welcome });
    subscribed(opened.socket);
    await settle();
    return opened.socket.sent.filter(({ type }) => type === "publish");
  };
  outcomeOf(updatePresence(opened.live, "news", { status: "away" }));
  acknowledge(opened.socket);
  await settle();
  const update = { topic: "news/$presence", data: { status: "away" } };
  expect(await publishedTo({})).toEqual([]);
  expect(await publishedTo({ features: ["requests"] })).toEqual([]);
  expect(await publishedTo({ features })).toMatchObject([update]);
  // This time it is not acknowledged.
  expect(await publishedTo({})).toEqual([]);
  expect(await publishedTo({ features })).toMatchObject([update]);
});

test("an update that was sent again and answered by nobody is sent with the next subscription", async () => {
  const opened = openWelcomed({}, { features });
  opened.live.topic("news").subscribe(() => {});
  subscribed(opened.socket);
  outcomeOf(updatePresence(opened.live, "news", { status: "away" }));
  acknowledge(opened.socket);
  await settle();
  const again = comeBack(opened, { features });
  subscribed(again);
  again.end(4401, "revoked");
  await settle();
  opened.live.reconnect();
  opened.socket.welcome({ features });
  subscribed(opened.socket);
  expect(opened.socket.sent.at(-1)).toMatchObject({ data: { status: "away" } });
});

test("an update that was answered after a subscription is sent again: another server may have it", async () => {
  const opened = openWelcomed({}, { features });
  opened.live.topic("news").subscribe(() => {});
  outcomeOf(updatePresence(opened.live, "news", { status: "away" }));
  subscribed(opened.socket);
  opened.socket.taken();
  opened.socket.say({ type: "published", id: 2, topic: "news/$presence", offset: 1 });
  await settle();
  expect(opened.socket.sent).toMatchObject([{ type: "publish", data: { status: "away" } }]);
});
