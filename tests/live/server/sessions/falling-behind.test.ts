import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer } from "../../../../src/live/index.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { standingClock } from "../../../rigs/clock/standing-clock.ts";
import { MemoryPeer, NOTHING_SHOWN, settle } from "../../../rigs/live/memory-peer.ts";

/** A keyed topic that keeps one tombstone, and a peer that takes only what it is made to. */
async function behind(
  level: 0 | 1,
): Promise<{ live: LiveServer; peer: MemoryPeer; seen: Message[] }> {
  const topics = [keyedTopic("devices", { retention: { maxEvents: 1 } })];
  const live = await LiveServer.open({ topics, broker: new MemoryBroker(), clock: standingClock });
  const pad = "x".repeat(30_000);
  for (let n = 0; n < 12; n += 1) await live.topic("devices").set(`k${n}`, { n, pad });
  const endpoint = live.endpoint("/live");
  const peer = new MemoryPeer(endpoint, level === 1 ? "longwire.v1" : "");
  const seen: Message[] = [];
  peer.onText = (text) => seen.push(JSON.parse(text) as Message);
  const path = level === 1 ? "/live" : "/live/devices";
  endpoint.onOpen(peer, {
    path,
    search: level === 1 ? "" : "a=1",
    protocols: [],
    ...NOTHING_SHOWN,
  });
  if (level === 1) peer.receive({ type: "subscribe", id: 1, topic: "devices" });
  await settle();
  return { live, peer, seen };
}

async function lookOn(peer: MemoryPeer): Promise<void> {
  for (let round = 0; round < 50 && (peer.bufferedAmount > 0 || round === 0); round += 1) {
    peer.carry();
    await settle();
  }
}

describe("a keyed subscriber whose missed removals have expired", () => {
  test("at Level 1, inside a snapshot: it is interrupted, and a new complete one follows", async () => {
    const { live, peer, seen } = await behind(1);
    await live.topic("devices").remove("k0");
    await live.topic("devices").remove("k1");
    await lookOn(peer);
    const pages = seen.filter(({ type }) => type === "snapshot");
    const end = pages.findIndex(({ more }) => !more);
    expect(end).toBeGreaterThan(0);
    expect(pages[0]!.entries[0].key).toBe("k0");
    expect(pages[end]).toMatchObject({ entries: [], complete: false, more: false });
    // Nobody may resume from where it was broken off.
    expect(pages[end]!.offset).toBeLessThan(14);
    const again = pages.slice(end + 1).flatMap(({ entries }) => entries as Message[]);
    expect(again.filter(({ removed }) => !removed).map(({ key }) => key)).toEqual(
      Array.from({ length: 10 }, (_, n) => `k${n + 2}`),
    );
    expect(pages.at(-1)).toMatchObject({ complete: true, more: false, offset: 14 });
  });

  test("at Level 1, after being live: gets a complete snapshot without the removed keys", async () => {
    const { live, peer, seen } = await behind(1);
    await lookOn(peer);
    seen.length = 0;
    const pad = "x".repeat(30_000);
    for (let n = 0; n < 10; n += 1) await live.topic("devices").set("k2", { n, pad });
    await live.topic("devices").remove("k0");
    await live.topic("devices").remove("k1");
    for (let n = 0; n < 60; n += 1) await live.topic("devices").set("k2", { n, pad });
    await lookOn(peer);
    const snapshots = seen.filter(({ type }) => type === "snapshot");
    expect(snapshots.length).toBeGreaterThan(0);
    expect(snapshots.at(-1)).toMatchObject({ complete: true, more: false });
    expect(seen.filter(({ type }) => type === "event").length).toBeLessThan(62);
  });

  test("at Level 1, resubscribing from the beginning during a snapshot: a complete snapshot drops the removed keys", async () => {
    const { live, peer, seen } = await behind(1);
    const { epoch } = live.topic("devices").position;
    await lookOn(peer);
    // The state becomes one of a page, and the socket full, so that the second answer waits.
    const devices = live.topic("devices");
    for (let n = 0; n < 11; n += 1) await devices.set(`k${n}`, n);
    await lookOn(peer);
    for (let n = 0; n < 4; n += 1) await devices.set("k11", { n, pad: "y".repeat(30_000) });
    await settle();
    peer.receive({ type: "subscribe", id: 2, topic: "devices", since: { epoch, offset: 0 } });
    await settle();
    await live.topic("devices").remove("k0");
    await live.topic("devices").remove("k1");
    await lookOn(peer);
    const answer = seen.findIndex(({ id }) => id === 2);
    expect(seen[answer]).toMatchObject({ type: "subscribed", resumed: true });
    const pages = seen.slice(answer).filter(({ type }) => type === "snapshot");
    expect(pages.at(-1)).toMatchObject({ complete: true, more: false });
    const named = pages
      .filter(({ complete }) => complete)
      .flatMap(({ entries }) => entries as Message[]);
    expect(named.filter(({ removed }) => !removed).map(({ key }) => key)).not.toContain("k0");
  });

  test("at Level 0, which has no message for that: is closed with 4429", async () => {
    const { live, peer } = await behind(0);
    await live.topic("devices").remove("k0");
    await live.topic("devices").remove("k1");
    await lookOn(peer);
    expect(peer.closed?.code).toBe(4429);
  });

  test("misses only intermediate values while no removal is lost, at Level 0 as well", async () => {
    const { live, peer, seen } = await behind(0);
    await live.topic("devices").remove("k0");
    for (let n = 0; n < 60; n += 1) await live.topic("devices").set("k2", { n });
    await lookOn(peer);
    expect(peer.closed).toBeUndefined();
    expect(seen).toContainEqual({ removed: "k0" });
    expect(seen.at(-1)).toEqual({ n: 59 });
  });
});

test("shares pages with others at different positions of one walk, and all end with the same state", async () => {
  const { live, peer } = await behind(1);
  const endpoint = live.endpoint("/live");
  const views: Map<string, number>[] = [];
  const all = Array.from({ length: 5 }, () => {
    const slow = new MemoryPeer(endpoint);
    const view = new Map<string, number>();
    views.push(view);
    slow.onText = (text) => {
      const message = JSON.parse(text) as Message;
      for (const { key, offset, removed } of (message.entries ??
        (message.key ? [message] : [])) as Message[]) {
        if (removed) view.delete(key);
        else view.set(key, offset);
      }
    };
    endpoint.onOpen(slow, { path: "/live", search: "", protocols: [], ...NOTHING_SHOWN });
    slow.receive({ type: "subscribe", id: 1, topic: "devices" });
    return slow;
  });
  peer.end();
  for (let round = 0; round < 40; round += 1) {
    for (const [at, slow] of all.entries()) slow.carry(10_000 * (at + 1));
    if (round % 5 === 0) await live.topic("devices").set(`k${round % 12}`, { round });
    await settle();
  }
  for (const slow of all) await lookOn(slow);
  const state = [...live.topic("devices").events()].map(({ key, offset }): [string, number] => [
    key!,
    offset,
  ]);
  for (const view of views) expect(Object.fromEntries(view)).toEqual(Object.fromEntries(state));
});
