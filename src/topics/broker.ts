import type { Offset } from "./position.ts";
import type { TopicDeclaration } from "./declaration/topic-declaration.ts";
import type { EventDraft, TopicEvent } from "./event.ts";

/** Where topics' events are kept and numbered. */
export interface Broker {
  /** True while the engine cannot be reached: what is open can be read, and nothing appended. */
  readonly isAway?: boolean;
  /**
   * Opens a topic: tells `follow` the events that are retained (of a keyed topic the newest of
   * each key, and the tombstones), in offset order, then resolves, then tells each new one.
   *
   * @param onLost called at most once, when what is followed cannot be continued: the log has
   *   another epoch, or events are gone that were not told. Nothing more is told then and nothing
   *   appended; whoever wants to go on opens the topic anew.
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
  /** Changes whenever offsets may have been lost or have started again. */
  readonly epoch: string;
  /** The newest offset when the topic was opened; 0 in an empty one. */
  readonly offset: Offset;
  /**
   * Events up to this offset may have been let go of before the topic was opened; 0 if none was.
   * Who has read up to here or further misses nothing by it.
   */
  readonly floor: Offset;
  /**
   * The time by the clock that events' `at` is from, in ms since the Unix epoch; what is old is
   * reckoned by it. Default: the clock of the process.
   */
  now?(): number;
  /**
   * Appends an event, or finds that its `idempotencyKey` was appended before. It has been
   * followed when this resolves.
   *
   * @throws LiveError as a rejection if nothing was appended: `bad_request` for a key that is not
   *   well-formed text. `unavailable`, which clients repeat,
   *   also stands for not knowing it, if there is an `idempotencyKey`; without one that is any
   *   other error.
   */
  append(draft: EventDraft): Promise<Receipt>;
  /**
   * Renews the leases of keys that were appended with one: each is removed `leaseMs` after the
   * last such call, whatever has become of the caller, unless it has changed since `offset`.
   */
  lease(held: readonly HeldKey[], leaseMs: number): Promise<void>;
  /**
   * Asks the engine how far the log is, and resolves when all of that has been followed.
   *
   * @throws LiveError `unavailable` as a rejection if that cannot be known now, also because it is
   *   another log: `onLost` is called then
   */
  catchUp(): Promise<void>;
  /** Tells of no further event. What is in the log stays in it, and leases run on. */
  close(): Promise<void>;
}

/** A key as somebody set it, who is to say that it lives. */
export interface HeldKey {
  key: string;
  /** Of the event that set it. */
  offset: Offset;
}

export interface Receipt {
  offset: Offset;
  /** True if the event was in the log already; `offset` is the first one's then. */
  duplicate: boolean;
}
