import { type EventDraft, LiveError, type Receipt, type TopicEvent } from "../../topics/index.ts";
import { UnansweredError } from "./engine-errors.ts";

/** A server in this process that follows a topic. */
export interface Follower {
  readonly follow: (event: TopicEvent) => void;
  /** Called when following cannot continue. */
  readonly onLost: (() => void) | undefined;
}

/**
 * - `followed`: its followers are notified of every event
 * - `left`: it is not needed any more
 * - `lost`: its log cannot be continued, and the topic has to be opened again
 */
export type FollowState = "followed" | "left" | "lost";

/**
 * The engine-independent part of a followed topic: its followers, its lifetime, and how it ends.
 */
export class FollowedTopic {
  readonly name: string;
  readonly #onEnded: () => void;
  readonly #followers = new Set<Follower>();
  /** Pending operations that need the topic without a follower. */
  #users = 0;
  #state: FollowState = "followed";
  #isNotifying = false;
  /** Events, each with its followers when it was appended. */
  readonly #waiting: { readonly event: TopicEvent; readonly followers: readonly Follower[] }[] = [];

  /** @param onEnded called once, when the topic is left or lost */
  constructor(name: string, onEnded: () => void) {
    this.name = name;
    this.#onEnded = onEnded;
  }

  get state(): FollowState {
    return this.#state;
  }

  get hasEnded(): boolean {
    return this.#state !== "followed";
  }

  get hasFollowers(): boolean {
    return this.#followers.size > 0;
  }

  get isUnused(): boolean {
    return this.#followers.size + this.#users === 0;
  }

  add(follow: Follower["follow"], onLost: Follower["onLost"]): Follower {
    const follower = { follow, onLost };
    this.#followers.add(follower);
    return follower;
  }

  /**
   * Notifies those who follow now: a follower that is added later has read the event from the log. In
   * memory a follower may append at once; that event waits until all have followed this one, so that
   * everyone follows in the order of the log.
   */
  notify(event: TopicEvent): void {
    this.#waiting.push({ event, followers: [...this.#followers] });
    if (this.#isNotifying) return;
    this.#isNotifying = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        for (const follower of next.followers) {
          if (this.#followers.has(follower)) follower.follow(next.event);
        }
      }
    } finally {
      this.#isNotifying = false;
    }
  }

  remove(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Keeps the topic while `work` runs; the last user ends it. */
  async whileUsed<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
      this.endIfUnused();
    }
  }

  endIfUnused(): void {
    if (this.isUnused) this.end("left");
  }

  /** Ends it without notifying its followers. */
  end(how: Exclude<FollowState, "followed">): void {
    if (this.hasEnded) return;
    this.#state = how;
    this.#followers.clear();
    this.#onEnded();
  }

  /** Ends it because its log cannot be continued: every follower has to open the topic again. */
  lose(): void {
    if (this.hasEnded) return;
    const followers = [...this.#followers];
    // Before they are notified: they may open the topic again immediately.
    this.end("lost");
    for (const { onLost } of followers) onLost?.();
  }

  /** @throws LiveError `unavailable` once it has ended */
  requireFollowed(): void {
    if (this.hasEnded) throw this.closed();
  }

  closed(): LiveError {
    return new LiveError("unavailable", `The topic "${this.name}" is closed; open it again.`);
  }

  /** An append that names an idempotency key can be repeated, so its unknown outcome is `unavailable`. */
  async repeatable(
    { idempotencyKey }: EventDraft,
    append: () => Promise<Receipt>,
  ): Promise<Receipt> {
    try {
      return await append();
    } catch (error) {
      if (idempotencyKey === undefined || !(error instanceof UnansweredError)) throw error;
      throw new LiveError("unavailable", `${error.message} Repeat it with the same key.`);
    }
  }

  conflict(key: string): LiveError {
    const message = `The key ${JSON.stringify(key)} of "${this.name}" has changed; read its new value and try again.`;
    return new LiveError("conflict", message);
  }

  /** For a publish that was not acknowledged before the log was lost. */
  restarted(): UnansweredError {
    const message = `The log of "${this.name}" was restarted at the broker; the event may or may not be stored.`;
    return new UnansweredError(message);
  }
}
