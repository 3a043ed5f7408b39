import { Ledger, type Clock } from "../base/index.ts";
import type {
  Broker,
  ClientMethods,
  LiveApi,
  LiveServerOptions,
  Methods,
  OpenedApi,
} from "../live/index.ts";
import { LiveServer } from "../live/index.ts";
import { MemoryBroker } from "../brokers/memory/index.ts";
import { connect, type ConnectOptions, type Live } from "../live/client/index.ts";
import { MemoryNetwork, ORIGIN } from "./memory-network.ts";
import { ServerBroker } from "./server-broker.ts";
import { settle, type SettleOptions } from "./settle.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** The mount path of the server. */
const PATH = "/live";

export type TestLiveOptions = Omit<LiveServerOptions, "broker" | "clock"> & {
  /** Creates the broker, and a new one for each `restart("lost")`. Default: an in-memory broker. */
  broker?: (clock: Clock) => Broker;
};

/**
 * An in-memory live server, network and clock, to test in milliseconds how an application handles a
 * failing connection.
 *
 * Nothing happens automatically: time passes and messages arrive only while `pass` or `settle` runs.
 */
export class TestLive<Api extends LiveApi = LiveApi> {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly #options: TestLiveOptions;
  #broker: Broker;
  #server: LiveServer<Api>;
  readonly #clients = new Set<Live>();

  private constructor(
    options: TestLiveOptions,
    { clock, broker, server }: { clock: VirtualClock; broker: Broker; server: LiveServer<Api> },
  ) {
    this.#options = options;
    this.clock = clock;
    this.network = new MemoryNetwork(clock);
    if (options.ledger !== undefined) this.network.ledger = options.ledger;
    this.#broker = broker;
    this.#server = server;
    this.network.endpoint = server.endpoint(PATH);
  }

  /** Starts the server. @throws what `LiveServer.open` rejects with, as a rejection */
  static async start<
    const Topics extends LiveApi["topics"],
    Named extends Methods = Methods,
    Offered extends ClientMethods = ClientMethods,
  >(
    options: TestLiveOptions & { topics: Topics; methods?: Named; clientMethods?: Offered },
  ): Promise<TestLive<OpenedApi<Topics, Named, Offered>>> {
    const clock = new VirtualClock();
    const broker = newBroker(options, clock);
    const ledger = options.ledger ?? new Ledger();
    const own = { broker: new ServerBroker(broker), clock, ledger };
    const server = await LiveServer.open({ ...options, ...own });
    // The compiler does not see that the spread has kept the declaration's type.
    const typed = server as unknown as LiveServer<OpenedApi<Topics, Named, Offered>>;
    return new TestLive({ ...options, ledger }, { clock, broker, server: typed });
  }

  /** The server's URL on its network. */
  get url(): string {
    return `${ORIGIN}${PATH}`;
  }

  /** The running server; `restart` replaces it. */
  get server(): LiveServer<Api> {
    return this.#server;
  }

  /** Connects a client to this server, on this network and clock. */
  connect(options: ConnectOptions = {}): Live<Api> {
    const client = connect<Api>(this.url, {
      clock: this.clock,
      webSocket: this.network.WebSocket,
      ...options,
    });
    this.#clients.add(client as unknown as Live);
    return client;
  }

  /** Advances the clock by `ms` milliseconds and runs everything that becomes due. */
  pass(ms: number): Promise<void> {
    return this.clock.pass(ms);
  }

  /**
   * Resolves or rejects like `promise`. Until then, messages arrive and timers fire, and the clock
   * advances only as far as the promise needs.
   *
   * Real I/O, such as a file that is read, does not follow the clock; await it before.
   *
   * @throws LongwireError `not_settled`, as a rejection, if the promise is still pending when nothing
   *   is left that could happen, or when `withinMs` (default one hour) have passed on the clock
   */
  settle<Value>(promise: PromiseLike<Value>, options?: SettleOptions): Promise<Value> {
    return settle(this.clock, promise, options);
  }

  /** Drains the server, as before a deploy: clients receive a time to reconnect. */
  drain(): void {
    const { endpoint } = this.network;
    this.network.endpoint = undefined;
    endpoint?.onDraining();
  }

  /** Ends the server without notice, as after SIGKILL. */
  async crash(): Promise<void> {
    this.network.loseServer();
    await this.#server.close();
  }

  /**
   * Starts another server in place of the current one, which crashes if it is still running.
   *
   * @param log whether published events are still there; default `"kept"`
   */
  async restart(log: "kept" | "lost" = "kept"): Promise<void> {
    await this.crash();
    const { clock } = this;
    if (log === "lost") {
      await this.#broker.close();
      this.#broker = newBroker(this.#options, clock);
    }
    const broker = new ServerBroker(this.#broker);
    const server = await LiveServer.open({ ...this.#options, broker, clock });
    this.#server = server as unknown as LiveServer<Api>;
    this.network.endpoint = server.endpoint(PATH);
  }

  /** Closes the clients and the server. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#server.close();
    await this.#broker.close();
  }
}

function newBroker({ broker }: TestLiveOptions, clock: Clock): Broker {
  return broker?.(clock) ?? new MemoryBroker({ clock });
}
