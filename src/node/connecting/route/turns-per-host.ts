/** A place at a host, which an attempt needs while it is connecting. */
export interface Place {
  /** Identifies the host: an address and port, or another distinguishing name. */
  key: string;
  /** The maximum number of simultaneous attempts at this place. */
  atOnce: number;
}

/** A turn; ending it allows the next one to begin. */
export interface Turn {
  end(): void;
}

interface Waiting {
  readonly places: readonly Place[];
  readonly begin: () => void;
  begun: boolean;
}

/**
 * Makes attempts at a host wait until the previous one is open or has failed. (RFC 6455 §4.1, item
 * 2)
 *
 * A turn joins all its queues when it is requested, so all queues have the same order, and the
 * oldest turn can always begin. Therefore no two turns can wait for each other. A queue exists only
 * while it is not empty.
 */
export class TurnsPerHost {
  readonly #queues = new Map<string, Set<Waiting>>();

  /** @param begin called once, immediately if all places are free; never after `end` */
  take(places: readonly Place[], begin: () => void): Turn {
    const waiting: Waiting = { places, begin, begun: false };
    for (const { key } of places) {
      const queue = this.#queues.get(key) ?? new Set();
      this.#queues.set(key, queue.add(waiting));
    }
    this.#beginIfFree(waiting);
    return { end: () => this.#leave(waiting) };
  }

  /** The number of hosts that attempts connect to or wait for. */
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

  /** Returns the attempts that may use this place now. */
  #first({ key, atOnce }: Place): Waiting[] {
    const first: Waiting[] = [];
    for (const waiting of this.#queues.get(key) ?? []) {
      if (first.length === atOnce) break;
      first.push(waiting);
    }
    return first;
  }
}

/** One for the whole process, because a host cannot distinguish the objects that connect to it. */
export const turnsPerHost: TurnsPerHost = new TurnsPerHost();
