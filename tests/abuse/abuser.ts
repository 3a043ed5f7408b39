import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { MAX_CONNECTIONS } from "./goal.ts";
import type { Target } from "./target.ts";

/** The abuser's one identity, where a server asks for one. */
export const TOKEN = "user-1";
/** Between two attempts of one of the crowd. */
const PAUSE_MS = 100;
const CONNECT_MS = 5_000;
/** A gigabit: this machine's own network would carry many times that. */
const LINK_BYTES_PER_SECOND = 125_000_000;
let linkIsFreeAt = 0;
/** A connection that is to be cut off may be there for a moment. */
const HELD_MS = 5_000;

/** The outcome of the abuser's attempts: evidence that the attack took place. */
export interface Tally {
  connections: number;
  sentMiB: number;
  /** How often one of the crowd was refused, cut off or failed, by reason. */
  setbacks: Record<string, number>;
  /** The largest amount of each kind that the server gave it, as reported to `sawMost`. */
  most: Partial<Record<Given, number>>;
}

/**
 * What a server gives. `heldAtOnce`: connections with something unfinished that it kept at one time,
 * 5 s or longer; `longestHeldMs`: for how long it kept one of them; `subscriptions`: at one time.
 */
export type Given = "heldAtOnce" | "longestHeldMs" | "subscriptions";

/** The attacker: one payer, with a limited number of connections, until its time is over. */
export class Abuser {
  readonly target: Target;
  readonly #endsAt: number;
  readonly #sockets = new Set<Socket>();
  readonly tally: Tally = { connections: 0, sentMiB: 0, setbacks: {}, most: {} };
  /** Those that are held, and since when. */
  readonly #held = new Map<Socket, number>();

  constructor(target: Target, seconds: number) {
    this.target = target;
    this.#endsAt = performance.now() + seconds * 1_000;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** Opens a connection; rejects if it is refused. */
  async connect({ protocol = "http/1.1" } = {}): Promise<Socket> {
    if (this.#sockets.size >= MAX_CONNECTIONS) {
      throw new Error(`The abuser has ${MAX_CONNECTIONS} connections already.`);
    }
    const { host, port, isTls } = this.target;
    const socket = isTls
      ? connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: [protocol] })
      : connectTcp({ host, port });
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.tally.sentMiB += socket.bytesWritten / 2 ** 20;
    });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => socket.destroy(new Error("no answer")), CONNECT_MS);
      socket.once(isTls ? "secureConnect" : "connect", resolve);
      socket.once("close", () => reject(new Error("closed")));
      socket.once("error", reject);
      socket.once("close", () => clearTimeout(late));
      socket.once(isTls ? "secureConnect" : "connect", () => clearTimeout(late));
    });
    socket.on("error", () => {});
    this.tally.connections += 1;
    return socket;
  }

  /**
   * Has `count` at it at one time, each over and over: who is refused or cut off comes back.
   *
   * @param one what each does, on connections of its own; `at` counts from 0
   */
  async crowd(count: number, one: (at: number) => Promise<void>): Promise<void> {
    const slots = Array.from({ length: count }, async (_, at) => {
      while (!this.isOver) {
        try {
          await one(at);
        } catch (error) {
          // Refused, cut off, or no answer.
          const { code, message } = error as NodeJS.ErrnoException;
          this.#setback(code ?? message);
        }
        await this.pause(PAUSE_MS);
      }
    });
    await Promise.all(slots);
  }

  /** Waits, until its time is over at most. */
  pause(ms: number): Promise<void> {
    const leftMs = Math.max(0, this.#endsAt - performance.now());
    return new Promise((resolve) => setTimeout(resolve, Math.min(ms, leftMs)));
  }

  /** Keeps a connection until the server ends it or time is over; `drip` is sent now and then. */
  async hold(socket: Socket, drip?: Uint8Array | string): Promise<void> {
    let sentAt = performance.now();
    this.#held.set(socket, sentAt);
    while (!this.isOver && !socket.destroyed) {
      await this.pause(200);
      this.#countHeld();
      if (drip === undefined || performance.now() - sentAt < DRIP_MS) continue;
      sentAt = performance.now();
      socket.write(drip);
    }
    if (!this.isOver) this.#setback("cut off");
    this.#held.delete(socket);
    socket.destroy();
  }

  /** The server has given so much of something. */
  sawMost(what: Given, amount: number): void {
    this.tally.most[what] = Math.max(this.tally.most[what] ?? 0, amount);
  }

  #countHeld(): void {
    const now = performance.now();
    let heldNow = 0;
    for (const [socket, since] of this.#held) {
      if (socket.destroyed) continue;
      this.sawMost("longestHeldMs", now - since);
      if (now - since >= HELD_MS) heldNow += 1;
    }
    this.sawMost("heldAtOnce", heldNow);
  }

  #setback(reason: string): void {
    this.tally.setbacks[reason] = (this.tally.setbacks[reason] ?? 0) + 1;
  }

  /** Closes what is still open. */
  async leave(): Promise<void> {
    const open = [...this.#sockets];
    await Promise.all(open.map(close));
  }
}

const DRIP_MS = 3_000;

/** Closes a connection, which no longer counts when this resolves. */
export async function close(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.destroy();
  await closed;
}

/** Writes, and waits for as long as the other end does not take it. Rejects once it is closed. */
export async function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  await bandwidthFor(bytes.length);
  if (socket.destroyed) throw new Error("closed");
  if (socket.write(bytes)) return;
  await new Promise<void>((resolve, reject) => {
    const onDrain = (): void => {
      socket.off("close", onClose);
      resolve();
    };
    const onClose = (): void => {
      socket.off("drain", onDrain);
      reject(new Error("closed"));
    };
    socket.once("drain", onDrain);
    socket.once("close", onClose);
  });
}

/** Waits until the abuser's one link could have carried what was written before. */
async function bandwidthFor(bytes: number): Promise<void> {
  const now = performance.now();
  const waitMs = linkIsFreeAt - now;
  linkIsFreeAt = Math.max(now, linkIsFreeAt) + (bytes / LINK_BYTES_PER_SECOND) * 1_000;
  if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
