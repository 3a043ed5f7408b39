import { systemClock, type Clock } from "../../base/index.ts";
import type { ClientSocket, Page } from "../client/index.ts";
import { SharingTab } from "./sharing-tab.ts";
import { tabPage } from "./tab-page.ts";
import { TabSocket } from "./tab-socket.ts";

/** What is used of a `BroadcastChannel`. */
export interface TabChannel {
  onmessage: unknown;
  postMessage(message: unknown): void;
  close(): void;
}

/** What is used of `navigator.locks`. */
export interface Locks {
  /** Holds the lock until the promise is settled; `signal` ends the waiting for it. */
  request(
    name: string,
    options: { signal: AbortSignal },
    hold: () => Promise<unknown>,
  ): Promise<unknown>;
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
  /** Notifies that this tab is put aside and is back; for tests. */
  page?: Page;
}

type SocketClass = new (url: string, protocol: string) => ClientSocket;

/**
 * A `webSocket` for `connect` with which all tabs of a site share one connection.
 *
 * One tab has it; when that tab is closed, frozen, or put into the back/forward cache, another one
 * takes over, and the others resume there. All tabs that share have to be of the same user:
 * sign-out and sign-in as someone else need another `name`. Where the browser has no Web Locks, as
 * on plain HTTP, or refuses them, as in a sandboxed frame, or the tab that has the connection does
 * not answer for three seconds, a tab connects by itself.
 */
export function shareAmongTabs(options: TabOptions = {}): SocketClass {
  const real = options.webSocket ?? globalThis.WebSocket;
  const locks: Locks | undefined = "locks" in options ? options.locks : globalThis.navigator?.locks;
  const { name = "longwire", clock = systemClock, page = tabPage } = options;
  const channel = options.channel ?? ((full: string) => new BroadcastChannel(full));
  if (locks === undefined) return real;
  const held = locks;
  const tabs = new Map<string, SharingTab>();
  return class SharedWebSocket extends TabSocket {
    constructor(url: string, protocol: string) {
      const full = `${name} ${url}`;
      const connect = (): ClientSocket => new real(url, protocol);
      const tab =
        tabs.get(full) ??
        new SharingTab({ name: full, locks: held, clock, channel, connect, page });
      tabs.set(full, tab);
      super(tab, tab.newSocketId());
    }
  };
}
