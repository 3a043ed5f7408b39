import { afterEach, describe, expect, test } from "vitest";
import { systemClock, type Clock, type LongwireError } from "../../src/base/index.ts";
import { keyedTopic, logTopic } from "../../src/live/index.ts";
import { Topic } from "../../src/topics/topic.ts";
import { CuttingProxy } from "../rigs/sockets/cutting-proxy.ts";
import { engines } from "../rigs/brokers/engines.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { append, appendAgain, closeAll, follow, offsets, upTo } from "../rigs/brokers/node.ts";

afterEach(closeAll);

const news = logTopic("news");

interface Change {
  key?: string | undefined;
  data?: unknown;
  removed?: boolean;
}

/** The values that changes lead to. */
function view(changes: readonly Change[]): Record<string, unknown> {
  const values = new Map<string, unknown>();
  for (const { key = "", data, removed } of changes) {
    if (removed === true) values.delete(key);
    else values.set(key, data);
  }
  return Object.fromEntries(values);
}

describe.each(engines)("%s is killed and restarted", (_name, { startDurable, open, urlAt }) => {
  test("with its data: no acknowledged event is lost, the epoch is the same, and followers continue", async () => {
    const server = await startDurable();
    const [one, two] = await Promise.all([open(server.url), open(server.url)]);
    const writer = await follow(one, news);
    const reader = await follow(two, news);
    const acknowledged = new Map<number, number>();
    let killed = 0;
    for (let n = 0; n < 300; n += 1) {
      const draft = { data: n, idempotencyKey: `${n}` };
      const appended = appendAgain(writer.topic, draft).then((receipt) =>
        acknowledged.set(n, (receipt as { offset: number }).offset),
      );
      if (n % 100 === 50) {
        killed += 1;
        await server.kill();
        await server.restart();
      }
      await appended;
    }
    expect(killed).toBe(3);
    await eventually(() => reader.events.length).toBe(300);
    expect(offsets(reader)).toEqual(upTo(300));
    expect(reader.events.map(({ data }) => data)).toEqual(upTo(300).map((n) => n - 1));
    expect(offsets(writer)).toEqual(upTo(300));
    for (const { offset, data } of reader.events) {
      expect(acknowledged.get(data as number)).toBe(offset);
    }
    expect([writer.losses, reader.losses]).toEqual([0, 0]);
    const again = await follow(await open(server.url), news);
    expect([again.topic.epoch, again.topic.offset]).toEqual([writer.topic.epoch, 300]);
  });

  test("with its data: repeats of earlier appends are still recognized", async () => {
    const server = await startDurable();
    const { topic } = await follow(await open(server.url), news);
    const draft = { data: 1, idempotencyKey: "k" };
    await append(topic, 3);
    expect(await topic.append(draft)).toEqual({ offset: 4, duplicate: false });
    await server.kill();
    await server.restart();
    expect(await appendAgain(topic, draft)).toEqual({ offset: 4, duplicate: true });
  });

  test("with its data: a repeat of a value replaced since is recognized by every node and changes nothing", async () => {
    const server = await startDurable();
    const nodes = [await follow(await open(server.url), keyedTopic("k"))];
    const first = { key: "a", data: 1, idempotencyKey: "1" };
    await nodes[0]!.topic.append(first);
    await nodes[0]!.topic.append({ key: "a", data: 2, idempotencyKey: "2" });
    await server.kill();
    await server.restart();
    nodes.push(await follow(await open(server.url), keyedTopic("k")));
    for (const { topic } of nodes) {
      expect(await appendAgain(topic, first)).toEqual({ offset: 1, duplicate: true });
    }
    nodes.push(await follow(await open(server.url), keyedTopic("k")));
    expect(nodes.map(({ events }) => view(events))).toEqual([{ a: 2 }, { a: 2 }, { a: 2 }]);
  });

  test("empty: every follower is notified once, nothing is appended to the old log, and the new log has another epoch", async () => {
    const server = await startDurable();
    const [one, two] = await Promise.all([open(server.url), open(server.url)]);
    const nodes = [await follow(one, news), await follow(two, news)];
    await append(nodes[0]!.topic, 5);
    await eventually(() => nodes[1]!.events.length).toBe(5);
    await server.kill();
    server.empty();
    await server.restart();
    await eventually(() => nodes.map(({ losses }) => losses)).toEqual([1, 1]);
    for (const { topic } of nodes) {
      await expect(topic.append({ data: 1 })).rejects.toMatchObject({ code: "unavailable" });
    }
    const anew = [await follow(one, news), await follow(two, news)];
    expect(anew[0]!.topic).toMatchObject({ offset: 0, floor: 0 });
    expect(anew[0]!.topic.epoch).not.toBe(nodes[0]!.topic.epoch);
    expect(anew[1]!.topic.epoch).toBe(anew[0]!.topic.epoch);
    await append(anew[0]!.topic, 1);
    await eventually(() => offsets(anew[1]!)).toEqual([1]);
    expect(nodes.map(({ events, losses }) => [events.length, losses])).toEqual([
      [5, 1],
      [5, 1],
    ]);
  });

  test("with fewer events than acknowledged: the remaining ones are there, under another epoch", async () => {
    const server = await startDurable();
    const one = await open(server.url);
    const node = await follow(one, news);
    await append(node.topic, 5);
    await server.kill();
    server.backUp();
    await server.restart();
    for (let n = 0; n < 5; n += 1) await appendAgain(node.topic, { data: n });
    expect([node.losses, offsets(node)]).toEqual([0, upTo(10)]);
    await server.kill();
    server.restore();
    await server.restart();
    await eventually(() => node.losses).toBe(1);
    const anew = await follow(one, news);
    expect(anew.topic.epoch).not.toBe(node.topic.epoch);
    expect(offsets(anew)).toEqual(upTo(5));
  });

  test("with fewer events twice: each time the epoch is a new one", async () => {
    const server = await startDurable();
    const one = await open(server.url);
    const epochs: string[] = [];
    let node = await follow(one, news);
    await append(node.topic, 5);
    await server.kill();
    server.backUp();
    await server.restart();
    for (let round = 0; round < 3; round += 1) {
      epochs.push(node.topic.epoch);
      await appendAgain(node.topic, { data: round });
      await server.kill();
      server.restore();
      await server.restart();
      await eventually(() => node.losses).toBe(1);
      node = await follow(one, news);
      expect(offsets(node)).toEqual(upTo(5));
    }
    expect(new Set([...epochs, node.topic.epoch]).size).toBe(4);
  });

  test("with fewer events, first opened by a node that never saw more: the epoch is another one all the same", async () => {
    const server = await startDurable();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const node = await follow(await open(urlAt(proxy.port)), news);
    await append(node.topic, 5);
    await server.kill();
    server.backUp();
    await server.restart();
    for (let n = 0; n < 2; n += 1) await appendAgain(node.topic, { data: n });
    isCut = true;
    await server.kill();
    server.restore();
    await server.restart();
    const other = await follow(await open(server.url), news);
    expect(other.topic.epoch).toBe(node.topic.epoch);
    // More events than were lost, so that comparing the newest offset would not detect the loss.
    await append(other.topic, 4);
    isCut = false;
    await eventually(() => [node.losses, other.losses]).toEqual([1, 1]);
    expect(offsets(node)).toEqual(upTo(7));
    const anew = await Promise.all([
      follow(await open(server.url), news),
      follow(await open(server.url), news),
    ]);
    expect(anew[0].topic.epoch).toBe(anew[1].topic.epoch);
    expect(anew[0].topic.epoch).not.toBe(node.topic.epoch);
    await proxy.close();
  });
});

