import { expect, onTestFinished, test } from "vitest";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../../src/live/index.ts";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { MemoryPeer, NOTHING_SHOWN, settle } from "../../rigs/live/memory-peer.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";

const subscribe = { type: "subscribe", id: 1, topic: "alerts" };

test("a match that throws for one subscriber's params does not match, is reported once, and affects nobody else", async () => {
  const errors: Error[] = [];
  const live = await RunningLive.start({
    topics: [
      logTopic("alerts", {
        clientPublish: true,
        match: (params, event) => {
          if (params["bad"] === true) throw new Error("no such field");
          return matchFields(params, event);
        },
      }),
    ],
    onError: (error) => errors.push(error),
  });
  const bad = await live.level1();
  const good = await live.level1();
  expect(await bad.ask({ ...subscribe, params: { bad: true } })).toMatchObject({
    type: "subscribed",
  });
  await good.ask(subscribe);
  const publish = { type: "publish", id: 2, topic: "alerts", data: 1 };
  expect(await good.ask(publish)).toMatchObject({ type: "published", offset: 1 });
  expect(await good.ask({ ...publish, id: 3 })).toMatchObject({ offset: 2 });
  expect(await bad.soFar()).toEqual([]);
  expect(errors).toMatchObject([{ code: "application_failed" }]);
});

test("params that cannot be converted to text match nothing and break nothing", async () => {
  const errors: Error[] = [];
  const live = await RunningLive.start({
    topics: [logTopic("alerts", { match: matchFields })],
    onError: (error) => errors.push(error),
  });
  const client = await live.level1();
  const params = { type: { toString: 1, valueOf: 1 } };
  await client.ask({ ...subscribe, params });
  await expect(live.topic("alerts").publish({ type: "AP" })).resolves.toMatchObject({ offset: 1 });
  expect(await client.soFar()).toEqual([]);
  expect(errors).toEqual([]);
});

test("a topic listener that throws affects no publish, listener or subscriber", async () => {
  const errors: Error[] = [];
  const live = await RunningLive.start({
    topics: [logTopic("alerts")],
    onError: (error) => errors.push(error),
  });
  const heard: unknown[] = [];
  live.topic("alerts").onEvent(() => {
    throw new Error("a listener's own");
  });
  live.topic("alerts").onEvent(({ data }) => heard.push(data));
  const client = await live.level1();
  await client.ask(subscribe);
  await expect(live.topic("alerts").publish(1)).resolves.toMatchObject({ offset: 1 });
  expect(await client.next()).toMatchObject({ type: "event" });
  expect(heard).toEqual([1]);
  expect(errors[0]).toMatchObject({
    code: "application_failed",
    cause: { message: "a listener's own" },
  });
});

test("a schema that throws: internal for the request, 1011 at Level 0, 500 over HTTP; the server continues", async () => {
  const validate = (): never => {
    throw new Error("a schema's own");
  };
  const schema = { "~standard": { version: 1 as const, vendor: "test", validate } };
  const errors: Error[] = [];
  const live = await RunningLive.start({
    topics: [
      logTopic("alerts", { params: schema, clientPublish: true }),
      logTopic("news", { data: schema, clientPublish: true }),
      keyedTopic("devices", { clientPublish: true }),
    ],
    onError: (error) => errors.push(error),
  });
  const { error } = console;
  console.error = () => {};
  onTestFinished(() => void (console.error = error));
  const client = await live.level1();
  const refusal = await client.ask(subscribe);
  expect(refusal).toMatchObject({ type: "error", code: "internal" });
  expect(refusal.message).not.toContain("a schema's own");
  const publish = { type: "publish", id: 2, topic: "news", data: 1 };
  expect(await client.ask(publish)).toMatchObject({ type: "error", code: "internal" });
  expect(await (await live.level0("alerts?a=1")).closed).toMatchObject({ code: 1011 });
  expect((await fetch(live.http("alerts"))).status).toBe(500);
  expect(errors.length).toBeGreaterThan(0);
  const fine = { type: "publish", id: 3, topic: "devices", key: "a", data: 1 };
  expect(await client.ask(fine)).toMatchObject({ type: "published" });
});

test("an onError that throws has no effect", async () => {
  const live = await RunningLive.start({
    topics: [logTopic("alerts")],
    onError: () => {
      throw new Error("and this too");
    },
  });
  live.topic("alerts").onEvent(() => {
    throw new Error("a listener's own");
  });
  await expect(live.topic("alerts").publish(1)).resolves.toMatchObject({ offset: 1 });
});

/** A live server with peers in memory, of which the first one is as the test makes it. */
async function withPeer<Kind extends MemoryPeer>(
  make: (owner: ReturnType<LiveServer["endpoint"]>) => Kind,
  level: 0 | 1 = 1,
): Promise<{
  live: LiveServer;
  peer: Kind;
  other: MemoryPeer;
  errors: Error[];
  clock: VirtualClock;
}> {
  const clock = new VirtualClock();
  const errors: Error[] = [];
  const live = await LiveServer.open({
    topics: [logTopic("alerts")],
    broker: new MemoryBroker({ clock }),
    clock,
    onError: (error) => errors.push(error),
  });
  const endpoint = live.endpoint("/live");
  const peer = make(endpoint);
  const path = level === 1 ? "/live" : "/live/alerts";
  endpoint.onOpen(peer, {
    path,
    search: level === 1 ? "" : "a=1",
    protocols: [],
    ...NOTHING_SHOWN,
  });
  const other = new MemoryPeer(endpoint);
  endpoint.onOpen(other, { path: "/live", search: "", protocols: [], ...NOTHING_SHOWN });
  if (level === 1) peer.receive(subscribe);
  other.receive(subscribe);
  other.carry();
  return { live, peer, other, errors, clock };
}

class EndsInSend extends MemoryPeer {
  said = 0;

  override send(): boolean {
    this.said += 1;
    this.end();
    return false;
  }
}

class EndsInWrite extends MemoryPeer {
  onWrite: () => void = () => {};

  override sendFrames(): boolean {
    this.onWrite();
    this.end();
    return false;
  }
}

class ThrowsInWrite extends MemoryPeer {
  override sendFrames(): boolean {
    throw new Error("a socket's own");
  }
}

test("a peer that ends during the welcome is forgotten like any other", async () => {
  const { live, peer, other, clock } = await withPeer((owner) => new EndsInSend(owner));
  await live.topic("alerts").publish(1);
  await settle();
  expect(other.bufferedAmount).toBeGreaterThan(0);
  // A session that is still there would say something by now.
  clock.advance(100_000);
  expect(peer.said).toBe(1);
});

test.each([0, 1] as const)(
  "a peer that ends during a write, at Level %d, receives nothing more",
  async (level) => {
    let writes = 0;
    const { live, other } = await withPeer((owner) => {
      const peer = new EndsInWrite(owner, level === 1 ? "longwire.v1" : "");
      peer.onWrite = () => (writes += 1);
      return peer;
    }, level);
    for (let n = 0; n < 3; n += 1) {
      await live.topic("alerts").publish(n);
      await settle();
    }
    expect(writes).toBe(1);
    expect(other.frameWrites).toBe(3);
  },
);

test("a write that throws closes that peer with 1011 and is reported, and the others receive the event", async () => {
  const { live, peer, other, errors } = await withPeer((owner) => new ThrowsInWrite(owner));
  await live.topic("alerts").publish(1);
  await settle();
  expect(peer.closed?.code).toBe(1011);
  expect(other.frameWrites).toBe(1);
  expect(errors).toMatchObject([{ cause: { message: "a socket's own" } }]);
});
