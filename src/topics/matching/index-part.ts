import type { Offset } from "../position.ts";
import type { TopicEvent } from "../event.ts";
import type { FieldTexts } from "./field-texts.ts";

/** What is known of a topic's events by one pass over them, and kept as they change. */
export interface IndexPart {
  /** It knows the events up to here; of use before it is ready only. */
  upTo: Offset;
  /** Whether it knows all events. */
  isReady: boolean;
  /** @param texts what the event has in the fields that are indexed */
  add(event: TopicEvent, texts: FieldTexts): void;
  remove(event: TopicEvent, texts: FieldTexts): void;
}