describe.each(engines)("the connection to %s is cut", (_name, { start, open, urlAt }) => {
  test("events appended meanwhile are followed after reconnecting, once and in order", async () => {
    const server = await start();
    const proxy = await CuttingProxy.start(() => server.port);
    const away = await follow(await open(urlAt(proxy.port)), news);
    const writer = await follow(await open(server.url), news);
    for (let round = 1; round <= 10; round += 1) {
      const appends = Array.from({ length: 20 }, (_, n) => writer.topic.append({ data: n }));
      proxy.cut(1, () => 0);
      await Promise.all(appends);
      await eventually(() => away.events.length).toBe(round * 20);
    }
    await append(writer.topic, 1);
    await eventually(() => offsets(away)).toEqual(upTo(201));
    expect([proxy.cuts, away.losses]).toEqual([10, 0]);
    await proxy.close();
  });

  test("if more was dropped meanwhile than can be followed, the loss is reported and the epoch stays", async () => {
    const server = await start();
    let isCut = false;
    const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
    const short = logTopic("short", { retention: { maxEvents: 3 } });
    const broker = await open(urlAt(proxy.port));
    const away = await follow(broker, short);
    const writer = await follow(await open(server.url), short);
    await append(writer.topic, 3);
    await eventually(() => away.events.length).toBe(3);
    isCut = true;
    proxy.cut(1, () => 0);
    // Beyond the thousand that NATS keeps to spare; not at once, or the writer may fall behind, too.
    for (let round = 0; round < 11; round += 1) {
      await Promise.all(upTo(100).map((n) => writer.topic.append({ data: n })));
    }
    isCut = false;
    await eventually(() => away.losses).toBe(1);
    const anew = await follow(broker, short);
    expect(offsets(anew)).toEqual([1_101, 1_102, 1_103]);
    expect([anew.topic.floor, anew.topic.epoch]).toEqual([1_100, writer.topic.epoch]);
    expect(offsets(away)).toEqual([1, 2, 3]);
    await proxy.close();
  });

  test.each([
    ["a little", 300],
    ["more than the last events that Redis keeps as they came", 12_000],
  ])(
    "a keyed topic's follower that was away and missed %s is told no view that never was",
    async (_much, count) => {
      const server = await start();
      let isCut = false;
      const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
      const broker = await open(urlAt(proxy.port));
      const away = await follow(broker, keyedTopic("k"));
      const { topic } = await follow(await open(server.url), keyedTopic("k"));
      const drafts: Change[] = [{ key: "first", data: 0 }];
      await topic.append(drafts[0]!);
      await eventually(() => away.events.length).toBe(1);
      isCut = true;
      proxy.cut(1, () => 0);
      for (let n = 0; n < count; n += 1) drafts.push({ key: `k${n % 10}`, data: n });
      drafts.push({ key: "first", removed: true });
      for (let at = 1; at < drafts.length; at += 500) {
        await Promise.all(drafts.slice(at, at + 500).map((draft) => topic.append(draft)));
      }
      isCut = false;
      const isBack = (): boolean => away.losses > 0 || away.events.at(-1)!.offset === count + 2;
      await eventually(isBack).toBe(true);
      // Either every step, or all of it again: so the view is right wherever it is.
      expect(offsets(away)).toEqual(upTo(away.losses === 1 ? 1 : count + 2));
      const end = away.losses === 1 ? await follow(broker, keyedTopic("k")) : away;
      expect(view(end.events)).toEqual(view(drafts));
      expect([end.topic.epoch, end.losses]).toEqual([topic.epoch, 0]);
      await proxy.close();
    },
  );

  test("a follower of a keyed topic that keeps no removals still receives every change", async () => {
    const server = await start();
    const forgetful = keyedTopic("k", { retention: { maxEvents: 0, maxAgeMs: 0 } });
    const reader = await follow(await open(server.url), forgetful);
    const { topic } = await follow(await open(server.url), forgetful);
    const appends = upTo(200).map((n) =>
      topic.append(n % 3 === 0 ? { key: "a", removed: true } : { key: "a", data: n }),
    );
    await Promise.all(appends);
    await eventually(() => reader.events.length).toBe(200);
    expect([offsets(reader), reader.losses]).toEqual([upTo(200), 0]);
  });
});

