import type { ScriptName } from "../topic/scripts.ts";

/** A script's result: strings and integers. */
export type Reply = readonly (string | number)[];

/** Runs scripts and receives notifications, on one server or a cluster. */
export interface Link {
  /** The name of the server for messages. */
  readonly server: string;
  /** Whether no part of it is reachable. */
  readonly isAway: boolean;
  /**
   * Runs a script. All scripts of one turn are sent in one write and run in order.
   *
   * @param keys of one topic
   * @throws LiveError `unavailable` if it was not run, UnansweredError if it may have been, as a
   *   rejection
   */
  run(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<Reply>;
  /** Sends a command to all reachable servers; those that refuse are left out. */
  askAll(command: readonly string[]): Promise<{ server: string; answer: string }[]>;
  /**
   * When this resolves, the handler receives notifications of the channel.
   *
   * @throws LiveError `unavailable` as a rejection
   */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): void;
  close(): void;
}

/** Receives events of topics by their channels. */
export interface LinkHandler {
  /** A topic has changed. */
  onNotified(channel: string, text: string): void;
  /** These channels are available again and receive notifications; some may have been missed. */
  onBack(channels: Iterable<string>): void;
  /** These channels are unavailable; all pending requests have failed. */
  onLost(channels: Iterable<string>): void;
}
