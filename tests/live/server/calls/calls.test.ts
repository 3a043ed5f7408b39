import { describe, expect, test } from "vitest";
import {
  LiveError,
  method,
  type Methods,
  type StandardSchema,
} from "../../../../src/live/index.ts";
import { Later, MemoryLive, thenable, type Guest } from "../../../rigs/live/memory-live.ts";

const open = (
  methods: Methods,
  options: Partial<Parameters<typeof MemoryLive.open>[0]> = {},
): Promise<MemoryLive> =>
  MemoryLive.open({
    topics: [],
    methods,
    authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
    tokenQuery: "as",
    ...options,
  });

const as = (live: MemoryLive, id: string): Promise<Guest> => live.level1({ search: `?as=${id}` });

/** Returns the result of a call: its data, or its error's code. */
async function called(guest: Guest, name: string, fields: object = {}): Promise<unknown> {
  const answer = await guest.ask({
    type: "call",
    id: crypto.randomUUID(),
    method: name,
    ...fields,
  });
  return answer?.["type"] === "result" ? answer["data"] : answer?.["code"];
}

const schema = <Value>(validate: (value: unknown) => unknown): StandardSchema<unknown, Value> => ({
  "~standard": { version: 1, vendor: "test", validate: validate as never },
});

describe("a call", () => {
  test("is answered with what the method returns, under the call's id", async () => {
    const live = await open({
      add: method<{ a: number; b: number }, number>({ handle: ({ a, b }) => a + b }),
    });
    const guest = await as(live, "ann");
    for (const id of [0, "", '"quoted"', "__proto__"]) {
      const answer = await guest.ask({ type: "call", id, method: "add", params: { a: 1, b: 2 } });
      expect(answer).toEqual({ type: "result", id, data: 3 });
    }
    expect(live.live.statistics.calls).toBe(4);
  });

  test.each<[string, unknown, unknown]>([
    ["nothing", undefined, null],
    ["a function", () => 1, null],
    ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["a promise", Promise.resolve({ a: [1] }), { a: [1] }],
    ["not a number", Number.NaN, null],
  ])("that returns %s is answered with its JSON form", async (_what, result, data) => {
    const live = await open({ act: method({ handle: () => result }) });
    expect(await called(await as(live, "ann"), "act")).toEqual(data);
  });

  test("receives the caller's identity and connection", async () => {
    const live = await open({ who: method({ handle: (_params, context) => context }) });
    const guest = await as(live, "ann");
    const [welcome] = guest.take();
    const context = { identity: { id: "ann" }, connection: welcome?.["connection"] };
    expect(await called(guest, "who")).toEqual(context);
    await guest.send({ type: "refresh", token: "ann" });
    expect(await called(guest, "who")).toEqual(context);
  });

  test.each([
    "nothing",
    "",
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "x".repeat(1e5),
  ])("of the unknown method %j: unknown_method", async (name) => {
    const live = await open({ act: method({ handle: () => 1 }) });
    const guest = await as(live, "ann");
    const answer = await guest.ask({ type: "call", id: 1, method: name });
    expect(answer).toMatchObject({ type: "error", code: "unknown_method" });
    expect(JSON.stringify(answer).length).toBeLessThan(300);
    expect(live.errors).toEqual([]);
  });

  test("of a method declared under an inherited name succeeds", async () => {
    const live = await open({ constructor: method({ handle: () => "made" }) });
    const guest = await as(live, "ann");
    expect(await called(guest, "constructor")).toBe("made");
    expect(await called(guest, "toString")).toBe("unknown_method");
  });

  test.each([
    {},
    { method: 7 },
    { method: "act", idempotencyKey: "" },
    { method: "act", idempotencyKey: 7 },
  ])("with %j is a bad_request", async (fields) => {
    let made = 0;
    const live = await open({ act: method({ handle: () => (made += 1) }) });
    const guest = await as(live, "ann");
    const answer = await guest.ask({ type: "call", id: 1, ...fields });
    expect([answer?.["code"], made]).toEqual(["bad_request", 0]);
  });

  test("does not block later messages", async () => {
    const slow = new Later<number>();
    const live = await open({
      slow: method({ handle: () => slow.promise }),
      fast: method({ handle: () => 2 }),
    });
    const guest = await as(live, "ann");
    await guest.send({ type: "call", id: 1, method: "slow" });
    expect(await called(guest, "fast")).toBe(2);
    slow.resolve(1);
    await live.settle();
    expect(guest.take().at(-1)).toEqual({ type: "result", id: 1, data: 1 });
  });
});

