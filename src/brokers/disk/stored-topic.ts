import { LongwireError, OldestFirst } from "../../base/index.ts";
import {
  EventLog,
  type Offset,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import {
  offsetOfKey,
  readEvent,
  readLease,
  type Lease,
  type RepeatRecord,
  type TopicKeys,
  type TopicRecord,
} from "./records.ts";
import type { Store } from "./store.ts";

/** A topic as loaded from the store. */
export interface StoredTopic {
  /** Undefined if nothing was ever written to the topic. */
  record: TopicRecord | undefined;
  log: EventLog;
  /** Removal events by key, including those that the log has dropped. */
  tombstones: OldestFirst<string, Offset>;
  /** Idempotency keys, oldest first. */
  repeats: { key: string; offset: Offset; at: number }[];
  leases: Lease[];
}

/**
 * Loads a topic page by page, dropping what exceeds its retention.
 *
 * @throws LongwireError `topic_kind`, and those of `storeError`, as a rejection
 */
export async function readTopic(
  { store, onError }: { store: Store; onError: (error: LongwireError) => void },
  declaration: TopicDeclaration,
  keys: TopicKeys,
): Promise<StoredTopic> {
  const text = await store.get(keys.topic);
  const record = text === undefined ? undefined : (JSON.parse(text) as TopicRecord);
  if (record !== undefined) requireKind(record, declaration);
  const topic: StoredTopic = {
    record,
    log: new EventLog(declaration.kind, declaration.retention),
    tombstones: new OldestFirst(),
    repeats: [],
    leases: [],
  };
  if (record === undefined) return topic;
  for await (const page of store.read(keys.events)) {
    for (const [key, value] of page) {
      const event = readEvent(offsetOfKey(key), value);
      if (isBehindHole(event, topic, declaration)) {
        onError(holeBefore(event, declaration));
        topic.log = new EventLog(declaration.kind, declaration.retention);
        topic.log.continueFrom(event.offset - 1, event.offset - 1);
      }
      topic.log.append(event);
      if (event.removed) topic.tombstones.set(event.key ?? "", event.offset);
    }
  }
  topic.log.continueFrom(record.floor, record.floor);
  for await (const page of store.read(keys.repeats)) {
    for (const [key, value] of page) {
      const [at, idempotencyKey] = JSON.parse(value) as RepeatRecord;
      topic.repeats.push({ key: idempotencyKey, offset: offsetOfKey(key), at });
    }
  }
  for await (const page of store.read(keys.leases)) {
    for (const [key, value] of page) topic.leases.push(readLease(key, value, keys));
  }
  return topic;
}

/**
 * Detects records that are missing because LevelDB skips damaged ones. A log topic then continues
 * after the hole, and a client that has not read up to there receives a gap.
 */
function isBehindHole(
  { offset }: TopicEvent,
  { log, record }: StoredTopic,
  { kind }: TopicDeclaration,
): boolean {
  return kind === "log" && offset > Math.max(record!.floor, log.lastOffset) + 1;
}

function holeBefore({ offset }: TopicEvent, { name }: TopicDeclaration): LongwireError {
  const message = `Events of ${name} before offset ${offset} are lost, because the store is damaged; check the disk.`;
  return new LongwireError("store_corrupt", message);
}

function requireKind({ kind }: TopicRecord, declaration: TopicDeclaration): void {
  if (kind === declaration.kind) return;
  const message = `${declaration.name} is declared as a ${declaration.kind} topic but stored as a ${kind} topic; use another name.`;
  throw new LongwireError("topic_kind", message);
}
