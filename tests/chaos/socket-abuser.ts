import { connect, type Socket } from "node:net";
import { frame, TEXT } from "../abuse/web-socket.ts";
import { Abuser, type AbuserLink } from "../rigs/live/abuser.ts";
import type { Random } from "../rigs/random.ts";
import { handshake } from "../rigs/sockets/raw-client.ts";

const PARTIES = 3;
/** How often it does something. */
const INTERVAL_MS = 300;
/** The parties have the addresses behind this one. */
const ADDRESS_BEFORE = 2;
/** More requests at once than a connection may send. */
const FLOODS: readonly number[] = [1_000, 11_000];

/**
 * The abuser of the simulations over sockets, from loopback addresses of its own.
 *
 * It connects to the nodes directly, because the networks between hide the address.
 */
export class SocketAbuser {
  readonly #sockets = new Set<Socket>();
  readonly #ports: () => readonly number[];
  readonly #random: Random;
  readonly #abuser: Abuser;
  readonly #timer: NodeJS.Timeout;
  /** How many connections it has opened. */
  connections = 0;

  /** @param ports of the nodes that are up */
  constructor(ports: () => readonly number[], random: Random) {
    this.#ports = ports;
    this.#random = random;
    let n = 0;
    this.#abuser = new Abuser({
      random,
      parties: PARTIES,
      topics: () => ["news", "devices"],
      // The checker holds every event of `news` against its publisher.
      publishes: () => ["devices"],
      isKeyed: () => true,
      floods: FLOODS,
      nextN: () => (n += 1),
      connect: (party) => this.#connect(party),
      now: () => performance.now(),
      shareBytes: Number.POSITIVE_INFINITY,
    });
    this.#timer = setInterval(() => this.#abuser.act(), INTERVAL_MS);
  }

  /** Ends all connections for good. */
  leave(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(party: number): AbuserLink {
    const ports = this.#ports();
    if (ports.length === 0) return NO_LINK;
    const port = this.#random.pick(ports);
    const localAddress = `127.0.0.${ADDRESS_BEFORE + party}`;
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.resume();
    const send = (text: string): void => void socket.write(frame(TEXT, Buffer.from(text)));
    socket.write(handshake("/live", { "Sec-WebSocket-Protocol": "longwire.v1" }));
    send(JSON.stringify({ type: "hello", token: `abuser-${party}` }));
    return {
      get isOpen() {
        return !socket.destroyed;
      },
      unreadBytes: 0,
      send,
      stall: () => void socket.pause(),
      cut: () => socket.resetAndDestroy(),
    };
  }
}

/** There is no node to connect to. */
const NO_LINK: AbuserLink = {
  isOpen: false,
  unreadBytes: 0,
  send: () => {},
  stall: () => {},
  cut: () => {},
};
