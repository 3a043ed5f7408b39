import { describe, expect, test } from "vitest";
import { systemClock } from "../../../../src/base/index.ts";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import {
  LiveError,
  keyedTopic,
  logTopic,
  type Broker,
  type TopicEvent,
} from "../../../../src/live/index.ts";
import { Topic } from "../../../../src/topics/topic.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";

/** A server's way to a log that others append to: what they append comes when it is asked for. */
class SlowWay implements Broker {
  readonly #log: MemoryBroker;
  /** Deliveries that are still in transit. */
  readonly #underWay: (() => void)[] = [];
  isAway = false;
  asked = 0;
  /** The answer takes so long. */
  hold: Promise<void> = Promise.resolve();

  constructor(log: MemoryBroker) {
    this.#log = log;
  }

  openTopic: Broker["openTopic"] = async (declaration, follow) => {
    let isOpen = false;
    const topic = await this.#log.openTopic(declaration, (event: TopicEvent) => {
      if (isOpen) this.#underWay.push(() => follow(event));
      else follow(event);
    });
    isOpen = true;
    return { ...topic, catchUp: () => this.#catchUp() };
  };

  async #catchUp(): Promise<void> {
    this.asked += 1;
    if (this.isAway) throw new LiveError("unavailable", "The log cannot be reached now.");
    const here = this.#underWay.splice(0);
    await this.hold;
    for (const arrive of here) arrive();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const topics = [logTopic("alerts"), keyedTopic("devices")];

/** A server that is up to date, and one that has received nothing since it was started. */
async function twoServers(): Promise<{ ahead: RunningLive; behind: RunningLive; way: SlowWay }> {
  const log = new MemoryBroker();
  const way = new SlowWay(log);
  const ahead = await RunningLive.start({ topics, broker: log });
  const behind = await RunningLive.start({ topics, broker: way });
  return { ahead, behind, way };
}

