import { MAX_FIELD_NAMES } from "../limits.ts";
import type { Offset } from "../position.ts";
import type { TopicEvent } from "../topic-event.ts";
import type { IndexPart } from "./index-part.ts";

/** The fields that an array has of its own. */
const ARRAY_FIELD = /^(?:length|\d+)$/;

/**
 * Which fields the events of a topic have, so that params with a field that none has are answered
 * without a walk.
 */
export class FieldNames implements IndexPart {
  upTo: Offset = 0;
  isReady = false;
  /** How many events have each; `undefined` once there are too many different ones to count. */
  #counts: Map<string, number> | undefined = new Map();
  /** Arrays are counted as one, because each of their elements is a field. */
  #arrays = 0;

  /** Whether an event may have `field`. */
  mayHave(field: string): boolean {
    if (this.#counts === undefined || this.#counts.has(field)) return true;
    return this.#arrays > 0 && ARRAY_FIELD.test(field);
  }

  add(event: TopicEvent): void {
    // Not parsed where nothing is counted any more.
    if (this.#counts !== undefined) this.#count(event.data, 1);
  }

  remove(event: TopicEvent): void {
    if (this.#counts !== undefined) this.#count(event.data, -1);
  }

  #count(data: unknown, change: 1 | -1): void {
    if (typeof data !== "object" || data === null || this.#counts === undefined) return;
    if (Array.isArray(data)) {
      this.#arrays += change;
      return;
    }
    for (const field in data) {
      const count = (this.#counts.get(field) ?? 0) + change;
      if (count === 0) this.#counts.delete(field);
      else this.#counts.set(field, count);
      if (this.#counts.size <= MAX_FIELD_NAMES) continue;
      this.#counts = undefined;
      return;
    }
  }
}
