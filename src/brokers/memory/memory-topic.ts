import type { Clock } from "../../base/index.ts";
import {
  type BrokerTopic,
  type EventDraft,
  EventLog,
  eventOf,
  type HeldKey,
  type Offset,
  type Receipt,
  requireWellFormed,
  type TopicDeclaration,
  type TopicEvent,
} from "../../topics/index.ts";
import { EventCharges } from "./event-charges.ts";
import { FollowedTopic } from "../shared/followed-topic.ts";
import { IdempotencyWindow } from "../shared/idempotency-window.ts";
import { KeyLeases } from "../shared/key-leases.ts";

type Follow = (event: TopicEvent) => void;

/** One topic's log, and the servers in this process that follow it. */
export class MemoryTopic {
  readonly epoch: string;
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #window: IdempotencyWindow;
  readonly #leases: KeyLeases;
  readonly #followed: FollowedTopic;
  readonly #isOfPattern: boolean;
  readonly #charges = new EventCharges();

  constructor(declaration: TopicDeclaration, epoch: string, clock: Clock) {
    this.epoch = epoch;
    this.#followed = new FollowedTopic(declaration.name, () => {});
    this.#log = new EventLog(declaration.kind, declaration.retention);
    this.#isOfPattern = declaration.pattern !== undefined;
    this.#log.onDropped = (offset) => this.#charges.release(offset);
    this.#clock = clock;
    this.#window = new IdempotencyWindow(clock);
    this.#leases = new KeyLeases(clock, ({ key, offset }) =>
      this.#append({ key, removed: true, ifNewest: offset }),
    );
  }

  /** Whether it can be forgotten: it has no followers and keeps nothing. */
  get isForgettable(): boolean {
    this.#log.expire(this.#clock.now());
    return !this.#followed.hasFollowers && this.#log.isEmpty && this.#window.isEmpty;
  }

  /** Whether it has ever had an event. */
  get hasCounted(): boolean {
    return this.#log.lastOffset > 0;
  }

  follow(follow: Follow): BrokerTopic {
    for (const event of this.#log.after(0)) follow(event);
    const follower = this.#followed.add(follow, undefined);
    return {
      epoch: this.epoch,
      offset: this.#log.lastOffset,
      floor: this.#log.floor,
      // Async, so that errors for bad data become rejections.
      append: async (draft) => this.#append(draft),
      lease: (held, leaseMs) => this.#lease(held, leaseMs),
      // Appends notify all followers before they resolve, so there is nothing to catch up with.
      catchUp: () => Promise.resolve(),
      close: () => {
        this.#followed.remove(follower);
        return Promise.resolve();
      },
    };
  }

  close(): void {
    this.#leases.close();
    this.#charges.close();
    this.#window.close();
  }

  #append(draft: EventDraft): Receipt {
    requireWellFormed(draft);
    const { key, idempotencyKey, payer } = draft;
    const first = idempotencyKey === undefined ? undefined : this.#window.find(idempotencyKey);
    if (first !== undefined) return { offset: first, duplicate: true };
    this.#checkNewest(draft);
    const event = eventOf(draft, this.#log.lastOffset + 1, this.#clock.now());
    if (this.#isOfPattern && payer !== undefined) {
      // A pattern has any number of names, so the publisher pays for an event while it is kept.
      this.#charges.charge(event, payer, this.#log.isEmpty);
    }
    try {
      if (idempotencyKey !== undefined) this.#window.charge(idempotencyKey, payer);
    } catch (error) {
      this.#charges.release(event.offset);
      throw error;
    }
    this.#log.append(event);
    if (key !== undefined) this.#leases.replace({ key, offset: event.offset }, draft.leaseMs);
    if (idempotencyKey !== undefined)
      this.#window.remember(idempotencyKey, event.offset, { payer });
    this.#followed.notify(event);
    return { offset: event.offset, duplicate: false };
  }

  #lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    for (const { key, offset } of held) {
      if (this.#newestOffset(key) === offset) this.#leases.renew({ key, offset }, leaseMs);
    }
    return Promise.resolve();
  }

  #checkNewest({ key = "", ifNewest }: EventDraft): void {
    if (ifNewest === undefined || this.#newestOffset(key) === ifNewest) return;
    throw this.#followed.conflict(key);
  }

  #newestOffset(key: string): Offset {
    return this.#log.newest(key)?.offset ?? 0;
  }
}
