import { describe, expect, onTestFinished, test } from "vitest";
import { Ledger } from "../../../../src/base/index.ts";
import {
  clientMethod,
  type ClientMethods,
  logTopic,
  type StandardSchema,
} from "../../../../src/live/index.ts";
import { Later, MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

type Options = Partial<Parameters<typeof MemoryLive.open>[0]>;

const open = (clientMethods: ClientMethods, options: Options = {}): Promise<MemoryLive> =>
  MemoryLive.open({
    topics: [],
    clientMethods,
    authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
    tokenQuery: "as",
    ...options,
  });

/** A connection of that identity, whose welcome is taken. */
async function as(live: MemoryLive, id: string): Promise<Guest> {
  const guest = await live.level1({ search: `?as=${id}` });
  guest.take();
  return guest;
}

async function offering(live: MemoryLive, id: string, ...methods: string[]): Promise<Guest> {
  const guest = await as(live, id);
  expect(await offer(guest, ...methods)).toEqual({ type: "offered", id: "o", methods });
  guest.take();
  return guest;
}

const offer = (guest: Guest, ...methods: unknown[]) =>
  guest.ask({ type: "offers", id: "o", methods });

/** The outcome of a call, once it has one: its data, or its error's code. */
function outcomeOf(called: Promise<unknown>): { now: unknown } {
  const outcome = { now: "pending" as unknown };
  called.then(
    (data) => (outcome.now = data),
    (error: { code?: string }) => (outcome.now = error.code ?? error),
  );
  return outcome;
}

const numbers: StandardSchema<unknown, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number" ? { value } : { issues: [{ message: "not a number" }] },
  },
};

const isOperator = (identity: unknown): boolean => (identity as { isOperator: boolean }).isOperator;

const reboot = { reboot: clientMethod() };

