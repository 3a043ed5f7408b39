import { describe, expect, test } from "vitest";
import { Ledger } from "../../../../src/base/index.ts";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import {
  keyedTopic,
  LiveError,
  logTopic,
  matchFields,
  method,
} from "../../../../src/live/index.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { Later, MemoryLive } from "../../../rigs/live/memory-live.ts";
import { REFUSED_LOGIN_MS } from "../../../../src/live/server/limits.ts";

const KIB = 1024;

/** Names the identity after the token. */
const authenticate = ({ token }: { token: string | undefined }): { id: string } | undefined =>
  token === undefined || token.startsWith("wrong") ? undefined : { id: token };

const as = (id: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${id}` },
});

describe("an identity's share", () => {
  test("is common to all connections of an identity, and separate from others'", async () => {
    const ledger = new Ledger({ shareBytes: 8 * KIB });
    const topics = Array.from({ length: 4 }, (_, n) => logTopic(`t${n}`));
    const live = await MemoryLive.open({ topics, authenticate, ledger });
    const [one, two, other] = [
      await live.level1(as("ann")),
      await live.level1(as("ann")),
      await live.level1(as("bob")),
    ];
    const subscribe = (n: number): Message => ({ type: "subscribe", id: n, topic: `t${n}` });
    expect(await one.ask(subscribe(0))).toMatchObject({ type: "subscribed" });
    expect(await one.ask(subscribe(1))).toMatchObject({ type: "subscribed" });
    expect(await two.ask(subscribe(2))).toMatchObject({ type: "subscribed" });
    expect(await two.ask(subscribe(3))).toMatchObject({
      type: "error",
      code: "rate_limited",
    });
    expect(await other.ask(subscribe(3))).toMatchObject({ type: "subscribed" });
    await one.send({ type: "unsubscribe", id: 9, topic: "t0" });
    expect(await two.ask(subscribe(3))).toMatchObject({ type: "subscribed" });
  });

  test("pays for a call's params until the method ends, at their cost after parsing", async () => {
    const ledger = new Ledger({ shareBytes: 1024 * KIB });
    const answer = new Later<string>();
    const methods = { slow: method({ handle: () => answer.promise }) };
    const live = await MemoryLive.open({ topics: [], methods, authenticate, ledger });
    const ann = await live.level1(as("ann"));
    const params = Array.from({ length: 9_000 }, () => []);
    await ann.send({ type: "call", id: 1, method: "slow", params });
    const payer = ledger.payer("identity ann");
    expect(payer.heldBytes).toBeGreaterThan(800 * KIB);
    // Longer than anybody waits for the answer; the method still has them.
    await ann.leave();
    await live.pass(60_000);
    expect(payer.heldBytes).toBeGreaterThan(800 * KIB);
    const again = await live.level1(as("ann"));
    const second = { type: "call", id: 2, method: "slow", params };
    expect(await again.ask(second)).toMatchObject({ code: "rate_limited" });
    answer.resolve("done");
    await live.settle();
    expect(await again.ask(second)).toMatchObject({ data: "done" });
    expect(payer.heldBytes).toBe(0);
  });

  test("pays for what a broker is still storing after the connection has ended", async () => {
    const ledger = new Ledger();
    const stored = new Later<void>();
    const broker = new MemoryBroker();
    const openTopic = broker.openTopic.bind(broker);
    broker.openTopic = async (...args) => {
      const opened = await openTopic(...args);
      const append: typeof opened.append = async (draft) => {
        await stored.promise;
        return opened.append(draft);
      };
      return { ...opened, append };
    };
    const topics = [logTopic("t", { clientPublish: true })];
    const live = await MemoryLive.open({ topics, broker, authenticate, ledger });
    const ann = await live.level1(as("ann"));
    await ann.send({ type: "publish", id: 1, topic: "t", data: "x".repeat(100 * KIB) });
    await ann.leave();
    await live.settle();
    expect(ledger.payer("identity ann").heldBytes).toBeGreaterThan(100 * KIB);
    stored.resolve();
    await live.settle();
    expect(ledger.payer("identity ann").heldBytes).toBe(0);
  });

  test("is refunded completely when all have left", async () => {
    const ledger = new Ledger();
    const live = await MemoryLive.open({
      topics: [logTopic("rooms/:id", { clientPublish: true, match: matchFields })],
      authenticate,
      ledger,
    });
    const guest = await live.level1(as("ann"));
    await guest.send({ type: "subscribe", id: 1, topic: "rooms/a", params: { x: 1 } });
    await guest.send({ type: "publish", id: 2, topic: "rooms/b", data: 1, idempotencyKey: "k" });
    expect(ledger.payer("identity ann").heldBytes).toBeGreaterThan(10 * KIB);
    await guest.leave();
    await live.settle();
    // As long as the event is kept, and its key remembered.
    await live.pass(299_000);
    expect([...ledger.payers].map(({ name }) => name)).toEqual(["identity ann"]);
    await live.pass(4_000_000);
    await live.live.close();
    expect([...ledger.payers].map(({ name, heldBytes }) => [name, heldBytes])).toEqual([]);
  });

  test("limits connections: one too many is closed with 4429, and may reconnect", async () => {
    const ledger = new Ledger({ maxConnectionsPerPayer: 1 });
    const live = await MemoryLive.open({ topics: [logTopic("t")], authenticate, ledger });
    await live.level1(as("ann"));
    const second = await live.level1(as("ann"));
    expect(second.take()).toMatchObject([
      { type: "error", code: "rate_limited" },
      { type: "disconnect", code: 4429, retry: true },
    ]);
    expect(second.closeCode).toBe(4429);
  });
});

describe("requests that wait for an answer", () => {
  test("are charged at their cost after parsing, and refused beyond the share; others' requests are not", async () => {
    const pending = new Later<string>();
    const ledger = new Ledger({ shareBytes: 100 * KIB });
    const slow = method({ handle: () => pending.promise });
    const live = await MemoryLive.open({ topics: [], methods: { slow }, ledger, authenticate });
    const guest = await live.level1(as("ann"));
    const other = await live.level1(as("bob"));
    // 3 KiB of text are about 100 KiB of values.
    const params = Array.from({ length: 700 }, () => []);
    await guest.send({ type: "call", id: 1, method: "slow", params });
    expect(guest.types()).toEqual(["welcome"]);
    expect(await guest.ask({ type: "call", id: 2, method: "slow", params })).toMatchObject({
      code: "rate_limited",
    });
    await other.send({ type: "call", id: 3, method: "slow", params });
    expect(other.types()).toEqual(["welcome"]);
    guest.take();
    pending.resolve("done");
    await live.settle();
    expect(guest.take()).toMatchObject([{ type: "result", id: 1 }]);
    expect(ledger.payer("identity ann").heldBytes).toBe(0);
  });

  test("are refunded when they are refused", async () => {
    const ledger = new Ledger();
    const live = await MemoryLive.open({ topics: [logTopic("t")], ledger });
    const guest = await live.level1();
    await guest.send({ type: "publish", id: 1, topic: "t", data: "x".repeat(10_000) });
    await guest.send({ type: "publish", id: 2, topic: "nothing", data: "x".repeat(10_000) });
    await guest.send({ type: "subscribe", id: 3, topic: "nothing" });
    await guest.send({ type: "call", id: 4, method: "nothing", params: [[], []] });
    await guest.send({ type: "nothing", id: 5 }, { type: "ping" });
    expect(guest.peer.account.heldBytes).toBe(0);
  });
});

describe("remembered keys and answers", () => {
  test("keys of publishes are charged to their publisher: beyond the share it is refused, and others are not", async () => {
    const ledger = new Ledger({ shareBytes: 20 * KIB });
    const live = await MemoryLive.open({
      topics: [logTopic("t", { clientPublish: true })],
      authenticate,
      ledger,
    });
    const [guest, other] = [await live.level1(as("ann")), await live.level1(as("bob"))];
    const publish = (n: number): Message => ({
      type: "publish",
      id: n,
      topic: "t",
      data: n,
      idempotencyKey: `${n}`.padStart(255, "k"),
    });
    for (let n = 0; n < 60; n += 1) await guest.send(publish(n));
    expect(await guest.ask(publish(60))).toMatchObject({ code: "rate_limited" });
    expect(await guest.ask(publish(0))).toMatchObject({
      type: "published",
      duplicate: true,
    });
    expect(await other.ask(publish(61))).toMatchObject({ type: "published" });
    await live.pass(301_000);
    expect(await guest.ask(publish(62))).toMatchObject({ type: "published" });
  });

  test("answers of calls are charged to their caller: nobody displaces another's", async () => {
    let made = 0;
    const count = method({ handle: () => (made += 1) });
    const live = await MemoryLive.open({
      topics: [],
      methods: { count },
      authenticate,
      identityRequestBurst: 100_000,
      requestBurst: 100_000,
    });
    const [guest, other] = [await live.level1(as("ann")), await live.level1(as("bob"))];
    const call = (idempotencyKey: string): Message => ({
      type: "call",
      id: 1,
      method: "count",
      idempotencyKey,
    });
    await guest.send(call("mine"));
    const many = Array.from({ length: 10_001 }, (_, n) => call(`${n}`));
    await other.send(...many);
    const isMade = (): boolean => made >= 10_002;
    while (!isMade()) await live.settle();
    expect(await guest.ask(call("mine"))).toMatchObject({ data: 1 });
  });
});

describe("topics of a pattern", () => {
  test("events are charged to their publisher while they are kept: refused beyond the share, refunded when dropped", async () => {
    const ledger = new Ledger({ shareBytes: 144_000 });
    const live = await MemoryLive.open({
      topics: [keyedTopic("sites/:id", { clientPublish: true })],
      authenticate,
      ledger,
    });
    const [guest, other] = [await live.level1(as("ann")), await live.level1(as("bob"))];
    const set = (name: string): Message => ({
      type: "publish",
      id: 1,
      topic: `sites/${name}`,
      key: "k",
      data: "x".repeat(20_000),
    });
    expect(await guest.ask(set("a"))).toMatchObject({ type: "published" });
    expect(await guest.ask(set("b"))).toMatchObject({ type: "published" });
    expect(await guest.ask(set("c"))).toMatchObject({ code: "too_large" });
    // The newer value takes the place of the older one.
    expect(await guest.ask(set("a"))).toMatchObject({ type: "published" });
    expect(await other.ask(set("c"))).toMatchObject({ type: "published" });
    await guest.ask({ type: "publish", id: 1, topic: "sites/a", key: "k", remove: true });
    expect(await guest.ask(set("d"))).toMatchObject({ type: "published" });
  });

  test("an open name is charged to its opener: beyond the share no more are opened, and others open theirs", async () => {
    const ledger = new Ledger({ shareBytes: 64 * KIB });
    const live = await MemoryLive.open({ topics: [logTopic("rooms/:id")], authenticate, ledger });
    const [guest, other] = [await live.level1(as("ann")), await live.level1(as("bob"))];
    const open = (n: number): Message => ({ type: "subscribe", id: n, topic: `rooms/${n}` });
    let opened = 0;
    for (let n = 0; n < 20; n += 1) {
      const { type } = (await guest.ask(open(n)))!;
      if (type === "subscribed") opened += 1;
      await guest.send({ type: "unsubscribe", id: 0, topic: `rooms/${n}` });
    }
    expect(opened).toBe(7);
    expect(await other.ask(open(99))).toMatchObject({ type: "subscribed" });
    await live.pass(60_000);
    expect(await guest.ask(open(100))).toMatchObject({ type: "subscribed" });
  });
});

describe("failed logins", () => {
  test("beyond the burst, credentials are not checked, and one attempt per second is allowed", async () => {
    let asked = 0;
    const live = await MemoryLive.open({
      topics: [logTopic("t")],
      failedLoginBurst: 3,
      authenticate: ({ token }) => {
        if (token !== undefined) asked += 1;
        return authenticate({ token });
      },
    });
    for (let n = 0; n < 3; n += 1) {
      const guest = await live.level1();
      await guest.send({ type: "hello", token: "wrong" });
      expect(guest.closeCode).toBe(4401);
    }
    const refused = await live.level1(as("ann"));
    const refusedToo = await live.level0("t", as("ann"));
    await live.pass(REFUSED_LOGIN_MS);
    expect(refused.take()).toMatchObject([
      { type: "error", code: "rate_limited" },
      { type: "disconnect", code: 4429, retry: true },
    ]);
    expect(refusedToo.closeCode).toBe(4429);
    expect(asked).toBe(3);
    await live.pass(1_500);
    expect((await live.level1(as("ann"))).types()).toEqual(["welcome"]);
  });

  test("a connection that ends unauthenticated counts, and an authenticated one does not", async () => {
    const live = await MemoryLive.open({ topics: [], failedLoginBurst: 1, authenticate });
    const good = await live.level1();
    await good.send({ type: "hello", token: "ann" });
    await good.leave();
    const bad = await live.level1();
    await bad.leave();
    const refused = await live.level1(as("ann"));
    await live.pass(REFUSED_LOGIN_MS);
    expect(refused.closeCode).toBe(4429);
  });

  test("a refusal without a check comes after a second, at both levels", async () => {
    const live = await MemoryLive.open({
      topics: [logTopic("t")],
      failedLoginBurst: 1,
      authenticate,
    });
    await (await live.level1(as("wrong"))).leave();
    const guests = [await live.level1(as("wrong")), await live.level0("t", as("wrong"))];
    await live.pass(REFUSED_LOGIN_MS - 200);
    expect(guests.map(({ closeCode }) => closeCode)).toEqual([undefined, undefined]);
    await live.pass(300);
    expect(guests.map(({ closeCode }) => closeCode)).toEqual([4429, 4429]);
  });

  test("wrong credentials count on a connection that refreshes its own, too", async () => {
    let asked = 0;
    const live = await MemoryLive.open({
      topics: [],
      failedLoginBurst: 3,
      authenticate: ({ token }) => {
        asked += 1;
        return authenticate({ token });
      },
    });
    const guest = await live.level1(as("ann"));
    for (let n = 0; n < 10; n += 1) void guest.send({ type: "hello", token: "wrong" });
    await live.pass(REFUSED_LOGIN_MS / 2);
    expect(asked).toBe(1 + 3);
    await live.pass(5_000);
    expect(asked).toBeLessThanOrEqual(1 + 3 + 5);
  });

  test("after the burst, all that is sent before a check has failed is one attempt per second, too", async () => {
    let asked = 0;
    let refuse = (): void => {};
    const refusing = new Promise<undefined>((resolve) => (refuse = () => resolve(undefined)));
    const live = await MemoryLive.open({
      topics: [logTopic("t")],
      failedLoginBurst: 3,
      authenticate: ({ token }) => {
        if (token === undefined) return undefined;
        asked += 1;
        return asked <= 3 ? undefined : refusing;
      },
    });
    for (let n = 0; n < 3; n += 1) {
      await (await live.level1()).send({ type: "hello", token: "wrong" });
    }
    await live.pass(1_500);
    const guests = await Promise.all(Array.from({ length: 10 }, () => live.level1()));
    for (const guest of guests) void guest.send({ type: "hello", token: "wrong" });
    await live.pass(0);
    expect(asked).toBe(4);
    refuse();
  });

  test("others at its address do not keep a connection from refreshing its credentials", async () => {
    const live = await MemoryLive.open({ topics: [], failedLoginBurst: 1, authenticate });
    const guest = await live.level1(as("ann"));
    guest.take();
    await (await live.level1(as("wrong"))).leave();
    expect((await live.level1(as("wrong"))).closeCode).toBeUndefined();
    await guest.send({ type: "refresh", token: "ann" });
    expect(guest.types()).toEqual(["refreshed"]);
  });

  test("at that rate, credentials that cannot be checked cost nothing", async () => {
    const live = await MemoryLive.open({
      topics: [logTopic("t")],
      failedLoginBurst: 3,
      authenticate: ({ token }) => {
        if (token === "later") throw new LiveError("unavailable", "The keys are away; try again.");
        return authenticate({ token });
      },
    });
    for (let n = 0; n < 3; n += 1) await (await live.level1(as("wrong"))).leave();
    await live.pass(1_500);
    for (let n = 0; n < 5; n += 1) {
      expect((await live.level1(as("later"))).closeCode).toBe(4503);
      expect((await live.level0("t", as("later"))).closeCode).toBe(4503);
    }
    expect((await live.level1(as("ann"))).types()).toEqual(["welcome"]);
  });

  test("at that rate, valid credentials cost nothing", async () => {
    const live = await MemoryLive.open({
      topics: [logTopic("t")],
      failedLoginBurst: 3,
      authenticate,
    });
    for (let n = 0; n < 3; n += 1) await (await live.level1(as("wrong"))).leave();
    await live.pass(1_500);
    for (let n = 0; n < 10; n += 1) {
      expect((await live.level1(as("ann"))).types()).toEqual(["welcome"]);
      const guest = await live.level1();
      await guest.send({ type: "hello", token: "ann" });
      expect(guest.types()).toEqual(["welcome"]);
      expect((await live.level0("t", as("ann"))).closeCode).toBeUndefined();
    }
  });

  test("over plain HTTP they are answered with 429 and Retry-After, after a second", async () => {
    const live = await RunningLive.start({
      topics: [logTopic("t")],
      failedLoginBurst: 1,
      authenticate,
    });
    expect((await fetch(live.http("t"))).status).toBe(401);
    const refused = await fetch(live.http("t"), as("ann"));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  });
});

describe("a long answer over HTTP", () => {
  test("contains the whole state, and its position at the end", async () => {
    const live = await RunningLive.start({ topics: [keyedTopic("devices")] });
    const topic = live.topic("devices" as never) as unknown as {
      set(key: string, data: unknown): Promise<unknown>;
    };
    const text = "x".repeat(1_000);
    for (let n = 0; n < 500; n += 1) await topic.set(`k${n}`, { n, text });
    const response = await fetch(live.http("devices"));
    expect(response.headers.get("content-length")).toBeNull();
    const state = (await response.json()) as { entries: { key: string }[]; offset: number };
    expect(state).toMatchObject({ topic: "devices", kind: "keyed", complete: true, offset: 500 });
    expect(state.entries.map(({ key }) => key)).toEqual(
      Array.from({ length: 500 }, (_, n) => `k${n}`),
    );
  });

  test("that is not read costs no more than a piece of it, and pages are shared", async () => {
    const ledger = new Ledger();
    const live = await RunningLive.start({ topics: [logTopic("news")], ledger });
    const topic = live.topic("news" as never) as unknown as {
      publish(data: unknown): Promise<unknown>;
    };
    for (let n = 0; n < 12; n += 1) await topic.publish("x".repeat(1_000_000));
    const answers = await Promise.all(Array.from({ length: 30 }, () => fetch(live.http("news"))));
    await expect.poll(() => live.responses.every((response) => response.headersSent)).toBe(true);
    const [payer] = [...ledger.payers];
    // Requests at 8 KiB each, and 64 KiB of unsent answer.
    expect(payer!.heldBytes).toBeLessThan(30 * 80 * KIB);
    for (const answer of answers) await answer.body?.cancel();
  });
});
