import { Ledger, type Clock } from "../base/index.ts";
import type { LiveEndpoint } from "../live/index.ts";
import type { MemoryConnection, Noticed } from "./memory-connection.ts";
import { WiredConnection, type ConnectionFacts } from "./wired-connection.ts";
import { MemoryWebSocket, type SocketHandler } from "./memory-web-socket.ts";
import type { Carriage } from "./wire.ts";

/** The origin of the network's page, against which relative URLs are resolved. */
export const ORIGIN = "ws://longwire.test";

/** An in-memory network between any number of sockets and one server. */
export class MemoryNetwork {
  /** The current latency and bandwidth. */
  readonly carriage: Carriage = { latencyMs: 1, bytesPerSecond: Number.POSITIVE_INFINITY };
  /** How long the server waits for a client that answers no pings, in milliseconds. */
  serverPatienceMs = 60_000;
  /** Accepts new connections; `undefined` while no server is running. */
  endpoint: LiveEndpoint | undefined;
  /** Headers of every handshake, such as `cookie`. */
  readonly headers: Map<string, string> = new Map();
  /** Charged for the connections' memory on the server. */
  ledger: Ledger = new Ledger();
  /** The address of clients that connect from now on. */
  clientAddress = "127.0.0.1";
  readonly #clock: Clock;
  readonly #connections = new Set<WiredConnection>();
  #state: "up" | "refusing" | "silent" = "up";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A `WebSocket` class for clients on this network. As in a page, a URL may be relative, such as
   * `/live`.
   */
  get WebSocket(): new (url: string, protocols?: string | readonly string[]) => MemoryWebSocket {
    const connect = (
      protocols: string | readonly string[],
    ): ((socket: MemoryWebSocket, handler: SocketHandler) => WiredConnection) => {
      return (socket, handler) => this.#connect(socket, handler, [protocols].flat());
    };
    return class WebSocket extends MemoryWebSocket {
      constructor(url: string, protocols: string | readonly string[] = []) {
        super(new URL(url, ORIGIN).href, connect(protocols));
      }
    };
  }

  /** The connections that have not ended on both sides, oldest first. */
  get connections(): readonly MemoryConnection[] {
    return [...this.#connections];
  }

  /** Cuts all connections now, including data in transit; new ones can be made immediately. */
  cut(noticed: Noticed = "both"): void {
    for (const connection of this.connections) connection.cut(noticed);
  }

  /**
   * Cuts all connections and prevents new ones until `comeBack`: they are refused immediately, or
   * never answered.
   */
  goDown(how: "refusing" | "silent" = "refusing"): void {
    this.#state = how;
    this.cut(how === "refusing" ? "both" : "nobody");
  }

  comeBack(): void {
    this.#state = "up";
  }

  /**
   * Ends the server as after SIGKILL: without close frames; its sockets are closed by the system.
   */
  loseServer(): void {
    this.endpoint = undefined;
    for (const connection of this.connections) connection.loseServer();
  }

  #connect(
    socket: MemoryWebSocket,
    handler: SocketHandler,
    protocols: readonly string[],
  ): WiredConnection {
    const { pathname, search } = new URL(socket.url);
    const { clientAddress } = this;
    const facts: ConnectionFacts = {
      clock: this.#clock,
      carriage: () => this.carriage,
      serverPatienceMs: this.serverPatienceMs,
      endpoint: () => (this.#state === "up" ? this.endpoint : undefined),
      isReachable: () => this.#state !== "silent",
      request: {
        path: pathname,
        search: search.slice(1),
        protocols,
        remoteAddress: clientAddress,
        header: (name) => this.headers.get(name.toLowerCase()),
      },
      payer: () => this.ledger.payer(`address ${clientAddress}`),
      onOver: (connection) => this.#connections.delete(connection),
    };
    const connection = new WiredConnection(socket, handler, facts);
    this.#connections.add(connection);
    return connection;
  }
}
