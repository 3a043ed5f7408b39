import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** How a link is. */
type Condition =
  | { kind: "whole" }
  /** Nothing gets through, and who tries to connect is reset. */
  | { kind: "cut" }
  /** Connections stay, and nothing moves on them. */
  | { kind: "stalled" }
  /** All arrives this much later, in ms. */
  | { kind: "slow"; delayMs: number };

/** A network in front of a server: it can be cut at any byte, stalled, and slowed. */
export class NetworkLink {
  readonly #server: Server;
  readonly #target: () => number | undefined;
  readonly #connections = new Set<Connection>();
  #condition: Condition = { kind: "whole" };

  private constructor(target: () => number | undefined) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near));
  }

  /**
   * @param target the port that it leads to, now; `undefined` for none
   * @param host the loopback address that it has
   */
  static async start(target: () => number | undefined, host = "127.0.0.1"): Promise<NetworkLink> {
    const link = new NetworkLink(target);
    link.#server.listen(0, host);
    await once(link.#server, "listening");
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `HOST:PORT` */
  get address(): string {
    return `${(this.#server.address() as AddressInfo).address}:${this.port}`;
  }

  get condition(): Condition {
    return this.#condition;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The number of connections to a port behind this network. */
  connectionsTo(port: number): number {
    return [...this.#connections].filter((connection) => connection.port === port).length;
  }

  /**
   * Cuts that share of the connections, without a word: both ends see their socket reset.
   *
   * @returns how many were cut
   */
  cutSome(share: number, random: () => number): number {
    const chosen = [...this.#connections].filter(() => random() < share);
    for (const connection of chosen) this.#cut(connection);
    return chosen.length;
  }

  /** Cuts the connection with this number, from 0 to below `connectionCount`. */
  cutOne(at: number): void {
    this.#cut([...this.#connections][at]!);
  }

  #cut(connection: Connection): void {
    // Its sockets report their end later, and it must not be counted twice.
    this.#connections.delete(connection);
    connection.destroy();
  }

  become(condition: Condition): void {
    this.#condition = condition;
    if (condition.kind === "cut") this.cutSome(1, () => 0);
    for (const connection of this.#connections) connection.onCondition();
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket): void {
    const port = this.#target();
    if (port === undefined || this.#condition.kind === "cut") {
      near.on("error", () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const connection = new Connection(near, far, { port, condition: () => this.#condition });
    this.#connections.add(connection);
    for (const socket of [near, far]) {
      socket.on("error", () => connection.destroy());
      socket.on("close", () => {
        this.#connections.delete(connection);
        connection.onClosed(socket);
      });
    }
  }
}

class Connection {
  /** Where it leads. */
  readonly port: number;
  readonly #ways: readonly Way[];

  constructor(
    near: Socket,
    far: Socket,
    { port, condition }: { port: number; condition: () => Condition },
  ) {
    this.port = port;
    this.#ways = [new Way(near, far, condition), new Way(far, near, condition)];
  }

  onCondition(): void {
    for (const way of this.#ways) way.onCondition();
  }

  /** One end is gone: what it sent last still arrives, if it ended as it should. */
  onClosed(socket: Socket): void {
    for (const way of this.#ways) way.onClosed(socket);
  }

  destroy(): void {
    for (const way of this.#ways) way.destroy();
  }
}

/** One direction of a connection. */
class Way {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #condition: () => Condition;
  /** Data in transit, in order: no piece overtakes another, however late timers are. */
  readonly #underWay: { arrives: number; deliver: () => void }[] = [];
  #hasEnded = false;

  constructor(from: Socket, to: Socket, condition: () => Condition) {
    this.#from = from;
    this.#to = to;
    this.#condition = condition;
    from.on("data", (chunk: Buffer) =>
      this.#later(() => {
        if (!to.write(chunk)) from.pause();
      }),
    );
    from.on("end", () => {
      this.#hasEnded = true;
      this.#later(() => to.end());
    });
    to.on("drain", () => this.onCondition());
    this.onCondition();
  }

  onCondition(): void {
    if (this.#condition().kind === "stalled") this.#from.pause();
    else if (!this.#to.writableNeedDrain) this.#from.resume();
  }

  onClosed(socket: Socket): void {
    if (socket === this.#from && this.#hasEnded) return;
    this.destroy();
  }

  destroy(): void {
    if (!this.#from.destroyed) this.#from.resetAndDestroy();
    if (!this.#to.destroyed) this.#to.resetAndDestroy();
  }

  #later(deliver: () => void): void {
    const condition = this.#condition();
    const now = performance.now();
    const delayMs = condition.kind === "slow" ? condition.delayMs : 0;
    this.#underWay.push({ arrives: now + delayMs, deliver });
    if (this.#underWay.length === 1) this.#deliver();
  }

  #deliver(): void {
    for (;;) {
      const [next] = this.#underWay;
      if (next === undefined || this.#to.destroyed) return;
      const leftMs = next.arrives - performance.now();
      if (leftMs > 0) return void setTimeout(() => this.#deliver(), leftMs);
      next.deliver();
      this.#underWay.shift();
    }
  }
}
