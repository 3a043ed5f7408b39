import { expect, onTestFinished, test } from "vitest";
import { keyedTopic, logTopic, matchFields, method } from "../../../../src/live/index.ts";
import type { LiveServerOptions } from "../../../../src/live/index.ts";
import { MemoryLive } from "../../../rigs/live/memory-live.ts";

const boom = (): never => {
  throw new Error("boom");
};
const rejected = async (): Promise<never> => boom();
/** For what is declared to return nothing. */
const rejectedAs: () => unknown = rejected;
const schema = (validate: (value: unknown) => any) => ({
  "~standard": { version: 1 as const, vendor: "test", validate },
});
const subscribe = { type: "subscribe", id: 1, topic: "rooms/4" };
const publish = { type: "publish", id: 1, topic: "rooms/4", data: 1 };
const call = { type: "call", id: 1, method: "add", params: { a: 1 } };
const identity = { authenticate: () => ({ id: "ann" }) };

interface Case {
  options: Partial<LiveServerOptions>;
  request?: object;
  /** The text of the report before the text of the error. */
  says: string;
}

const cases: Record<string, Case> = {
  "a method that throws": {
    options: { ...identity, methods: { add: method({ handle: boom }) } },
    request: call,
    says: 'The method "add" failed on a call by the identity "ann"',
  },
  "a method that rejects": {
    options: { ...identity, methods: { add: method({ handle: rejected }) } },
    request: call,
    says: 'The method "add" failed on a call by the identity "ann"',
  },
  "a method's params schema": {
    options: { methods: { add: method({ params: schema(boom), handle: () => 1 }) } },
    request: call,
    says: 'The params schema of the method "add" failed on a value',
  },
  "authorize that throws": {
    options: { ...identity, authorize: boom },
    request: subscribe,
    says: 'authorize failed for the identity "ann" asking to subscribe to "rooms/4"',
  },
  "authorize that rejects": {
    options: { ...identity, authorize: rejected },
    request: publish,
    says: 'authorize failed for the identity "ann" asking to publish to "rooms/4"',
  },
  "authorize of a method": {
    options: { ...identity, methods: { add: method({ authorize: boom, handle: () => 1 }) } },
    request: call,
    says: 'authorize failed for the identity "ann" asking to call "add"',
  },
  "authenticate that throws": {
    options: { authenticate: boom },
    says: "authenticate failed for a client at 192.0.2.1",
  },
  "authenticate that rejects": {
    options: { authenticate: rejected },
    says: "authenticate failed for a client at 192.0.2.1",
  },
  "a topic's data schema": {
    options: { topics: [logTopic("rooms/:id", { clientPublish: true, data: schema(boom) })] },
    request: publish,
    says: 'The data schema of the topic "rooms/:id" failed on a value',
  },
  "a topic's params schema": {
    options: { topics: [logTopic("rooms/:id", { params: schema(boom), match: matchFields })] },
    request: subscribe,
    says: 'The params schema of the topic "rooms/:id" failed on a value',
  },
  "presence.describe": {
    options: { ...identity, topics: [logTopic("rooms/:id", { presence: { describe: boom } })] },
    request: subscribe,
    says: 'presence.describe of the topic "rooms/:id" failed for the identity "ann"',
  },
};

test.each(Object.entries(cases))(
  "%s is reported with its name and occasion, with its own stack",
  async (_what, { options, request, says }) => {
    const live = await MemoryLive.open({
      topics: [logTopic("rooms/:id", { clientPublish: true })],
      ...options,
    });
    const guest = await live.level1();
    if (request !== undefined) await guest.send(request);
    await live.settle();
    const [report] = live.reports;
    expect(report).toMatchObject({ code: "application_failed" });
    expect(report!.message).toMatch(/^[^\n]*: boom\. See cause\.$/);
    expect(report!.message).toContain(says);
    expect((report!.cause as Error).stack).toContain("reports.test.ts");
    expect(live.reports).toHaveLength(1);
    // Nobody else is told what went wrong inside.
    expect(JSON.stringify(guest.take())).not.toContain("boom");
  },
);

test("a failing match is reported with the topic, the event and the params", async () => {
  const live = await MemoryLive.open({ topics: [logTopic("news", { match: boom })] });
  const guest = await live.level1();
  await guest.send({ ...subscribe, topic: "news", params: { city: "Bern" } });
  await live.live.topic("news").publish(1);
  expect(live.reports.map(({ message }) => message)).toEqual([
    'match of the topic "news" failed on the event 1 of "news" for the params {"city":"Bern"}: boom. See cause.',
  ]);
});

