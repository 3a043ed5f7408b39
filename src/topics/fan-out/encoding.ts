import type { Offset } from "../position.ts";
import type { TopicEvent } from "../event.ts";

/** Some keys' values as one or more messages. */
export interface StatePage {
  /** The state is at least as new as this. */
  offset: Offset;
  entries: readonly TopicEvent[];
  /** Whether it is the whole state and not only what changed. */
  complete: boolean;
  /** Whether further pages follow. */
  more: boolean;
}

/** How a topic's events become bytes on the wire; a lane exists per view and encoding. */
export interface Encoding {
  readonly name: string;
  /**
   * One event, as a subscriber with this encoding gets it. To keep, not to change.
   *
   * @returns `undefined` if it is longer than the subscribers take
   */
  event(topic: TopicAddress, event: TopicEvent): Uint8Array | undefined;
  /**
   * A page of a keyed topic's state, to keep. May be empty where an empty page says nothing.
   *
   * @returns `undefined` if it is longer than the subscribers take
   */
  page(topic: TopicAddress, page: StatePage): Uint8Array | undefined;
}

export interface TopicAddress {
  name: string;
  epoch: string;
  /** Names the params of a keyed topic, see `viewId`; absent where it cannot be narrowed. */
  view?: string | undefined;
}
