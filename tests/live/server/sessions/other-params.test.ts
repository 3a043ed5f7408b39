import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../../../src/live/index.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { standingClock } from "../../../rigs/clock/standing-clock.ts";
import { MemoryPeer, NOTHING_SHOWN, settle } from "../../../rigs/live/memory-peer.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";
import { MemoryLive } from "../../../rigs/live/memory-live.ts";

const match = matchFields;

describe("a subscriber of a log that sends new params while it is behind", () => {
  const PAD = "x".repeat(10_000);

  /** Publishes so much that the subscriber, which takes nothing, is served from the log again. */
  async function behind(
    level: 0 | 1,
    { maxEvents }: { maxEvents: number },
  ): Promise<{ live: LiveServer; peer: MemoryPeer; seen: Message[] }> {
    const topics = [logTopic("alerts", { match, retention: { maxEvents } })];
    const live = await LiveServer.open({
      topics,
      broker: new MemoryBroker(),
      clock: standingClock,
    });
    const endpoint = live.endpoint("/live");
    const peer = new MemoryPeer(endpoint, level === 1 ? "longwire.v1" : "");
    const seen: Message[] = [];
    peer.onText = (text) => seen.push(JSON.parse(text) as Message);
    const path = level === 1 ? "/live" : "/live/alerts";
    endpoint.onOpen(peer, { path, search: "", protocols: [], ...NOTHING_SHOWN });
    say(peer, level, {});
    await settle();
    for (let n = 1; n <= 100; n += 1) {
      await live.topic("alerts").publish({ n, site: n % 2 === 0 ? "a" : "b", PAD });
    }
    return { live, peer, seen };
  }

  function say(peer: MemoryPeer, level: 0 | 1, params: object): void {
    peer.receive(level === 0 ? params : { type: "subscribe", id: 1, topic: "alerts", params });
  }

  async function readOn(peer: MemoryPeer): Promise<void> {
    // Long walks go on in later turns of the event loop.
    for (let quiet = 0; quiet < 10; quiet += 1) {
      if (peer.bufferedAmount > 0) quiet = 0;
      peer.carry();
      await new Promise((resolve) => setTimeout(resolve, 0));
      await settle();
    }
  }

  const numbers = (seen: Message[]): number[] =>
    seen.map(({ n, data }) => (n ?? (data as Message | undefined)?.["n"]) as number).filter(Number);

  test.each([0, 1] as const)("at Level %i also receives what it has not read", async (level) => {
    const { live, peer, seen } = await behind(level, { maxEvents: 1_000 });
    say(peer, level, { site: "a" });
    await readOn(peer);
    await live.topic("alerts").publish({ n: 102, site: "a" });
    await readOn(peer);
    const got = numbers(seen);
    // Up to where it changed its mind all, and from there on what matches, without a hole.
    const turn = got.findIndex((n, at) => n !== at + 1);
    const rest = got.slice(turn);
    expect(rest[0]).toBe(Math.ceil((turn + 1) / 2) * 2);
    expect(rest).toEqual(rest.map((_, at) => rest[0]! + 2 * at));
    expect(rest.at(-1)).toBe(102);
    expect(seen.some(({ type }) => type === "gap")).toBe(false);
  });

  test("at Level 1 receives a gap for what has expired by then", async () => {
    const { peer, seen } = await behind(1, { maxEvents: 10 });
    say(peer, 1, { site: "a" });
    await readOn(peer);
    expect(seen.filter(({ type }) => type === "gap")).toMatchObject([{ to: 100, reason: "slow" }]);
  });

  test("at Level 0 is closed with 4429 if some of it has expired by then", async () => {
    const { peer } = await behind(0, { maxEvents: 10 });
    say(peer, 0, { site: "a" });
    await settle();
    expect(peer.closed?.code).toBe(4429);
  });
});

describe("a position in a keyed topic", () => {
  const topics = [keyedTopic("devices", { match, clientPublish: true })];
  const subscribe = { type: "subscribe", id: 1, topic: "devices" };

  async function twoSites(declared = topics): Promise<MemoryLive> {
    const live = await MemoryLive.open({ topics: declared });
    await live.live.topic("devices").set("one", { site: "a" });
    await live.live.topic("devices").set("two", { site: "b" });
    return live;
  }

  test("from other params is not resumed: the state for the current ones follows", async () => {
    const live = await twoSites();
    const guest = await live.level1();
    const told = await guest.ask({ ...subscribe, params: { site: "a" } });
    const since = { epoch: told?.["epoch"] as string, offset: told?.["offset"] as number };
    const again = await live.level1();
    again.take();
    await again.send({ ...subscribe, params: { site: "b" }, since });
    expect(again.take()).toMatchObject([
      { type: "subscribed", resumed: false },
      { type: "snapshot", complete: true, entries: [{ key: "two" }] },
    ]);
  });

  test("from the same params is resumed, on a server that knows them and on one that learns them from the client", async () => {
    // A function is asked about each event, and a view that nobody uses gives up watching.
    const opaque: typeof match = (given, event) => match(given, event);
    const live = await twoSites([keyedTopic("devices", { match: opaque })]);
    const params = { site: "a" };
    const guest = await live.level1();
    const told = await guest.ask({ ...subscribe, params });
    const { epoch, offset, view } = told as Message;
    const since = { epoch, offset };
    const again = await live.level1();
    expect(await again.ask({ ...subscribe, params, since })).toMatchObject({ resumed: true });
    await guest.leave();
    await again.leave();
    // So much happens that nobody knows any more what the view was told.
    for (let n = 0; n < 1_200; n += 1)
      await live.live.topic("devices").set("three", { site: "c", n });
    const unsure = await live.level1();
    expect(await unsure.ask({ ...subscribe, params, since })).toMatchObject({ resumed: false });
    const sure = await live.level1();
    expect(await sure.ask({ ...subscribe, params, since, view })).toMatchObject({ resumed: true });
    const other = { ...subscribe, params: { site: "b" }, since, view };
    expect(await sure.ask(other)).toMatchObject({ resumed: false });
  });

  test("over HTTP is answered with the state if it is from other params", async () => {
    const live = await RunningLive.start({ topics });
    await live.topic("devices").set("one", { site: "a" });
    await live.topic("devices").set("two", { site: "b" });
    const get = async (query: string): Promise<Message> =>
      (await (await fetch(live.http(`devices?${query}`))).json()) as Message;
    const { epoch, offset } = await get("site=a");
    const since = `epoch=${String(epoch)}&offset=${String(offset)}`;
    expect(await get(`site=b&${since}`)).toMatchObject({
      complete: true,
      entries: [{ key: "two" }],
    });
    expect(await get(`site=a&${since}`)).toMatchObject({ complete: false, entries: [] });
  });
});
