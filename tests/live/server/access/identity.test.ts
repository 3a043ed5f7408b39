import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import {
  keyedTopic,
  LiveError,
  logTopic,
  method,
  type Authenticate,
  type Identity,
} from "../../../../src/live/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { LEVEL_1, LiveClient } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { Later, MemoryLive, thenable, type Guest } from "../../../rigs/live/memory-live.ts";

const START = new VirtualClock().now();

/** Accepts the tokens `ann`, `bob`, and `ann+MS`, which expires MS milliseconds after the start. */
const known: Authenticate = ({ token }) => {
  const [id, ms] = token?.split("+") ?? [];
  if (id !== "ann" && id !== "bob") return undefined;
  return ms === undefined ? { id } : { id, expiresAt: START + Number(ms) };
};

const whoami = method({ handle: (_params, { identity }) => identity });

const open = (options: Partial<Parameters<typeof MemoryLive.open>[0]> = {}): Promise<MemoryLive> =>
  MemoryLive.open({
    topics: [
      logTopic("news", { clientPublish: true, presence: true }),
      keyedTopic("devices", { presence: true }),
    ],
    methods: { whoami },
    authenticate: known,
    tokenQuery: "token",
    ...options,
  });

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

const me = async (guest: Guest): Promise<unknown> =>
  (await guest.ask({ type: "call", id: "me", method: "whoami" }))?.["data"];

const subscribe = { type: "subscribe", id: 1, topic: "news" };

const nothing = { sessions: 0, streams: 0, subscriptions: 0, waiting: 0, ownedKeys: 0 };

describe("credentials", () => {
  test("a server without authenticate sends welcome immediately, and no client has an identity", async () => {
    const live = await MemoryLive.open({ topics: [], methods: { whoami } });
    const guest = await live.level1(bearer("ann"));
    expect(guest.types()).toEqual(["welcome"]);
    expect(await me(guest)).toBeNull();
  });

  test.each<[string, object, Partial<Record<string, unknown>>]>([
    ["Authorization: Bearer", bearer("ann"), { token: "ann" }],
    ["bearer in any case", { headers: { authorization: "bEARER  ann " } }, { token: "ann" }],
    ["tokenQuery", { search: "?token=ann&x=1" }, { token: "ann" }],
    ["the header before the query", { search: "?token=bob", ...bearer("ann") }, { token: "ann" }],
    ["another scheme, which is not a token", { headers: { authorization: "Basic ann" } }, {}],
    ["two words, which are not a token", { headers: { authorization: "Bearer a b" } }, {}],
    ["a cookie", { headers: { cookie: "a=1; session=ann; session=bob" } }, { cookie: "ann" }],
    ["an encoded cookie", { headers: { cookie: "session=a%20nn" } }, { cookie: "a nn" }],
    ["a cookie badly encoded", { headers: { cookie: "session=a%zz" } }, { cookie: "a%zz" }],
    ["an empty cookie", { headers: { cookie: "session=" } }, { cookie: "" }],
    ["a cookie without a value", { headers: { cookie: "session; x=session" } }, {}],
    ["another header", { headers: { "x-key": "k" } }, { header: "k" }],
    ["the query as it is", { search: "?key=q" }, { query: "q" }],
  ])("%s", async (_what, shown, wanted) => {
    let seen: Record<string, unknown> = {};
    const live = await open({
      authenticate: ({ token, header, cookie, query, remoteAddress }) => {
        const [fromHeader, fromQuery] = [header("X-Key"), query.get("key") ?? undefined];
        const fromCookie = cookie("session");
        seen = { token, header: fromHeader, cookie: fromCookie, query: fromQuery, remoteAddress };
        return { id: "someone" };
      },
    });
    const guest = await live.level1(shown);
    expect(guest.types()).toEqual(["welcome"]);
    const absent = { token: undefined, header: undefined, cookie: undefined, query: undefined };
    expect(seen).toEqual({ ...absent, remoteAddress: "192.0.2.1", ...wanted });
  });

  test("cookies named like inherited members exist only if they were sent", async () => {
    const seen: unknown[] = [];
    const live = await open({
      authenticate: ({ cookie }) => {
        seen.push(cookie("__proto__"), cookie("constructor"), cookie("toString"));
        return { id: "someone" };
      },
    });
    await live.level1({ headers: { cookie: "__proto__=x; a=b" } });
    await live.level1();
    expect(seen).toEqual(["x", undefined, undefined, undefined, undefined, undefined]);
  });

  test("a token in the query is not one of the params; without tokenQuery it is, and not a token", async () => {
    const seen: unknown[] = [];
    const options = {
      topics: [logTopic("news", { authorize: ({ params }) => !!seen.push(params) })],
    };
    const live = await open(options);
    const guest = await live.level0("news", { search: "?token=ann" });
    expect([guest.closeCode, live.live.census().subscriptions]).toEqual([undefined, 0]);
    await guest.send("{}");
    expect(seen).toEqual([{}]);
    const other = await MemoryLive.open({ ...options, authenticate: known });
    expect((await other.level0("news", { search: "?token=ann" })).closeCode).toBe(4401);
    expect(seen).toHaveLength(1);
  });

  test("a token of hello comes alone: headers of the handshake are not combined with it", async () => {
    const seen: unknown[] = [];
    const live = await open({
      authenticate: ({ token, header, cookie, query }) => {
        seen.push([token, header("x"), cookie("c"), query.get("q")]);
        return token === undefined ? undefined : { id: token };
      },
    });
    const guest = await live.level1({ search: "?q=1", headers: { x: "1", cookie: "c=1" } });
    await guest.send({ type: "hello", token: "ann" });
    expect(seen).toEqual([
      [undefined, "1", "1", "1"],
      ["ann", undefined, undefined, null],
    ]);
  });
});

