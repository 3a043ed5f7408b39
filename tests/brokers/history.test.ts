import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { DiskBroker } from "../../src/brokers/disk/index.ts";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { NatsBroker } from "../../src/brokers/nats/index.ts";
import { RedisBroker } from "../../src/brokers/redis/index.ts";
import { WebSocket } from "../../src/client/index.ts";
import { history } from "../../src/live/client/history/index.ts";
import { connect, type Live } from "../../src/live/client/index.ts";
import { logTopic, matchFields, type Broker } from "../../src/live/index.ts";
import { DataFolder } from "../rigs/brokers/disk-folder.ts";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { NatsServer } from "../rigs/brokers/nats-server.ts";
import { RedisServer } from "../rigs/brokers/redis-server.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { RunningLive } from "../rigs/live/running-live.ts";

afterAll(async () => {
  await stopEngines();
  DataFolder.removeAll();
});

/** Opens the brokers of one or two nodes. */
const brokersOf: Record<string, () => Promise<Broker[]>> = {
  memory: () => Promise.resolve([new MemoryBroker()]),
  disk: async () => [await DiskBroker.open({ folder: new DataFolder().path })],
  NATS: async () => {
    const { url } = await NatsServer.start();
    return [await NatsBroker.open({ url }), await NatsBroker.open({ url })];
  },
  Redis: async () => {
    const { url } = await RedisServer.start();
    return [await RedisBroker.open({ url }), await RedisBroker.open({ url })];
  },
};

const topics = [
  logTopic("notes", { match: matchFields, clientPublish: true, retention: { maxEvents: 500 } }),
];

interface Data {
  n: number;
  room: string;
}

const EVENTS = 200;
const ROOMS = ["a", "b"];

/** A reader that begins with the last ten events of a room, and reads what was before as well. */
class Reader {
  readonly room: string;
  readonly events: { offset: number; data: Data }[] = [];
  readonly #live: Live;
  #older: { offset: number; data: Data }[] = [];

  constructor(live: Live, room: string) {
    this.#live = live;
    this.room = room;
    const feed = live.topic("notes", { room }, { from: { last: 10 } });
    const stop = feed.subscribe((item) => {
      if (item.type !== "event") throw new Error("a gap");
      this.events.push({ offset: item.offset, data: item.data as Data });
    });
    onTestFinished(stop);
    this.epoch = () => feed.position?.epoch ?? "";
  }

  readonly epoch: () => string;

  /** Pages back to the first event, seven at a time. */
  async readOlder(): Promise<void> {
    for (;;) {
      const [first] = this.numbers;
      if (first === undefined) return;
      const { offset } = [...this.#older, ...this.events][0]!;
      const before = { epoch: this.epoch(), offset };
      const params = { room: this.room };
      const page = await history(this.#live, "notes", { params, before, last: 7 });
      this.#older.unshift(...(page.events as { offset: number; data: Data }[]));
      if (!page.more) return;
    }
  }

  get numbers(): number[] {
    return [...this.#older, ...this.events].map(({ data }) => data.n);
  }
}

function client(at: RunningLive): Live {
  const live = connect(at.url(), { webSocket: WebSocket });
  onTestFinished(() => live.close());
  return live;
}

describe.each(Object.entries(brokersOf))("%s", (_name, open) => {
  test("readers that join during appends have what is older and what is new, without a hole or a repetition", async () => {
    const nodes: RunningLive[] = [];
    for (const broker of await open()) nodes.push(await RunningLive.start({ topics, broker }));
    const at = (n: number): RunningLive => nodes[n % nodes.length]!;
    const readers: Reader[] = [];
    for (let n = 1; n <= EVENTS; n += 1) {
      await at(n)
        .topic("notes")
        .publish({ n, room: ROOMS[n % 2]! });
      if (n % 20 === 0) readers.push(new Reader(client(at(n / 20)), ROOMS[(n / 20) % 2]!));
    }
    const all = (room: string): number[] =>
      Array.from({ length: EVENTS }, (_, at) => at + 1).filter((n) => ROOMS[n % 2] === room);
    for (const reader of readers) {
      await eventually(() => reader.events.at(-1)?.data.n).toBe(all(reader.room).at(-1));
    }
    for (const reader of readers) {
      expect(reader.numbers.length).toBeGreaterThanOrEqual(10);
      await reader.readOlder();
      expect(reader.numbers).toEqual(all(reader.room));
    }
  });
});
