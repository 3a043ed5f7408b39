import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../../../src/live/index.ts";
import { WebSocketServer } from "../../../../src/server/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { EventReader } from "../../../rigs/live/event-reader.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive, type LiveOptions } from "../../../rigs/live/running-live.ts";

function start(options: Partial<LiveOptions> = {}): Promise<RunningLive> {
  return RunningLive.start({
    topics: [
      keyedTopic("devices", { match: matchFields, clientPublish: true }),
      logTopic("alerts", { match: matchFields, clientPublish: true, retention: { maxEvents: 4 } }),
      keyedTopic("own"),
    ],
    ...options,
  });
}

const json = async (response: Response): Promise<Message> => (await response.json()) as Message;

describe("GET", () => {
  test("a keyed topic: its state narrowed by the params, with the position as ETag", async () => {
    const live = await start();
    const topic = live.topic("devices");
    await topic.set("a", { type: "AP" });
    await topic.set("b", { type: "switch" });
    await topic.remove("gone");
    const response = await fetch(live.http("devices?type=AP"));
    const { epoch } = topic.position;
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(response.headers.get("etag")).toBe(`"${epoch}:3"`);
    expect(await json(response)).toEqual({
      topic: "devices",
      kind: "keyed",
      epoch,
      offset: 3,
      complete: true,
      entries: [{ key: "a", offset: 1, data: { type: "AP" } }],
    });
  });

  test("a log topic: its recent events", async () => {
    const live = await start();
    for (let n = 1; n <= 6; n += 1) await live.topic("alerts").publish({ n });
    const { epoch } = live.topic("alerts").position;
    expect(await json(await fetch(live.http("alerts")))).toEqual({
      topic: "alerts",
      kind: "log",
      epoch,
      offset: 6,
      events: [3, 4, 5, 6].map((n) => ({ offset: n, data: { n } })),
    });
  });

  test("expired events are not returned", async () => {
    const clock = new VirtualClock();
    const live = await start({
      clock,
      topics: [logTopic("alerts", { retention: { maxAgeMs: 1_000 } })],
    });
    await live.topic("alerts").publish(1);
    clock.advance(2_000);
    expect((await json(await fetch(live.http("alerts")))).events).toEqual([]);
  });

  test.each([
    ["the tag", (tag: string) => tag],
    ["a weak one, as proxies make it", (tag: string) => `W/${tag}`],
    ["one among others", (tag: string) => `"x:1", ${tag}`],
    ["any", () => "*"],
  ])("If-None-Match with %s: 304 without body", async (_what, listed) => {
    const live = await start();
    await live.topic("devices").set("a", 1);
    const tag = (await fetch(live.http("devices"))).headers.get("etag")!;
    const headers = { "If-None-Match": listed(tag) };
    const response = await fetch(live.http("devices"), { headers });
    expect([response.status, response.headers.get("etag"), await response.text()]).toEqual([
      304,
      tag,
      "",
    ]);
    await live.topic("devices").set("a", 2);
    const stale = { "If-None-Match": tag };
    expect((await fetch(live.http("devices"), { headers: stale })).status).toBe(200);
  });

  test("with a position: later events; if events are gone, the gap is listed", async () => {
    const live = await start();
    for (let n = 1; n <= 6; n += 1) await live.topic("alerts").publish({ n });
    const { epoch } = live.topic("alerts").position;
    const at = async (epoch: string, offset: number): Promise<Message> =>
      json(await fetch(live.http(`alerts?epoch=${epoch}&offset=${offset}`)));
    const after = await at(epoch, 4);
    expect(after.events.map(({ offset }: Message) => offset)).toEqual([5, 6]);
    expect(after.gap).toBeUndefined();
    const expired = await at(epoch, 1);
    expect(expired.events.map(({ offset }: Message) => offset)).toEqual([3, 4, 5, 6]);
    expect(expired.gap).toEqual({ from: 2, to: 2, reason: "expired" });
    expect((await at("other", 1)).gap).toEqual({ from: 1, to: 2, reason: "epoch" });
  });

  test("HEAD has the headers of GET and no body, even where GET would stream", async () => {
    const live = await start();
    await live.topic("devices").set("a", 1);
    for (const headers of [{}, { Accept: "text/event-stream" }]) {
      const response = await fetch(live.http("devices"), { method: "HEAD", headers });
      expect(response.status).toBe(200);
      expect(response.headers.get("etag")).toMatch(/:1"$/);
      expect(Number(response.headers.get("content-length"))).toBeGreaterThan(10);
      expect(await response.text()).toBe("");
    }
  });

  test.each([
    ["an unknown topic", "nothing", 404, "unknown_topic"],
    ["a topic named __proto__", "__proto__", 404, "unknown_topic"],
    ["a broken percent sign", "%E0%A4%A", 404, "unknown_topic"],
    ["an offset without epoch", "devices?offset=1", 400, "bad_request"],
    ["an epoch without offset", "devices?epoch=e", 400, "bad_request"],
    ["an invalid offset", "devices?epoch=e&offset=-1", 400, "bad_request"],
    ["a wait that is not a number", "devices?wait=soon", 400, "bad_request"],
    ["a negative wait", "devices?wait=-1", 400, "bad_request"],
    ["params too long", `devices?x=${"y".repeat(16_400)}`, 431, undefined],
  ])("%s is refused", async (_what, target, status, code) => {
    const live = await start();
    const response = await fetch(live.http(target));
    expect(response.status).toBe(status);
    if (code !== undefined) expect((await json(response)).code).toBe(code);
  });

  test("an offset ahead of the topic is 400", async () => {
    const live = await start();
    const { epoch } = live.topic("devices").position;
    const response = await fetch(live.http(`devices?epoch=${epoch}&offset=1`));
    expect([response.status, (await json(response)).code]).toEqual([400, "bad_request"]);
  });

  test("other methods are 405 and list the valid ones", async () => {
    const live = await start();
    const response = await fetch(live.http("devices"), { method: "DELETE" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, POST"]);
  });
});

describe("long poll", () => {
  /** Asks, and resolves when the server has the question; what it answers is to be awaited. */
  async function poll(live: RunningLive, target: string): Promise<{ answer: Promise<Response> }> {
    const known = live.responses.length;
    const answer = fetch(live.http(target));
    await expect.poll(() => live.responses.length, { interval: 5 }).toBe(known + 1);
    return { answer };
  }

  const behind = ({ epoch, offset }: { epoch: string; offset: number }): string =>
    `epoch=${epoch}&offset=${offset}`;

  test("answers when an event matches, and not otherwise", async () => {
    const live = await start();
    const topic = live.topic("devices");
    const { answer } = await poll(live, `devices?type=AP&wait=30&${behind(topic.position)}`);
    await topic.set("b", { type: "switch" });
    expect(live.responses[0]!.headersSent).toBe(false);
    await topic.set("a", { type: "AP" });
    const body = await json(await answer);
    expect(body).toMatchObject({ offset: 2, complete: false });
    expect(body.entries).toContainEqual({ key: "a", offset: 2, data: { type: "AP" } });
  });

  test("ends with 401 when the credentials expire while it waits", async () => {
    const clock = new VirtualClock();
    const expiresAt = clock.now() + 4_000;
    const live = await start({ clock, authenticate: () => ({ id: "ann", expiresAt }) });
    const position = behind(live.topic("alerts").position);
    const { answer } = await poll(live, `alerts?wait=30&${position}`);
    clock.advance(4_500);
    const response = await answer;
    expect([response.status, (await json(response)).code]).toEqual([401, "unauthorized"]);
  });

  test("answers immediately if there is something after the position", async () => {
    const live = await start();
    const topic = live.topic("alerts");
    const position = topic.position;
    await topic.publish({ n: 1 });
    const body = await json(await fetch(live.http(`alerts?wait=60&${behind(position)}`)));
    expect(body.events).toEqual([{ offset: 1, data: { n: 1 } }]);
  });

  test("answers immediately if the position cannot be resumed", async () => {
    const live = await start();
    await live.topic("devices").set("a", 1);
    const body = await json(await fetch(live.http("devices?wait=60&epoch=other&offset=9")));
    expect(body).toMatchObject({ complete: true, entries: [{ key: "a" }] });
  });

  test("answers 304 with the position after wait seconds; more than 60 count as 60", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock });
    const { position } = live.topic("alerts");
    const short = await poll(live, `alerts?wait=2&${behind(position)}`);
    const long = await poll(live, `alerts?wait=900&${behind(position)}`);
    clock.advance(2_200);
    const response = await short.answer;
    expect(response.status).toBe(304);
    expect(response.headers.get("etag")).toBe(`"${position.epoch}:0"`);
    clock.advance(58_000);
    expect((await long.answer).status).toBe(304);
  });

  test("ends when the server drains", async () => {
    const live = await start();
    const { position } = live.topic("alerts");
    const { answer } = await poll(live, `alerts?wait=60&${behind(position)}`);
    await live.server.close();
    expect((await answer).status).toBe(304);
  });
});