describe("hello", () => {
  test("a client without credentials is welcomed after hello, and receives nothing before", async () => {
    const live = await open();
    const guest = await live.level1();
    await live.pass(9_000);
    expect(guest.take()).toEqual([]);
    await guest.send({ type: "hello", token: "ann+60000" });
    expect(guest.take()).toMatchObject([{ type: "welcome", expiresIn: 51_000 }]);
    await live.pass(5_000);
    expect([guest.closeCode, await me(guest)]).toMatchObject([undefined, { id: "ann" }]);
  });

  test.each([
    ["subscribe", subscribe],
    ["publish", { type: "publish", id: 1, topic: "news", data: 1 }],
    ["call", { type: "call", id: 1, method: "whoami" }],
    ["ping", { type: "ping" }],
    ["refresh", { type: "refresh", token: "ann" }],
    ["hello without a token", { type: "hello" }],
    ["hello with a token that is not a string", { type: "hello", token: { a: 1 } }],
    ["a type that there is not", { type: "__proto__" }],
    ["hello with a token that nobody has", { type: "hello", token: "eve" }],
  ])(
    "%s before anything else: error unauthorized, 4401 permanently, and nothing done",
    async (_what, message) => {
      const live = await open();
      const guest = await live.level1();
      await guest.send(message);
      expect(guest.take()).toMatchObject([
        { type: "error", code: "unauthorized" },
        { type: "disconnect", code: 4401, retry: false },
      ]);
      await guest.send(subscribe);
      expect(guest.take()).toEqual([]);
      expect(guest.closeCode).toBe(4401);
      expect(live.live.topic("news").position.offset).toBe(0);
      expect(live.live.census()).toMatchObject({ subscriptions: 0 });
      expect(live.live.statistics).toMatchObject({ unauthorized: 1, received: 0 });
    },
  );

  test.each(["", "[]", "hello"])("%j before hello is not a message: 4400", async (text) => {
    const live = await open();
    const guest = await live.level1();
    await guest.send(text);
    expect(guest.closeCode).toBe(4400);
  });

  test("a client that sends nothing for helloTimeoutMs is closed with 4401", async () => {
    const live = await open({ helloTimeoutMs: 3_000 });
    const guest = await live.level1();
    await live.pass(2_900);
    expect(guest.closeCode).toBeUndefined();
    await live.pass(200);
    expect(guest.types()).toEqual(["error", "disconnect"]);
    expect(guest.closeCode).toBe(4401);
  });

  test("a hello of up to 16 KiB reaches authenticate; a longer one is closed with 4413", async () => {
    let longest = 0;
    const live = await open({
      maxMessageBytes: 100_000,
      authenticate: ({ token = "" }) => {
        longest = Math.max(longest, token.length);
        return token === "" ? undefined : { id: "ann" };
      },
    });
    const guest = await live.level1();
    await guest.send({ type: "hello", token: "t".repeat(16_000) });
    expect(guest.types()).toEqual(["welcome"]);
    await guest.send({ type: "refresh", id: 1, token: "t".repeat(99_000) });
    expect(guest.types()).toEqual(["refreshed"]);
    const other = await live.level1();
    await other.send({ type: "hello", token: "t".repeat(17_000) });
    expect([other.closeCode, longest]).toEqual([4413, 99_000]);
  });

  test("hello on a welcomed connection replaces the credentials, like refresh; without a token it does nothing", async () => {
    const live = await open();
    const guest = await live.level1(bearer("ann+60000"));
    await guest.send({ type: "hello" }, { type: "hello", token: "ann+120000" });
    expect(guest.take()).toMatchObject([
      { type: "welcome", expiresIn: 60_000 },
      { type: "refreshed", expiresIn: 120_000 },
    ]);
  });
});