test("a match that returns a promise matches nothing, and is reported", async () => {
  const match = (async () => Promise.reject(new Error("late"))) as unknown as () => boolean;
  const live = await MemoryLive.open({ topics: [logTopic("news", { match })] });
  const guest = await live.level1();
  await guest.send({ ...subscribe, topic: "news" });
  guest.take();
  await live.live.topic("news").publish(1);
  await live.settle();
  expect(guest.take()).toEqual([]);
  expect(live.reports).toMatchObject([{ message: expect.stringContaining("returned a promise") }]);
});

test.each([
  ["throws", boom],
  ["rejects", rejectedAs],
])("a listener of onEvent that %s is reported with the topic and the event", async (_how, fail) => {
  const live = await MemoryLive.open({ topics: [keyedTopic("rooms/:id")] });
  const topic = live.live.topic("rooms/4");
  await topic.ready();
  topic.onEvent(fail);
  await topic.set("a", 1);
  await live.settle();
  expect(live.reports.map(({ message }) => message)).toEqual([
    'A listener of the topic "rooms/:id" failed on the event 1 of "rooms/4": boom. See cause.',
  ]);
});

test("an asynchronous presence.describe is reported, and its rejection does not end the process", async () => {
  const describe = rejected as unknown as () => Record<string, unknown>;
  const live = await MemoryLive.open({ topics: [logTopic("news", { presence: { describe } })] });
  const guest = await live.level1();
  await guest.send({ ...subscribe, topic: "news" });
  await live.settle();
  expect(live.reports).toMatchObject([{ message: expect.stringContaining("returned a promise") }]);
});

test("a method that fails after its timeout is reported", async () => {
  const live = await MemoryLive.open({
    topics: [],
    methods: {
      add: method({
        handle: async () => {
          await new Promise<void>((resolve) => void live.clock.after(40_000, resolve));
          boom();
        },
      }),
    },
  });
  const guest = await live.level1();
  await guest.send(call);
  await live.pass(30_000);
  expect(live.reports).toEqual([]);
  await live.pass(10_000);
  expect(live.reports).toMatchObject([
    { message: expect.stringContaining('The method "add" failed') },
  ]);
});

test("without onError, a failure is one line on standard error, with the place where it was thrown", async () => {
  const lines: string[] = [];
  const { error } = console;
  console.error = (line: string) => lines.push(line);
  onTestFinished(() => void (console.error = error));
  const handle = (): never => {
    throw new Error("first\nlongwire: forged\u001B[2J");
  };
  const live = await MemoryLive.open({
    topics: [],
    ...identity,
    methods: { add: method({ handle }) },
    onError: undefined as never,
  });
  const guest = await live.level1();
  await guest.send(call);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^longwire: The method "add" failed on a call by the identity "ann": first longwire: forged \[2J\. Thrown at [^\n]*reports\.test\.ts:\d+:\d+\)?; give onError for the stack\.$/,
  );
});

test("an onError that rejects does not end the process", async () => {
  const { error } = console;
  const lines: string[] = [];
  console.error = (line: string) => lines.push(line);
  onTestFinished(() => void (console.error = error));
  const live = await MemoryLive.open({ topics: [logTopic("news")], onError: rejectedAs });
  live.live.topic("news").onEvent(boom);
  await live.live.topic("news").publish(1);
  await live.settle();
  expect(lines).toHaveLength(1);
});

test("a numeric id is refused, and the report says once what to return", async () => {
  const live = await MemoryLive.open({
    topics: [],
    authenticate: () => ({ id: 42 as unknown as string }),
  });
  for (let n = 0; n < 3; n += 1) {
    expect((await live.level1()).take()).toMatchObject([
      { type: "error", code: "internal" },
      { type: "disconnect", code: 1011 },
    ]);
  }
  expect(live.reports.map(({ code, message }) => `${code} ${message}`)).toEqual([
    "invalid_identity authenticate returned an identity whose id is 42, a number; return a string of 1 to 255 characters, such as String(id).",
  ]);
});

test("an expiresAt in seconds is reported as such, and not as expired credentials", async () => {
  const live = await MemoryLive.open({
    topics: [],
    authenticate: () => ({ id: "ann", expiresAt: live.clock.now() / 1_000 + 60 }),
  });
  expect((await live.level1()).take()[0]).toMatchObject({ code: "internal" });
  expect(live.reports).toMatchObject([
    { code: "invalid_identity", message: expect.stringContaining("in seconds; return ms") },
  ]);
});