describe("server-sent events", () => {
  test("a keyed topic: the state, then events, each a Level 1 message with its position as id", async () => {
    const live = await start();
    const topic = live.topic("devices");
    await topic.set("a", { type: "AP" });
    const reader = await EventReader.open(live.http("devices?type=AP"));
    const { epoch } = topic.position;
    expect(reader.response.headers.get("content-type")).toContain("text/event-stream");
    const state = await reader.next();
    expect(state).toMatchObject({ id: `${epoch}:1`, data: { type: "snapshot", complete: true } });
    await topic.set("b", { type: "switch" });
    await topic.set("a", { type: "AP", n: 2 });
    const data = {
      type: "event",
      topic: "devices",
      offset: 3,
      key: "a",
      data: { type: "AP", n: 2 },
    };
    expect(await reader.next()).toEqual({ id: `${epoch}:3`, data });
  });

  test("a log topic sends its starting position immediately, so that a client cut before any event can resume", async () => {
    const live = await start();
    const topic = live.topic("alerts");
    await topic.publish("before");
    const reader = await EventReader.open(live.http("alerts"));
    const { id, data } = await reader.next();
    expect([id, data.type, data.offset]).toEqual([`${topic.position.epoch}:1`, "position", 1]);
    await topic.publish("missed");
    const again = await EventReader.open(live.http("alerts"), id);
    await again.next();
    expect((await again.next()).data).toMatchObject({ type: "event", data: "missed" });
  });

  test("Last-Event-ID resumes; for a keyed topic, with what changed", async () => {
    const live = await start();
    const topic = live.topic("devices");
    await topic.set("a", 1);
    const { epoch } = topic.position;
    await topic.set("b", 1);
    const reader = await EventReader.open(live.http("devices"), `${epoch}:1`);
    expect((await reader.next()).data).toMatchObject({ complete: false, entries: [{ key: "b" }] });
  });

  test("an id that expired or belongs to another epoch: a gap, then new events", async () => {
    const live = await start();
    const topic = live.topic("alerts");
    for (let n = 1; n <= 6; n += 1) await topic.publish(n);
    const { epoch } = topic.position;
    const expired = await EventReader.open(live.http("alerts"), `${epoch}:1`);
    const other = await EventReader.open(live.http("alerts"), "other:1");
    expect((await expired.next()).data).toMatchObject({
      type: "gap",
      from: 2,
      to: 6,
      reason: "expired",
    });
    expect((await other.next()).data).toMatchObject({
      type: "gap",
      from: 1,
      to: 6,
      reason: "epoch",
    });
    for (const reader of [expired, other]) await reader.next();
    await topic.publish(7);
    expect((await expired.next()).data).toMatchObject({ type: "event", offset: 7 });
    expect((await other.next()).data).toMatchObject({ type: "event", offset: 7 });
  });

  test("for a log topic, an id ahead of it: a gap, because the log has lost its end", async () => {
    const live = await start();
    const topic = live.topic("alerts");
    await topic.publish(1);
    const reader = await EventReader.open(live.http("alerts"), `${topic.position.epoch}:99`);
    const gap = { type: "gap", from: 1, to: 1, reason: "epoch" };
    expect((await reader.next()).data).toMatchObject(gap);
    expect((await reader.next()).data).toMatchObject({ type: "position", offset: 1 });
  });

  test("a stream ends after two minutes, so that vanished clients are dropped, and sends a reconnect delay", async () => {
    const clock = new VirtualClock();
    const live = await start({ clock });
    const response = await fetch(live.http("alerts"), { headers: { Accept: "text/event-stream" } });
    await expect.poll(() => live.live.census().streams).toBe(1);
    clock.advance(119_000);
    expect(live.live.census().streams).toBe(1);
    clock.advance(2_000);
    expect(await response.text()).toMatch(/^retry: 1000\n\n/);
    await expect.poll(() => live.live.census().streams).toBe(0);
  });

  test.each(["nonsense", "ahead"])(
    "an id that is %s starts over instead of failing for ever",
    async (what) => {
      const live = await start();
      await live.topic("devices").set("a", 1);
      const id = what === "ahead" ? `${live.topic("devices").position.epoch}:99` : what;
      const reader = await EventReader.open(live.http("devices"), id);
      expect(reader.response.status).toBe(200);
      expect((await reader.next()).data).toMatchObject({ type: "snapshot", complete: true });
    },
  );

  test("a drain ends the stream", async () => {
    const live = await start();
    const reader = await EventReader.open(live.http("devices"));
    await reader.next();
    const closed = live.server.close();
    await expect(reader.next()).rejects.toThrow("the stream has ended");
    await closed;
  });
});

