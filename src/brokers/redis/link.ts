import type { ScriptName } from "./scripts.ts";

/** What a script returns: strings and whole numbers. */
export type Reply = readonly (string | number)[];

/** The way to where topics are kept: for scripts and notifications. */
export interface Link {
  /** Where Redis is, for messages. */
  readonly server: string;
  /** Nothing of it can be reached. */
  readonly isAway: boolean;
  /**
   * Runs a script. What is asked for in one turn leaves in one write, and is done in its order.
   *
   * @param keys of one topic
   * @throws LiveError `unavailable` if it was not done, UnansweredError if it may be, as a rejection
   */
  run(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<Reply>;
  /** Asks all servers that can be reached now; one that refuses is left out. */
  askAll(command: readonly string[]): Promise<{ server: string; answer: string }[]>;
  /**
   * From when this resolves, the handler hears of the channel.
   *
   * @throws LiveError `unavailable` as a rejection
   */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): void;
  close(): void;
}

/** Hears of topics by their channels. */
export interface LinkHandler {
  /** A topic has changed. */
  onNotified(channel: string, text: string): void;
  /** These can be reached again, and notifications of them come; some may have been missed. */
  onBack(channels: Iterable<string>): void;
  /** These cannot; all that was asked for is answered with an error. */
  onLost(channels: Iterable<string>): void;
}
