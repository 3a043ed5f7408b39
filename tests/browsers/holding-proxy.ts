import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/**
 * Stands before a server, and keeps WebSocket handshakes to itself while `isHolding`, as a network
 * does that is gone: nobody says that nothing will come.
 */
export class HoldingProxy {
  isHolding = false;
  /** How many handshakes are held, or were. */
  held = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((socket) => {
      this.#keep(socket);
      socket.once("data", (head: Buffer) => {
        if (this.isHolding && /^upgrade: websocket/im.test(head.toString("latin1"))) {
          this.held += 1;
          return;
        }
        const onward = this.#keep(connect(port, "127.0.0.1"));
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
    });
  }

  static async start(host: string): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(Number(new URL(`http://${host}`).port));
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections at this moment. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const stopped = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await stopped;
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    // The other side is cut with it.
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}
