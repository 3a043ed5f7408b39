import { once } from "node:events";
import { request } from "node:http";
import { describe, expect, test } from "vitest";
import {
  keyedTopic,
  LiveError,
  logTopic,
  method,
  type AccessRequest,
  type Authority,
} from "../../../../src/live/index.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { Later, MemoryLive, thenable } from "../../../rigs/live/memory-live.ts";

type Answer = boolean | Promise<boolean>;

/** An `authorize` that answers what its type does not allow, as one without types can. */
const answering = (answer: () => unknown): Authority => ({
  authorize: () => answer() as Answer,
});

const topicsWith = (
  options: Authority & { presence?: boolean },
): [ReturnType<typeof logTopic>, ReturnType<typeof keyedTopic>] => [
  logTopic("news", { clientPublish: true, ...options }),
  keyedTopic("devices/:site", { clientPublish: true, ...options }),
];

const subscribe = { type: "subscribe", id: "s", topic: "news" };
const publish = { type: "publish", id: "p", topic: "news", data: 1 };
const call = { type: "call", id: "c", method: "act" };

const open = (options: Authority, done: string[] = []): Promise<MemoryLive> =>
  MemoryLive.open({
    topics: topicsWith({ ...options, presence: true }),
    methods: { act: method({ ...options, handle: () => void done.push("called") }) },
  });

const failing = (): never => {
  throw new Error("no such column: role");
};

describe("only true allows a request", () => {
  test.each<[string, () => unknown]>([
    ["true", () => true],
    ["a promise of true", () => Promise.resolve(true)],
    ["a thenable that comes to true", () => thenable(true)],
  ])("%s", async (_what, answer) => {
    const done: string[] = [];
    const live = await open(answering(answer), done);
    const guest = await live.level1();
    expect(await guest.ask(subscribe)).toMatchObject({ type: "subscribed" });
    expect(await guest.ask(publish)).toMatchObject({ type: "published" });
    expect(await guest.ask(call)).toMatchObject({ type: "result" });
    expect(done).toEqual(["called"]);
    const simple = await live.level0("news", { search: "?a=1" });
    expect(simple.closeCode).toBeUndefined();
    expect(live.live.census().subscriptions).toBe(2);
  });

  test.each<[string, () => unknown]>([
    ["false", () => false],
    ["nothing", () => undefined],
    ["null", () => null],
    ["0", () => 0],
    ["1", () => 1],
    ["the text of a reason", () => "the account is closed"],
    ["an object", () => ({ allowed: false })],
    ["a list", () => []],
    ["a Boolean object", () => Object(true) as unknown],
    ["a promise of false", () => Promise.resolve(false)],
    ["a promise of an object", () => Promise.resolve({ allowed: false })],
    ["a thenable that comes to nothing", () => thenable(undefined)],
    ["a thenable that comes to a list", () => thenable([1])],
    ["a function", () => () => true],
  ])("%s is a refusal: forbidden, 4403, and nothing is done", async (_what, answer) => {
    const done: string[] = [];
    const live = await open(answering(answer), done);
    const guest = await live.level1();
    for (const asked of [subscribe, publish, call]) {
      expect(await guest.ask(asked)).toMatchObject({ type: "error", code: "forbidden" });
    }
    for (const search of ["", "?a=1"]) {
      const simple = await live.level0("news", { search });
      await simple.send("{}");
      expect(simple.closeCode).toBe(4403);
    }
    expect([done, live.errors]).toEqual([[], []]);
    expect(live.live.topic("news").position.offset).toBe(0);
    expect(live.live.census()).toMatchObject({ subscriptions: 0, topics: 1 });
  });

  test.each<[string, () => unknown]>([
    ["throws", failing],
    ["rejects", () => Promise.reject(new Error("no such column: role"))],
    ["returns what throws when it is looked at", () => new Proxy({}, { get: failing })],
  ])("an authorize that %s refuses with internal, 1011, and is reported", async (_how, answer) => {
    const done: string[] = [];
    const live = await open(answering(answer), done);
    const guest = await live.level1();
    for (const asked of [subscribe, publish, call]) {
      const refusal = await guest.ask(asked);
      expect(refusal).toMatchObject({ type: "error", code: "internal" });
      expect(refusal?.["message"]).not.toContain("role");
    }
    const simple = await live.level0("news", { search: "?a=1" });
    expect(simple.peer.closed).toEqual({ code: 1011, reason: "internal error" });
    expect(live.errors).toHaveLength(4);
    expect(new Set(live.errors.map(({ message }) => message))).toEqual(
      new Set(["no such column: role"]),
    );
    expect(done).toEqual([]);
    expect(live.live.census()).toMatchObject({ subscriptions: 0 });
  });

  test("an authorize that throws a LiveError chooses the error itself", async () => {
    const refuse = (): never => {
      throw new LiveError("unavailable", "The directory is away; try again.");
    };
    const live = await open(answering(refuse));
    const guest = await live.level1();
    for (const asked of [subscribe, publish, call]) {
      expect(await guest.ask(asked)).toMatchObject({ code: "unavailable" });
    }
    expect((await live.level0("news", { search: "?a=1" })).closeCode).toBe(4503);
    expect(live.errors).toEqual([]);
  });
});

