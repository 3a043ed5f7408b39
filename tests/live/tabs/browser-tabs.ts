import type { Page, PageEvent } from "../../../src/live/client/index.ts";
import type { Locks, TabChannel } from "../../../src/live/tabs/index.ts";

interface LockRequest {
  tab: string;
  hold: () => Promise<unknown>;
}

/** One browser: the channels and locks that its tabs have in common. */
export class BrowserTabs {
  readonly #channels = new Map<string, Set<MemoryChannel>>();
  readonly #locks = new Map<string, LockRequest[]>();
  /** Frozen tabs: they receive nothing and run nothing, as in a browser. */
  readonly frozen: Set<string> = new Set();
  /** Tabs whose requests for locks are on their way, until `arrive`. */
  readonly slow: Set<string> = new Set();
  readonly #onTheWay: (() => void)[] = [];
  readonly #closed = new Set<string>();
  readonly #pages = new Map<string, Set<(event: PageEvent) => void>>();

  /** Returns the options of `shareAmongTabs` and `connect` for one of the tabs. */
  tab(id: string): { channel: (name: string) => TabChannel; locks: Locks; page: Page } {
    return {
      channel: (name) => {
        const all = this.#channels.get(name) ?? new Set();
        const channel = new MemoryChannel(id, {
          post: (from, message) => this.#broadcast(name, from, message),
          close: (one) => all.delete(one),
        });
        this.#channels.set(name, all.add(channel));
        return channel;
      },
      locks: {
        request: (name, { signal }, hold) => this.#request(name, { tab: id, hold }, signal),
      },
      page: {
        listen: (listener) => {
          const all = this.#pages.get(id) ?? new Set();
          this.#pages.set(id, all.add(listener));
          return () => all.delete(listener);
        },
      },
    };
  }

  /** Notifies a tab's code of what happens to its page, in the order in which it listened. */
  notify(id: string, event: PageEvent): void {
    for (const listener of this.#pages.get(id) ?? []) listener(event);
  }

  /** The tab's code is notified, and stops running: the page is in the back/forward cache. */
  async putAside(id: string): Promise<void> {
    this.notify(id, "left");
    // Promises that its listeners resolved still run.
    await new Promise(setImmediate);
    this.frozen.add(id);
  }

  /** The tab's code runs again. */
  thaw(id: string): void {
    this.frozen.delete(id);
    this.notify(id, "woke");
  }

  /** Which locks a tab has or waits for, and on which channels it can be reached. */
  heldBy(id: string): string[] {
    const locks = [...this.#locks].filter(([, waiting]) => waiting.some(({ tab }) => tab === id));
    const channels = [...this.#channels].filter(([, all]) =>
      [...all].some(({ tab }) => tab === id),
    );
    return [...locks, ...channels].map(([name]) => name);
  }

  /** Closes a tab without notice: it receives nothing more, and its locks pass to waiting tabs. */
  close(id: string): void {
    this.#closed.add(id);
    for (const all of this.#channels.values()) {
      for (const channel of all) if (channel.tab === id) all.delete(channel);
    }
    for (const [name, waiting] of this.#locks) {
      const hadIt = waiting[0]?.tab === id;
      const left = waiting.filter(({ tab }) => tab !== id);
      this.#locks.set(name, left);
      if (hadIt) this.#grant(name);
    }
  }

  /** The requests for locks that are on their way are there. */
  arrive(): void {
    this.slow.clear();
    for (const request of this.#onTheWay.splice(0)) request();
  }

  #broadcast(name: string, from: MemoryChannel, message: unknown): void {
    if (this.#closed.has(from.tab) || this.frozen.has(from.tab)) return;
    const copy = structuredClone(message);
    for (const channel of this.#channels.get(name) ?? []) {
      if (channel === from || this.frozen.has(channel.tab)) continue;
      queueMicrotask(() => {
        if (!this.#closed.has(channel.tab)) channel.hear(copy);
      });
    }
  }

  #request(name: string, request: LockRequest, signal: AbortSignal): Promise<unknown> {
    if (this.slow.has(request.tab)) {
      this.#onTheWay.push(() => void this.#request(name, request, signal));
      return Promise.resolve();
    }
    const waiting = this.#locks.get(name) ?? [];
    this.#locks.set(name, waiting);
    waiting.push(request);
    if (waiting.length === 1) this.#grant(name);
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        const all = this.#locks.get(name) ?? [];
        // The holder of a lock releases it itself. (Web Locks §3, "AbortSignal")
        if (all.indexOf(request) <= 0) return;
        this.#locks.set(
          name,
          all.filter((one) => one !== request),
        );
        reject(signal.reason as Error);
      });
    });
  }

  #grant(name: string): void {
    const first = this.#locks.get(name)?.[0];
    if (first === undefined) return;
    queueMicrotask(() => {
      if (this.#closed.has(first.tab)) return;
      void first.hold().then(() => {
        const left = this.#locks.get(name)?.filter((one) => one !== first) ?? [];
        this.#locks.set(name, left);
        this.#grant(name);
      });
    });
  }
}

interface ChannelHost {
  post(from: MemoryChannel, message: unknown): void;
  close(channel: MemoryChannel): void;
}

class MemoryChannel implements TabChannel {
  onmessage: unknown = null;
  readonly tab: string;
  readonly #host: ChannelHost;

  constructor(tab: string, host: ChannelHost) {
    this.tab = tab;
    this.#host = host;
  }

  postMessage(message: unknown): void {
    this.#host.post(this, message);
  }

  close(): void {
    this.#host.close(this);
  }

  hear(data: unknown): void {
    (this.onmessage as ((event: { data: unknown }) => void) | null)?.({ data });
  }
}