describe("a call of the server to a client", () => {
  test("is a request that the client answers", async () => {
    const live = await open(reboot);
    const guest = await offering(live, "ap-7", "reboot");
    const outcome = outcomeOf(live.live.identity("ap-7").call("reboot", { afterMs: 5 }));
    await live.settle();
    const [request] = guest.take();
    expect(request).toEqual({
      type: "request",
      id: 1,
      method: "reboot",
      deadline: 30_000,
      params: { afterMs: 5 },
    });
    await guest.send({ type: "response", id: 1, data: { ok: true } });
    expect(outcome.now).toEqual({ ok: true });
    // No answer to an answer.
    expect(guest.take()).toEqual([]);
  });

  test("goes to the connection of the identity that offered the method last, or to a named one", async () => {
    const live = await open(reboot);
    const [first, second] = [
      await offering(live, "ap-7", "reboot"),
      await offering(live, "ap-7", "reboot"),
    ];
    const other = await as(live, "ap-7");
    void outcomeOf(live.live.identity("ap-7").call("reboot"));
    await live.settle();
    expect([first.types(), second.types(), other.types()]).toEqual([[], ["request"], []]);
    await second.leave();
    void outcomeOf(live.live.identity("ap-7").call("reboot"));
    await live.settle();
    expect(first.types()).toEqual(["request"]);
  });

  test("to a connection by its name reaches no other", async () => {
    const live = await open(reboot);
    const named = await live.level1({ search: "?as=ap-7" });
    const { connection } = named.take()[0] as { connection: string };
    await offer(named, "reboot");
    const newer = await offering(live, "ap-7", "reboot");
    named.take();
    void outcomeOf(live.live.connection(connection).call("reboot"));
    await live.settle();
    expect([named.types(), newer.types()]).toEqual([["request"], []]);
  });

  test("fails if the client does not offer the method, or does not any more", async () => {
    const live = await open({ reboot: clientMethod(), measure: clientMethod() });
    const ap = live.live.identity("ap-7");
    await expect(ap.call("reboot")).rejects.toMatchObject({ code: "not_offered" });
    const guest = await offering(live, "ap-7", "reboot");
    await expect(ap.call("measure")).rejects.toMatchObject({ code: "not_offered" });
    await offer(guest, "measure");
    await expect(ap.call("reboot")).rejects.toMatchObject({ code: "not_offered" });
    await guest.leave();
    await expect(ap.call("measure")).rejects.toMatchObject({ code: "not_offered" });
    await expect(ap.call("nosuch")).rejects.toMatchObject({ code: "unknown_method" });
  });

  test("checks the params before they are sent, and the answer", async () => {
    const live = await open({ wait: clientMethod({ params: numbers, result: numbers }) });
    const guest = await offering(live, "ap-7", "wait");
    const ap = live.live.identity("ap-7");
    await expect(ap.call("wait", "long")).rejects.toMatchObject({ code: "invalid_params" });
    expect(guest.take()).toEqual([]);
    const outcomes = [1, 2, 3].map((ms) => outcomeOf(ap.call("wait", ms)));
    await guest.send({ type: "response", id: 1, data: 7 });
    await guest.send({ type: "response", id: 2, data: "seven" });
    await guest.send('{"type":"response","id":3,"data":1e400}');
    expect(outcomes.map(({ now }) => now)).toEqual([7, "invalid_answer", "invalid_answer"]);
  });

  test("fails with the code and the message of the client's error", async () => {
    const live = await open(reboot);
    const guest = await offering(live, "ap-7", "reboot");
    const called = live.live.identity("ap-7").call("reboot");
    const failed = expect(called).rejects.toMatchObject({
      code: "client_failed",
      clientCode: "busy",
      message: 'The client failed on reboot: "An update is running.\\nTry later." ("busy")',
    });
    const error = { code: "busy", message: "An update is running.\nTry later." };
    await live.settle();
    await guest.send({ type: "response", id: 1, error });
    await failed;
  });

  test("is unconfirmed after its time, and a later answer is ignored", async () => {
    const live = await open({ reboot: clientMethod({ timeoutMs: 2_000 }) });
    const guest = await offering(live, "ap-7", "reboot");
    const ap = live.live.identity("ap-7");
    const outcomes = [
      outcomeOf(ap.call("reboot")),
      outcomeOf(ap.call("reboot", 0, { timeoutMs: 9_000 })),
    ];
    await live.pass(4_000);
    expect(outcomes.map(({ now }) => now)).toEqual(["unconfirmed", "pending"]);
    guest.take();
    await guest.send({ type: "response", id: 1, data: 1 });
    expect(guest.take()).toEqual([]);
    await live.pass(8_000);
    expect(outcomes[1]!.now).toBe("unconfirmed");
  });

  test("is unconfirmed when the connection ends first", async () => {
    const live = await open(reboot);
    const guest = await offering(live, "ap-7", "reboot");
    const outcome = outcomeOf(live.live.identity("ap-7").call("reboot"));
    await live.settle();
    await guest.leave();
    expect(outcome.now).toBe("unconfirmed");
  });

  test("ends with the reason of its signal", async () => {
    const live = await open(reboot);
    const guest = await offering(live, "ap-7", "reboot");
    const stop = new AbortController();
    const ap = live.live.identity("ap-7");
    const outcome = outcomeOf(ap.call("reboot", 0, { signal: stop.signal }));
    await live.settle();
    stop.abort("no longer needed");
    await live.settle();
    expect(outcome.now).toBe("no longer needed");
    guest.take();
    await expect(ap.call("reboot", 0, { signal: stop.signal })).rejects.toBe("no longer needed");
    expect(guest.take()).toEqual([]);
  });

  test("is refused if it is longer than the client accepts", async () => {
    const live = await open(reboot);
    const guest = await offering(live, "ap-7", "reboot");
    await guest.send({ type: "hello", maxMessage: 1_024 });
    const called = live.live.identity("ap-7").call("reboot", "x".repeat(1_100));
    await expect(called).rejects.toMatchObject({ code: "too_large" });
  });

  test.each([0, -1, 1.5, 2 ** 31, "long"])("refuses %s as its time", async (timeoutMs) => {
    const live = await open(reboot);
    const called = live.live.identity("a").call("reboot", 0, { timeoutMs: timeoutMs as number });
    await expect(called).rejects.toMatchObject({ code: "invalid_limit" });
  });
});

