import { setTimeout as pause } from "node:timers/promises";
import { Device, Publisher, Subscriber, type Tally } from "./clients.ts";
import { httpForms, HttpReader, type HttpForm } from "./http-reader.ts";
import { ViewWitness } from "./view-witness.ts";

const PUBLISHERS = 10;
const DEVICES = 20;
/** How many subscribers have their views seen at every position: it takes time. */
const WITNESSED = 20;
/** Two for each way. */
const HTTP_READERS: number = 2 * httpForms.length;

/** All clients of a run. */
export class Population {
  readonly subscribers: Subscriber[];
  readonly publishers: readonly Publisher[];
  readonly devices: Device[];
  readonly witness: ViewWitness = new ViewWitness();
  /** The views of clients that read over plain HTTP, by the form of the request. */
  readonly httpWitnesses: ReadonlyMap<HttpForm, ViewWitness> = new Map(
    httpForms.map((form) => [form, new ViewWitness()]),
  );
  readonly #httpReaders: readonly HttpReader[];
  /** Those that were there once: what they were told counts, too. */
  readonly #histories: readonly Subscriber["history"][];
  readonly #all: readonly (Subscriber | Publisher | Device)[];
  #publishing: Promise<void>[] = [];
  #isOver = false;

  /** @param url where the client with a number connects */
  constructor(url: (client: number) => string, count: number, tally: Tally) {
    this.subscribers = many(count, (at) => {
      const witness = at < WITNESSED ? this.witness : undefined;
      return new Subscriber(`subscriber-${at}`, url(at), tally, witness);
    });
    this.publishers = many(PUBLISHERS, (at) => new Publisher(`publisher-${at}`, url(at), tally));
    this.devices = many(DEVICES, (at) => new Device(`device-${at}`, url(at), tally));
    this.#httpReaders = many(HTTP_READERS, (at) => {
      const form = httpForms[at % httpForms.length]!;
      const topic = `${url(at).replace("ws:", "http:")}/devices`;
      const source = { url: topic, token: `reader-${at}`, form };
      return new HttpReader(source, this.httpWitnesses.get(form)!);
    });
    this.#histories = this.subscribers.map(({ history }) => history);
    this.#all = [...this.subscribers, ...this.publishers, ...this.devices];
  }

  get histories(): readonly Subscriber["history"][] {
    return this.#histories;
  }

  /** Starts publishing. From now on, every subscriber must receive every event. */
  begin(eventsPerSecond: number): void {
    for (const { history, news } of this.subscribers) history.start = news.position!.offset;
    const intervalMs = (PUBLISHERS / eventsPerSecond) * 1_000;
    this.#publishing = this.publishers.map((one) => one.publish(intervalMs, () => this.#isOver));
  }

  /** Publishes no more once there are so many events; resolves when all are answered. */
  async fallSilent(atLeastEvents: number): Promise<void> {
    while (this.#acknowledged < atLeastEvents) await pause(50);
    this.#isOver = true;
    await Promise.all(this.#publishing);
  }

  /** Some go, as devices go that lose their power. */
  letSomeGo(): void {
    for (const device of this.devices.splice(0, DEVICES / 4)) device.close();
    for (const { live } of this.subscribers.splice(0, 5)) live.close();
  }

  get #acknowledged(): number {
    return this.publishers.reduce((sum, { ledger }) => sum + ledger.acknowledged.size, 0);
  }

  close(): void {
    this.#isOver = true;
    // A publish that is still unanswered was caused by another failure, which is reported.
    for (const publishing of this.#publishing) publishing.catch(() => {});
    for (const reader of this.#httpReaders) reader.close();
    for (const one of this.#all) {
      if (one instanceof Device) one.close();
      else one.live.close();
    }
  }
}

function many<One>(count: number, make: (at: number) => One): One[] {
  return Array.from({ length: count }, (_, at) => make(at));
}
