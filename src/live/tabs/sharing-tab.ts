import type { Clock } from "../../base/index.ts";
import type { ClientSocket, Page } from "../client/index.ts";
import type { Locks, TabChannel } from "./share-among-tabs.ts";
import { TabHub } from "./tab-hub.ts";
import type { HubMessage, SocketMessage } from "./tab-message.ts";
import type { Tab } from "./tab-socket.ts";

export interface Sharing {
  name: string;
  locks: Locks;
  clock: Clock;
  channel: (name: string) => TabChannel;
  connect: () => ClientSocket;
  page: Page;
}

/** What a tab has while its page runs, and gives back when the page is put aside. */
interface Membership {
  channel: TabChannel;
  /** Aborted when the tab leaves: ends the waiting for locks, and the holding of them. */
  leaving: AbortController;
}

/** This tab among those that share a connection; perhaps the one that has it. */
export class SharingTab implements Tab {
  readonly id: string = randomId();
  readonly clock: Clock;
  readonly #sharing: Sharing;
  readonly #listeners = new Map<string, (message: HubMessage) => void>();
  /** Undefined while the page is put aside, and in a tab that cannot share. */
  #membership: Membership | undefined;
  #isAlone = false;
  /** What waits for this tab's lock. */
  #untold: SocketMessage[] | undefined = [];
  #sockets = 0;

  constructor(sharing: Sharing) {
    this.#sharing = sharing;
    this.clock = sharing.clock;
    this.#join();
    sharing.page.listen((event) => {
      if (event === "left") this.#leave();
      else if (event === "woke" && this.#membership === undefined && !this.#isAlone) this.#join();
    });
  }

  /** Whether the browser refuses what sharing needs. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  newSocketId(): string {
    this.#sockets += 1;
    return `${this.id} ${this.#sockets}`;
  }

  listen(socket: string, listener: (message: HubMessage) => void): void {
    this.#listeners.set(socket, listener);
  }

  forget(socket: string): void {
    this.#listeners.delete(socket);
  }

  tell(message: SocketMessage): void {
    if (this.#isAlone) return;
    if (this.#untold === undefined) this.#membership?.channel.postMessage(message);
    else this.#untold.push(message);
  }

  connectDirectly(): ClientSocket {
    return this.#sharing.connect();
  }

  #join(): void {
    const { channel: open, name } = this.#sharing;
    const leaving = new AbortController();
    try {
      const channel = open(name);
      channel.onmessage = ({ data }: { data: HubMessage | SocketMessage }) => {
        if (data.to !== "hub") this.#deliver(data as HubMessage);
      };
      this.#membership = { channel, leaving };
    } catch {
      return this.#goAlone();
    }
    const { signal } = leaving;
    // Held for as long as the tab runs: whoever gets this lock knows that the tab is gone.
    this.#hold(`${name} ${this.id}`, signal, () => this.#onAlive());
    this.#hold(name, signal, () => this.#lead(signal));
  }

  /**
   * Gives everything back before the page stops running.
   *
   * With its lock a page in the back/forward cache would keep the others from a connection, and
   * a message on its channel, or a request for its lock, would evict it from there.
   */
  #leave(): void {
    const membership = this.#membership;
    if (membership === undefined) return;
    this.#membership = undefined;
    this.#untold = [];
    membership.leaving.abort();
    membership.channel.close();
    this.#deliver({ to: "all", kind: "hub" });
  }

  /** A sandboxed frame has neither locks nor a channel to the others. */
  #goAlone(): void {
    this.#isAlone = true;
    this.#leave();
    this.#deliver({ to: "all", kind: "alone" });
  }

  /** Calls `held` with the lock, and keeps that until the tab leaves. */
  #hold(name: string, signal: AbortSignal, held: () => void): void {
    const hold = (): Promise<void> => {
      if (signal.aborted) return Promise.resolve();
      held();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    };
    this.#request(name, signal, hold);
  }

  #request(name: string, signal: AbortSignal, hold: () => Promise<void>): void {
    this.#sharing.locks.request(name, { signal }, hold).catch(() => {
      // What was not aborted was refused, as to a frame with an opaque origin.
      if (!signal.aborted) this.#goAlone();
    });
  }

  /** A hub that was told of this tab before would get its lock, and take it for gone. */
  #onAlive(): void {
    const untold = this.#untold ?? [];
    this.#untold = undefined;
    for (const message of untold) this.tell(message);
  }

  #deliver(message: HubMessage): void {
    const listeners =
      message.to === "all" ? [...this.#listeners.values()] : [this.#listeners.get(message.to)];
    for (const listener of listeners) listener?.(message);
  }

  /** This tab has the connection, until it is closed or put aside. */
  #lead(signal: AbortSignal): void {
    const { clock, connect, channel, name } = this.#sharing;
    // A channel of its own, since a channel does not receive what it sends itself.
    const line = channel(name);
    const hub = new TabHub({ clock, connect, tell: (message) => line.postMessage(message) });
    const known = new Set<string>();
    line.onmessage = ({ data }: { data: HubMessage | SocketMessage }) => {
      if (data.to !== "hub") return;
      hub.hear(data as SocketMessage);
      if (!("tab" in data) || known.has(data.tab)) return;
      const { tab } = data;
      known.add(tab);
      this.#request(`${name} ${tab}`, signal, () => {
        known.delete(tab);
        if (!signal.aborted) hub.leaveTab(tab);
        return Promise.resolve();
      });
    };
    signal.addEventListener("abort", () => {
      hub.close();
      line.close();
    });
  }
}

/** Not `randomUUID`, which pages of insecure origins do not have. */
function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join("-");
}
