import { describe, expect, test } from "vitest";
import { LongwireError } from "../../../../src/base/index.ts";
import { clientMethod, LiveError, logTopic } from "../../../../src/live/index.ts";
import type { Guest, MemoryLive } from "../../../rigs/live/memory-live.ts";
import { entering, twoNodes } from "../../../rigs/live/two-nodes.ts";

const options = {
  topics: [logTopic("news")],
  clientMethods: { reboot: clientMethod(), measure: clientMethod() },
};

async function offering(node: MemoryLive, id: string, ...methods: string[]): Promise<Guest> {
  const guest = await entering(node, id);
  await guest.send({ type: "offers", id: "o", methods });
  guest.take();
  return guest;
}

/** The outcome of a call, once it has one: its data, or its error's code. */
function outcomeOf(called: Promise<unknown>): { now: unknown } {
  const outcome = { now: "pending" as unknown };
  called.then(
    (data) => (outcome.now = data),
    (error: { code?: string }) => (outcome.now = error.code ?? error),
  );
  return outcome;
}

describe("a call to a client of another server", () => {
  test("is answered by that client", async () => {
    const [a, b] = await twoNodes(options);
    const guest = await offering(b, "ap-7", "reboot");
    const outcome = outcomeOf(a.live.identity("ap-7").call("reboot", { afterMs: 5 }));
    await a.settle();
    await b.settle();
    expect(guest.take()).toMatchObject([
      { type: "request", method: "reboot", params: { afterMs: 5 } },
    ]);
    await guest.send({ type: "response", id: 1, data: { ok: true } });
    await a.settle();
    expect(outcome.now).toEqual({ ok: true });
  });

  test("goes to the connection that offered last, on whatever server it is", async () => {
    const [a, b] = await twoNodes(options);
    const first = await offering(a, "ap-7", "reboot");
    const second = await offering(b, "ap-7", "reboot");
    for (const node of [a, b]) {
      void outcomeOf(node.live.identity("ap-7").call("reboot"));
      await a.settle();
      await b.settle();
      expect([first.types(), second.types()]).toEqual([[], ["request"]]);
    }
    await second.leave();
    void outcomeOf(b.live.identity("ap-7").call("reboot"));
    await b.settle();
    await a.settle();
    expect(first.types()).toEqual(["request"]);
  });

  test("passes on numbers that JavaScript cannot represent, and the client's error", async () => {
    const [a, b] = await twoNodes(options);
    const guest = await offering(b, "ap-7", "reboot", "measure");
    const failed = a.live.identity("ap-7").call("reboot");
    const lossy = outcomeOf(a.live.identity("ap-7").call("measure"));
    const refused = expect(failed).rejects.toMatchObject({
      code: "client_failed",
      clientCode: "busy",
      message: 'The client failed on reboot: "An update is running." ("busy")',
    });
    await a.settle();
    await b.settle();
    const error = { code: "busy", message: "An update is running." };
    await guest.send({ type: "response", id: 1, error });
    await guest.send('{"type":"response","id":2,"data":1e400}');
    await a.settle();
    await refused;
    expect(lossy.now).toBe("invalid_answer");
  });

  test("is unconfirmed when its connection ends, or after its time", async () => {
    const [a, b] = await twoNodes(options);
    const guest = await offering(b, "ap-7", "reboot");
    const [lost, late] = [
      outcomeOf(a.live.identity("ap-7").call("reboot")),
      outcomeOf(
        (await offering(b, "ap-8", "reboot"),
        a.live.identity("ap-8").call("reboot", 0, { timeoutMs: 1_000 })),
      ),
    ];
    await a.settle();
    await b.settle();
    await guest.leave();
    await a.settle();
    expect(lost.now).toBe("unconfirmed");
    await a.pass(2_000);
    expect(late.now).toBe("unconfirmed");
  });

  test("is not offered once the client has gone or withdrawn its offer", async () => {
    const [a, b] = await twoNodes(options);
    const guest = await offering(b, "ap-7", "reboot");
    await guest.send({ type: "offers", id: "o", methods: ["measure"] });
    const ap = a.live.identity("ap-7");
    await expect(ap.call("reboot")).rejects.toMatchObject({ code: "not_offered" });
    await guest.leave();
    await a.settle();
    await expect(ap.call("measure")).rejects.toMatchObject({ code: "not_offered" });
  });

  test("is not carried out when it arrives too late", async () => {
    const [a, b] = await twoNodes({ ...options, delayMs: 3_000 });
    const guest = await offering(b, "ap-7", "reboot");
    await a.pass(4_000);
    const outcome = outcomeOf(a.live.identity("ap-7").call("reboot", 0, { timeoutMs: 2_000 }));
    await a.pass(5_000);
    await b.settle();
    expect(outcome.now).toBe("unconfirmed");
    expect(guest.types()).not.toContain("request");
  });

  test("to all followers yields the answers of all servers, and why one is missing", async () => {
    const [a, b] = await twoNodes(options);
    const guests = [
      await offering(a, "ap-1", "reboot"),
      await offering(b, "ap-2", "reboot"),
      await offering(b, "ap-3", "reboot"),
    ];
    for (const guest of guests) await guest.send({ type: "subscribe", id: 1, topic: "news" });
    const answers: unknown[] = [];
    const all = (async () => {
      const followers = a.live.followers("news").call("reboot", 0, { timeoutMs: 5_000 });
      for await (const { identity, data, error } of followers) {
        answers.push([identity, error?.code ?? data]);
      }
    })();
    await a.settle();
    await b.settle();
    await guests[0]!.send({ type: "response", id: 1, data: "one" });
    await guests[1]!.send({ type: "response", id: 1, data: "two" });
    await a.pass(9_000);
    await all;
    expect(answers).toEqual([
      ["ap-1", "one"],
      ["ap-2", "two"],
      ["ap-3", "unconfirmed"],
    ]);
  });

  test("to all followers ends with unconfirmed if another server does not answer", async () => {
    const [a, b] = await twoNodes(options);
    await offering(b, "ap-2", "reboot");
    await b.broker.close();
    const outcome = outcomeOf(
      a.live.followers("news").call("reboot", 0, { timeoutMs: 5_000 }).next(),
    );
    await a.pass(10_000);
    expect(outcome.now).toBe("unconfirmed");
  });

  test("is unavailable while the broker is", async () => {
    const [a, b] = await twoNodes(options);
    await offering(b, "ap-7", "reboot");
    a.broker.refuse(new LiveError("unavailable", "The broker is away."));
    const outcome = outcomeOf(a.live.identity("ap-7").call("reboot"));
    await a.settle();
    expect(outcome.now).toBe("unavailable");
    a.broker.refuse(new LongwireError("timeout", "No answer."));
    const unknown = outcomeOf(a.live.identity("ap-7").call("reboot"));
    await a.settle();
    expect(unknown.now).toBe("unconfirmed");
  });
});
