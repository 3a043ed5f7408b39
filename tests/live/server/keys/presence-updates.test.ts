import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { Ledger } from "../../../../src/base/index.ts";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { LiveError, logTopic, type LiveServerOptions } from "../../../../src/live/index.ts";
import { ServerBroker } from "../../../../src/testing/server-broker.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { MemoryLive, type Guest } from "../../../rigs/live/memory-live.ts";
import { NodeBroker } from "../../../rigs/live/two-nodes.ts";

const schema = v.object({ status: v.picklist(["here", "away"]), note: v.optional(v.string()) });
const describeAs = (identity: unknown): Message => ({
  name: (identity as Message)["id"],
  status: "here",
});

const open = (
  options: Partial<LiveServerOptions> = {},
  clock = new VirtualClock(),
): Promise<MemoryLive> =>
  MemoryLive.open(
    {
      topics: [
        logTopic("news", { presence: { describe: describeAs, data: schema } }),
        logTopic("plain", { presence: true }),
        logTopic("none"),
      ],
      authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
      tokenQuery: "as",
      ...options,
    },
    clock,
  );

const as = (live: MemoryLive, id: string): Promise<Guest> => live.level1({ search: `?as=${id}` });
const subscribe = { type: "subscribe", id: 1, topic: "news" };
const update = (data: unknown, more: Message = {}): Message => ({
  type: "publish",
  id: 9,
  topic: "news/$presence",
  data,
  ...more,
});

async function presentOn(live: MemoryLive): Promise<Record<string, unknown>> {
  const handle = live.live.topic("news/$presence" as "x");
  await handle.ready();
  return Object.fromEntries([...handle.events()].map(({ key, data }) => [key, data]));
}

describe("an update", () => {
  test("replaces fields that describe returned, and the update before; since stays", async () => {
    const live = await open();
    const since = live.clock.now();
    const ann = await as(live, "ann");
    await ann.send(subscribe);
    await live.pass(1_000);
    expect(await ann.ask(update({ status: "away", note: "lunch" }))).toMatchObject({
      type: "published",
      id: 9,
      topic: "news/$presence",
      duplicate: false,
    });
    const updated = ["status", "note"];
    const annAway = { name: "ann", status: "away", note: "lunch", since, updated };
    expect(await presentOn(live)).toEqual({ ann: annAway });
    await ann.ask(update({ status: "here" }));
    expect(await presentOn(live)).toEqual({
      ann: { name: "ann", status: "here", since, updated: ["status"] },
    });
  });

  test("that changes nothing is acknowledged, and is not announced", async () => {
    const live = await open();
    const ann = await as(live, "ann");
    await ann.send(subscribe);
    const first = (await ann.ask(update({ status: "away" })))!;
    const again = await ann.ask(update({ status: "away" }));
    expect(again).toMatchObject({ duplicate: true, offset: first["offset"] });
  });

  test("is undone by a removal", async () => {
    const live = await open();
    const ann = await as(live, "ann");
    await ann.send(subscribe);
    await ann.ask(update({ status: "away" }));
    await ann.ask({ type: "publish", id: 9, topic: "news/$presence", remove: true });
    expect(await presentOn(live)).toMatchObject({ ann: { status: "here" } });
  });

  test("is for the identity, from any of its connections, and ends with its presence", async () => {
    const live = await open();
    const [one, two] = [await as(live, "ann"), await as(live, "ann")];
    await one.send(subscribe);
    expect(await two.ask(update({ status: "away" }))).toMatchObject({ type: "published" });
    await one.leave();
    await live.pass(5_000);
    await two.send(subscribe);
    expect(await presentOn(live)).toMatchObject({ ann: { status: "away" } });
    await two.leave();
    await live.pass(10_200);
    expect(await presentOn(live)).toEqual({});
    await (await as(live, "ann")).send(subscribe);
    expect(await presentOn(live)).toMatchObject({ ann: { status: "here" } });
  });

  test.each([
    ["that the schema refuses", update({ status: "gone" }), "invalid_data"],
    ["that is not an object", update("away"), "invalid_data"],
    ["of somebody else", update({ status: "away" }, { key: "bob" }), "bad_request"],
    ["that is too long", update({ status: "away", note: "x".repeat(5_000) }), "too_large"],
    ["without presence.data", update({}, { topic: "plain/$presence" }), "forbidden"],
    ["without presence", update({}, { topic: "none/$presence" }), "forbidden"],
    ["of a topic that does not exist", update({}, { topic: "no/$presence" }), "unknown_topic"],
  ])("%s is refused, and changes nothing", async (_what, message, code) => {
    const live = await open();
    const ann = await as(live, "ann");
    await ann.send(subscribe, { ...subscribe, id: 2, topic: "plain" });
    expect(await ann.ask(message)).toMatchObject({ type: "error", id: 9, code });
    expect(await presentOn(live)).toMatchObject({ ann: { status: "here" } });
    expect(live.errors).toEqual([]);
  });

  test("by somebody who is not subscribed, or not any longer, is refused", async () => {
    const live = await open();
    const ann = await as(live, "ann");
    const refused = { type: "error", code: "bad_request" };
    expect(await ann.ask(update({ status: "away" }))).toMatchObject(refused);
    await ann.send(subscribe, { type: "unsubscribe", id: 2, topic: "news" });
    expect(await ann.ask(update({ status: "away" }))).toMatchObject(refused);
  });

  test("is charged to the identity, at the cost of parsing, until it is no longer present", async () => {
    const ledger = new Ledger({ shareBytes: 32 * 1024 });
    const live = await open({
      ledger,
      topics: [logTopic("news", { presence: { data: v.record(v.string(), v.any()) } })],
    });
    const heldBytes = (): number =>
      [...ledger.payers].find(({ name }) => name === "identity ann")?.heldBytes ?? 0;
    const ann = await as(live, "ann");
    await ann.send(subscribe);
    const before = heldBytes();
    await ann.ask(update({ status: "x".repeat(1_000) }));
    expect(heldBytes() - before).toBeGreaterThan(2_000);
    await ann.ask(update({ status: "y".repeat(1_000) }));
    expect(heldBytes() - before).toBeLessThan(4_000);
    const costly = update({ status: Array.from({ length: 1_300 }, () => []) });
    expect(await ann.ask(costly)).toMatchObject({ code: "rate_limited" });
    await ann.leave();
    expect(heldBytes()).toBeGreaterThan(2_000);
    await live.pass(10_200);
    expect(heldBytes()).toBe(0);
    const again = await as(live, "ann");
    await again.send(subscribe);
    await again.ask(update({ status: "away" }));
    await again.leave();
    expect(heldBytes()).toBeGreaterThan(0);
    await live.live.close();
    expect(heldBytes()).toBe(0);
  });

  test("while the broker is away is answered with unavailable, and made with the next renewal", async () => {
    const clock = new VirtualClock();
    const broker = new NodeBroker(new MemoryBroker({ clock }), clock, 0);
    const live = await open({ broker }, clock);
    const ann = await as(live, "ann");
    await ann.send(subscribe);
    broker.refuse(new LiveError("unavailable", "The broker is away; try again."));
    expect(await ann.ask(update({ status: "away" }))).toMatchObject({ code: "unavailable" });
    broker.refuse(undefined);
    await live.pass(30_000);
    expect(await presentOn(live)).toMatchObject({ ann: { status: "away" } });
  });
});

