import type { OldestFirst } from "../../base/index.ts";
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

/** The most records of each kind that one batch deletes. */
const MAX_DELETES = 1_000;

/** Records that a topic has dropped and the store still has. */
export class ExpiredRecords {
  readonly #declaration: TopicDeclaration;
  readonly #keys: TopicKeys;
  readonly #log: EventLog;
  readonly #birth: number;
  /** The removal events that the store has, oldest first. */
  readonly #tombstones: OldestFirst<string, Offset>;
  /** Events up to here have been deleted from the store. */
  #deletedTo: Offset;
  /** The offsets of expired idempotency keys. */
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

  /** Whether there are any. */
  get any(): boolean {
    return this.#spentRepeats.length > 0 || this.#events().length > 0;
  }

  /**
   * The offset of the event that removed `key`, even if the topic has dropped it; 0 if there is
   * none.
   */
  tombstone(key: string): Offset {
    return this.#tombstones.get(key) ?? 0;
  }

  onAppended({ key, offset, removed }: TopicEvent): void {
    if (key === undefined) return;
    if (removed) this.#tombstones.set(key, offset);
    else this.#tombstones.delete(key);
  }

  onRepeatOver(offset: Offset): void {
    this.#spentRepeats.push(offset);
  }

  /** Resets the state after the topic's record was deleted. */
  onForgotten(): void {
    this.#deletedTo = this.#log.lastOffset;
  }

  /** Stages the topic's record. */
  stageRecord(batch: Batch, floor: Offset = this.#deletedTo): void {
    const { kind, retention } = this.#declaration;
    // JSON turns Infinity into null.
    const { maxAgeMs } = { ...defaultRetention, ...retention };
    const record: TopicRecord = { kind, birth: this.#birth, floor, maxAgeMs };
    batch.put(this.#keys.topic, JSON.stringify(record));
  }

  /** Stages the deletion of the oldest records. */
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
      for (;;) {
        const [key, offset] = this.#tombstones.oldest ?? [];
        if (key === undefined || offset === undefined || offset > floor) return;
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
    const [, oldest = Infinity] = this.#tombstones.oldest ?? [];
    if (oldest > floor) return offsets;
    for (const [, offset] of this.#tombstones) {
      if (offset > floor || offsets.length === MAX_DELETES) break;
      offsets.push(offset);
    }
    return offsets;
  }
}
