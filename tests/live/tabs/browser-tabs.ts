import type { Locks, TabChannel } from "../../../src/live/tabs/index.ts";

/** One browser: the channels and locks that its tabs have in common. */
export class BrowserTabs {
  readonly #channels = new Map<string, Set<MemoryChannel>>();
  readonly #locks = new Map<string, { tab: string; hold: () => Promise<unknown> }[]>();
  /** Tabs that hear nothing and do nothing, as a browser freezes them. */
  readonly frozen: Set<string> = new Set();
  /** Tabs whose requests for locks are on their way, until `arrive`. */
  readonly slow: Set<string> = new Set();
  readonly #onTheWay: (() => void)[] = [];
  readonly #closed = new Set<string>();

  /** What `shareAmongTabs` takes, for one of the tabs. */
  tab(id: string): { channel: (name: string) => TabChannel; locks: Locks } {
    return {
      channel: (name) => {
        const channel = new MemoryChannel(id, (from, message) =>
          this.#broadcast(name, from, message),
        );
        const all = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, all.add(channel));
        return channel;
      },
      locks: { request: (name, hold) => this.#request(name, id, hold) },
    };
  }

  /** A tab is closed without a word: it hears nothing more, and its locks go to who waits. */
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

  #request(name: string, tab: string, hold: () => Promise<unknown>): Promise<unknown> {
    if (this.slow.has(tab)) {
      this.#onTheWay.push(() => void this.#request(name, tab, hold));
      return Promise.resolve();
    }
    const waiting = this.#locks.get(name) ?? [];
    this.#locks.set(name, waiting);
    waiting.push({ tab, hold });
    if (waiting.length === 1) this.#grant(name);
    return Promise.resolve();
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

class MemoryChannel implements TabChannel {
  onmessage: unknown = null;
  readonly tab: string;
  readonly #post: (from: MemoryChannel, message: unknown) => void;

  constructor(tab: string, post: (from: MemoryChannel, message: unknown) => void) {
    this.tab = tab;
    this.#post = post;
  }

  postMessage(message: unknown): void {
    this.#post(this, message);
  }

  hear(data: unknown): void {
    (this.onmessage as ((event: { data: unknown }) => void) | null)?.({ data });
  }
}
