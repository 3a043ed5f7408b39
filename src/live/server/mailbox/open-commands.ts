import { OldestFirst } from "../../../base/index.ts";
import type { Offset, TopicEvent } from "../../../topics/index.ts";
import type { CommandInfo } from "../../system-topics.ts";

/** A command as the log has it now. */
export interface LoggedCommand {
  readonly key: string;
  /** The offset of its newest event, on which its next change depends. */
  readonly offset: Offset;
  readonly info: CommandInfo;
}

/** The commands to one identity. */
interface Queue {
  /** Delivered without an answer: at most one, unless servers disagreed. */
  readonly delivered: Map<string, LoggedCommand>;
  /** In the order in which they were given. */
  readonly pending: OldestFirst<string, LoggedCommand>;
}

/** The commands that are not over yet, by identity. */
export class OpenCommands {
  readonly #queues = new Map<string, Queue>();
  readonly #identityOf = new Map<string, string>();

  /** Takes the newest event of a command. */
  take({ key = "", offset, removed, data }: TopicEvent): void {
    this.#drop(key);
    if (removed) return;
    const info = data as CommandInfo;
    if (isOver(info)) return;
    const { identity, state } = info;
    this.#identityOf.set(key, identity);
    const queue = this.#queues.get(identity) ?? {
      delivered: new Map(),
      pending: new OldestFirst(),
    };
    this.#queues.set(identity, queue);
    queue[state === "delivered" ? "delivered" : "pending"].set(key, { key, offset, info });
  }

  clear(): void {
    this.#queues.clear();
    this.#identityOf.clear();
  }

  /**
   * Returns the next command for an identity: the one that was delivered without an answer,
   * otherwise the one that was given first. Only one is delivered at a time, so they keep their
   * order.
   */
  next(identity: string): LoggedCommand | undefined {
    const queue = this.#queues.get(identity);
    if (queue === undefined) return undefined;
    for (const command of queue.delivered.values()) return command;
    return queue.pending.oldest?.[1];
  }

  get(key: string): LoggedCommand | undefined {
    const queue = this.#queues.get(this.#identityOf.get(key) ?? "");
    return queue?.delivered.get(key) ?? queue?.pending.get(key);
  }

  /** The identities that have any. */
  identities(): IterableIterator<string> {
    return this.#queues.keys();
  }

  /** All that have not been delivered. */
  *pending(): Generator<LoggedCommand, void, undefined> {
    for (const { pending } of this.#queues.values())
      for (const [, command] of pending) yield command;
  }

  /** All that were delivered without an answer. */
  *delivered(): Generator<LoggedCommand, void, undefined> {
    for (const { delivered } of this.#queues.values()) yield* delivered.values();
  }

  #drop(key: string): void {
    const identity = this.#identityOf.get(key);
    const queue = identity === undefined ? undefined : this.#queues.get(identity);
    if (identity === undefined || queue === undefined) return;
    this.#identityOf.delete(key);
    queue.delivered.delete(key);
    queue.pending.delete(key);
    if (queue.delivered.size === 0 && queue.pending.size === 0) this.#queues.delete(identity);
  }
}

/** Whether nothing about a command will change any more. */
export function isOver({ state }: CommandInfo): boolean {
  return state !== "pending" && state !== "delivered";
}