describe("which authorize decides", () => {
  const no = { authorize: () => false };
  const yes = { authorize: () => true };

  test.each<[string, Authority, Authority, boolean]>([
    ["nobody is asked where nobody decides", {}, {}, true],
    ["the server, where the declaration does not", {}, no, false],
    ["the declaration before the server", yes, no, true],
    ["the declaration before the server, also to refuse", no, yes, false],
  ])("%s", async (_who, own, server, allowed) => {
    const live = await MemoryLive.open({
      topics: topicsWith(own),
      methods: { act: method({ ...own, handle: () => 1 }) },
      ...server,
    });
    const guest = await live.level1();
    for (const asked of [subscribe, publish, call]) {
      const answer = await guest.ask(asked);
      expect(answer?.["type"] !== "error").toBe(allowed);
    }
    const simple = await live.level0("news", { search: "?a=1" });
    expect(simple.closeCode).toBe(allowed ? undefined : 4403);
  });

  test("an unknown topic or method, and a publish to a topic without clientPublish, are refused without calling it", async () => {
    let asked = 0;
    const live = await MemoryLive.open({
      topics: [logTopic("news")],
      authorize: () => {
        asked += 1;
        return true;
      },
    });
    const guest = await live.level1();
    expect(await guest.ask({ ...subscribe, topic: "x" })).toMatchObject({ code: "unknown_topic" });
    expect(await guest.ask({ ...publish, topic: "x" })).toMatchObject({ code: "unknown_topic" });
    expect(await guest.ask(call)).toMatchObject({ code: "unknown_method" });
    expect(await guest.ask(publish)).toMatchObject({ code: "forbidden" });
    expect(asked).toBe(0);
  });
});

