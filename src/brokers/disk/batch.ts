import type { Offset } from "../../topics/index.ts";
import type { Operation } from "./store.ts";

/** What a topic will be when the batch is written. */
export interface StagedTopic {
  last: Offset;
  /** Of the keys that change in this batch. */
  readonly newest: Map<string, Offset>;
  readonly repeats: Map<string, Offset>;
  /** Of the keys whose leases are renewed. */
  readonly renewed: Set<string>;
  isRecorded: boolean;
}

/** What is written at once, and becomes true only then. */
export class Batch {
  readonly operations: Operation[] = [];
  /** What is called when it is written, in order. */
  readonly effects: (() => void)[] = [];
  readonly #topics = new Map<object, StagedTopic>();
  /** About what is to be written, in characters. */
  size = 0;

  put(key: string, value: string): void {
    this.operations.push({ type: "put", key, value });
    this.size += key.length + value.length;
  }

  delete(key: string): void {
    this.operations.push({ type: "del", key });
    this.size += key.length;
  }

  /** @param begin says what the topic is before the batch */
  topic(topic: object, begin: () => StagedTopic): StagedTopic {
    let staged = this.#topics.get(topic);
    if (staged === undefined) {
      staged = begin();
      this.#topics.set(topic, staged);
    }
    return staged;
  }
}
