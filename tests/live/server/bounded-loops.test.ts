import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import type { Broker } from "../../../src/topics/broker.ts";
import { Catalog } from "../../../src/topics/catalog.ts";
import { keyedTopic, LiveServer, logTopic } from "../../../src/live/index.ts";
import { KeyOwners } from "../../../src/live/server/keys/key-owners.ts";
import { Presence } from "../../../src/live/server/keys/presence.ts";
import type { Topic } from "../../../src/topics/topic.ts";
import { TimerWheel } from "../../../src/base/index.ts";
import { settled } from "../../../src/testing/settled.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { MemoryPeer, NOTHING_SHOWN } from "../../rigs/live/memory-peer.ts";
import { openTopic } from "../../rigs/live/open-topic.ts";
import { TurnClock } from "../../rigs/clock/turn-clock.ts";

const report = (error: unknown): void => expect.unreachable(String(error));

/** A broker that writes down how many leases each renewal has. */
class CountingBroker extends MemoryBroker {
  readonly renewals: number[] = [];

  override async openTopic(
    ...args: Parameters<MemoryBroker["openTopic"]>
  ): ReturnType<Broker["openTopic"]> {
    const opened = await super.openTopic(...args);
    const lease: typeof opened.lease = (held, leaseMs) => {
      this.renewals.push(held.length);
      return opened.lease(held, leaseMs);
    };
    return { ...opened, lease, append: (draft) => opened.append(draft) };
  }
}

describe("a connection that ends", () => {
  async function owned(keys: number): Promise<{
    topic: Topic;
    clock: TurnClock;
    owners: KeyOwners;
    owner: { hasEnded: boolean };
    left: () => number;
  }> {
    const declaration = keyedTopic("online", { keyLifetime: "connection" });
    const { topic, clock } = await openTopic(declaration, new TurnClock());
    const owners = new KeyOwners(report, 75_000);
    const owner = { hasEnded: false };
    for (let n = 0; n < keys; n += 1) {
      const { offset } = await topic.append({ key: `k${n}`, data: n });
      owners.setBy(owner, { topic, key: `k${n}`, offset });
    }
    return { topic, clock, owners, owner, left: () => [...topic.events()].length };
  }

  test("with 2,000 keys has them removed in slices", async () => {
    const { clock, owners, owner, left } = await owned(2_000);
    owner.hasEnded = true;
    owners.end(owner);
    await settled();
    expect(left()).toBe(2_000 - 256);
    clock.turns(3);
    await settled();
    expect(left()).toBe(2_000 - 4 * 256);
    clock.turns(6);
    await settled();
    expect([left(), owners.keyCount]).toEqual([0, 0]);
  });

  test("keeps a key that another connection sets before its slice runs", async () => {
    const { topic, clock, owners, owner, left } = await owned(600);
    owners.end(owner);
    const other = { hasEnded: false };
    const { offset } = await topic.append({ key: "k599", data: "other" });
    owners.setBy(other, { topic, key: "k599", offset });
    clock.turns(5);
    await settled();
    expect([left(), topic.newest("k599")?.data, owners.keyCount]).toEqual([1, "other", 1]);
  });

  test("has all its keys removed if the server closes meanwhile", async () => {
    const { topic, owners, owner, left } = await owned(2_000);
    owners.end(owner);
    topic.slices.close();
    await settled();
    expect(left()).toBe(0);
  });
});

test("leases of 5,500 keys are renewed 1,000 at a time, in slices", async () => {
  const clock = new TurnClock();
  const broker = new CountingBroker({ clock });
  const catalog = await Catalog.open(
    [keyedTopic("online", { keyLifetime: "connection" })],
    broker,
    {
      clock,
      report,
      maxTopics: 10,
    },
  );
  const topic = catalog.get("online")!;
  const owners = new KeyOwners(report, 75_000);
  const owner = { hasEnded: false };
  for (let n = 0; n < 5_500; n += 1) {
    const { offset } = await topic.append({ key: `k${n}`, data: n });
    owners.setBy(owner, { topic, key: `k${n}`, offset });
  }
  owners.renewLeases();
  expect(broker.renewals).toEqual([1_000, 1_000, 1_000, 1_000]);
  clock.turns(2);
  expect(broker.renewals).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 500]);
});

