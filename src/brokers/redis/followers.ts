import type { Offset, TopicEvent } from "../../live/index.ts";

export interface Follower {
  readonly follow: (event: TopicEvent) => void;
  readonly onLost: (() => void) | undefined;
  /** What it was told up to. */
  told: Offset;
}

/** Somebody who has appended, and waits until it is followed here. */
interface Waiter {
  readonly offset: Offset;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Those who follow a topic here, and those who wait until an event of it has been told. */
export class Followers {
  readonly #followers = new Set<Follower>();
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#followers.size;
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
  }

  delete(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Returns those who were there. */
  clear(): Follower[] {
    const followers = [...this.#followers];
    this.#followers.clear();
    return followers;
  }

  tell(event: TopicEvent): void {
    const { offset } = event;
    for (const follower of this.#followers) {
      if (offset <= follower.told) continue;
      follower.told = offset;
      follower.follow(event);
    }
    for (const waiter of this.#waiters) {
      if (waiter.offset > offset) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Resolves when they have been told of the event with this offset. */
  toldOf(offset: Offset): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.add({ offset, resolve, reject }));
  }

  rejectWaiters(error: Error): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { reject } of waiters) reject(error);
  }
}