describe("the arguments of authorize", () => {
  function watched(seen: AccessRequest[]): Parameters<typeof MemoryLive.open>[0] {
    return {
      topics: [
        logTopic("news", { clientPublish: true }),
        keyedTopic("devices/:site", { clientPublish: true, presence: true }),
        logTopic("sites/:site/rooms/:room", { clientPublish: true }),
      ],
      methods: { act: method({ handle: () => 1 }) },
      authenticate: () => ({ id: "ann" }),
      authorize: (request) => seen.push({ ...request }) > 0,
    };
  }
  const ann = { identity: { id: "ann" } };

  test("for a subscription: the identity, the topic's own name, and its params together with the name's parameters", async () => {
    const seen: AccessRequest[] = [];
    const live = await MemoryLive.open(watched(seen));
    const guest = await live.level1();
    await guest.ask({ ...subscribe, topic: "devices/lab", params: { type: "AP" } });
    await guest.ask({ ...subscribe, topic: "sites/lab/rooms/7" });
    const action = "subscribe";
    const draft = undefined;
    expect(seen).toEqual([
      { ...ann, action, topic: "devices/lab", params: { type: "AP", site: "lab" }, draft },
      { ...ann, action, topic: "sites/lab/rooms/7", params: { site: "lab", room: "7" }, draft },
    ]);
  });

  test("for a publish: the name's parameters, and the draft with key, data and remove", async () => {
    const seen: AccessRequest[] = [];
    const live = await MemoryLive.open(watched(seen));
    const guest = await live.level1();
    const data = { site: "other" };
    await guest.ask({ ...publish, topic: "devices/lab", key: "a", data, params: data });
    await guest.ask({ ...publish, topic: "devices/lab", key: "a", data: undefined, remove: true });
    await guest.ask(publish);
    const action = "publish";
    const lab = { ...ann, action, topic: "devices/lab", params: { site: "lab" } };
    expect(seen).toEqual([
      { ...lab, draft: { key: "a", data, remove: false } },
      { ...lab, draft: { key: "a", data: undefined, remove: true } },
      {
        ...ann,
        action,
        topic: "news",
        params: {},
        draft: { key: undefined, data: publish.data, remove: false },
      },
    ]);
  });

  test("for a call: the method and its params; none if they are not an object", async () => {
    const seen: AccessRequest[] = [];
    const live = await MemoryLive.open(watched(seen));
    const guest = await live.level1();
    for (const params of [{ a: 1 }, [1], "a", null, undefined])
      await guest.ask({ ...call, params });
    expect(seen.map(({ action, topic }) => `${action} ${topic}`)).toEqual(
      Array.from({ length: 5 }, () => "call act"),
    );
    expect(seen.map(({ params }) => params)).toEqual([{ a: 1 }, {}, {}, {}, {}]);
  });

  test("params cannot override the parameters in the topic's name", async () => {
    const ownSiteOnly = {
      authorize: ({ params }: AccessRequest) => params["site"] === "mine",
    };
    const live = await RunningLive.start({
      topics: [keyedTopic("devices/:site", { clientPublish: true, ...ownSiteOnly })],
    });
    const client = await live.level1();
    const lie = { params: { site: "mine" }, topic: "devices/other" };
    expect(await client.ask({ ...subscribe, ...lie })).toMatchObject({ code: "forbidden" });
    expect(await client.ask({ ...publish, ...lie, key: "a" })).toMatchObject({ code: "forbidden" });
    expect(await (await live.level0("devices/other?site=mine")).closed).toMatchObject({
      code: 4403,
    });
    const simple = await live.level0("devices/other");
    simple.send({ site: "mine" });
    expect(await simple.closed).toMatchObject({ code: 4403 });
    for (const accept of ["application/json", "text/event-stream"]) {
      const headers = { Accept: accept };
      const response = await fetch(live.http("devices/other?site=mine"), { headers });
      expect(response.status).toBe(403);
    }
    const body = JSON.stringify({ key: "a", data: 1, site: "mine", params: { site: "mine" } });
    const posted = await fetch(live.http("devices/other?site=mine"), { method: "POST", body });
    expect(posted.status).toBe(403);
    expect(live.live.census().topics).toBe(0);
    // And the other way round nobody locks himself out.
    const own = { topic: "devices/mine", params: { site: "other" } };
    expect(await client.ask({ ...subscribe, ...own })).toMatchObject({ type: "subscribed" });
  });

  test("params named like inherited members change no object", async () => {
    const seen: AccessRequest[] = [];
    const live = await MemoryLive.open(watched(seen));
    const guest = await live.level1();
    await guest.send(
      '{"type":"subscribe","id":1,"topic":"devices/lab","params":{"__proto__":{"admin":true},"constructor":1}}',
    );
    const [{ params }] = seen as [AccessRequest];
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
    expect([params["admin"], params["site"]]).toEqual([undefined, "lab"]);
    expect(({} as Message)["admin"]).toBeUndefined();
  });
});

describe("presence can be read by whoever may subscribe", () => {
  const lockedOut = {
    authorize: ({ topic }: AccessRequest): boolean => topic !== "secret",
  };

  test.each(["the declaration", "the server"])(
    "with authorize of %s: it receives the topic's name and not that of its presence",
    async (whose) => {
      const own = whose === "the server" ? {} : lockedOut;
      const live = await RunningLive.start({
        topics: ["secret", "open"].map((name) => keyedTopic(name, { presence: true, ...own })),
        ...(whose === "the server" && lockedOut),
      });
      const client = await live.level1();
      const secret = "secret/$presence";
      const presence = { ...subscribe, topic: secret };
      expect(await client.ask(presence)).toMatchObject({ code: "forbidden" });
      expect(await (await live.level0(`${secret}?a=1`)).closed).toMatchObject({ code: 4403 });
      expect((await fetch(live.http(secret))).status).toBe(403);
      expect(await client.ask({ ...subscribe, topic: "open/$presence" })).toMatchObject({
        type: "subscribed",
      });
    },
  );

  test("for a pattern's topic, it receives the name's parameters", async () => {
    const live = await MemoryLive.open({
      topics: [
        logTopic("devices/:site", {
          presence: true,
          authorize: ({ topic, params }) => topic === "devices/mine" && params["site"] === "mine",
        }),
      ],
    });
    const guest = await live.level1();
    const ask = (site: string): Promise<Message | undefined> =>
      guest.ask({ ...subscribe, topic: `devices/${site}/$presence`, params: { site: "mine" } });
    expect(await ask("other")).toMatchObject({ code: "forbidden" });
    expect(await ask("mine")).toMatchObject({ type: "subscribed" });
  });

  test("only the server writes presence", async () => {
    const live = await RunningLive.start({
      topics: [logTopic("news", { presence: true, clientPublish: true })],
    });
    const client = await live.level1();
    const forged = { ...publish, topic: "news/$presence", key: "eve" };
    expect(await client.ask(forged)).toMatchObject({ code: "forbidden" });
    const body = '{"key":"eve","data":1}';
    const posted = await fetch(live.http("news/$presence"), { method: "POST", body });
    expect(posted.status).toBe(403);
  });
});

