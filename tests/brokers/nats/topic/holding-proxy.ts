import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A network in front of a server, in which what the server says can be held up. */
export class HoldingProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  readonly #fromServer = new Set<Socket>();

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(port: number): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(port);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing comes from the server, as for a process that is stopped. */
  hold(): void {
    for (const socket of this.#fromServer) socket.pause();
  }

  release(): void {
    for (const socket of this.#fromServer) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const server = connect(this.#port, "127.0.0.1");
    this.#fromServer.add(server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      // Not by `pipe`, which would resume what is held.
      from.on("data", (bytes) => to.write(bytes));
    }
  }
}
