import { Ledger, type Clock } from "../base/index.ts";
import type { Broker, LiveApi, LiveServerOptions, Methods } from "../live/index.ts";
import { LiveServer } from "../live/index.ts";
import { MemoryBroker } from "../brokers/memory/index.ts";
import { connect, type ConnectOptions, type Live } from "../live/client/index.ts";
import { MemoryNetwork } from "./memory-network.ts";
import { ServerBroker } from "./server-broker.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Where the server is mounted. */
const PATH = "/live";

export type TestLiveOptions = Omit<LiveServerOptions, "broker" | "clock"> & {
  /** Makes the broker, and another one when what was published is lost. Default: in memory. */
  broker?: (clock: Clock) => Broker;
};

/**
 * A live server, a network and a clock in memory, so that an application's ways with a connection
 * that breaks are tested in milliseconds.
 *
 * Nothing happens by itself: time passes, and messages arrive, while `pass` runs.
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

  /** @throws what `LiveServer.open` rejects with, as a rejection */
  static async start<const Topics extends LiveApi["topics"], Named extends Methods = Methods>(
    options: TestLiveOptions & { topics: Topics; methods?: Named },
  ): Promise<TestLive<{ topics: Topics; methods: Named }>> {
    const clock = new VirtualClock();
    const broker = newBroker(options, clock);
    const ledger = options.ledger ?? new Ledger();
    const own = { broker: new ServerBroker(broker), clock, ledger };
    const server = await LiveServer.open({ ...options, ...own });
    return new TestLive({ ...options, ledger }, { clock, broker, server });
  }

  /** The address that the server has on its network. */
  get url(): string {
    return `ws://longwire.test${PATH}`;
  }

  /** The server that runs now; `restart` makes another one. */
  get server(): LiveServer<Api> {
    return this.#server;
  }

  /** A client of this server, on this network and clock. */
  connect(options: ConnectOptions = {}): Live<Api> {
    const client = connect<Api>(this.url, {
      clock: this.clock,
      webSocket: this.network.WebSocket,
      ...options,
    });
    this.#clients.add(client as unknown as Live);
    return client;
  }

  /** Lets time pass, in milliseconds, and with it whatever is due. */
  pass(ms: number): Promise<void> {
    return this.clock.pass(ms);
  }

  /** The server drains, as before a deploy: clients are told when to come back. */
  drain(): void {
    const { endpoint } = this.network;
    this.network.endpoint = undefined;
    endpoint?.onDraining();
  }

  /** The server ends without a word, as after SIGKILL. */
  async crash(): Promise<void> {
    this.network.loseServer();
    await this.#server.close();
  }

  /**
   * Starts another server in the place of the present one, which crashes if it is there.
   *
   * @param log whether what was published is still there; default `"kept"`
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
