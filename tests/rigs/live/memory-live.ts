import { onTestFinished } from "vitest";
import { Ledger, type LongwireError } from "../../../src/base/index.ts";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { LiveServer, type LiveServerOptions } from "../../../src/live/index.ts";
import { settled } from "../../../src/testing/settled.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { Message } from "./live-client.ts";
import { MemoryPeer } from "./memory-peer.ts";

type Options = Partial<LiveServerOptions> & Pick<LiveServerOptions, "topics">;

/** The parts of a client's handshake that can carry credentials. */
export interface Shown {
  search?: string;
  headers?: Record<string, string>;
}

/** A live server without sockets, whose time moves only when the test says so. */
export class MemoryLive {
  readonly clock: VirtualClock;
  readonly live: LiveServer;
  /** The errors reported to `onError`: the thrown value, or the report if nothing was thrown. */
  readonly errors: Error[];
  /** The reports themselves. */
  readonly reports: LongwireError[];
  readonly endpoint: ReturnType<LiveServer["endpoint"]>;
  readonly ledger: Ledger;
  readonly #guests = new Set<Guest>();

  private constructor(
    live: LiveServer,
    clock: VirtualClock,
    { errors, reports, ledger }: Pick<MemoryLive, "errors" | "reports" | "ledger">,
  ) {
    this.live = live;
    this.reports = reports;
    this.ledger = ledger;
    this.clock = clock;
    this.errors = errors;
    this.endpoint = live.endpoint("/live");
  }

  static async open(options: Options, clock = new VirtualClock()): Promise<MemoryLive> {
    const errors: Error[] = [];
    const reports: LongwireError[] = [];
    const { ledger = new Ledger() } = options;
    const live = await LiveServer.open({
      broker: new MemoryBroker({ clock }),
      onError: (error) => {
        reports.push(error);
        errors.push((error.cause as Error | undefined) ?? error);
      },
      clock,
      ledger,
      ...options,
    });
    onTestFinished(() => live.close());
    return new MemoryLive(live, clock, { errors, reports, ledger });
  }

  /** Lets everything that was begun come to its end, and clients get what was sent to them. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      await settled();
      // Work that waits for a later turn of the loop.
      await this.clock.pass(0);
      for (const guest of this.#guests) guest.peer.carry();
    }
  }

  async pass(ms: number): Promise<void> {
    await this.settle();
    await this.clock.pass(ms);
    await this.settle();
  }

  /** A Level 1 client; what it is welcomed with is among what it got. */
  async level1(shown: Shown = {}): Promise<Guest> {
    return this.#enter("/live", "longwire.v1", shown);
  }

  /** A Level 0 client of a topic. */
  async level0(topic: string, shown: Shown = {}): Promise<Guest> {
    return this.#enter(`/live/${topic}`, "", shown);
  }

  async #enter(
    path: string,
    protocol: string,
    { search = "", headers = {} }: Shown,
  ): Promise<Guest> {
    const guest = new Guest(this, new MemoryPeer(this.endpoint, protocol, this.ledger));
    this.#guests.add(guest);
    this.endpoint.onOpen(guest.peer, {
      path,
      search,
      protocols: protocol === "" ? [] : [protocol],
      remoteAddress: "192.0.2.1",
      header: (name) => headers[name.toLowerCase()],
    });
    await this.settle();
    return guest;
  }
}

/** A client in memory, whose messages wait for the one before them, as those of a socket do. */
export class Guest {
  readonly peer: MemoryPeer;
  readonly #live: MemoryLive;
  #got: Message[] = [];
  #handled: Promise<void> = Promise.resolve();

  constructor(live: MemoryLive, peer: MemoryPeer) {
    this.#live = live;
    this.peer = peer;
    peer.onText = (text) => this.#got.push(JSON.parse(text) as Message);
  }

  /** Sends messages, and waits until the server has handled them. */
  async send(...messages: (object | string)[]): Promise<void> {
    for (const message of messages) {
      const text = typeof message === "string" ? message : JSON.stringify(message);
      this.#handled = this.#handled.then(() => {
        if (!this.peer.isOpen || this.peer.refuses(text)) return;
        return this.#live.endpoint.onMessage(this.peer, text);
      });
    }
    await this.#live.settle();
  }

  /** Sends a request and returns its answer. */
  async ask(request: Message): Promise<Message | undefined> {
    await this.send(request);
    return this.#got.findLast(({ id }) => id === request["id"]);
  }

  /** Returns the messages since the last call. */
  take(): Message[] {
    const got = this.#got;
    this.#got = [];
    return got;
  }

  types(): string[] {
    return this.take().map(({ type }) => type as string);
  }

  get closeCode(): number | undefined {
    return this.peer.closed?.code;
  }

  /** Ends the connection without a close. */
  async leave(): Promise<void> {
    this.peer.end();
    await this.#live.settle();
  }
}

/** A promise that the test settles when it wants. */
export class Later<Value> {
  readonly promise: Promise<Value>;
  resolve!: (value: Value) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** A thenable that is not a Promise, and is fulfilled at once. */
export function thenable<Value>(value: Value): PromiseLike<Value> {
  // oxlint-disable-next-line unicorn/no-thenable
  return { then: (proceed: (value: Value) => void) => proceed(value) } as PromiseLike<Value>;
}
