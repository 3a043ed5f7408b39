import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { keyedTopic, LiveError, logTopic, type AccessRequest } from "../../../../src/live/index.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { Later, MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";

const authenticate = ({ token }: { token: string | undefined }): { id: string } | undefined =>
  token === undefined ? undefined : { id: token };

const enter = (live: MemoryLive, id: string): Promise<Guest> =>
  live.level1({ headers: { authorization: `Bearer ${id}` } });

const say = (topic: string, fields: object): Message => ({
  type: "publish",
  id: 1,
  topic,
  ...fields,
});

describe("the draft that authorize sees", () => {
  test("lets it decide by key, data and removal", async () => {
    const live = await MemoryLive.open({
      topics: [
        keyedTopic("votes", {
          clientPublish: true,
          authorize: ({ identity, draft }: AccessRequest<{ id: string }>) =>
            draft?.key === identity.id &&
            (draft.remove || (draft.data as { vote: string }).vote !== "twice"),
        }),
      ],
      authenticate,
    });
    const ann = await enter(live, "ann");
    const outcome = async (fields: object): Promise<unknown> => {
      const answer = await ann.ask(say("votes", fields));
      return answer?.["code"] ?? answer?.["type"];
    };
    expect(await outcome({ key: "ann", data: { vote: "yes" } })).toBe("published");
    expect(await outcome({ key: "ann", data: { vote: "twice" } })).toBe("forbidden");
    expect(await outcome({ key: "bob", data: { vote: "yes" } })).toBe("forbidden");
    expect(await outcome({ key: "bob", remove: true })).toBe("forbidden");
    expect(await outcome({ key: "ann", remove: true })).toBe("published");
  });

  test("is parsed only when it is read, and the client pays for it while authorize decides", async () => {
    const decision = new Later<boolean>();
    let held = 0;
    const live = await MemoryLive.open({
      topics: [
        logTopic("news", {
          clientPublish: true,
          authorize: ({ draft }) => {
            const before = live.ledger.payer("identity ann").heldBytes;
            expect(draft?.data).toHaveLength(1_000);
            held = live.ledger.payer("identity ann").heldBytes - before;
            return decision.promise;
          },
        }),
      ],
      authenticate,
    });
    const ann = await enter(live, "ann");
    const before = live.ledger.payer("identity ann").heldBytes;
    await ann.send(say("news", { data: Array.from({ length: 1_000 }, () => []) }));
    expect(held).toBeGreaterThan(40_000);
    decision.resolve(false);
    await live.settle();
    expect(ann.take().at(-1)).toMatchObject({ code: "forbidden" });
    expect(live.ledger.payer("identity ann").heldBytes).toBe(before);
  });

  test("is charged once, however often reading it fails, and not after authorize is done", async () => {
    const drafts: { readonly data: unknown }[] = [];
    const live = await MemoryLive.open({
      topics: [
        logTopic("news", {
          clientPublish: true,
          authorize: ({ draft }) => {
            drafts.push(draft!);
            for (let n = 0; n < 3; n += 1) expect(() => draft?.data).toThrow(LiveError);
            return false;
          },
        }),
      ],
      authenticate,
    });
    const ann = await enter(live, "ann");
    const before = live.ledger.payer("identity ann").heldBytes;
    await ann.send('{"type":"publish","id":1,"topic":"news","data":[1e400]}');
    expect(() => drafts[0]?.data).toThrow(LiveError);
    expect(drafts).toHaveLength(1);
    expect(live.ledger.payer("identity ann").heldBytes).toBe(before);
  });

  test("with a number that parsing would change, the publish is refused", async () => {
    const live = await MemoryLive.open({
      topics: [logTopic("news", { clientPublish: true, authorize: ({ draft }) => !!draft?.data })],
    });
    const guest = await live.level1();
    await guest.send('{"type":"publish","id":1,"topic":"news","data":1e400}');
    expect(guest.take().at(-1)).toMatchObject({ code: "invalid_data" });
    expect(live.errors).toEqual([]);
  });
});

