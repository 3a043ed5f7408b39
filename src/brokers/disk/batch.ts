import type { Offset } from "../../topics/index.ts";
import type { Operation } from "./store.ts";

/** The state of a topic once the batch is written. */
export interface StagedTopic {
  last: Offset;
  /** The offsets of keys that change in this batch. */
  readonly newest: Map<string, Offset>;
  readonly repeats: Map<string, Offset>;
  /** The keys whose leases are renewed in this batch. */
  readonly renewed: Set<string>;
  isRecorded: boolean;
}

/** Changes that are written together; they take effect only when written. */
export class Batch {
  readonly operations: Operation[] = [];
  /** Callbacks for when the batch is written, in order. */
  readonly effects: (() => void)[] = [];
  readonly #topics = new Map<object, StagedTopic>();
  /** The approximate size of what is to be written, in characters. */
  size = 0;

  put(key: string, value: string): void {
    this.operations.push({ type: "put", key, value });
    this.size += key.length + value.length;
  }

  delete(key: string): void {
    this.operations.push({ type: "del", key });
    this.size += key.length;
  }

  /** @param begin returns the topic's state before the batch */
  topic(topic: object, begin: () => StagedTopic): StagedTopic {
    let staged = this.#topics.get(topic);
    if (staged === undefined) {
      staged = begin();
      this.#topics.set(topic, staged);
    }
    return staged;
  }
}
