import {
  defaultRetention,
  type EventLog,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import type { Batch } from "./batch.ts";
import type { TopicKeys, TopicRecord } from "./records.ts";
import type { StoredTopic } from "./stored-topic.ts";

/** How many records of each sort one batch deletes. */
const MAX_DELETES = 1_000;

/** What the store still has of a topic that has let go of it. */
export class ExpiredRecords {
  readonly #declaration: TopicDeclaration;
  readonly #keys: TopicKeys;
  readonly #log: EventLog;
  readonly #birth: number;
  /** The events that the store has and that say what was removed, oldest first. */
  readonly #tombstones: Map<string, Offset>;
  /** Events up to here have been deleted from the store. */
  #deletedTo: Offset;
  /** Whose idempotency keys are over. */
  #spentRepeats: Offset[] = [];

  constructor(
    declaration: TopicDeclaration,
    keys: TopicKeys,
    { log, tombstones, record }: StoredTopic,
    birth: number,
  ) {
    this.#declaration = declaration;
    this.#keys = keys;
    this.#log = log;
    this.#tombstones = tombstones;
    this.#deletedTo = record?.floor ?? 0;
    this.#birth = birth;
  }

  /** Whether there is any. */
  get any(): boolean {
    return this.#spentRepeats.length > 0 || this.#events().length > 0;
  }

  /** The event that says that `key` is removed, also if the topic has let go of it; or 0. */
  tombstone(key: string): Offset {
    return this.#tombstones.get(key) ?? 0;
  }

  onAppended({ key, offset, removed }: TopicEvent): void {
    if (key === undefined) return;
    // So that the newest is the last.
    this.#tombstones.delete(key);
    if (removed) this.#tombstones.set(key, offset);
  }

  onRepeatOver(offset: Offset): void {
    this.#spentRepeats.push(offset);
  }

  /** The topic is forgotten, and would begin where it ended. */
  onForgotten(): void {
    this.#deletedTo = this.#log.lastOffset;
  }

  /** Has the store know of the topic. */
  stageRecord(batch: Batch, floor: Offset = this.#deletedTo): void {
    const { kind, retention } = this.#declaration;
    // Of JSON Infinity is null.
    const { maxAgeMs } = { ...defaultRetention, ...retention };
    const record: TopicRecord = { kind, birth: this.#birth, floor, maxAgeMs };
    batch.put(this.#keys.topic, JSON.stringify(record));
  }

  /** Deletes some, the oldest. */
  stageDeletes(batch: Batch): void {
    const events = this.#events();
    const repeats = this.#spentRepeats.slice(0, MAX_DELETES);
    if (events.length + repeats.length === 0) return;
    for (const offset of events) batch.delete(this.#keys.event(offset));
    for (const offset of repeats) batch.delete(this.#keys.repeat(offset));
    const floor = Math.max(this.#deletedTo, events.at(-1) ?? 0);
    if (events.length > 0) this.stageRecord(batch, floor);
    batch.effects.push(() => {
      this.#deletedTo = floor;
      this.#spentRepeats.splice(0, repeats.length);
      for (const [key, offset] of this.#tombstones) {
        if (offset > floor) break;
        this.#tombstones.delete(key);
      }
    });
  }

  #events(): Offset[] {
    const { floor } = this.#log;
    const offsets: Offset[] = [];
    if (this.#declaration.kind === "log") {
      const last = Math.min(floor, this.#deletedTo + MAX_DELETES);
      for (let at = this.#deletedTo + 1; at <= last; at += 1) offsets.push(at);
      return offsets;
    }
    for (const offset of this.#tombstones.values()) {
      if (offset > floor || offsets.length === MAX_DELETES) break;
      offsets.push(offset);
    }
    return offsets;
  }
}