describe("the signal of a call", () => {
  /** Calls a method that never answers, and returns its signal. */
  async function callForever(
    live: MemoryLive,
    signals: AbortSignal[],
    fields: object = {},
  ): Promise<{ guest: Guest; signal: AbortSignal }> {
    const guest = await as(live, "ann");
    await guest.send({ type: "call", id: 1, method: "act", ...fields });
    return { guest, signal: signals.at(-1)! };
  }

  const forever = (signals: AbortSignal[], options: object = {}): Methods => ({
    act: method({
      ...options,
      handle: (_params, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    }),
  });

  test("is aborted after the method's own time limit, when the client is told", async () => {
    const signals: AbortSignal[] = [];
    const live = await open(forever(signals, { timeoutMs: 2_000 }));
    const { guest, signal } = await callForever(live, signals);
    await live.pass(1_500);
    expect(signal.aborted).toBe(false);
    await live.pass(1_000);
    expect(guest.take().at(-1)).toMatchObject({ type: "error", code: "internal" });
    expect(signal.reason).toMatchObject({ code: "internal", message: /longer than 2000 ms/ });
  });

  test("is aborted when the connection ends, unless the client may repeat the call", async () => {
    const signals: AbortSignal[] = [];
    const live = await open(forever(signals));
    const once = await callForever(live, signals);
    await once.guest.leave();
    expect(once.signal.reason).toMatchObject({ code: "unavailable" });
    const repeated = await callForever(live, signals, { idempotencyKey: "k" });
    await repeated.guest.leave();
    expect(repeated.signal.aborted).toBe(false);
  });

  test("is not aborted while a repeat of the call still waits", async () => {
    const signals: AbortSignal[] = [];
    const live = await open(forever(signals, { timeoutMs: 2_000 }));
    const { signal } = await callForever(live, signals, { idempotencyKey: "k" });
    await live.pass(1_500);
    const repeat = await as(live, "ann");
    await repeat.send({ type: "call", id: 2, method: "act", idempotencyKey: "k" });
    await live.pass(1_000);
    expect([signals.length, signal.aborted]).toEqual([1, false]);
    await live.pass(1_500);
    expect(signal.aborted).toBe(true);
  });

  test("that is read late is aborted already", async () => {
    let read: AbortSignal | undefined;
    const later = new Later<void>();
    const live = await open({
      act: method({
        handle: async (_params, context) => {
          await later.promise;
          read = context.signal;
        },
      }),
    });
    const guest = await as(live, "ann");
    await guest.send({ type: "call", id: 1, method: "act" });
    await guest.leave();
    later.resolve();
    await live.settle();
    expect(read?.aborted).toBe(true);
  });

  test("is not aborted by the end of another connection, or after the answer", async () => {
    const signals: AbortSignal[] = [];
    const live = await open({
      act: method({ handle: (_params, { signal }) => signals.push(signal) }),
    });
    const guest = await as(live, "ann");
    expect(await called(guest, "act")).toBe(1);
    const other = await as(live, "ann");
    await other.leave();
    await guest.leave();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });
});

describe("params", () => {
  test("that do not match the schema are refused with invalid_params and the reason, and the method is not called", async () => {
    let made = 0;
    const live = await open({
      act: method({
        params: schema((value) =>
          value === 1 ? { value } : { issues: [{ message: "give 1", path: ["a", { key: 0 }] }] },
        ),
        handle: () => (made += 1),
      }),
    });
    const guest = await as(live, "ann");
    const answer = await guest.ask({ type: "call", id: 1, method: "act", params: 2 });
    expect(answer).toMatchObject({ code: "invalid_params", message: "a.0: give 1" });
    expect(made).toBe(0);
    expect(await called(guest, "act", { params: 1 })).toBe(1);
  });

  test("reach the method as the schema's output", async () => {
    const live = await open({
      act: method({
        params: schema((value) => ({ value: `${JSON.stringify(value)}!` })),
        handle: (params) => params,
      }),
    });
    const guest = await as(live, "ann");
    expect(await called(guest, "act", { params: [1] })).toBe("[1]!");
    expect(await called(guest, "act")).toBe("undefined!");
  });

  test.each([
    ["a promise", async (value: unknown) => ({ value })],
    ["a thenable", (value: unknown) => thenable({ value })],
  ])(
    "of a schema that answers with %s are refused and reported: nothing unchecked reaches the method",
    async (_what, validate) => {
      let made = 0;
      const live = await open({
        act: method({ params: schema(validate), handle: () => (made += 1) }),
      });
      expect(await called(await as(live, "ann"), "act", { params: 1 })).toBe("internal");
      expect(made).toBe(0);
      expect(live.reports).toMatchObject([
        { message: expect.stringMatching(/^The params schema of the method "act" .*asynchronous/) },
      ]);
    },
  );

  test("of a schema that throws: internal, and reported", async () => {
    const live = await open({
      act: method({
        params: schema(() => {
          throw new Error("a slip");
        }),
        handle: () => 1,
      }),
    });
    expect(await called(await as(live, "ann"), "act")).toBe("internal");
    expect(live.errors).toMatchObject([{ message: "a slip" }]);
  });
});

describe("a method that fails", () => {
  test("with a LiveError sends it to the client", async () => {
    const live = await open({
      act: method({
        handle: () => {
          throw new LiveError("conflict", "The device is being updated; try again later.");
        },
      }),
    });
    const guest = await as(live, "ann");
    expect(await guest.ask({ type: "call", id: 1, method: "act" })).toEqual({
      type: "error",
      id: 1,
      code: "conflict",
      message: "The device is being updated; try again later.",
    });
    expect(live.errors).toEqual([]);
  });

  const circular: Record<string, unknown> = {};
  circular["self"] = circular;

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
    ["rejects with nothing", () => Promise.reject(undefined)],
    ["returns a number that JSON can't hold", () => 1n],
    ["returns a circle", () => circular],
    [
      "returns what throws when it is written",
      () => ({
        toJSON: () => {
          throw new Error("secret");
        },
      }),
    ],
  ])("and %s: internal, reported, and no details reach the client", async (_how, handle) => {
    const live = await open({ act: method({ handle }), fine: method({ handle: () => 1 }) });
    const guest = await as(live, "ann");
    const answer = await guest.ask({ type: "call", id: 1, method: "act" });
    expect(answer).toMatchObject({ type: "error", id: 1, code: "internal" });
    expect(answer?.["message"]).not.toContain("secret");
    expect(live.errors).toHaveLength(1);
    expect(await called(guest, "fine")).toBe(1);
  });

  test("after its caller has left is still reported", async () => {
    const answer = new Later<number>();
    const live = await open({ act: method({ handle: () => answer.promise }) });
    const guest = await as(live, "ann");
    await guest.send({ type: "call", id: 1, method: "act" });
    await guest.leave();
    answer.reject(new Error("too late"));
    await live.settle();
    expect(live.errors).toMatchObject([{ message: "too late" }]);
  });
});