describe("a slow authenticate", () => {
  test("messages that the client sends meanwhile wait, and are answered in order after the welcome", async () => {
    const answer = new Later<Identity>();
    const live = await open({ authenticate: () => answer.promise });
    const guest = await live.level1();
    await guest.send(subscribe, { type: "ping", id: 2 });
    expect(guest.take()).toEqual([]);
    answer.resolve({ id: "ann" });
    await live.settle();
    expect(guest.types()).toEqual(["welcome", "subscribed", "pong"]);
  });

  test.each(["level1", "level0"] as const)(
    "messages that waited for refused credentials are not handled, at %s",
    async (level) => {
      const answer = new Later<undefined>();
      let asked = 0;
      const live = await open({
        authenticate: () => {
          asked += 1;
          return answer.promise;
        },
        helloTimeoutMs: 1_000,
      });
      const guest = level === "level1" ? await live.level1() : await live.level0("news");
      await guest.send(level === "level1" ? { type: "hello", token: "x" } : "{}");
      answer.reject(new LiveError("unauthorized", "no"));
      await live.settle();
      expect([guest.closeCode, asked]).toEqual([4401, 1]);
      expect(live.live.statistics.unauthorized).toBe(1);
      expect(live.live.census().subscriptions).toBe(0);
    },
  );

  test.each([
    ["level1", 4503],
    ["level0", 4503],
  ] as const)(
    "that never ends keeps no connection: at %s it is closed with %d after helloTimeoutMs",
    async (level, code) => {
      const live = await open({ authenticate: () => new Promise(() => {}), helloTimeoutMs: 3_000 });
      const guest = level === "level1" ? await live.level1() : await live.level0("news");
      await live.pass(2_900);
      expect(guest.closeCode).toBeUndefined();
      await live.pass(200);
      expect(guest.closeCode).toBe(code);
      if (level === "level0") return;
      expect(guest.take()).toMatchObject([
        { type: "error", code: "unavailable" },
        { type: "disconnect", code: 4503, retry: true },
      ]);
    },
  );

  test("that never ends for a hello: the client may reconnect, because it was not its fault", async () => {
    const live = await open({
      authenticate: ({ token }) => (token === undefined ? undefined : new Promise(() => {})),
      helloTimeoutMs: 3_000,
    });
    const guest = await live.level1();
    await live.pass(2_000);
    await guest.send({ type: "hello", token: "x" }, subscribe);
    await live.pass(2_900);
    expect(guest.closeCode).toBeUndefined();
    await live.pass(200);
    expect(guest.take()).toMatchObject([{}, { type: "disconnect", code: 4503, retry: true }]);
  });

  test("that never ends for a refresh: error unavailable, and the connection continues unchanged", async () => {
    const live = await open({
      authenticate: ({ token }) => (token === "ann" ? { id: "ann" } : new Promise(() => {})),
      helloTimeoutMs: 3_000,
    });
    const guest = await live.level1(bearer("ann"));
    await guest.send({ type: "refresh", token: "new" });
    await live.pass(3_100);
    expect(guest.take()).toMatchObject([{ type: "welcome" }, { code: "unavailable" }]);
    expect(await me(guest)).toEqual({ id: "ann" });
  });

  test("that never ends over HTTP: 503 with Retry-After", async () => {
    const clock = new VirtualClock();
    const live = await RunningLive.start({
      topics: [logTopic("news")],
      clock,
      authenticate: () => new Promise(() => {}),
    });
    const answered = fetch(live.http("news"));
    await expect.poll(() => live.responses.length).toBe(1);
    await clock.pass(10_100);
    const response = await answered;
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  test("that ends after its timeout has no effect", async () => {
    const answer = new Later<Identity>();
    const live = await open({ authenticate: () => answer.promise, helloTimeoutMs: 3_000 });
    const guest = await live.level1();
    await live.pass(3_100);
    const said = guest.take().length;
    answer.resolve({ id: "ann" });
    await live.settle();
    expect([said, guest.take()]).toEqual([2, []]);
  });

  test.each(["level1", "level0", "hello"] as const)(
    "whose connection ends meanwhile leaves nothing behind: %s",
    async (what) => {
      const answer = new Later<Identity>();
      const live = await open({
        authenticate: ({ token }) =>
          what === "hello" && token === undefined ? undefined : answer.promise,
      });
      const before = live.clock.timerCount;
      const guest =
        what === "level0" ? await live.level0("news", { search: "?a=1" }) : await live.level1();
      if (what === "hello") await guest.send({ type: "hello", token: "x" });
      else if (what === "level1") await guest.send(subscribe);
      await guest.leave();
      answer.resolve({ id: "ann", expiresAt: START + 60_000 });
      await live.settle();
      expect(live.live.census()).toMatchObject(nothing);
      expect([...live.live.topic("news").events()]).toEqual([]);
      // The wheel's own goes at its next turn.
      await live.pass(200);
      expect(live.clock.timerCount).toBe(before);
      expect(live.live.statistics.unauthorized).toBe(0);
    },
  );

  test("may return an identity through any thenable", async () => {
    const live = await open({ authenticate: () => thenable<Identity>({ id: "ann" }) });
    expect(await me(await live.level1())).toEqual({ id: "ann" });
  });
});

describe("a failing authenticate", () => {
  const failing = (): never => {
    throw new Error("the database's password is 1234");
  };

  test.each([
    ["throws", failing],
    ["rejects", () => Promise.reject(new Error("the database's password is 1234"))],
  ])(
    "%s: 1011, reconnect later; it is reported, and the client receives no details",
    async (_how, authenticate) => {
      const live = await open({ authenticate });
      const guest = await live.level1();
      const said = guest.take();
      expect(said).toMatchObject([
        { type: "error", code: "internal" },
        { type: "disconnect", code: 1011, retry: true },
      ]);
      expect(JSON.stringify(said)).not.toContain("1234");
      expect((await live.level0("news")).closeCode).toBe(1011);
      expect(live.errors.map(({ message }) => message)).toHaveLength(2);
    },
  );

  test.each([
    ["unauthorized", 4401, false],
    ["forbidden", 4403, false],
    ["rate_limited", 4429, true],
    ["unavailable", 4503, true],
  ] as const)(
    "with a LiveError %s: its text reaches the client, %d, retry %s",
    async (code, closeCode, retry) => {
      const live = await open({
        authenticate: () => {
          throw new LiveError(code, "The session is over; sign in again.");
        },
      });
      const guest = await live.level1();
      expect(guest.take()).toMatchObject([
        { type: "error", code, message: "The session is over; sign in again." },
        { type: "disconnect", code: closeCode, retry },
      ]);
      expect((await live.level0("news")).peer.closed).toEqual({
        code: closeCode,
        reason: "The session is over; sign in again.",
      });
      expect(live.errors).toEqual([]);
    },
  );

  test.each([
    ["no id", {}],
    ["an empty id", { id: "" }],
    ["an id that is not a string", { id: 7 }],
    ["an id that is too long", { id: "x".repeat(256) }],
    ["no object", true],
    ["false", false],
    ["only a text", "ann"],
    ["an expiry that is not a number", { id: "ann", expiresAt: Number.NaN }],
    ["an expiry without end", { id: "ann", expiresAt: Number.POSITIVE_INFINITY }],
    ["an expiry that is a text", { id: "ann", expiresAt: "2030-01-01" }],
    ["an expiry that is null", { id: "ann", expiresAt: null }],
  ])(
    "that returns an identity with %s is reported, and the client is refused",
    async (_what, identity) => {
      const live = await open({ authenticate: () => identity as unknown as Identity });
      expect((await live.level1()).closeCode).toBe(1011);
      expect((await live.level0("news")).closeCode).toBe(1011);
      // Once: the next client would fail for the same reason.
      expect(live.reports).toMatchObject([{ code: "invalid_identity" }]);
    },
  );

  test("that returns an invalid expiry does not affect the timers of others", async () => {
    const live = await open({
      authenticate: ({ token }) =>
        token === undefined ? undefined : { id: "ann", expiresAt: Number.NaN },
    });
    await live.level1(bearer("ann"));
    const other = await live.level1();
    await live.pass(10_200);
    expect(other.closeCode).toBe(4401);
  });

  test("may return an id of 255 characters, or one named like an inherited member", async () => {
    for (const id of ["x".repeat(255), "__proto__", "constructor"]) {
      const live = await open({ authenticate: () => ({ id }) });
      const guest = await live.level1();
      await guest.send(subscribe);
      expect(
        live.live
          .topic("news/$presence" as "news")
          .events()
          .next().value?.key,
      ).toBe(id);
    }
  });
});

describe("expiring credentials", () => {
  test("Level 1: disconnect 4401, reconnect immediately with new ones", async () => {
    const live = await open();
    const guest = await live.level1(bearer("ann+5000"));
    await guest.send(subscribe);
    await live.pass(4_900);
    expect(guest.closeCode).toBeUndefined();
    expect(guest.types()).toEqual(["welcome", "subscribed"]);
    await live.pass(200);
    expect(guest.take()).toMatchObject([
      { type: "disconnect", code: 4401, retry: true, retryAfter: 0 },
    ]);
    expect(guest.closeCode).toBe(4401);
    expect(live.live.census()).toMatchObject(nothing);
  });

  test("Level 0: closed with 4401", async () => {
    const live = await open();
    const guest = await live.level0("news", { search: "?token=ann%2B5000&a=1" });
    await live.pass(4_900);
    expect(guest.closeCode).toBeUndefined();
    await live.pass(200);
    expect(guest.closeCode).toBe(4401);
    expect(live.live.census()).toMatchObject(nothing);
  });

  test("server-sent events: the stream ends", async () => {
    const clock = new VirtualClock();
    const live = await RunningLive.start({
      topics: [logTopic("news")],
      clock,
      authenticate: known,
    });
    const headers = { Accept: "text/event-stream", Authorization: "Bearer ann+5000" };
    const response = await fetch(live.http("news"), { headers });
    await clock.pass(5_100);
    expect(await response.text()).toContain("position");
    await expect.poll(() => live.live.census().streams).toBe(0);
  });

  test.each([0, -1, -1e15])(
    "that expired %d ms from now are refused: unauthorized permanently",
    async (ms) => {
      const live = await open();
      const guest = await live.level1(bearer(`ann+${ms}`));
      expect(guest.take()).toMatchObject([
        { type: "error", code: "unauthorized" },
        { type: "disconnect", code: 4401, retry: false },
      ]);
      expect((await live.level0("news", bearer(`ann+${ms}`))).closeCode).toBe(4401);
      const running = await RunningLive.start({
        topics: [logTopic("news")],
        authenticate: known,
        clock: new VirtualClock(),
      });
      expect((await fetch(running.http("news"), bearer(`ann+${ms}`))).status).toBe(401);
    },
  );

  test.each([1e12, Number.MAX_SAFE_INTEGER - START])(
    "that expire in %d ms are accepted, and nothing ends meanwhile",
    async (ms) => {
      const live = await open();
      const guest = await live.level1(bearer(`ann+${ms}`));
      expect(guest.take()).toMatchObject([{ type: "welcome", expiresIn: ms }]);
      await live.pass(60_000);
      expect(guest.closeCode).toBeUndefined();
    },
  );

  test.each(["level1", "level0"] as const)(
    "of a %s connection that ends earlier leave no timer",
    async (level) => {
      const live = await open();
      const before = live.clock.timerCount;
      const shown = { search: "?a=1", ...bearer("ann+3600000") };
      const guest =
        level === "level1" ? await live.level1(shown) : await live.level0("news", shown);
      await guest.leave();
      await live.pass(100_000);
      await live.pass(200);
      expect(live.clock.timerCount).toBe(before);
    },
  );
});

describe("refresh", () => {
  test("the new credentials count from then on: refreshed contains their lifetime", async () => {
    const live = await open();
    const guest = await live.level1(bearer("ann+5000"));
    await guest.send({ type: "refresh", token: "ann+20000" });
    expect(guest.take()).toMatchObject([{}, { type: "refreshed", expiresIn: 20_000 }]);
    await live.pass(15_000);
    expect(guest.closeCode).toBeUndefined();
    await live.pass(5_200);
    expect(guest.closeCode).toBe(4401);
  });

  test("with credentials that do not expire, the connection does not either", async () => {
    const live = await open();
    const guest = await live.level1(bearer("ann+5000"));
    await guest.send({ type: "refresh", token: "ann" });
    expect(guest.take()).toEqual([expect.anything(), { type: "refreshed" }]);
    await live.pass(60_000);
    expect(guest.closeCode).toBeUndefined();
  });

  test.each([
    ["of someone else", "bob"],
    ["of nobody", "eve"],
    ["that have ended", "ann+-1"],
    ["that are empty", ""],
  ])(
    "with credentials %s: error unauthorized, and the connection keeps its identity until its own expiry",
    async (_whose, token) => {
      const live = await open();
      const guest = await live.level1(bearer("ann+5000"));
      await guest.send({ type: "refresh", token });
      expect(guest.take()).toMatchObject([{}, { type: "error", code: "unauthorized" }]);
      expect(await me(guest)).toMatchObject({ id: "ann", expiresAt: START + 5_000 });
      await live.pass(5_200);
      expect(guest.closeCode).toBe(4401);
    },
  );

  test.each([{}, { token: 7 }, { token: null }])("with %j: bad_request", async (fields) => {
    const live = await open();
    const guest = await live.level1(bearer("ann"));
    await guest.send({ type: "refresh", ...fields });
    expect(guest.take()).toMatchObject([{}, { type: "error", code: "bad_request" }]);
  });

  test("with a failing authenticate: error internal, reported, and the connection continues", async () => {
    const live = await open({
      authenticate: ({ token }) => {
        if (token === "ann") return { id: "ann" };
        throw new Error("down");
      },
    });
    const guest = await live.level1(bearer("ann"));
    await guest.send({ type: "refresh", token: "x" });
    expect(guest.take()).toMatchObject([{}, { type: "error", code: "internal" }]);
    expect([guest.closeCode, live.errors]).toMatchObject([undefined, [{ message: "down" }]]);
  });

  test("later messages wait for it, and are authorized with the new credentials", async () => {
    const answer = new Later<Identity>();
    const live = await open({
      authenticate: ({ token }) =>
        token === "ann" ? ({ id: "ann", role: "old" } as Identity) : answer.promise,
    });
    const guest = await live.level1(bearer("ann"));
    await guest.send({ type: "refresh", token: "x" }, { type: "call", id: "me", method: "whoami" });
    expect(guest.types()).toEqual(["welcome"]);
    answer.resolve({ id: "ann", role: "new" } as Identity);
    await live.settle();
    const [, answered] = guest.take();
    expect(answered).toMatchObject({ type: "result", data: { role: "new" } });
  });

  test("if the old credentials expire during the check, the connection ends", async () => {
    const answer = new Later<Identity>();
    const live = await open({
      authenticate: ({ token }) =>
        token === "ann" ? { id: "ann", expiresAt: START + 5_000 } : answer.promise,
    });
    const guest = await live.level1(bearer("ann"));
    await guest.send({ type: "refresh", token: "x" });
    await live.pass(5_200);
    answer.resolve({ id: "ann", expiresAt: START + 60_000 });
    await live.pass(100);
    expect(guest.types()).toEqual(["welcome", "disconnect"]);
    expect(live.live.census()).toMatchObject(nothing);
  });

  test("subscriptions that the new credentials do not allow end with unsubscribed forbidden; the others continue", async () => {
    const live = await open({
      authenticate: ({ token = "" }) =>
        ({ id: "ann", topics: token.split(",") }) as unknown as Identity,
      authorize: ({ identity, topic }) => {
        const { topics } = identity as unknown as { topics: string[] };
        if (topics.includes("throw")) throw new Error("a slip");
        return topics.includes(topic);
      },
    });
    const guest = await live.level1(bearer("news,devices"));
    await guest.send(subscribe, { ...subscribe, id: 2, topic: "devices" });
    guest.take();
    await guest.send({ type: "refresh", token: "devices" });
    expect(guest.take()).toMatchObject([
      { type: "refreshed" },
      { type: "unsubscribed", topic: "news", code: "forbidden" },
    ]);
    await live.live.topic("news").publish(1);
    await live.live.topic("devices").set("a", 1);
    await live.settle();
    expect(guest.take()).toMatchObject([{ type: "event", topic: "devices" }]);
    expect(live.live.census().subscriptions).toBe(1);
    await guest.send({ type: "refresh", token: "throw" });
    expect(guest.take()).toMatchObject([{}, { type: "unsubscribed", topic: "devices" }]);
    expect(live.errors).toMatchObject([{ message: "a slip" }]);
    expect(live.live.census().subscriptions).toBe(0);
  });

  test("on a server without authenticate it does nothing", async () => {
    const live = await MemoryLive.open({ topics: [logTopic("news")] });
    const guest = await live.level1();
    await guest.send(subscribe, { type: "refresh", token: "x" });
    expect(guest.types()).toEqual(["welcome", "subscribed"]);
  });
});

describe("over real connections", () => {
  const start = (): Promise<RunningLive> =>
    RunningLive.start({
      topics: [logTopic("news", { clientPublish: true })],
      methods: { whoami },
      authenticate: ({ token, cookie }) => {
        const id = token ?? cookie("session");
        return id === "ann" ? { id } : undefined;
      },
      tokenQuery: "token",
    });
  const connect = (
    url: string,
    protocols: string[],
    headers: Record<string, string>,
  ): LiveClient => {
    const socket = new WebSocket(url, protocols, { headers });
    onTestFinished(() => socket.terminate());
    return new LiveClient(socket as unknown as ConstructorParameters<typeof LiveClient>[0]);
  };

  test.each([
    ["a header", "", { Authorization: "Bearer ann" }],
    ["a cookie", "", { Cookie: "a=b; session=ann" }],
    ["the query", "?token=ann", {}],
  ])("credentials in %s are valid for all three forms", async (_where, search, headers) => {
    const live = await start();
    const client = connect(`${live.url()}${search}`, LEVEL_1, headers);
    expect(await client.next()).toMatchObject({ type: "welcome" });
    const call = { type: "call", id: 1, method: "whoami" };
    expect(await client.ask(call)).toMatchObject({ data: { id: "ann" } });
    const target = live.url(`/live/news${search}`);
    const simple = connect(target, [], headers);
    await simple.opened;
    simple.send("{}");
    await simple.barrier();
    await live.topic("news").publish(1);
    expect(await simple.next()).toBe(1);
    const response = await fetch(live.http(`news${search}`), { headers });
    expect(response.status).toBe(200);
  });

  test("without credentials: Level 0 is closed with 4401, HTTP answers 401 with a challenge, and nothing is done", async () => {
    const live = await start();
    expect(await (await live.level0("news?a=1")).closed).toMatchObject({ code: 4401 });
    for (const init of [{}, { method: "POST", body: '{"data":1}' }]) {
      const response = await fetch(live.http("news"), init);
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(await response.json()).toMatchObject({ code: "unauthorized" });
    }
    expect(live.topic("news").position.offset).toBe(0);
  });

  test("an unauthenticated client cannot probe for topics: 4401 and 401 for any name", async () => {
    const live = await start();
    for (const target of ["nothing", "nothing?a=1"]) {
      expect(await (await live.level0(target)).closed).toMatchObject({ code: 4401 });
      expect((await fetch(live.http(target))).status).toBe(401);
      const known = connect(live.url(`/live/${target}`), [], { Authorization: "Bearer ann" });
      expect(await known.closed).toMatchObject({ code: 4404 });
    }
  });

  test("a browser authenticates with a token in hello", async () => {
    const live = await start();
    const client = connect(live.url(), LEVEL_1, {});
    await client.opened;
    client.send({ type: "hello", token: "ann" });
    client.send(subscribe);
    expect(await client.take(2)).toMatchObject([{ type: "welcome" }, { type: "subscribed" }]);
    const other = connect(live.url(), LEVEL_1, {});
    await other.opened;
    other.send(subscribe);
    expect(await other.closed).toMatchObject({ code: 4401 });
  });
});
