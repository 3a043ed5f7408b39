/** What an attempt needs while it is connecting: a place at a host. */
export interface Place {
  /** Names the host: an address and port, or whatever else tells hosts apart. */
  key: string;
  /** How many may be there at once. */
  atOnce: number;
}

/** A turn that was taken; ending it lets the next one begin. */
export interface Turn {
  end(): void;
}

interface Waiting {
  readonly places: readonly Place[];
  readonly begin: () => void;
  begun: boolean;
}

/**
 * Who connects to a host waits until the one before is open or has failed. (RFC 6455 §4.1, item 2)
 *
 * A turn stands in all its queues from the moment it is asked for, so all queues have the same
 * order, and the oldest turn can always begin: no two can wait for each other. A queue exists only
 * while somebody is in it.
 */
export class TurnsPerHost {
  readonly #queues = new Map<string, Set<Waiting>>();

  /** @param begin called once, at once if all places are free; never after `end` */
  take(places: readonly Place[], begin: () => void): Turn {
    const waiting: Waiting = { places, begin, begun: false };
    for (const { key } of places) {
      const queue = this.#queues.get(key) ?? new Set();
      this.#queues.set(key, queue.add(waiting));
    }
    this.#beginIfFree(waiting);
    return { end: () => this.#leave(waiting) };
  }

  /** The number of hosts that somebody connects to or waits for. */
  get size(): number {
    return this.#queues.size;
  }

  #leave(leaving: Waiting): void {
    leaving.begun = true;
    for (const { key } of leaving.places) {
      const queue = this.#queues.get(key);
      queue?.delete(leaving);
      if (queue?.size === 0) this.#queues.delete(key);
    }
    for (const place of leaving.places) {
      for (const waiting of this.#first(place)) this.#beginIfFree(waiting);
    }
  }

  #beginIfFree(waiting: Waiting): void {
    if (waiting.begun) return;
    if (!waiting.places.every((place) => this.#first(place).includes(waiting))) return;
    waiting.begun = true;
    waiting.begin();
  }

  /** Those who may be at this place now. */
  #first({ key, atOnce }: Place): Waiting[] {
    const first: Waiting[] = [];
    for (const waiting of this.#queues.get(key) ?? []) {
      if (first.length === atOnce) break;
      first.push(waiting);
    }
    return first;
  }
}

/** One for the whole process: a host cannot know which of our objects connects to it. */
export const turnsPerHost: TurnsPerHost = new TurnsPerHost();
