import type { EventLog, Offset, TopicEvent } from "../../live/index.ts";
import { PURGES_AT_ONCE } from "./limits.ts";
import type { TopicStream } from "./topic-stream.ts";

/** A keyed topic's removed keys, oldest first, that NATS still has. */
export class RemovedKeys {
  readonly #log: EventLog;
  readonly #stream: TopicStream;
  readonly #removed = new Map<string, Offset>();

  constructor(log: EventLog, stream: TopicStream) {
    this.#log = log;
    this.#stream = stream;
  }

  onEvent({ key = "", offset, removed }: TopicEvent): void {
    this.#removed.delete(key);
    if (removed) this.#removed.set(key, offset);
  }

  /** Has NATS let go of those that the log has let go of. */
  async forget(): Promise<void> {
    const gone: [string, Offset][] = [];
    for (const [key, offset] of this.#removed) {
      // The oldest go first.
      if (gone.length === PURGES_AT_ONCE || this.#log.newest(key)?.offset === offset) break;
      gone.push([key, offset]);
    }
    const newest = gone.at(-1);
    // First the floor: who reads between the two is told more than it needs.
    if (newest === undefined || !(await this.#stream.raiseFloor(newest[1]))) return;
    await Promise.all(
      gone.map(async ([key, offset]) => {
        await this.#stream.forget(key, offset);
        if (this.#removed.get(key) === offset) this.#removed.delete(key);
      }),
    );
  }
}
