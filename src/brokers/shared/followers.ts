import type { TopicEvent } from "../../topics/index.ts";

export interface Follower {
  readonly follow: (event: TopicEvent) => void;
  /** What is followed cannot be continued. */
  readonly onLost: (() => void) | undefined;
}

/** Those who follow a topic here. */
export class Followers {
  readonly #followers = new Set<Follower>();

  get isEmpty(): boolean {
    return this.#followers.size === 0;
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
  }

  delete(follower: Follower): void {
    this.#followers.delete(follower);
  }

  tell(event: TopicEvent): void {
    for (const { follow } of this.#followers) follow(event);
  }

  /**
   * Tells them of nothing more.
   *
   * @param onEnded runs before they are told that it is lost: they may open the topic anew at once
   */
  lose(onEnded: () => void): void {
    const followers = [...this.#followers];
    this.clear();
    onEnded();
    for (const { onLost } of followers) onLost?.();
  }

  /** Tells them of nothing more, not even that. */
  clear(): void {
    this.#followers.clear();
  }
}