describe("POST", () => {
  const post = (live: RunningLive, topic: string, body: unknown, headers = {}): Promise<Response> =>
    fetch(live.http(topic), {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers,
    });

  test("201 with the offset; repeating the idempotencyKey is a duplicate", async () => {
    const live = await start();
    const body = { key: "a", data: { n: 1 }, idempotencyKey: "once" };
    const first = await post(live, "devices", body);
    expect(first.status).toBe(201);
    expect(await json(first)).toEqual({ topic: "devices", offset: 1, duplicate: false });
    const second = await post(live, "devices", body);
    expect(await json(second)).toEqual({ topic: "devices", offset: 1, duplicate: true });
    const removed = await post(live, "devices", { key: "a", remove: true });
    expect(await json(removed)).toMatchObject({ offset: 2 });
    expect(live.topic("devices").get("a")).toBeUndefined();
  });

  test.each([
    ["no JSON", "devices", "{", 400, "bad_request"],
    ["an array", "devices", [], 400, "bad_request"],
    ["a keyed topic without key", "devices", { data: 1 }, 400, "bad_request"],
    ["a log topic with key", "alerts", { key: "a", data: 1 }, 400, "bad_request"],
    ["no data", "alerts", {}, 400, "bad_request"],
    ["a topic of the server only", "own", { key: "a", data: 1 }, 403, "forbidden"],
    ["an unknown topic", "nothing", { data: 1 }, 404, "unknown_topic"],
    ["a body too long", "alerts", { data: "x".repeat(2_000) }, 413, "too_large"],
    ["a body far too long", "alerts", { data: "x".repeat(2_000_000) }, 413, "too_large"],
  ])("%s is refused", async (_what, topic, body, status, code) => {
    const live = await start({ maxMessageBytes: 1_000 });
    const response = await post(live, topic, body);
    expect([response.status, (await json(response)).code]).toEqual([status, code]);
    if (code !== "unknown_topic") expect(live.topic(topic).position.offset).toBe(0);
  });

  test("data that the schema refuses is 422 with the path", async () => {
    const issues = [{ message: "must be a number", path: ["n"] }];
    const data = {
      "~standard": { version: 1 as const, vendor: "test", validate: () => ({ issues }) },
    };
    const live = await start({ topics: [logTopic("alerts", { clientPublish: true, data })] });
    const response = await post(live, "alerts", { data: { n: "x" } });
    expect(response.status).toBe(422);
    expect(await json(response)).toEqual({ code: "invalid_data", message: "n: must be a number" });
  });

  test("from a page of another origin it is 403, and nothing is published", async () => {
    const live = await start();
    const origin = { Origin: "https://evil.example" };
    expect((await post(live, "alerts", { data: 1 }, origin)).status).toBe(403);
    expect(live.topic("alerts").position.offset).toBe(0);
  });

  test("a client that disconnects while sending its body is not reported as a failure", async () => {
    const live = await start();
    const errors: unknown[] = [];
    const { error } = console;
    console.error = (line: unknown) => void errors.push(line);
    onTestFinished(() => void (console.error = error));
    const socket = connect(live.port, "127.0.0.1");
    socket.write('POST /live/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"da');
    await expect.poll(() => live.responses.length, { interval: 5 }).toBe(1);
    const over = once(live.responses[0]!, "close");
    socket.destroy();
    await over;
    // The body's reader is notified in a later tick.
    await new Promise(setImmediate);
    expect(errors).toEqual([]);
  });
});

test("on an HTTP server that stays open after the drain, later requests get 503 and are not held", async () => {
  const live = await LiveServer.open({ topics: [logTopic("alerts")], broker: new MemoryBroker() });
  const server = new WebSocketServer(live.endpoint("/live"));
  const http = createServer((incoming, response) => void server.handleRequest(incoming, response));
  server.attach(http);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  await server.close();
  const { epoch } = live.topic("alerts").position;
  const url = `http://127.0.0.1:${port}/live/alerts?wait=60&epoch=${epoch}&offset=0`;
  const response = await fetch(url, { headers: { Connection: "close" } });
  expect([response.status, (await json(response)).code]).toEqual([503, "unavailable"]);
  expect(response.headers.get("retry-after")).toMatch(/^([0-9]|10)$/);
});
