import { forEachMember } from "../json/members.ts";
import { MAX_FIELD_NAMES } from "../limits.ts";
import type { Offset } from "../position.ts";
import type { TopicEvent } from "../event.ts";
import { ownText } from "./field-texts.ts";
import type { IndexPart } from "./index-part.ts";

/**
 * Tracks which fields the events of a topic have, so that params with an unknown field are answered
 * without a walk.
 */
export class FieldNames implements IndexPart {
  upTo: Offset = 0;
  isReady = false;
  /** The number of events per field; `undefined` once there are too many fields to count. */
  #counts: Map<string, number> | undefined = new Map();

  /** Whether an event may have `field`. */
  mayHave(field: string): boolean {
    return this.#counts === undefined || this.#counts.has(field);
  }

  add(event: TopicEvent): void {
    this.#count(event.json, 1);
  }

  remove(event: TopicEvent): void {
    this.#count(event.json, -1);
  }

  #count(json: string, change: 1 | -1): void {
    // Skip reading when nothing is counted any more.
    if (this.#counts === undefined) return;
    forEachMember(json, (field) => {
      const counts = this.#counts;
      if (counts === undefined) return;
      const known = counts.get(field);
      const count = (known ?? 0) + change;
      if (count === 0) counts.delete(field);
      else counts.set(known === undefined ? ownText(field) : field, count);
      if (counts.size > MAX_FIELD_NAMES) this.#counts = undefined;
    });
  }
}
