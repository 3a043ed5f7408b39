import { expect, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, method } from "../../../src/live/index.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

const broker = new MemoryBroker();
const topics = [logTopic("news")];
const handle = (): number => 1;

/** Mistakes that a developer can make without the compiler. */
const wrong: [string, object | undefined, string, RegExp][] = [
  ["nothing", undefined, "missing_broker", /is undefined; give one, such as broker: new Mem/],
  ["no broker", { topics }, "missing_broker", /is undefined; give one, such as broker: new Mem/],
  [
    "a broker that is not awaited",
    { topics, broker: Promise.resolve(broker) },
    "missing_broker",
    /is a promise; await it/,
  ],
  ["no topics", { broker }, "invalid_topic", /topics is undefined; give a list/],
  [
    "a topic's bare name",
    { broker, topics: ["news"] },
    "invalid_topic",
    /declare it with logTopic/,
  ],
  ["null as a topic", { broker, topics: [null] }, "invalid_topic", /declare it with logTopic/],
  ["a numeric name", { broker, topics: [logTopic(1 as never)] }, "invalid_topic", /name 1 is not/],
  [
    "a match that is not a function",
    { broker, topics: [logTopic("news", { match: "all" as never })] },
    "invalid_topic",
    /match of the topic "news" is "all"; give a function/,
  ],
  [
    "an authorize for several arguments, which would take the request for an identity",
    { broker, topics, authorize: ((who: unknown, _what: unknown) => who !== undefined) as never },
    "invalid_option",
    /authorize has 2 parameters; give it one: \(\{ identity, action, topic, params, draft \}\)/,
  ],
  [
    "a topic's authorize for several arguments",
    {
      broker,
      topics: [logTopic("news", { authorize: ((_a: unknown, _b: unknown) => true) as never })],
    },
    "invalid_topic",
    /authorize of the topic "news" has 2 parameters/,
  ],
  [
    "a topic's onPublish that is not a function",
    { broker, topics: [logTopic("news", { onPublish: true as never })] },
    "invalid_topic",
    /onPublish of the topic "news" is true; give a function/,
  ],
  [
    "a topic's keyFrom that is unknown",
    { broker, topics: [keyedTopic("votes", { keyFrom: "token" as never })] },
    "invalid_topic",
    /keyFrom of the topic "votes" is "token"; use "identity"/,
  ],
  [
    "a method's time limit that is not a number",
    { broker, topics, methods: { add: method({ timeoutMs: "5" as never, handle }) } },
    "invalid_limit",
    /timeoutMs of the method "add" is "5"; give a positive number of milliseconds/,
  ],
  [
    "a topic's authorize that is not a function",
    { broker, topics: [logTopic("news", { authorize: true as never })] },
    "invalid_topic",
    /authorize of the topic "news" is true; give a function/,
  ],
  [
    "a describe that is not a function",
    { broker, topics: [logTopic("news", { presence: { describe: {} as never } })] },
    "invalid_topic",
    /presence\.describe of the topic "news" is an object; give a function/,
  ],
  [
    "a data schema of no library",
    { broker, topics: [logTopic("news", { data: { type: "object" } as never })] },
    "invalid_schema",
    /The data schema of the topic "news" is an object; give a schema/,
  ],
  [
    "a params schema that is null",
    { broker, topics: [logTopic("news", { params: null as never })] },
    "invalid_schema",
    /The params schema of the topic "news" is null; give a schema/,
  ],
  [
    "a method that is only its function",
    { broker, topics, methods: { add: handle } },
    "invalid_method",
    /The method "add" is a function; declare it as method\(\{ handle/,
  ],
  [
    "a method without handle",
    { broker, topics, methods: { add: {} } },
    "invalid_method",
    /The method "add" has undefined as handle; declare it as/,
  ],
  [
    "a method's schema of no library",
    { broker, topics, methods: { add: method({ params: handle as never, handle }) } },
    "invalid_schema",
    /The params schema of the method "add" is a function; give a schema/,
  ],
  [
    "a method's authorize that is not a function",
    { broker, topics, methods: { add: method({ authorize: true as never, handle }) } },
    "invalid_method",
    /authorize of the method "add" is true; give a function/,
  ],
  [
    "an authenticate that is not a function",
    { broker, topics, authenticate: "token" },
    "invalid_option",
    /authenticate is "token"; give a function/,
  ],
  [
    "an authorize that is not a function",
    { broker, topics, authorize: true },
    "invalid_option",
    /authorize is true; give a function/,
  ],
  [
    "a tokenQuery without a name",
    { broker, topics, tokenQuery: "" },
    "invalid_option",
    /tokenQuery is ""; give a name such as "token"/,
  ],
];

test.each(wrong)("%s is refused when a server is opened", async (_what, options, code, says) => {
  const error = await LiveServer.open(options as never).catch((refusal: Error) => refusal);
  expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
  expect((error as Error).message).not.toContain("\n");
});

test.each([
  ["live", '"/live"'],
  ["/live/", '"/live"'],
  ["live/v1/", '"/live/v1"'],
  ["/", '"/live"'],
  ["", '"/live"'],
  ["/live/*", '"/live"'],
  ["/live?a=1", '"/live"'],
  [undefined, '"/live"'],
  [8080, '"/live"'],
])("%j as an endpoint's path is refused, and a valid form is suggested", async (path, form) => {
  const { live } = await MemoryLive.open({ topics });
  const refusal = expect.objectContaining({
    code: "invalid_path",
    message: expect.stringContaining(`such as ${form}.`),
  });
  expect(() => live.endpoint(path as never)).toThrow(refusal);
});

const open = (...names: string[]): Promise<MemoryLive> =>
  MemoryLive.open({ topics: names.map((name) => keyedTopic(name)) });

test.each([
  [["rooms/:id", "rooms/:name"], /"rooms\/:id" and "rooms\/:name" match the same names/],
  [[":a/:b", ":c/:d"], /match the same names/],
  [[":kind/:id", "rooms/:id"], /"rooms\/:id" is unreachable.*declare "rooms\/:id" before it/],
  [["rooms/:id", ":kind/lobby"], /overlap, and neither is narrower/],
])("the patterns %j are refused", async (names, says) => {
  await expect(open(...names)).rejects.toMatchObject({
    code: "invalid_topic",
    message: expect.stringMatching(says),
  });
});

test.each([
  [["rooms/:id", ":kind/:id"]],
  [["rooms/:id", "rooms/lobby"]],
  [["rooms/:id", "rooms/:id/seats"]],
  [["rooms/:id", "halls/:id"]],
  [["a/:x/c", "b/:x/:y", ":k/:x/:y"]],
])("the patterns %j are accepted", async (names) => {
  expect(await open(...names)).toBeDefined();
});

test("a name takes precedence over patterns in whatever order they are declared, and the narrower pattern over the wider one", async () => {
  const live = await MemoryLive.open({
    topics: [keyedTopic("rooms/:id"), logTopic("rooms/lobby"), logTopic(":kind/:id")],
  });
  expect(live.live.topic("rooms/lobby").kind).toBe("log");
  expect(live.live.topic("rooms/4").kind).toBe("keyed");
  expect(live.live.topic("halls/4").kind).toBe("log");
});
