import type { Offset } from "./position.ts";
import type { TopicDeclaration } from "./declaration/topic-declaration.ts";
import type { EventDraft, TopicEvent } from "./event.ts";

/** Stores and numbers the events of topics. */
export interface Broker {
  /** True while the storage engine is unreachable: open topics can be read but not appended to. */
  readonly isAway?: boolean;
  /** False if no other process can use the same storage. Default true. */
  readonly isShared?: boolean;
  /**
   * Opens a topic. Calls `follow` with the retained events in offset order (for a keyed topic, the
   * newest event of each key, including removals), then resolves, then calls it with each new
   * event.
   *
   * @param onLost called at most once, when following cannot continue: the log has another epoch,
   *   or events were lost before they were followed. After that, nothing is followed or appended;
   *   open the topic again to continue.
   * @throws LiveError `bad_request` as a rejection if the name is not well-formed text
   */
  openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic>;
  close(): Promise<void>;
}

export interface BrokerTopic {
  /** Changes whenever offsets may have been lost or restarted. */
  readonly epoch: string;
  /** The newest offset when the topic was opened; 0 if it was empty. */
  readonly offset: Offset;
  /**
   * Events up to this offset may have expired before the topic was opened; 0 if none have. A reader
   * at or past this offset has missed nothing.
   */
  readonly floor: Offset;
  /**
   * The current time of the clock that sets events' `at`, in ms since the Unix epoch; ages are
   * computed with it. Default: the clock of the process.
   */
  now?(): number;
  /**
   * Appends an event, unless its `idempotencyKey` was appended before. When this resolves, the
   * event has been followed.
   *
   * @throws LiveError as a rejection if nothing was appended, such as `bad_request` for a key that
   *   is not well-formed text. With an `idempotencyKey`, `unavailable` may also mean that the
   *   outcome is unknown, because clients repeat it. Without one, an unknown outcome is any other
   *   error.
   */
  append(draft: EventDraft): Promise<Receipt>;
  /**
   * Renews the leases of keys that were appended with one. Each key is removed `leaseMs` after the
   * last renewal, even if the caller crashes, unless it has changed since `offset`.
   */
  lease(held: readonly HeldKey[], leaseMs: number): Promise<void>;
  /**
   * Asks the engine for the end of the log, and resolves when everything up to it has been
   * followed.
   *
   * @throws LiveError `unavailable` as a rejection if the end is unknown now, or if the log was
   *   replaced; then `onLost` is called as well
   */
  catchUp(): Promise<void>;
  /** Stops following. Stored events stay, and leases continue to run. */
  close(): Promise<void>;
}

/** A key whose lease its owner renews. */
export interface HeldKey {
  key: string;
  /** The offset of the event that set it. */
  offset: Offset;
}

export interface Receipt {
  offset: Offset;
  /** True if the event was already in the log; `offset` is then that of the first one. */
  duplicate: boolean;
}
