import type { Offset } from "../position.ts";
import type { TopicEvent } from "../event.ts";

/** Values of a keyed topic, as one or more messages. */
export interface StatePage {
  /** The state is at least as new as this offset. */
  offset: Offset;
  entries: readonly TopicEvent[];
  /** Whether this is the whole state and not only the changes. */
  complete: boolean;
  /** Whether more pages follow. */
  more: boolean;
}

/** Encodes a topic's events as bytes. Each view has one lane per encoding. */
export interface Encoding {
  readonly name: string;
  /**
   * Encodes one event. The bytes must not be changed afterwards.
   *
   * @returns `undefined` if they exceed what the subscribers accept
   */
  event(topic: TopicAddress, event: TopicEvent): Uint8Array | undefined;
  /**
   * Encodes a page of a keyed topic's state. The bytes must not be changed afterwards; empty if the
   * encoding has no message for an empty page.
   *
   * @returns `undefined` if they exceed what the subscribers accept
   */
  page(topic: TopicAddress, page: StatePage): Uint8Array | undefined;
}

export interface TopicAddress {
  name: string;
  epoch: string;
  /**
   * Identifies the params of a keyed topic, see `viewId`; absent if the topic cannot be narrowed.
   */
  view?: string | undefined;
}