describe("a client whose previous server was ahead of this one", () => {
  test("continues at its position, and receives nothing twice and nothing from before", async () => {
    const { ahead, behind } = await twoServers();
    for (const n of [1, 2, 3]) await ahead.live.topic("alerts").publish(n);
    const { epoch } = ahead.live.topic("alerts").position;
    const client = await behind.level1();
    client.send({ type: "subscribe", id: 1, topic: "alerts", since: { epoch, offset: 2 } });
    expect(await client.take(2)).toMatchObject([
      { type: "subscribed", resumed: true },
      { type: "event", offset: 3, data: 3 },
    ]);
  });

  test("has its view of a keyed topic continued, and not replaced by an older one", async () => {
    const { ahead, behind } = await twoServers();
    for (const n of [1, 2]) await ahead.live.topic("devices").set("ap-1", n);
    const { epoch } = ahead.live.topic("devices").position;
    const client = await behind.level1();
    const since = { epoch, offset: 2 };
    const answer = await client.ask({ type: "subscribe", id: 1, topic: "devices", since });
    expect(answer).toMatchObject({ type: "subscribed", resumed: true, offset: 2 });
  });

  test("receives unavailable while the log is unreachable, and nothing is started; then it continues", async () => {
    const { ahead, behind, way } = await twoServers();
    await ahead.live.topic("alerts").publish(1);
    const { epoch } = ahead.live.topic("alerts").position;
    const client = await behind.level1();
    const ask = { type: "subscribe", topic: "alerts", since: { epoch, offset: 1 } };
    way.isAway = true;
    expect(await client.ask({ id: 1, ...ask })).toMatchObject({ code: "unavailable" });
    way.isAway = false;
    expect(await client.ask({ id: 2, ...ask })).toMatchObject({ resumed: true, offset: 1 });
    await ahead.live.topic("alerts").publish(2);
    expect(await client.soFar()).toEqual([]);
  });

  test("causes only a few requests to the log when many come together", async () => {
    const { ahead, behind, way } = await twoServers();
    await ahead.live.topic("alerts").publish(1);
    const since = { epoch: ahead.live.topic("alerts").position.epoch, offset: 1 };
    const clients = await Promise.all(Array.from({ length: 20 }, () => behind.level1()));
    const answers = await Promise.all(
      clients.map((client) => client.ask({ type: "subscribe", id: 1, topic: "alerts", since })),
    );
    expect(answers.every((answer) => answer["resumed"] === true)).toBe(true);
    expect(way.asked).toBeLessThanOrEqual(3);
  });

  test("is not answered with a request from before its last event was appended", async () => {
    const log = new MemoryBroker();
    const way = new SlowWay(log);
    const source = {
      clock: systemClock,
      report: (error: unknown) => expect.unreachable(String(error)),
    };
    const topic = await Topic.open(logTopic("alerts"), way, source);
    const writer = await log.openTopic(logTopic("alerts"), () => {});
    await writer.append({ data: 1 });
    let answer = (): void => {};
    way.hold = new Promise((resolve) => (answer = resolve));
    const { epoch } = topic.position;
    const first = topic.catchUpWith({ epoch, offset: 1 });
    await writer.append({ data: 2 });
    const second = topic.catchUpWith({ epoch, offset: 2 });
    answer();
    await Promise.all([first, second]);
    expect(topic.position.offset).toBe(2);
    await topic.close();
  });

  test("whose position does not exist is refused only after the log was asked", async () => {
    const { ahead, behind, way } = await twoServers();
    await ahead.live.topic("alerts").publish(1);
    const since = { epoch: ahead.live.topic("alerts").position.epoch, offset: 9 };
    const client = await behind.level1();
    const answer = await client.ask({ type: "subscribe", id: 1, topic: "alerts", since });
    expect(answer).toMatchObject({ type: "error", code: "bad_request" });
    expect(way.asked).toBeGreaterThan(0);
    expect(behind.live.topic("alerts").position.offset).toBe(1);
  });

  test("whose epoch differs is notified only after the log was asked", async () => {
    const { ahead, behind, way } = await twoServers();
    await ahead.live.topic("alerts").publish(1);
    const client = await behind.level1();
    const since = { epoch: "another", offset: 1 };
    client.send({ type: "subscribe", id: 1, topic: "alerts", since });
    expect(await client.take(2)).toMatchObject([
      { type: "subscribed", resumed: false, offset: 1 },
      { type: "gap", from: 1, to: 1, reason: "epoch" },
    ]);
    expect(way.asked).toBeGreaterThan(0);
  });

  test("over plain HTTP receives what follows, or 503 while the log is unreachable", async () => {
    const { ahead, behind, way } = await twoServers();
    for (const n of [1, 2]) await ahead.live.topic("alerts").publish(n);
    const { epoch } = ahead.live.topic("alerts").position;
    const url = `${behind.http("alerts")}?epoch=${epoch}&offset=1`;
    way.isAway = true;
    expect((await fetch(url)).status).toBe(503);
    way.isAway = false;
    expect(await (await fetch(url)).json()).toMatchObject({ offset: 2, events: [{ data: 2 }] });
  });

  test("with an EventSource continues after its last event; while the log is unreachable, its stream ends and it reconnects", async () => {
    const { ahead, behind, way } = await twoServers();
    for (const n of [1, 2]) await ahead.live.topic("alerts").publish(n);
    const { epoch } = ahead.live.topic("alerts").position;
    const headers = { accept: "text/event-stream", "last-event-id": `${epoch}:1` };
    way.isAway = true;
    // Refused with a status it would stay away.
    const ended = await fetch(behind.http("alerts"), { headers });
    expect([ended.status, await ended.text()]).toEqual([
      200,
      expect.stringMatching(/^retry: \d+\n\n$/),
    ]);
    way.isAway = false;
    const response = await fetch(behind.http("alerts"), { headers });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes(`id: ${epoch}:2`)) text += (await reader.read()).value ?? "";
    expect(text).toContain('"offset":2,"data":2');
    expect(text).not.toContain('"offset":1,"data"');
    await reader.cancel();
  });
});
