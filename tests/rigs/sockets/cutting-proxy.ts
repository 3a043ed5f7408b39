import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";

/** A network in front of a server, which can be cut at any byte. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  cuts = 0;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  /** @param target the port that it leads to, now */
  static async start(target: () => number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets that share of the connections at both ends, without a close. */
  cut(share: number, random: () => number): void {
    for (const pair of this.#pairs) {
      if (random() >= share) continue;
      this.cuts += 1;
      for (const socket of pair) socket.destroy();
    }
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const server = connect(this.#target(), "127.0.0.1");
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    client.pipe(server).pipe(client);
  }
}
