import { systemClock, type Clock } from "../../base/index.ts";
import type { ClientSocket, Page } from "../client/index.ts";
import type { Locks, TabChannel } from "./browser-parts.ts";
import { SharingTab } from "./sharing-tab.ts";
import { tabPage } from "./tab-page.ts";
import { TabSocket } from "./tab-socket.ts";

export interface TabOptions {
  /** The actual WebSocket class. Default `globalThis.WebSocket`. */
  webSocket?: SocketClass;
  /** Separates groups of tabs that share, in addition to the URL. Default `longwire`. */
  name?: string;
  /** Creates channels, for tests. Default `BroadcastChannel`. */
  channel?: (name: string) => TabChannel;
  /** For tests. Default `navigator.locks`. */
  locks?: Locks | undefined;
  /** The clock, for tests. */
  clock?: Clock;
  /** Notifies when this tab is suspended and resumed, for tests. */
  page?: Page;
}

type SocketClass = new (url: string, protocol: string) => ClientSocket;

/**
 * Returns a `webSocket` class for `connect` with which all tabs of a site share one connection.
 *
 * One tab holds the connection. When that tab is closed, frozen, or put into the back/forward
 * cache, another one takes over and the tabs resume there. All tabs that share must belong to the
 * same user: pass another `name` after signing in as someone else. A tab connects alone if the
 * browser has no Web Locks (plain HTTP), if it denies them (sandboxed frames), or if the tab that
 * holds the connection does not answer for three seconds.
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