describe("an update on one of two servers", () => {
  async function two(): Promise<[MemoryLive, MemoryLive]> {
    const clock = new VirtualClock();
    const shared = new MemoryBroker({ clock });
    const openOne = (): Promise<MemoryLive> => open({ broker: new ServerBroker(shared) }, clock);
    return [await openOne(), await openOne()];
  }

  test("stays when the identity comes to the other one, too", async () => {
    const [a, b] = await two();
    const since = a.clock.now();
    const one = await as(a, "ann");
    await one.send(subscribe);
    await one.ask(update({ status: "away" }));
    await a.pass(1_000);
    await (await as(b, "ann")).send(subscribe);
    await b.settle();
    const away = { ann: { name: "ann", status: "away", since, updated: ["status"] } };
    expect([await presentOn(a), await presentOn(b)]).toEqual([away, away]);
  });

  test("stays when the connection that sent it leaves, and the other one remains", async () => {
    const [a, b] = await two();
    const [one, other] = [await as(a, "ann"), await as(b, "ann")];
    await one.send(subscribe);
    await other.send(subscribe);
    await one.ask(update({ status: "away" }));
    await one.leave();
    await a.pass(11_000);
    expect(await presentOn(b)).toMatchObject({ ann: { status: "away" } });
  });

  test("does not keep what the other server's version says of the identity", async () => {
    const clock = new VirtualClock();
    const shared = new MemoryBroker({ clock });
    const version = (describe: () => Message): Promise<MemoryLive> =>
      open(
        {
          broker: new ServerBroker(shared),
          topics: [logTopic("news", { presence: { describe, data: schema } })],
        },
        clock,
      );
    const before = await version(() => ({ status: "here", mail: "ann@example.org" }));
    const after = await version(() => ({ status: "here", role: "editor" }));
    const one = await as(before, "ann");
    await one.send(subscribe);
    const since = clock.now();
    await one.ask(update({ status: "away" }));
    await (await as(after, "ann")).send(subscribe);
    await after.settle();
    const ann = { role: "editor", status: "away", since, updated: ["status"] };
    expect(await presentOn(after)).toEqual({ ann });
  });

  test.each(["yesterday", ["name", 7, "none"]])(
    "is not taken from a description that has its own updated: %j",
    async (updated) => {
      const clock = new VirtualClock();
      const shared = new MemoryBroker({ clock });
      const describe = (): Message => ({ name: "Ann", updated });
      const topics = [logTopic("news", { presence: { describe, data: schema } })];
      const one = await open({ broker: new ServerBroker(shared), topics }, clock);
      const other = await open({ broker: new ServerBroker(shared), topics }, clock);
      await (await as(one, "ann")).send(subscribe);
      await (await as(other, "ann")).send(subscribe);
      await other.settle();
      expect(await presentOn(other)).toMatchObject({ ann: { name: "Ann" } });
      expect([...one.errors, ...other.errors]).toEqual([]);
    },
  );

  test("is replaced by a later one on the other", async () => {
    const [a, b] = await two();
    const [one, other] = [await as(a, "ann"), await as(b, "ann")];
    await one.send(subscribe);
    await other.send(subscribe);
    await one.ask(update({ status: "away", note: "lunch" }));
    await other.ask(update({ status: "here" }));
    await a.settle();
    for (const live of [a, b]) {
      expect(Object.keys((await presentOn(live))["ann"] as object)).toEqual([
        "name",
        "status",
        "since",
        "updated",
      ]);
    }
  });
});