describe.each(engines)("a node's clock is ahead of the clock of %s", (_name, { start, open }) => {
  test("ages are computed by the engine's clock", async () => {
    const server = await start();
    const hours = 2 * 3_600_000;
    const clock: Clock = {
      now: () => systemClock.now() + hours,
      after: (delayMs, expire) => systemClock.after(delayMs, expire),
    };
    const writer = await follow(await open(server.url), news);
    await append(writer.topic, 3);
    const broker = await open(server.url, { clock });
    const ahead = await follow(broker, news);
    expect([offsets(ahead), ahead.topic.floor]).toEqual([upTo(3), 0]);
    expect(Math.abs(ahead.topic.now!() - systemClock.now())).toBeLessThan(60_000);
    // And the live layer of that node.
    const topic = await Topic.open(news, broker, { clock, report: () => {} });
    expect([[...topic.events()].length, topic.floor]).toEqual([3, 0]);
    await append(writer.topic, 1);
    await eventually(() => [...topic.events()].length).toBe(4);
    await topic.close();
  });
});

describe.each(engines)("%s does not answer", (_name, { start, open }) => {
  test("a repeatable append fails with unavailable, another one with unconfirmed, and each is stored once", async () => {
    const server = await start();
    const node = await follow(await open(server.url, { timeoutMs: 800 }), news);
    await append(node.topic, 1);
    await server.pause();
    const once = { data: "once", idempotencyKey: "k" };
    const outcomes = await Promise.allSettled([
      node.topic.append(once),
      node.topic.append({ data: "alone" }),
    ]);
    expect(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason)).toMatchObject([
      { code: "unavailable" },
      { code: "unconfirmed" },
    ]);
    // While it is away nothing waits.
    const refused = node.topic.append({ data: 1 });
    await expect(refused).rejects.toMatchObject({ code: "unavailable" });
    await expect(node.topic.lease([], 1_000)).resolves.toBeUndefined();
    server.resume();
    await appendAgain(node.topic, once);
    const data = node.events.map((event) => event.data);
    expect(data.filter((text) => text === "once")).toHaveLength(1);
    expect(data.filter((text) => text === "alone").length).toBeLessThanOrEqual(1);
    expect(offsets(node)).toEqual(upTo(node.events.length));
  });

  test("opening a topic meanwhile fails with unavailable, and succeeds afterwards", async () => {
    const server = await start();
    const broker = await open(server.url, { timeoutMs: 800 });
    await server.pause();
    await expect(follow(broker, news)).rejects.toMatchObject({ code: "unavailable" });
    await expect(follow(broker, news)).rejects.toMatchObject({ code: "unavailable" });
    server.resume();
    await eventually(() =>
      follow(broker, news).then(
        ({ topic }) => topic.offset,
        () => "away",
      ),
    ).toBe(0);
  });
});

describe.each(engines)("errors when %s cannot be reached", (_name, { start, open }) => {
  test("onError receives why the connection was lost, and appends are refused immediately", async () => {
    const server = await start();
    const errors: LongwireError[] = [];
    const broker = await open(server.url, { onError: (error) => errors.push(error) });
    const { topic } = await follow(broker, news);
    await server.kill();
    await eventually(() => errors.length).toBeGreaterThan(1);
    expect(errors[0]).toMatchObject({ code: "broker_unreachable" });
    await expect(topic.append({ data: 1 })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });
});