describe("a method that takes too long", () => {
  test("is answered with internal, which no client retries automatically, and its later result is ignored", async () => {
    const answer = new Later<number>();
    const live = await open(
      { act: method({ handle: () => answer.promise }) },
      { callTimeoutMs: 5_000 },
    );
    const guest = await as(live, "ann");
    guest.take();
    await guest.send({ type: "call", id: 1, method: "act" });
    await live.pass(4_900);
    expect(guest.take()).toEqual([]);
    await live.pass(300);
    expect(guest.take()).toMatchObject([{ type: "error", id: 1, code: "internal" }]);
    answer.resolve(1);
    await live.settle();
    expect(guest.take()).toEqual([]);
  });

  test("and then fails does not end the process", async () => {
    const answer = new Later<number>();
    const live = await open(
      { act: method({ handle: () => answer.promise }) },
      { callTimeoutMs: 5_000 },
    );
    const guest = await as(live, "ann");
    await guest.send({ type: "call", id: 1, method: "act" });
    await live.pass(5_200);
    answer.reject(new Error("late"));
    await live.settle();
    expect(await called(guest, "nothing")).toBe("unknown_method");
  });

  test("and one that finishes in time leaves no timer", async () => {
    const live = await open({ act: method({ handle: () => 1 }) });
    const before = live.clock.timerCount;
    await called(await as(live, "ann"), "act");
    await live.pass(200);
    expect(live.clock.timerCount).toBe(before);
  });
});

