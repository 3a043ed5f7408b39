import type { Clock, LongwireError } from "../../base/index.ts";
import {
  type BrokerTopic,
  type EventDraft,
  type EventLog,
  eventOf,
  type HeldKey,
  keptEvent,
  type Offset,
  type Receipt,
  requireWellFormed,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { FollowedTopic } from "../shared/followed-topic.ts";
import { IdempotencyWindow } from "../shared/idempotency-window.ts";
import { KeyLeases } from "../shared/key-leases.ts";
import type { Batch, StagedTopic } from "./batch.ts";
import { nextDiskPhase, type DiskEvent, type DiskPhase } from "./disk-phase.ts";
import { ExpiredRecords } from "./expired-records.ts";
import { TopicKeys, writeEvent, writeLease, type RepeatRecord } from "./records.ts";
import type { Store } from "./store.ts";
import { readTopic, type StoredTopic } from "./stored-topic.ts";
import type { Writer } from "./writer.ts";

/** The delay before a failed removal of an expired key is retried, in milliseconds. */
const RETRY_REMOVAL_MS = 1_000;

/** The services of the broker that a topic uses. */
export interface DiskTopicHost {
  store: Store;
  writer: Writer;
  clock: Clock;
  onError: (error: LongwireError) => void;
  /** The topic has no followers and is no longer in memory. */
  onEnded(topic: DiskTopic): void;
}

/**
 * One topic. Its retained events are in memory for reading, and in the store for loading.
 *
 * A change is staged when its batch is assembled. It takes effect in memory and is reported to
 * followers once the batch is written.
 */
export class DiskTopic {
  readonly epoch: string;
  readonly #host: DiskTopicHost;
  readonly #declaration: TopicDeclaration;
  readonly #keys: TopicKeys;
  readonly #log: EventLog;
  readonly #window: IdempotencyWindow;
  readonly #leases: KeyLeases;
  readonly #expiredRecords: ExpiredRecords;
  readonly #birth: number;
  readonly #followed: FollowedTopic;
  #phase: DiskPhase = "opening";
  /** The number of changes that are not written yet. */
  #changing = 0;
  /** Whether the store has a record of the topic. */
  #isRecorded: boolean;
  /** Whether the store may have leases of its keys. */
  #hasLeases: boolean;

  private constructor(
    declaration: TopicDeclaration,
    host: DiskTopicHost,
    keys: TopicKeys,
    stored: StoredTopic,
  ) {
    const { record, log, repeats, leases } = stored;
    const { clock, store } = host;
    this.#host = host;
    this.#declaration = declaration;
    this.#followed = new FollowedTopic(declaration.name, () => {
      this.#leases.close();
      this.#window.close();
      host.onEnded(this);
    });
    this.#keys = keys;
    this.#log = log;
    this.#birth = record?.birth ?? store.births;
    this.epoch = store.epochOf(this.#birth);
    this.#expiredRecords = new ExpiredRecords(declaration, keys, stored, this.#birth);
    this.#isRecorded = record !== undefined;
    this.#hasLeases = leases.length > 0;
    this.#window = new IdempotencyWindow(clock, (offset) =>
      this.#expiredRecords.onRepeatOver(offset),
    );
    this.#leases = new KeyLeases(clock, (held) => this.#onLeaseOver(held));
    const now = clock.now();
    log.expire(now);
    // After a restart, the machine's clock may be behind the stored times.
    for (const { key, offset, at } of repeats) {
      this.#window.remember(key, offset, { at: Math.min(at, now) });
    }
  }

  /**
   * Loads a topic and removes the keys whose leases expired meanwhile.
   *
   * @throws LongwireError as a rejection
   */
  static async open(declaration: TopicDeclaration, host: DiskTopicHost): Promise<DiskTopic> {
    const keys = new TopicKeys(declaration.name);
    const stored = await readTopic(host, declaration, keys);
    const topic = new DiskTopic(declaration, host, keys, stored);
    try {
      await topic.#continueLeases(stored);
    } catch (error) {
      topic.end();
      throw error;
    }
    void topic.#deleteRest();
    return topic;
  }

  get name(): string {
    return this.#declaration.name;
  }

  get hasEnded(): boolean {
    return this.#followed.hasEnded;
  }

  /** Whether the store has a record of the topic. */
  get isRecorded(): boolean {
    return this.#isRecorded;
  }

  follow(follow: (event: TopicEvent) => void, onLost: (() => void) | undefined): BrokerTopic {
    this.#log.expire(this.#host.clock.now());
    for (const event of this.#log.after(0)) follow(event);
    const follower = this.#followed.add(follow, onLost);
    this.#enter("followed");
    return {
      epoch: this.epoch,
      offset: this.#log.lastOffset,
      floor: this.#log.floor,
      append: (draft) => this.#append(draft),
      lease: (held, leaseMs) => this.#lease(held, leaseMs),
      // Appends notify all followers before they resolve, so there is nothing to catch up with.
      catchUp: () => Promise.resolve(),
      close: () => {
        this.#followed.remove(follower);
        return this.#release();
      },
    };
  }

  /** Ends it because the store was replaced: every follower has to open it again. */
  lose(): void {
    this.#followed.lose();
  }

  /** Ends it without notifying its followers; it is no longer in memory. */
  end(): void {
    this.#followed.end("left");
  }

  // Async, so that errors for bad data become rejections.
  async #append(draft: EventDraft): Promise<Receipt> {
    requireWellFormed(draft);
    // Serialized before waiting, because the publisher may change the object afterwards.
    const { json } = eventOf(draft, 1, 0);
    const { idempotencyKey, payer } = draft;
    const append = (): Promise<Receipt> =>
      this.#change(idempotencyKey !== undefined, (batch) => this.#stageAppend(batch, draft, json));
    return idempotencyKey === undefined
      ? append()
      : this.#window.charged({ key: idempotencyKey, payer }, append);
  }

  /** @param stage returns a function that applies the change in memory and returns its outcome */
  #change<Outcome>(
    isRepeatable: boolean,
    stage: (batch: Batch) => () => Outcome,
  ): Promise<Outcome> {
    this.#changing += 1;
    const changed = new Promise<Outcome>((resolve, reject) => {
      this.#host.writer.submit({
        isRepeatable,
        reject,
        stage: (batch) => {
          this.#requireOpen();
          const apply = stage(batch);
          return () => {
            try {
              resolve(apply());
            } catch (error) {
              reject(error);
              throw error;
            }
          };
        },
      });
    });
    return changed.finally(() => {
      this.#changing -= 1;
      void this.#release();
    });
  }

  #requireOpen(): void {
    // In another store it is another topic, even if its followers have not been notified yet.
    if (this.#host.store.epochOf(this.#birth) !== this.epoch) throw this.#followed.closed();
    this.#followed.requireFollowed();
  }

  #stageAppend(batch: Batch, draft: EventDraft, json: string): () => Receipt {
    const { key, removed = false, idempotencyKey, leaseMs } = draft;
    const staged = this.#staged(batch);
    const first = this.#firstOf(idempotencyKey, staged);
    if (first !== undefined) return () => ({ offset: first, duplicate: true });
    this.#checkNewest(draft, staged);
    const offset = staged.last + 1;
    const event = keptEvent({ offset, key, json, removed, at: this.#host.clock.now() });
    staged.last = offset;
    this.#stageRecord(batch, staged);
    if (key !== undefined) this.#stageReplaced(batch, staged, key);
    batch.put(this.#keys.event(offset), writeEvent(event));
    if (key !== undefined) this.#stageLease(batch, staged, { key, offset }, leaseMs);
    if (idempotencyKey !== undefined) {
      staged.repeats.set(idempotencyKey, offset);
      const repeat: RepeatRecord = [event.at, idempotencyKey];
      batch.put(this.#keys.repeat(offset), JSON.stringify(repeat));
    }
    return () => this.#appended(event, draft);
  }

  #firstOf(idempotencyKey: string | undefined, { repeats }: StagedTopic): Offset | undefined {
    if (idempotencyKey === undefined) return undefined;
    return repeats.get(idempotencyKey) ?? this.#window.find(idempotencyKey);
  }

  /** Applies a stored event in memory and notifies the followers. */
  #appended(event: TopicEvent, { leaseMs, idempotencyKey, payer }: EventDraft): Receipt {
    const { offset, key } = event;
    this.#log.append(event);
    this.#expiredRecords.onAppended(event);
    if (key !== undefined) this.#leases.replace({ key, offset }, leaseMs);
    if (idempotencyKey !== undefined)
      this.#window.remember(idempotencyKey, offset, { at: event.at, payer });
    this.#followed.notify(event);
    return { offset, duplicate: false };
  }

  #checkNewest({ key = "", ifNewest }: EventDraft, staged: StagedTopic): void {
    if (ifNewest === undefined || this.#newestOffset(key, staged) === ifNewest) return;
    throw this.#followed.conflict(key);
  }

  #newestOffset(key: string, { newest }: StagedTopic): Offset {
    return newest.get(key) ?? this.#log.newest(key)?.offset ?? 0;
  }

  #stageReplaced(batch: Batch, staged: StagedTopic, key: string): void {
    // The store may still have a removal that the log has already dropped.
    const replaced = this.#newestOffset(key, staged) || this.#expiredRecords.tombstone(key);
    if (replaced > 0) batch.delete(this.#keys.event(replaced));
    staged.newest.set(key, staged.last);
  }

  #stageLease(batch: Batch, staged: StagedTopic, held: HeldKey, leaseMs: number | undefined): void {
    staged.renewed.delete(held.key);
    if (leaseMs === undefined) {
      if (this.#hasLeases) batch.delete(this.#keys.lease(held.key));
      return;
    }
    this.#hasLeases = true;
    const until = this.#host.clock.now() + leaseMs;
    batch.put(this.#keys.lease(held.key), writeLease({ ...held, until, leaseMs }));
  }

  async #lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    await this.#change(true, (batch) => {
      const staged = this.#staged(batch);
      const renewed = held.filter(({ key, offset }) => this.#newestOffset(key, staged) === offset);
      for (const { key, offset } of renewed) {
        this.#stageLease(batch, staged, { key, offset }, leaseMs);
        staged.renewed.add(key);
      }
      return () => {
        for (const { key, offset } of renewed) this.#leases.renew({ key, offset }, leaseMs);
      };
    });
  }

  #onLeaseOver(held: HeldKey): void {
    void this.#removeDue(held).catch(() => {
      if (!this.hasEnded) this.#leases.renew(held, RETRY_REMOVAL_MS);
    });
  }

  async #removeDue({ key, offset }: HeldKey): Promise<void> {
    await this.#change(true, (batch) => {
      const staged = this.#staged(batch);
      // The key was renewed or changed while this waited for its turn.
      const isHeld = staged.renewed.has(key) || this.#leases.has(key);
      if (isHeld || this.#newestOffset(key, staged) !== offset) return () => {};
      const apply = this.#stageAppend(batch, { key, removed: true }, "null");
      return () => void apply();
    });
  }

  /**
   * Leases continued to run while the topic was not in memory; expired keys are removed before
   * anybody reads.
   */
  async #continueLeases({ leases }: StoredTopic): Promise<void> {
    const now = this.#host.clock.now();
    const due: HeldKey[] = [];
    for (const { key, offset, until, leaseMs } of leases) {
      const leftMs = Math.min(until - now, leaseMs);
      if (leftMs > 0) this.#leases.renew({ key, offset }, leftMs);
      else due.push({ key, offset });
    }
    await Promise.all(due.map((held) => this.#removeDue(held)));
  }

  /** Returns the topic's state in this batch, and stages the deletion of what has expired. */
  #staged(batch: Batch): StagedTopic {
    return batch.topic(this, () => {
      const staged: StagedTopic = {
        last: this.#log.lastOffset,
        newest: new Map(),
        repeats: new Map(),
        renewed: new Set(),
        isRecorded: this.#isRecorded,
      };
      this.#log.expire(this.#host.clock.now());
      this.#expiredRecords.stageDeletes(batch);
      return staged;
    });
  }

  #stageRecord(batch: Batch, staged: StagedTopic): void {
    if (staged.isRecorded) return;
    staged.isRecorded = true;
    this.#expiredRecords.stageRecord(batch);
    batch.effects.push(() => (this.#isRecorded = true));
  }

  /** Deletes expired records in batches. If this fails, a later check tries again. */
  async #deleteRest(): Promise<void> {
    try {
      while (this.#expiredRecords.any && !this.hasEnded) {
        await this.#change(true, (batch) => {
          this.#staged(batch);
          return () => {};
        });
      }
    } catch {
      // The writer has reported the error.
    }
  }

  get #isUnused(): boolean {
    return this.#phase !== "opening" && this.#followed.isUnused && this.#changing === 0;
  }

  /**
   * Removes the topic from memory once it has no followers, and from the store if it keeps nothing.
   */
  async #release(): Promise<void> {
    if (!this.#isUnused || this.hasEnded || !this.#enter("unused")) return;
    this.#log.expire(this.#host.clock.now());
    await this.#deleteRest();
    if (this.#isRecorded && this.#isUnused) await this.#forget().catch(() => {});
    this.#enter("released");
    if (this.#isUnused) this.end();
  }

  /** Returns whether that is another phase. */
  #enter(event: DiskEvent): boolean {
    const before = this.#phase;
    this.#phase = nextDiskPhase(before, event);
    return this.#phase !== before;
  }

  /**
   * Deletes the topic's record if it keeps nothing. If it is followed by then, its next event
   * records it again.
   */
  #forget(): Promise<void> {
    const { store } = this.#host;
    return this.#change(true, (batch) => {
      const staged = this.#staged(batch);
      const isStill =
        this.#window.isEmpty && this.#log.isEmpty && staged.last === this.#log.lastOffset;
      if (!isStill || this.#followed.hasFollowers || this.#expiredRecords.any) return () => {};
      const forgetting = store.forgetting();
      batch.operations.push(forgetting.operation);
      batch.delete(this.#keys.topic);
      staged.isRecorded = false;
      return () => {
        forgetting.written();
        this.#isRecorded = false;
        this.#expiredRecords.onForgotten();
      };
    });
  }
}
