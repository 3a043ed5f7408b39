import { expect, onTestFinished, test, vi } from "vitest";
import {
  comeBack,
  openClient,
  openWelcomed,
  outcomeOf,
  settle,
} from "../../../rigs/live/open-client.ts";

test("publishes wait for the connection, and are sent in order", () => {
  const { live, socket } = openClient();
  for (const n of [1, 2, 3]) outcomeOf(live.publish("news", n));
  outcomeOf(live.set("devices", "a", { on: true }));
  outcomeOf(live.remove("devices", "a"));
  socket.welcome();
  expect(socket.sent).toMatchObject([
    { type: "publish", topic: "news", data: 1 },
    { type: "publish", topic: "news", data: 2 },
    { type: "publish", topic: "news", data: 3 },
    { type: "publish", topic: "devices", key: "a", data: { on: true } },
    { type: "publish", topic: "devices", key: "a", remove: true },
  ]);
});

test("an acknowledged publish resolves with its offset", async () => {
  const { live, socket } = openWelcomed();
  const outcome = outcomeOf(live.publish("news", 1));
  const { id } = socket.sent[0]!;
  socket.say({ type: "published", id, topic: "news", offset: 7, duplicate: true });
  await settle();
  expect(outcome.value).toEqual({ offset: 7, duplicate: true });
});

test("an unanswered publish is repeated with its idempotency key, given or generated", () => {
  const opened = openWelcomed();
  outcomeOf(opened.live.publish("news", 1));
  outcomeOf(opened.live.publish("news", 2, { idempotencyKey: "mine" }));
  const sent = opened.socket.taken();
  expect(sent[0]!.idempotencyKey).toMatch(/^\d+-\d+-\d+-\d+$/);
  expect(sent[1]!.idempotencyKey).toBe("mine");
  expect(comeBack(opened).taken()).toEqual(sent);
});

test("the published data is copied when publish is called", () => {
  const { live, socket } = openClient();
  const data = { n: 1 };
  outcomeOf(live.publish("news", data));
  data.n = 2;
  socket.welcome();
  expect(socket.sent[0]!.data).toEqual({ n: 1 });
});

test("an answered publish is not repeated", () => {
  const opened = openWelcomed();
  outcomeOf(opened.live.publish("news", 1));
  const { id } = opened.socket.sent[0]!;
  opened.socket.say({ type: "published", id, offset: 1, duplicate: false });
  expect(comeBack(opened).sent).toEqual([]);
});

test("beyond maxQueuedRequests a request is rejected", async () => {
  const { live } = openClient({ maxQueuedRequests: 2 });
  outcomeOf(live.publish("news", 1));
  outcomeOf(live.call("x"));
  const third = outcomeOf(live.publish("news", 3));
  await settle();
  expect(third.error).toMatchObject({ code: "queue_full" });
});

test.each(["rate_limited", "unavailable"])("%s is retried with growing delays", async (code) => {
  const { live, socket, clock } = openWelcomed({}, { heartbeat: 1e9 });
  const outcome = outcomeOf(live.publish("news", 1));
  const [sent] = socket.taken();
  for (const wait of [500, 999, 1_998]) {
    socket.say({ type: "error", id: sent!.id, code, message: "later" });
    clock.advance(wait - 2);
    expect(socket.taken()).toEqual([]);
    clock.advance(2);
    expect(socket.taken()).toEqual([sent]);
  }
  await settle();
  expect(outcome).toEqual({});
});

test("any other error rejects with the server's code", async () => {
  const { live, socket } = openWelcomed();
  const outcome = outcomeOf(live.publish("news", 1));
  const { id } = socket.sent[0]!;
  socket.say({ type: "error", id, code: "invalid_data", message: "no" });
  await settle();
  expect(outcome.error).toMatchObject({
    name: "LongwireError",
    code: "invalid_data",
    message: "no",
  });
});

test("a publish that was sent but not answered for 4.5 minutes is unconfirmed", async () => {
  const { live, socket, clock } = openWelcomed({}, { heartbeat: 1e9 });
  const outcome = outcomeOf(live.publish("news", 1));
  clock.advance(269_999);
  await settle();
  expect(outcome).toEqual({});
  clock.advance(1);
  await settle();
  expect(outcome.error).toMatchObject({ code: "unconfirmed" });
  expect(socket.sent).toHaveLength(1);
});

test("a publish that was never sent waits without a limit", async () => {
  const { live, clock, sockets } = openClient();
  const outcome = outcomeOf(live.publish("news", 1));
  clock.advance(3_600_000);
  await settle();
  expect(outcome).toEqual({});
  live.reconnect();
  sockets.at(-1)!.welcome();
  expect(sockets.at(-1)!.sent).toHaveLength(1);
});