describe("a call to all who follow a topic", () => {
  const topics = [logTopic("news"), logTopic("logs/:name")];

  async function followers(live: MemoryLive, count: number): Promise<Guest[]> {
    const guests: Guest[] = [];
    for (let n = 0; n < count; n += 1) {
      const guest = await offering(live, `ap-${n}`, "reboot");
      await guest.send({ type: "subscribe", id: 1, topic: "news" });
      guest.take();
      guests.push(guest);
    }
    return guests;
  }

  test("yields the answers as they come, and asks nobody else", async () => {
    const live = await open(reboot, { topics });
    const guests = await followers(live, 3);
    const other = await offering(live, "ap-8", "reboot");
    const silent = await as(live, "ap-9");
    await silent.send({ type: "subscribe", id: 1, topic: "news" });
    silent.take();
    const answers = live.live.followers("news").call("reboot", { afterMs: 1 });
    const first = answers.next();
    await live.settle();
    expect([other.types(), silent.types()]).toEqual([[], []]);
    for (const guest of guests) expect(guest.take()).toMatchObject([{ type: "request" }]);
    await guests[1]!.send({ type: "response", id: 1, data: "one" });
    const given = (await first).value;
    expect(given).toMatchObject({ identity: "ap-1", data: "one" });
    const second = answers.next();
    await guests[0]!.send({ type: "response", id: 1, error: { code: "busy", message: "no" } });
    expect((await second).value).toMatchObject({
      identity: "ap-0",
      error: { code: "client_failed", clientCode: "busy" },
    });
    const third = answers.next();
    await guests[2]!.leave();
    expect((await third).value).toMatchObject({ error: { code: "unconfirmed" } });
    expect((await answers.next()).done).toBe(true);
  });

  test("asks at most 256 at a time", async () => {
    const live = await open(reboot, { topics });
    const guests = await followers(live, 300);
    const answers = live.live.followers("news").call("reboot");
    const first = answers.next();
    await live.settle();
    const asked = guests.filter((guest) => guest.types().includes("request"));
    expect(asked).toHaveLength(256);
    for (const guest of asked) await guest.send({ type: "response", id: 1 });
    await first;
    // The other answers wait to be taken, and count.
    const late = async (): Promise<number> => {
      await live.settle();
      return guests.filter((guest) => guest.types().includes("request")).length;
    };
    expect(await late()).toBe(1);
    expect(await late()).toBe(0);
    await answers.next();
    expect(await late()).toBe(1);
    await answers.return();
  });

  test("one signal may stop any number of calls without a warning of Node", async () => {
    const live = await open(reboot, { topics });
    await followers(live, 20);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const { signal } = new AbortController();
    const answers = live.live.followers("news").call("reboot", 0, { signal });
    void outcomeOf(answers.next());
    for (let n = 0; n < 20; n += 1) {
      void outcomeOf(live.live.identity("ap-1").call("reboot", 0, { signal }));
    }
    await live.settle();
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  test("stops waiting when the iteration is stopped, or its signal is aborted", async () => {
    const ledger = new Ledger();
    const live = await open(reboot, { topics, ledger });
    const guests = await followers(live, 2);
    const held = ledger.payer("identity ap-0").heldBytes;
    const answers = live.live.followers("news").call("reboot", "x".repeat(3_000));
    const first = answers.next();
    await live.settle();
    expect(ledger.payer("identity ap-0").heldBytes).toBeGreaterThan(held + 3_000);
    await guests[1]!.send({ type: "response", id: 1 });
    await first;
    await answers.return();
    await live.settle();
    expect(ledger.payer("identity ap-0").heldBytes).toBe(held);
    const stop = new AbortController();
    const stopped = live.live.followers("news").call("reboot", 0, { signal: stop.signal });
    const outcome = outcomeOf(stopped.next());
    await live.settle();
    stop.abort("enough");
    await live.settle();
    expect(outcome.now).toBe("enough");
  });

  test("without followers yields nothing; of an unknown topic it is refused", async () => {
    const live = await open(reboot, { topics });
    const answers = live.live.followers("logs/a").call("reboot");
    expect((await answers.next()).done).toBe(true);
    expect(() => live.live.followers("nosuch")).toThrow("There is no topic");
  });
});

describe("what a client is asked", () => {
  test("is charged to the client until it has answered", async () => {
    const ledger = new Ledger();
    const live = await open(reboot, { ledger });
    const guest = await offering(live, "ap-7", "reboot");
    const payer = ledger.payer("identity ap-7");
    const before = payer.heldBytes;
    void outcomeOf(live.live.identity("ap-7").call("reboot", "x".repeat(5_000)));
    await live.settle();
    expect(payer.heldBytes - before).toBeGreaterThan(5_000);
    await guest.send({ type: "response", id: 1 });
    expect(payer.heldBytes).toBe(before);
  });

  test("is refused when its share of memory is used up", async () => {
    const live = await open(reboot, { ledger: new Ledger({ shareBytes: 30_000 }) });
    const guest = await offering(live, "ap-7", "reboot");
    const ap = live.live.identity("ap-7");
    const outcomes: { now: unknown }[] = [];
    for (let n = 0; n < 8; n += 1) {
      outcomes.push(outcomeOf(ap.call("reboot", "x".repeat(5_000))));
      // It is read, so that only the open requests are held.
      await live.settle();
    }
    expect(outcomes.map(({ now }) => now)).toContain("client_busy");
    expect(outcomes[0]!.now).toBe("pending");
    await guest.send({ type: "response", id: 1, data: "done" });
    expect(outcomes[0]!.now).toBe("done");
  });

  test("can be answered at any rate, while unasked answers count as requests", async () => {
    const live = await open(reboot, { requestBurst: 4, requestsPerSecond: 1 });
    const guest = await offering(live, "ap-7", "reboot");
    const ap = live.live.identity("ap-7");
    const outcomes = Array.from({ length: 20 }, () => outcomeOf(ap.call("reboot")));
    await live.settle();
    guest.take();
    for (let id = 1; id <= 20; id += 1) await guest.send({ type: "response", id, data: id });
    expect(outcomes.map(({ now }) => now)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(guest.take()).toEqual([]);
    for (let id = 21; id <= 30; id += 1) await guest.send({ type: "response", id });
    expect(guest.take()).toContainEqual(expect.objectContaining({ code: "rate_limited" }));
  });
});

describe("offers", () => {
  test("are refused for methods that the server does not declare", async () => {
    const live = await open(reboot);
    const guest = await as(live, "ap-7");
    for (const name of ["nosuch", "__proto__", "toString"]) {
      expect(await offer(guest, name)).toMatchObject({ type: "error", code: "unknown_method" });
    }
  });

  test("are charged to the client, and a repeated name is decided once", async () => {
    let decisions = 0;
    const authorize = (): boolean => {
      decisions += 1;
      return true;
    };
    const ledger = new Ledger();
    const live = await open({ reboot: clientMethod({ authorize }) }, { ledger });
    const guest = await as(live, "ap-7");
    const payer = ledger.payer("identity ap-7");
    const before = payer.heldBytes;
    await offer(guest, ...Array.from({ length: 100 }, () => "reboot"));
    expect(decisions).toBe(1);
    expect(payer.heldBytes - before).toBe(4_096);
    await guest.leave();
    expect(payer.heldBytes).toBe(0);
  });

  test("are allowed by the method's authorize, or else by the server's", async () => {
    const asked: unknown[] = [];
    const live = await open(
      {
        reboot: clientMethod({
          authorize: ({ identity, action, topic }) => {
            asked.push([identity, action, topic]);
            return (identity as { id: string }).id.startsWith("ap-");
          },
        }),
        measure: clientMethod(),
      },
      { authorize: ({ action }) => action !== "offer" },
    );
    const [device, stranger] = [await as(live, "ap-7"), await as(live, "eve")];
    expect(await offer(device, "reboot")).toMatchObject({ type: "offered" });
    expect(await offer(stranger, "reboot")).toMatchObject({ code: "forbidden" });
    expect(await offer(device, "measure")).toMatchObject({
      code: "forbidden",
      message: "You may not offer measure; ask for access, or sign in as someone who may.",
    });
    expect(asked[0]).toEqual([{ id: "ap-7" }, "offer", "reboot"]);
    // The earlier offer stays.
    void outcomeOf(live.live.identity("ap-7").call("reboot"));
    device.take();
    await live.settle();
    expect(device.types()).toEqual(["request"]);
  });

  test("are decided in the order in which they were made", async () => {
    const slow = new Later<boolean>();
    const live = await open({
      reboot: clientMethod({ authorize: () => slow.promise }),
      measure: clientMethod(),
    });
    const guest = await as(live, "ap-7");
    await guest.send({ type: "offers", id: 1, methods: ["reboot"] });
    await guest.send({ type: "offers", id: 2, methods: ["measure"] });
    slow.resolve(true);
    await live.settle();
    expect(guest.take()).toMatchObject([{ methods: ["reboot"] }, { methods: ["measure"] }]);
    const called = live.live.identity("ap-7").call("reboot");
    await expect(called).rejects.toMatchObject({ code: "not_offered" });
  });

  test("are withdrawn when new credentials do not allow them any more", async () => {
    const live = await open(
      {
        reboot: clientMethod({ authorize: ({ identity }) => isOperator(identity) }),
        measure: clientMethod(),
      },
      { authenticate: ({ token }) => ({ id: "ap-7", isOperator: token === "operator" }) },
    );
    const guest = await live.level1({ search: "?as=operator" });
    await offer(guest, "reboot", "measure");
    guest.take();
    await guest.send({ type: "refresh", token: "operator" });
    expect(guest.types()).toEqual(["refreshed"]);
    await guest.send({ type: "refresh", token: "guest" });
    expect(guest.take()).toEqual([
      { type: "refreshed" },
      { type: "offered", methods: ["measure"] },
    ]);
    const ap = live.live.identity("ap-7");
    await expect(ap.call("reboot")).rejects.toMatchObject({ code: "not_offered" });
    void outcomeOf(ap.call("measure"));
    await live.settle();
    expect(guest.types()).toEqual(["request"]);
  });

  test("whose check ends after the connection do not stay", async () => {
    const allowed = new Later<boolean>();
    const live = await open({ reboot: clientMethod({ authorize: () => allowed.promise }) });
    const guest = await as(live, "ap-7");
    await guest.send({ type: "offers", id: 1, methods: ["reboot"] });
    await guest.leave();
    allowed.resolve(true);
    await live.settle();
    const called = live.live.identity("ap-7").call("reboot");
    await expect(called).rejects.toMatchObject({ code: "not_offered" });
  });

  test.each([[undefined], ["reboot"], [[1]], [Array.from({ length: 101 }, () => "reboot")]])(
    "%j is not accepted as a list of names",
    async (methods) => {
      const live = await open(reboot);
      const guest = await as(live, "ap-7");
      const answer = await guest.ask({ type: "offers", id: 1, methods });
      expect(answer).toMatchObject({ type: "error", code: "bad_request" });
    },
  );
});

test.each([
  { error: "no" },
  { error: { code: 1, message: "" } },
  { error: { code: "failed" } },
  { error: null },
])("a response with %j is refused, and its request still waits", async (fields) => {
  const live = await open(reboot);
  const guest = await offering(live, "ap-7", "reboot");
  const outcome = outcomeOf(live.live.identity("ap-7").call("reboot"));
  await live.settle();
  const answer = await guest.ask({ type: "response", id: 1, ...fields });
  expect(answer).toMatchObject({ type: "error", code: "bad_request" });
  expect(outcome.now).toBe("pending");
});

test.each([
  [{ reboot: () => 1 }, "invalid_method"],
  [{ reboot: { handle: () => 1 } }, "invalid_method"],
  [{ reboot: null }, "invalid_method"],
  [{ reboot: { timeoutMs: 0 } }, "invalid_limit"],
  [{ reboot: { params: {} } }, "invalid_schema"],
  [{ reboot: { result: 5 } }, "invalid_schema"],
])("the declaration %j is refused with %s", async (clientMethods, code) => {
  const opening = open(clientMethods as unknown as ClientMethods);
  await expect(opening).rejects.toMatchObject({ code });
});

test("a client that offers nothing is never asked, and sees only the list of features", async () => {
  const live = await open(reboot);
  const guest = await live.level1({ search: "?as=ap-7" });
  expect(guest.take()).toMatchObject([
    { type: "welcome", features: ["requests", "presence", "history", "rate"] },
  ]);
  const called = live.live.identity("ap-7").call("reboot");
  await expect(called).rejects.toMatchObject({ code: "not_offered" });
  expect(guest.take()).toEqual([]);
});
