import type { Offset } from "../position.ts";
import type { TopicEvent } from "../event.ts";
import type { FieldTexts } from "./field-texts.ts";

/** An index over a topic's events: built in one pass, then updated with each event. */
export interface IndexPart {
  /** The offset up to which it is built; used only until it is ready. */
  upTo: Offset;
  /** Whether it covers all events. */
  isReady: boolean;
  /** @param texts the event's texts in the indexed fields */
  add(event: TopicEvent, texts: FieldTexts): void;
  remove(event: TopicEvent, texts: FieldTexts): void;
}