test("after a long sleep a publish is not repeated, even if the timer is late", async () => {
  const { live, clock, sockets, socket } = openWelcomed();
  const outcome = outcomeOf(live.publish("news", 1));
  socket.end();
  live.reconnect();
  // The clock has gone on and no timer has fired yet.
  const late = clock.now() + 300_000;
  clock.now = () => late;
  sockets[1]!.welcome();
  await settle();
  expect(sockets[1]!.sent).toEqual([]);
  expect(outcome.error).toMatchObject({ code: "unconfirmed" });
});

test("setting the wall clock does not make a publish unconfirmed if the connection survives", async () => {
  const { live, clock, sockets, socket } = openWelcomed();
  let aheadMs = 0;
  Object.assign(clock, { wallTime: () => clock.now() + aheadMs });
  const outcome = outcomeOf(live.publish("news", 1));
  aheadMs = 7_200_000;
  socket.say({ type: "heartbeat" });
  clock.advance(5_000);
  socket.say({ type: "heartbeat" });
  socket.end();
  clock.advance(500);
  sockets[1]!.welcome();
  await settle();
  expect(sockets[1]!.sent).toHaveLength(1);
  expect(outcome).toEqual({});
});

test("without crypto, as in React Native, a publish still has a key", () => {
  vi.stubGlobal("crypto", undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  const { live, socket } = openWelcomed();
  for (const n of [1, 2]) outcomeOf(live.publish("news", n));
  const keys = socket.sent.map(({ idempotencyKey }) => idempotencyKey as string);
  expect(new Set(keys).size).toBe(2);
  for (const key of keys) expect(key).toMatch(/^0\.\d+-0\.\d+$/);
});

test("a temporary refusal means that nothing was done, so the time limit starts over", async () => {
  const { live, socket, clock } = openWelcomed({}, { heartbeat: 1e9 });
  const outcome = outcomeOf(live.publish("news", 1));
  const { id } = socket.taken()[0]!;
  clock.advance(200_000);
  socket.say({ type: "error", id, code: "unavailable", message: "later" });
  clock.advance(200_000);
  await settle();
  expect(outcome).toEqual({});
  expect(socket.taken()).toHaveLength(1);
});

test("unless an earlier connection may have executed it", async () => {
  const opened = openWelcomed();
  const outcome = outcomeOf(opened.live.publish("news", 1));
  opened.socket.end();
  opened.clock.advance(500);
  opened.socket.welcome({ heartbeat: 1e9 });
  const { id } = opened.socket.taken()[0]!;
  opened.socket.say({ type: "error", id, code: "unavailable", message: "later" });
  opened.clock.advance(270_000);
  await settle();
  expect(outcome.error).toMatchObject({ code: "unconfirmed" });
});

test("a call resolves with its result", async () => {
  const { live, socket } = openWelcomed();
  const outcome = outcomeOf(live.call("reboot", { device: 1 }));
  expect(socket.sent).toMatchObject([{ type: "call", method: "reboot", params: { device: 1 } }]);
  expect(socket.sent[0]).not.toHaveProperty("idempotencyKey");
  socket.say({ type: "result", id: socket.sent[0]!.id, data: { done: true } });
  await settle();
  expect(outcome.value).toEqual({ done: true });
});

test("a call that was sent is not repeated, unless it has a key", async () => {
  const opened = openWelcomed();
  const bare = outcomeOf(opened.live.call("reboot"));
  outcomeOf(opened.live.call("pay", 5, { idempotencyKey: "once" }));
  const sent = opened.socket.taken();
  const { socket } = { socket: comeBack(opened) };
  await settle();
  expect(bare.error).toMatchObject({ code: "unconfirmed" });
  expect(socket.sent).toEqual([sent[1]]);
});

test("a call that was not sent yet waits for the next connection", async () => {
  const opened = openClient();
  const outcome = outcomeOf(opened.live.call("reboot"));
  expect(comeBack(opened).sent).toMatchObject([{ type: "call", method: "reboot" }]);
  await settle();
  expect(outcome).toEqual({});
});

test("a message that exceeds the server's limit is rejected by the client, counted in UTF-8", async () => {
  const { live, socket } = openWelcomed({}, { maxMessage: 200 });
  const fits = outcomeOf(live.call("x", "a".repeat(150)));
  const long = outcomeOf(live.call("x", "é".repeat(150)));
  await settle();
  expect(fits).toEqual({});
  expect(long.error).toMatchObject({ code: "too_large" });
  expect(socket.sent).toHaveLength(1);
});

test("when the server refuses, pending and new requests are rejected", async () => {
  const { live, socket } = openWelcomed();
  const pending = outcomeOf(live.publish("news", 1));
  socket.end(4403, "not you");
  const later = outcomeOf(live.call("x"));
  await settle();
  expect(pending.error).toMatchObject({ code: "refused", message: "not you" });
  expect(later.error).toMatchObject({ code: "refused" });
});