test("the leases of 2,500 present subscribers are renewed 1,000 at a time", async () => {
  const clock = new VirtualClock();
  const broker = new CountingBroker({ clock });
  const host = { clock, report, maxTopics: 10 };
  const catalog = await Catalog.open([logTopic("news", { presence: true })], broker, host);
  const wheel = new TimerWheel(clock);
  const readers = { enter: () => {}, leave: () => {} };
  const leased = { leaseMs: 75_000, catalog: () => catalog };
  const presence = new Presence({ clock, wheel, report, readers, ...leased });
  const topic = catalog.get("news")!;
  const { account } = new MemoryPeer({ onMessage: () => {}, onDrain: () => {}, onClose: () => {} });
  for (let n = 0; n < 2_500; n += 1) {
    const rest = { identity: undefined, account, bucket: undefined, sharedRate: "" };
    const caller = { connection: `c${n}`, ...rest };
    presence.enter(topic, caller);
  }
  await settled();
  presence.renewLeases();
  expect(broker.renewals).toEqual([1_000, 1_000, 500]);
});

test("3,000 topics are tidied in slices, and unused ones are closed", async () => {
  const clock = new VirtualClock();
  const turns: (() => void)[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, expire) => {
    if (delayMs > 0) return after(delayMs, expire);
    turns.push(expire);
    return { cancel: () => {} };
  };
  const host = { clock, report, maxTopics: 10_000 };
  const catalog = await Catalog.open([logTopic("logs/:n")], new MemoryBroker({ clock }), host);
  for (let n = 0; n < 3_000; n += 1) await catalog.open(catalog.find(`logs/${n}`)!);
  clock.advance(70_000);
  catalog.tidy();
  expect(catalog.size).toBe(3_000 - 1_024);
  // A second one does not begin before the first has come to its end.
  catalog.tidy();
  expect(catalog.size).toBe(3_000 - 1_024);
  turns.shift()!();
  expect(catalog.size).toBe(3_000 - 2 * 1_024);
  turns.shift()!();
  expect(catalog.size).toBe(0);
});

test("unopened names are opened a few per turn, however many are requested", async () => {
  const clock = new TurnClock();
  const broker = new MemoryBroker({ clock: new VirtualClock() });
  const live = await LiveServer.open({ topics: [logTopic("logs/:n")], broker, clock });
  const endpoint = live.endpoint("/live");
  const peer = new MemoryPeer(endpoint);
  const upgrade = { path: "/live", search: "", protocols: ["longwire.v1"], ...NOTHING_SHOWN };
  endpoint.onOpen(peer, upgrade);
  for (let n = 0; n < 200; n += 1) {
    peer.receive({ type: "subscribe", id: n, topic: `logs/${n}` });
  }
  await settled();
  const subscribed = (): number => live.statistics.starts.fresh;
  expect(subscribed()).toBe(43);
  clock.turns(1);
  await settled();
  expect(subscribed()).toBeLessThanOrEqual(2 * 43);
  for (let turn = 0; turn < 5; turn += 1) {
    clock.turns(1);
    await settled();
  }
  expect(subscribed()).toBe(200);
  await live.close();
});

test("a tick visits sessions in slices: about 8,000 subscriptions per turn at most", async () => {
  const clock = new VirtualClock();
  const turns: (() => void)[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, expire) => {
    if (delayMs > 0) return after(delayMs, expire);
    turns.push(expire);
    return { cancel: () => {} };
  };
  const live = await LiveServer.open({
    topics: [logTopic("logs/:n")],
    broker: new MemoryBroker({ clock }),
    clock,
    heartbeatMs: 1_000,
  });
  const endpoint = live.endpoint("/live");
  const peers = Array.from({ length: 12 }, () => {
    const peer = new MemoryPeer(endpoint);
    const upgrade = { path: "/live", search: "", protocols: ["longwire.v1"], ...NOTHING_SHOWN };
    endpoint.onOpen(peer, upgrade);
    return peer;
  });
  for (let n = 0; n < 1_000; n += 1) {
    for (const peer of peers) peer.receive({ type: "subscribe", id: n, topic: `logs/${n}` });
    await settled();
    for (const turn of turns.splice(0)) turn();
    await settled();
  }
  for (const peer of peers) peer.carry();
  const beats = (): number => peers.filter((peer) => peer.sends > 0).length;
  for (const peer of peers) peer.sends = 0;
  clock.advance(500);
  for (const peer of peers) peer.sends = 0;
  turns.splice(0).forEach((turn) => turn());
  turns.splice(0).forEach((turn) => turn());
  for (const peer of peers) peer.sends = 0;
  clock.advance(500);
  expect(beats()).toBe(9);
  while (turns.length > 0) turns.shift()!();
  expect(beats()).toBe(12);
  await live.close();
}, 30_000);
