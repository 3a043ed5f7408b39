import type { Clock } from "../../base/index.ts";
import type { ClientSocket, Page } from "../client/index.ts";
import type { Locks, TabChannel } from "./browser-parts.ts";
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

/** The resources that a tab holds while its page runs, and releases when the page is suspended. */
interface Membership {
  channel: TabChannel;
  /** Aborted when the tab leaves: cancels lock requests and releases held locks. */
  leaving: AbortController;
}

/** A tab in a group that shares a connection, possibly the one that holds it. */
export class SharingTab implements Tab {
  readonly id: string = randomId();
  readonly clock: Clock;
  readonly #sharing: Sharing;
  readonly #listeners = new Map<string, (message: HubMessage) => void>();
  /** Undefined while the page is suspended, and in a tab that cannot share. */
  #membership: Membership | undefined;
  #isAlone = false;
  /** Messages that wait until this tab holds its lock. */
  #unsent: SocketMessage[] | undefined = [];
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

  /** Whether the browser denies what sharing needs. */
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

  post(message: SocketMessage): void {
    if (this.#isAlone) return;
    if (this.#unsent === undefined) this.#membership?.channel.postMessage(message);
    else this.#unsent.push(message);
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
    // Held while the tab runs: whoever acquires this lock knows that the tab is gone.
    this.#hold(`${name} ${this.id}`, signal, () => this.#onAlive());
    this.#hold(name, signal, () => this.#lead(signal));
  }

  /**
   * Releases everything before the page is suspended.
   *
   * If a page in the back/forward cache kept its lock, the other tabs could not connect, and a
   * message on its channel or a request for its lock would evict it from the cache.
   */
  #leave(): void {
    const membership = this.#membership;
    if (membership === undefined) return;
    this.#membership = undefined;
    this.#unsent = [];
    membership.leaving.abort();
    membership.channel.close();
    this.#deliver({ to: "all", kind: "hub" });
  }

  /** A sandboxed frame has neither locks nor a channel to the other tabs. */
  #goAlone(): void {
    this.#isAlone = true;
    this.#leave();
    this.#deliver({ to: "all", kind: "alone" });
  }

  /** Calls `held` with the lock, and keeps the lock until the tab leaves. */
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
      // A rejection without an abort is a denial, as in a frame with an opaque origin.
      if (!signal.aborted) this.#goAlone();
    });
  }

  /** Until now, a hub that knew of this tab would have acquired its lock and considered it gone. */
  #onAlive(): void {
    const unsent = this.#unsent ?? [];
    this.#unsent = undefined;
    for (const message of unsent) this.post(message);
  }

  #deliver(message: HubMessage): void {
    const listeners =
      message.to === "all" ? [...this.#listeners.values()] : [this.#listeners.get(message.to)];
    for (const listener of listeners) listener?.(message);
  }

  /** Makes this tab hold the connection, until it is closed or suspended. */
  #lead(signal: AbortSignal): void {
    const { clock, connect, channel, name } = this.#sharing;
    // A separate channel, because a channel does not receive its own messages.
    const line = channel(name);
    const hub = new TabHub({ clock, connect, post: (message) => line.postMessage(message) });
    const known = new Set<string>();
    line.onmessage = ({ data }: { data: HubMessage | SocketMessage }) => {
      if (data.to !== "hub") return;
      hub.onSocketMessage(data as SocketMessage);
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

/** Not `randomUUID`: pages of insecure origins lack it. */
function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join("-");
}