describe("changing the params later", () => {
  test("at Level 1 a refusal leaves the subscription unchanged", async () => {
    const live = await MemoryLive.open({
      topics: [logTopic("news", { authorize: ({ params }) => params["of"] !== "others" })],
    });
    const guest = await live.level1();
    await guest.ask(subscribe);
    const other = await guest.ask({ ...subscribe, id: 2, params: { of: "others" } });
    expect(other).toMatchObject({ code: "forbidden" });
    guest.take();
    await live.live.topic("news").publish(1);
    await live.settle();
    expect(guest.take()).toMatchObject([{ type: "event", data: 1 }]);
  });

  test("at Level 0 a refusal closes with 4403, and later messages are ignored", async () => {
    const asked: unknown[] = [];
    const live = await MemoryLive.open({
      topics: [
        logTopic("news", {
          authorize: async ({ params }) => {
            asked.push(params);
            return params["of"] !== "others";
          },
        }),
      ],
    });
    const simple = await live.level0("news");
    await simple.send({}, { of: "others" }, { of: "mine" });
    expect([simple.closeCode, asked]).toEqual([4403, [{}, { of: "others" }]]);
    expect(live.live.census().subscriptions).toBe(0);
    asked.length = 0;
    const other = await live.level0("news", { search: "?of=others" });
    void live.endpoint.onMessage(other.peer, "{}");
    await live.settle();
    expect([other.closeCode, asked]).toEqual([4403, [{ of: "others" }]]);
  });
});

describe("a connection that ends during authorization leaves nothing behind", () => {
  const waiting = (answer: Later<boolean>): ReturnType<typeof open> =>
    open({ authorize: () => answer.promise });
  const nothing = { sessions: 0, subscriptions: 0, topics: 1, views: 0, streams: 0 };

  test("Level 1", async () => {
    const answer = new Later<boolean>();
    const live = await waiting(answer);
    const guest = await live.level1();
    await guest.send(subscribe);
    await guest.leave();
    answer.resolve(true);
    await live.pass(100);
    expect(live.live.census()).toMatchObject(nothing);
  });

  test("Level 0", async () => {
    const answer = new Later<boolean>();
    const live = await waiting(answer);
    const guest = await live.level0("news", { search: "?a=1" });
    await guest.leave();
    answer.resolve(true);
    await live.pass(100);
    expect(live.live.census()).toMatchObject(nothing);
  });

  test("a connection that the server is closing is not subscribed either", async () => {
    const answer = new Later<boolean>();
    const live = await waiting(answer);
    const guest = await live.level0("news", { search: "?a=1" });
    guest.peer.close(4408, "");
    answer.resolve(true);
    await live.pass(100);
    expect(live.live.census()).toMatchObject(nothing);
  });

  test("server-sent events", async () => {
    const answer = new Later<boolean>();
    const live = await RunningLive.start({
      topics: topicsWith({ authorize: () => answer.promise, presence: true }),
    });
    const asking = request(live.http("news"), { headers: { Accept: "text/event-stream" } });
    asking.on("error", () => {});
    asking.end();
    await expect.poll(() => live.responses.length).toBe(1);
    const gone = once(live.responses[0]!, "close");
    asking.destroy();
    await gone;
    answer.resolve(true);
    const client = await live.level1();
    await client.soFar();
    expect(live.live.census()).toMatchObject({ streams: 0, topics: 1, views: 0 });
  });

  test("a connection that is refused after it has ended receives nothing", async () => {
    const answer = new Later<boolean>();
    const live = await waiting(answer);
    const guest = await live.level1();
    await guest.send(subscribe);
    guest.take();
    await guest.leave();
    answer.reject(new Error("late"));
    await live.settle();
    expect([guest.take(), live.errors]).toMatchObject([[], [{ message: "late" }]]);
  });
});
