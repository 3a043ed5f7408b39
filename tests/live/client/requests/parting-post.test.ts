import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openClient, openWelcomed, outcomeOf, settle } from "../../../rigs/live/open-client.ts";

interface Post {
  url: string;
  body: Record<string, unknown>;
  init: RequestInit;
  answer: (status: number, body: object) => void;
  fail: () => void;
}

let posts: Post[];

beforeEach(() => {
  posts = [];
  vi.stubGlobal("fetch", (url: URL, init: RequestInit) => {
    const body = JSON.parse(init.body as string) as Post["body"];
    return new Promise<Response>((resolve, reject) => {
      const answer = (status: number, body: object): void =>
        resolve(Response.json(body, { status }));
      const fail = (): void => reject(new TypeError("Failed to fetch"));
      posts.push({ url: url.href, body, init, answer, fail });
    });
  });
  onTestFinished(() => void vi.unstubAllGlobals());
});

test("unanswered publishes are sent with requests that outlive the page, with the same key", () => {
  const { live, socket, page } = openWelcomed();
  outcomeOf(live.publish("news/today", 1));
  outcomeOf(live.set("devices", "a", { on: true }));
  outcomeOf(live.remove("devices", "b"));
  const sent = socket.taken();
  page("left");
  expect(posts.map(({ url }) => url)).toEqual([
    "https://host/live/news/today",
    "https://host/live/devices",
    "https://host/live/devices",
  ]);
  expect(posts.map(({ body }) => body)).toMatchObject(sent);
  const { method, keepalive, credentials, headers } = posts[0]!.init;
  expect({ method, keepalive, credentials }).toEqual({
    method: "POST",
    keepalive: true,
    credentials: "include",
  });
  // Any header would make the browser ask the server first, of another origin.
  expect(headers).toEqual({});
});

test("publishes that were queued without a connection, or made while the page is left, are sent too", () => {
  const { live, page, sockets } = openClient();
  outcomeOf(live.publish("news", "queued"));
  page("left");
  outcomeOf(live.publish("news", "in a later listener"));
  expect(posts.map(({ body }) => body["data"])).toEqual(["queued", "in a later listener"]);
  expect(sockets).toHaveLength(1);
});

test("answered publishes and calls are not", () => {
  const { live, socket, page } = openWelcomed();
  outcomeOf(live.publish("news", 1));
  const { id } = socket.sent[0]!;
  socket.say({ type: "published", id, offset: 7, duplicate: false });
  outcomeOf(live.call("pay", 5, { idempotencyKey: "once" }));
  page("left");
  outcomeOf(live.call("pay", 6, { idempotencyKey: "twice" }));
  expect(posts).toEqual([]);
});

test("of a key, only the newest value is sent, because in parallel an older one might arrive after it", async () => {
  const { live, page } = openWelcomed();
  const older = outcomeOf(live.set("devices", "a", 1));
  const newer = outcomeOf(live.set("devices", "a", 2));
  outcomeOf(live.set("devices", "b", 3));
  page("left");
  await settle();
  expect(posts.map(({ body }) => body["data"])).toEqual([2, 3]);
  expect(older.error).toMatchObject({ code: "unconfirmed" });
  expect(newer).toEqual({});
});

test("a token is sent as a header: the one sent last, or the constant one", async () => {
  const given = openClient({ token: "given" });
  outcomeOf(given.live.publish("news", 1));
  given.page("left");
  let asked = 0;
  const provided = openClient({ token: () => `t${(asked += 1)}` });
  provided.socket.accept();
  await settle();
  outcomeOf(provided.live.publish("news", 1));
  provided.page("left");
  const headers = posts.map(({ init }) => init.headers);
  expect(headers).toEqual([{ Authorization: "Bearer given" }, { Authorization: "Bearer t1" }]);
});

test("the answer resolves the publish if the page returns, and it is not repeated", async () => {
  const opened = openWelcomed();
  const outcome = outcomeOf(opened.live.publish("news", 1));
  opened.page("left");
  posts[0]!.answer(201, { topic: "news", offset: 7, duplicate: false });
  // A body is read in several turns.
  await vi.waitFor(() => expect(outcome.value).toEqual({ offset: 7, duplicate: false }));
  opened.page("woke");
  opened.socket.welcome();
  expect(opened.socket.sent).toEqual([]);
});

test.each([
  ["refused", (post: Post) => post.answer(503, { code: "unavailable", message: "no" })],
  ["not sent", (post: Post) => post.fail()],
])("a publish that was %s is repeated with its key when the page is back", async (_what, end) => {
  const opened = openWelcomed();
  const outcome = outcomeOf(opened.live.publish("news", 1));
  const sent = opened.socket.taken();
  opened.page("left");
  end(posts[0]!);
  await settle();
  opened.page("woke");
  opened.socket.welcome();
  expect(opened.socket.taken()).toEqual(sent);
  expect(outcome).toEqual({});
  // And what is published from now on goes over the connection again.
  outcomeOf(opened.live.publish("news", 2));
  expect([opened.socket.taken().length, posts.length]).toEqual([1, 1]);
});

test("a page that was away for longer than the server remembers repeats none of its posts", async () => {
  const { live, clock, page, sockets } = openClient();
  const outcome = outcomeOf(live.publish("news", 1));
  page("left");
  posts[0]!.fail();
  await settle();
  clock.leap(300_000);
  page("woke");
  sockets.at(-1)!.welcome();
  await settle();
  expect(outcome.error).toMatchObject({ code: "unconfirmed" });
  expect(sockets.at(-1)!.sent).toEqual([]);
});

test("a topic whose name has no path of its own is not posted", () => {
  const { live, page } = openWelcomed();
  outcomeOf(live.publish("a/../b", 1));
  page("left");
  expect(posts).toEqual([]);
});