describe("an idempotency key", () => {
  function counting(answers?: () => unknown): { methods: Methods; made: () => number } {
    let made = 0;
    const handle = (): unknown => {
      made += 1;
      return answers === undefined ? made : answers();
    };
    return { methods: { act: method({ handle }), other: method({ handle }) }, made: () => made };
  }
  const key = { idempotencyKey: "k" };

  test("repeated from any connection of the same identity: run once, answered the same", async () => {
    const { methods, made } = counting();
    const live = await open(methods);
    expect(await called(await as(live, "ann"), "act", key)).toBe(1);
    expect(await called(await as(live, "ann"), "act", key)).toBe(1);
    expect(made()).toBe(1);
  });

  test("belongs to one identity and method; without one, calls are not remembered", async () => {
    const { methods } = counting();
    const live = await open(methods);
    const ann = await as(live, "ann");
    expect(await called(ann, "act", key)).toBe(1);
    expect(await called(await as(live, "bob"), "act", key)).toBe(2);
    expect(await called(ann, "other", key)).toBe(3);
    expect(await called(ann, "act", { idempotencyKey: "l" })).toBe(4);
    expect(await called(ann, "act")).toBe(5);
    expect(await called(ann, "act")).toBe(6);
    // No identity and no key can be put together so that they read as another's.
    const odd = await as(live, encodeURIComponent('ann","act'));
    expect(await called(odd, "act", key)).toBe(7);
  });

  test("used twice at the same time is one call", async () => {
    const answer = new Later<string>();
    const { methods, made } = counting(() => answer.promise);
    const live = await open(methods);
    const guest = await as(live, "ann");
    guest.take();
    const call = { type: "call", method: "act", ...key };
    await guest.send({ ...call, id: 1 }, { ...call, id: 2 });
    answer.resolve("done");
    await live.settle();
    expect(guest.take()).toMatchObject([
      { id: 1, data: "done" },
      { id: 2, data: "done" },
    ]);
    expect(made()).toBe(1);
  });

  test("of a call that timed out: a repeat gets the first run's answer, and the method does not run twice", async () => {
    const answer = new Later<string>();
    const { methods, made } = counting(() => answer.promise);
    const live = await open(methods, { callTimeoutMs: 5_000 });
    const guest = await as(live, "ann");
    const call = { type: "call", method: "act", ...key };
    await guest.send({ ...call, id: 1 });
    await live.pass(5_200);
    await guest.send({ ...call, id: 2 });
    answer.resolve("done");
    await live.settle();
    expect(guest.take().slice(1)).toMatchObject([
      { id: 1, code: "internal" },
      { id: 2, data: "done" },
    ]);
    expect(made()).toBe(1);
  });

  test("of a call that failed or was refused: it may run again", async () => {
    let fails = true;
    const { methods, made } = counting(() => {
      if (fails) throw new LiveError("unavailable", "not now");
      return "done";
    });
    const live = await open(methods);
    const guest = await as(live, "ann");
    expect(await called(guest, "act", key)).toBe("unavailable");
    fails = false;
    expect(await called(guest, "act", key)).toBe("done");
    expect(made()).toBe(2);
  });

  test("is remembered for five minutes", async () => {
    const { methods } = counting();
    const live = await open(methods);
    const guest = await as(live, "ann");
    expect(await called(guest, "act", key)).toBe(1);
    await live.pass(300_000);
    expect(await called(guest, "act", key)).toBe(1);
    await live.pass(1);
    expect(await called(guest, "act", key)).toBe(2);
  });

  test("is not remembered if the answer is too long to keep", async () => {
    let size = 32 * 1024 - 2;
    const { methods, made } = counting(() => "x".repeat(size));
    const live = await open(methods);
    const guest = await as(live, "ann");
    await called(guest, "act", key);
    await called(guest, "act", key);
    expect(made()).toBe(1);
    size += 1;
    await called(guest, "act", { idempotencyKey: "long" });
    await called(guest, "act", { idempotencyKey: "long" });
    expect(made()).toBe(3);
  });

  test("is remembered within a limit: the oldest are dropped first", async () => {
    const { methods, made } = counting();
    const live = await open(methods, { requestBurst: 50_000, requestsPerSecond: 50_000 });
    const guest = await as(live, "ann");
    const call = { type: "call", id: 1, method: "act" };
    const keys = Array.from({ length: 10_001 }, (_, n) => ({ ...call, idempotencyKey: `${n}` }));
    await guest.send(...keys);
    while (made() < 10_001) await live.settle();
    await called(guest, "act", { idempotencyKey: "10000" });
    expect(made()).toBe(10_001);
    await called(guest, "act", { idempotencyKey: "0" });
    expect(made()).toBe(10_002);
  });

  test("is authorized each time: an answer is not given to a caller that lost its permission", async () => {
    let allowed = true;
    const live = await open({ act: method({ handle: () => "secret", authorize: () => allowed }) });
    const guest = await as(live, "ann");
    expect(await called(guest, "act", key)).toBe("secret");
    allowed = false;
    expect(await called(guest, "act", key)).toBe("forbidden");
  });
});
