import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type Feed, type Live } from "../../src/live/client/index.ts";
import type { KeyedItem, LogItem } from "../../src/live/client/feed/topic-items.ts";
import { Random } from "../rigs/random.ts";
import { CuttingProxy } from "../rigs/sockets/cutting-proxy.ts";
import { ServerHost } from "./reliability/server-host.ts";

/** `npm run reliability` has 200 clients and 20 kills. */
const { LONGWIRE_CLIENTS = "40", LONGWIRE_KILLS = "3" } = process.env;
const CLIENTS = Number(LONGWIRE_CLIENTS);
const KILLS = Number(LONGWIRE_KILLS);
/** Of them this many publish, too: together about this many events a second. */
const PUBLISHERS = Math.ceil(CLIENTS / 10);
const EVENTS_PER_SECOND = 200;

type Data = { n: number; by: number };

/** One client, and all that it was told. */
class Application {
  readonly live: Live;
  readonly offsets: number[] = [];
  readonly news: Feed<LogItem<Data>, Data>;
  readonly devices: Feed<KeyedItem<Data>, Data>;
  readonly acknowledged = new Map<number, number>();
  gaps = 0;
  connections = 0;
  #n = 0;

  constructor(url: string) {
    // Short waits: the server is killed again before a client's backoff would reset.
    this.live = connect(url, { webSocket: WebSocket, backoff: { longestMs: 1_000 } });
    this.live.onStatus(({ state }) => {
      if (state === "connecting") this.connections += 1;
    });
    this.news = this.live.topic("news") as never;
    this.devices = this.live.topic("devices") as never;
    this.news.subscribe((item) => {
      if (item.type === "gap") this.gaps += 1;
      else this.offsets.push(item.offset);
    });
    this.devices.subscribe(() => {});
  }

  /** Publishes one after the other, at its share of the rate, until `isOver`. */
  async publish(by: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await setTimeout((PUBLISHERS / EVENTS_PER_SECOND) * 1_000);
      this.#n += 1;
      const n = by * 1_000_000 + this.#n;
      const { offset } = await this.live.publish("news", { n, by });
      this.acknowledged.set(n, offset);
      await this.live.set("devices", `device-${by}`, { n, by });
    }
  }
}

test(
  `${CLIENTS} clients over TCP, a server that is killed ${KILLS} times under load and a network that is cut: nothing is lost or duplicated`,
  { timeout: 120_000 + KILLS * 20_000 },
  async () => {
    const random = new Random(1);
    const host = new ServerHost();
    await host.start();
    const proxy = await CuttingProxy.start(() => host.port);
    const url = `ws://127.0.0.1:${proxy.port}/live`;
    const applications = Array.from({ length: CLIENTS }, () => new Application(url));
    const allLive = (): boolean =>
      applications.every(
        ({ live, news }) => live.status.state === "live" && news.status.state === "live",
      );
    await expect.poll(allLive, { timeout: 60_000, interval: 20 }).toBe(true);
    const starts = applications.map(({ news }) => news.position!.offset);

    let isOver = false;
    const publishing = applications
      .slice(0, PUBLISHERS)
      .map((application, by) => application.publish(by + 1, () => isOver));
    const appended = (): number => host.events.get("news")!.length;
    for (let at = 0; at < KILLS; at += 1) {
      const before = appended();
      await expect
        .poll(() => appended() - before, { timeout: 60_000, interval: 5 })
        .toBeGreaterThan(200);
      proxy.cut(0.3, () => random.next());
      await host.kill();
      await host.start();
      await expect.poll(allLive, { timeout: 60_000, interval: 20 }).toBe(true);
      proxy.cut(0.3, () => random.next());
    }
    isOver = true;
    await Promise.all(publishing);

    const events = host.events.get("news")!;
    const last = events.at(-1)!.offset;
    const arrived = (): boolean =>
      allLive() &&
      applications.every(
        ({ news, devices }) => news.position?.offset === last && devices.position !== undefined,
      );
    await expect.poll(arrived, { timeout: 60_000, interval: 20 }).toBe(true);

    let lost = 0;
    let doubled = 0;
    for (const [at, { offsets }] of applications.entries()) {
      const wanted = events
        .filter(({ offset }) => offset > starts[at]!)
        .map(({ offset }) => offset);
      const seen = new Set(offsets);
      lost += wanted.filter((offset) => !seen.has(offset)).length;
      doubled += offsets.length - seen.size;
      expect(offsets).toEqual(wanted);
    }
    const gaps = applications.reduce((sum, application) => sum + application.gaps, 0);
    const connections = applications.reduce((sum, application) => sum + application.connections, 0);
    const deliveries = applications.reduce((sum, { offsets }) => sum + offsets.length, 0);
    const published = new Map(events.map(({ data, offset }) => [(data as Data).n, offset]));
    expect(published.size).toBe(events.length);
    for (const { acknowledged } of applications) {
      for (const [n, offset] of acknowledged) expect(published.get(n)).toBe(offset);
    }
    const state = new Map<string, unknown>();
    for (const { key, data } of host.events.get("devices")!) state.set(key!, data);
    for (const { devices } of applications) {
      await expect
        .poll(() => Object.fromEntries(devices.entries), { timeout: 30_000, interval: 20 })
        .toEqual(Object.fromEntries(state));
    }
    console.log(
      `${host.kills} kills, ${proxy.cuts} cuts, ${connections} connection attempts; ${events.length} events, ${deliveries} deliveries, ${lost} lost, ${doubled} doubled, ${gaps} gaps`,
    );
    expect({ lost, doubled, gaps, kills: host.kills }).toEqual({
      lost: 0,
      doubled: 0,
      gaps: 0,
      kills: KILLS,
    });
    for (const { live } of applications) live.close();
    await proxy.close();
    await host.close();
  },
);
