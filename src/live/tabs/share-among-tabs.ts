import { systemClock, type Clock } from "../../base/index.ts";
import type { ClientSocket } from "../client/index.ts";
import { TabHub } from "./tab-hub.ts";
import type { HubMessage, SocketMessage } from "./tab-message.ts";
import { TabSocket, type Tab } from "./tab-socket.ts";

/** What is used of a `BroadcastChannel`. */
export interface TabChannel {
  onmessage: unknown;
  postMessage(message: unknown): void;
}

/** What is used of `navigator.locks`. */
export interface Locks {
  request(name: string, hold: () => Promise<unknown>): Promise<unknown>;
}

export interface TabOptions {
  /** The real one. Default `globalThis.WebSocket`. */
  webSocket?: SocketClass;
  /** What tells the groups of tabs apart that share, beside the URL. Default `longwire`. */
  name?: string;
  /** Makes channels; for tests. Default `BroadcastChannel`. */
  channel?: (name: string) => TabChannel;
  /** For tests. Default `navigator.locks`. */
  locks?: Locks | undefined;
  /** Where time comes from; for tests. */
  clock?: Clock;
}

type SocketClass = new (url: string, protocol: string) => ClientSocket;

/**
 * A `webSocket` for `connect` with which all tabs of a site share one connection.
 *
 * One tab has it; when that tab is closed another one takes over, and the others resume there. All
 * tabs that share have to be of the same user: sign-out and sign-in as someone else need another
 * `name`. Where the browser has no Web Locks, as on plain HTTP, or the tab that has the connection
 * does not answer for three seconds, a tab connects by itself.
 */
export function shareAmongTabs(options: TabOptions = {}): SocketClass {
  const real = options.webSocket ?? globalThis.WebSocket;
  const locks: Locks | undefined = "locks" in options ? options.locks : globalThis.navigator?.locks;
  const { name = "longwire", clock = systemClock } = options;
  const channel = options.channel ?? ((full: string) => new BroadcastChannel(full));
  if (locks === undefined) return real;
  const held = locks;
  const tabs = new Map<string, SharingTab>();
  return class SharedWebSocket extends TabSocket {
    constructor(url: string, protocol: string) {
      const full = `${name} ${url}`;
      const connect = (): ClientSocket => new real(url, protocol);
      const tab =
        tabs.get(full) ?? new SharingTab({ name: full, locks: held, clock, channel, connect });
      tabs.set(full, tab);
      super(tab, tab.newSocketId());
    }
  };
}

interface Sharing {
  name: string;
  locks: Locks;
  clock: Clock;
  channel: (name: string) => TabChannel;
  connect: () => ClientSocket;
}

/** This tab among those that share a connection; perhaps the one that has it. */
class SharingTab implements Tab {
  readonly id: string = crypto.getRandomValues(new Uint32Array(3)).join("-");
  readonly clock: Clock;
  readonly #sharing: Sharing;
  readonly #channel: TabChannel;
  readonly #listeners = new Map<string, (message: HubMessage) => void>();
  /** What waits for this tab's lock. */
  #untold: SocketMessage[] | undefined = [];
  #sockets = 0;

  constructor(sharing: Sharing) {
    this.#sharing = sharing;
    this.clock = sharing.clock;
    this.#channel = sharing.channel(sharing.name);
    this.#channel.onmessage = ({ data }: { data: HubMessage | SocketMessage }) => {
      if (data.to !== "hub") this.#deliver(data as HubMessage);
    };
    const { locks, name } = sharing;
    // Held for as long as the tab lives: who gets this lock knows that the tab is gone.
    void locks.request(`${name} ${this.id}`, () => this.#onAlive());
    void locks.request(name, () => this.#lead());
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
    if (this.#untold === undefined) this.#channel.postMessage(message);
    else this.#untold.push(message);
  }

  connectDirectly(): ClientSocket {
    return this.#sharing.connect();
  }

  /** A hub that heard of this tab before would get its lock, and take it for gone. */
  #onAlive(): Promise<never> {
    for (const message of this.#untold ?? []) this.#channel.postMessage(message);
    this.#untold = undefined;
    return forever();
  }

  #deliver(message: HubMessage): void {
    const listeners =
      message.to === "all" ? [...this.#listeners.values()] : [this.#listeners.get(message.to)];
    for (const listener of listeners) listener?.(message);
  }

  /** This tab has the connection, until it is closed. */
  #lead(): Promise<never> {
    const { clock, connect, channel, name, locks } = this.#sharing;
    // A channel of its own, since a channel does not hear what it says itself.
    const line = channel(name);
    const hub = new TabHub({ clock, connect, tell: (message) => line.postMessage(message) });
    const known = new Set<string>();
    line.onmessage = ({ data }: { data: HubMessage | SocketMessage }) => {
      if (data.to !== "hub") return;
      hub.hear(data as SocketMessage);
      if (!("tab" in data) || known.has(data.tab)) return;
      const { tab } = data;
      known.add(tab);
      void locks.request(`${name} ${tab}`, () => {
        known.delete(tab);
        hub.leaveTab(tab);
        return Promise.resolve();
      });
    };
    return forever();
  }
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