describe("onPublish", () => {
  const chat = (options: object = {}): ReturnType<typeof logTopic> =>
    logTopic("chat", {
      clientPublish: true,
      data: v.object({ text: v.string(), by: v.string() }),
      onPublish: (identity, { data }) => ({
        data: { text: String(data.text), by: (identity as { id: string }).id },
      }),
      ...options,
    });

  test("completes the data before the schema sees it", async () => {
    const live = await MemoryLive.open({ topics: [chat()], authenticate });
    const ann = await enter(live, "ann");
    await ann.ask({ type: "subscribe", id: 2, topic: "chat" });
    const answer = await ann.ask(say("chat", { data: { text: "hello", by: "the boss" } }));
    expect(answer).toMatchObject({ type: "published" });
    await live.settle();
    const events = ann.take().filter(({ type }) => type === "event");
    expect(events).toMatchObject([{ data: { text: "hello", by: "ann" } }]);
  });

  test("over plain HTTP, too", async () => {
    const live = await RunningLive.start({ topics: [chat()], authenticate });
    const headers = { authorization: "Bearer ann" };
    const body = JSON.stringify({ data: { text: "hello" } });
    const response = await fetch(live.http("chat"), { method: "POST", headers, body });
    expect(response.status).toBe(201);
    expect([...live.topic("chat").events()].map(({ data }) => data)).toEqual([
      { text: "hello", by: "ann" },
    ]);
  });

  test("refuses with a LiveError; any other error is reported, and the client gets internal", async () => {
    let fail = (): void => {
      throw new LiveError("forbidden", "Not on Sundays.");
    };
    const live = await MemoryLive.open({ topics: [chat({ onPublish: () => fail() })] });
    const guest = await live.level1();
    const publish = say("chat", { data: { text: "a", by: "b" } });
    expect(await guest.ask(publish)).toMatchObject({
      code: "forbidden",
      message: "Not on Sundays.",
    });
    expect(live.reports).toEqual([]);
    fail = () => {
      throw new Error("a slip");
    };
    expect(await guest.ask(publish)).toMatchObject({ code: "internal" });
    expect(live.reports[0]?.message).toMatch(
      /^onPublish of the topic "chat" failed on an event of /,
    );
    expect([...live.live.topic("chat").events()]).toEqual([]);
  });

  test("that takes time keeps the order of a connection's events", async () => {
    const decisions: Later<undefined>[] = [];
    const onPublish = (): Promise<undefined> => {
      decisions.push(new Later());
      return decisions.at(-1)!.promise;
    };
    const live = await MemoryLive.open({ topics: [chat({ onPublish, data: undefined })] });
    const guest = await live.level1();
    const sent = guest.send(say("chat", { data: 1 }), say("chat", { data: 2 }));
    await live.settle();
    // The second one waits for the first one.
    expect(decisions).toHaveLength(1);
    decisions[0]!.resolve(undefined);
    await live.settle();
    decisions[1]!.resolve(undefined);
    await sent;
    await live.settle();
    expect([...live.live.topic("chat").events()].map(({ data }) => data)).toEqual([1, 2]);
  });

  test("without a result publishes what the client sent, and may choose the key", async () => {
    const live = await MemoryLive.open({
      topics: [
        keyedTopic("notes", {
          clientPublish: true,
          onPublish: (_identity, { data, remove }) => {
            if (!remove && data === 1) return { key: "one" };
          },
        }),
      ],
    });
    const guest = await live.level1();
    await guest.ask(say("notes", { key: "a", data: 1 }));
    await guest.ask(say("notes", { key: "b", data: 2 }));
    const topic = live.live.topic("notes");
    expect([topic.get("one"), topic.get("a"), topic.get("b")]).toEqual([1, undefined, 2]);
    await guest.ask(say("notes", { key: "b", remove: true }));
    expect(topic.get("b")).toBeUndefined();
  });

  test.each([false, true, null, "no", 0])(
    "that returns %j publishes nothing, and is reported",
    async (result) => {
      const live = await MemoryLive.open({ topics: [chat({ onPublish: () => result })] });
      const guest = await live.level1();
      const publish = say("chat", { data: { text: "a", by: "b" } });
      expect(await guest.ask(publish)).toMatchObject({ code: "internal" });
      expect(live.reports[0]?.message).toMatch(
        /^onPublish of the topic "chat" failed .*It returned /,
      );
      expect([...live.live.topic("chat").events()]).toEqual([]);
    },
  );

  test("is not asked about what the server publishes", async () => {
    const live = await MemoryLive.open({ topics: [chat()] });
    await live.live.topic("chat").publish({ text: "a", by: "the server" });
    expect([...live.live.topic("chat").events()].map(({ data }) => data)).toEqual([
      { text: "a", by: "the server" },
    ]);
  });
});

describe('keyFrom: "identity"', () => {
  const topics = [keyedTopic("cursors", { clientPublish: true, keyFrom: "identity" })];

  test("gives each client the key of its identity, and no other", async () => {
    const live = await MemoryLive.open({ topics, authenticate });
    const ann = await enter(live, "ann");
    expect(await ann.ask(say("cursors", { data: 1 }))).toMatchObject({ type: "published" });
    expect(await ann.ask(say("cursors", { key: "ann", data: 2 }))).toMatchObject({
      type: "published",
    });
    for (const fields of [
      { key: "bob", data: 3 },
      { key: "bob", remove: true },
    ]) {
      const refused = await ann.ask(say("cursors", fields));
      expect(refused).toMatchObject({ code: "forbidden", message: /your own key/ });
    }
    const topic = live.live.topic("cursors");
    expect([topic.get("ann"), topic.get("bob")]).toEqual([2, undefined]);
    expect(await ann.ask(say("cursors", { remove: true }))).toMatchObject({ type: "published" });
    expect(topic.get("ann")).toBeUndefined();
  });

  test("without an identity, nobody publishes", async () => {
    const live = await MemoryLive.open({ topics });
    const guest = await live.level1();
    expect(await guest.ask(say("cursors", { key: "a", data: 1 }))).toMatchObject({
      code: "forbidden",
    });
  });
});

test("a key that the server sets with a lease is removed unless it is set again", async () => {
  const live = await MemoryLive.open({ topics: [keyedTopic("jobs")] });
  const topic = live.live.topic("jobs");
  await topic.set("a", 1, { leaseMs: 1_000 });
  await topic.set("b", 1, { leaseMs: 1_000 });
  await live.pass(900);
  await topic.set("b", 2, { leaseMs: 1_000 });
  await live.pass(500);
  expect([topic.get("a"), topic.get("b")]).toEqual([undefined, 2]);
  await live.pass(1_000);
  expect(topic.get("b")).toBeUndefined();
  for (const leaseMs of [0, -1, Number.NaN, Infinity, "5" as never]) {
    await expect(topic.set("a", 1, { leaseMs })).rejects.toMatchObject({ code: "invalid_limit" });
  }
});
