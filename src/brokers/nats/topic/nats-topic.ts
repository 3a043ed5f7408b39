import type { LongwireError, Timer } from "../../../base/index.ts";
import {
  type BrokerTopic,
  type EventDraft,
  eventOf,
  type HeldKey,
  LiveError,
  type Offset,
  type Receipt,
  requireWellFormed,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../topics/index.ts";
import { logRestarted, UnansweredError } from "../../shared/engine-errors.ts";
import { FollowedTopic } from "../../shared/followed-topic.ts";
import { Waiters } from "../../shared/waiters.ts";
import type { JetStream, StreamInfo } from "../link/jetstream.ts";
import { Journal } from "./journal.ts";
import { FOLLOW_MS } from "../limits.ts";
import { entryOf, type Entry } from "./message.ts";
import { tokenOf, type TopicNames } from "./names.ts";
import { Publisher } from "./publisher.ts";
import type { TopicRecords } from "../stream/records.ts";
import { Shortening } from "./shortening.ts";
import type { Placement } from "../stream/streams.ts";
import { Tail } from "../stream/tail.ts";
import { TopicLeases } from "./topic-leases.ts";
import { TopicStream, type Seen } from "../stream/topic-stream.ts";

/** The services of the broker that a topic uses. */
export interface NatsTopicHost {
  jetStream: JetStream;
  records: TopicRecords;
  names: TopicNames;
  placement: Placement;
  /** The stream of lease renewals. */
  leaseStream: string;
  /** Creates the shared streams if they do not exist. */
  makeStreams(): Promise<void>;
  timeoutMs: number;
  /** How long a repeated append is recognized, in ms. */
  windowMs: number;
  /** Receives problems found at NATS. */
  readonly onError: (error: LongwireError) => void;
  /** The topic has no followers any more. */
  onUnused(): void;
}

/** One topic's log in NATS. It is followed once, however many followers it has in this process. */
export class NatsTopic {
  readonly #host: NatsTopicHost;
  readonly #declaration: TopicDeclaration;
  readonly #stream: TopicStream;
  readonly #publisher: Publisher;
  /** Holds the retained events, for new followers; the events are shared with all followers. */
  readonly #journal: Journal;
  readonly #leases: TopicLeases;
  readonly #followed: FollowedTopic;
  readonly #waiters = new Waiters();
  readonly #shortening: Shortening;
  #seen: Seen = { offset: 0, stamp: "" };
  /** Log topics: the last offset that was gone before the stream was read. */
  #gone: Offset = 0;
  /** Whether messages were missing when the log was read. */
  #hasHoles = false;
  /** Keyed topics: how far the stream was shortened when reading began. */
  #readAfter: Offset | undefined;
  /** Whether the existing stream has been read. */
  #isRead = false;
  #tail: Tail | undefined;
  /** Whether the stream exists and has been followed. */
  #isStarted = false;
  /** Whether another node may have created the stream since the last check. */
  #isUnsure = false;
  /** The creation of the stream; appends wait for it and then proceed in order. */
  #making: Promise<unknown> | undefined;
  #looking: Promise<Offset> = Promise.resolve(0);
  #nextLook: Promise<Offset> | undefined;
  #watch: Timer | undefined;

  constructor(declaration: TopicDeclaration, host: NatsTopicHost) {
    const { jetStream, names, leaseStream } = host;
    this.#declaration = declaration;
    this.#host = host;
    this.#followed = new FollowedTopic(declaration.name, () => this.#onEnded());
    this.#stream = new TopicStream(declaration, host);
    this.#journal = new Journal(declaration, host.windowMs);
    this.#publisher = new Publisher({ ...host, onNobody: () => this.look() });
    this.#shortening = new Shortening({
      ...host,
      journal: this.#journal,
      publisher: this.#publisher,
      stream: this.#stream,
      reach: async (position) => {
        if (position > this.#seen.offset) await this.#until(position);
      },
    });
    this.#leases = new TopicLeases({
      jetStream,
      stream: leaseStream,
      subject: names.lease,
      makeStream: () => host.makeStreams(),
      newest: (key) => this.#journal.live(key),
      remove: ({ key, offset }) => this.#append({ key, removed: true, ifNewest: offset }),
    });
  }

  /** Passes every retained event to `follow`, and then each new one. */
  async join(
    follow: (event: TopicEvent) => void,
    onLost: (() => void) | undefined,
  ): Promise<BrokerTopic> {
    return this.#followed.whileUsed(async () => {
      await this.#readAll().catch((error: unknown) => {
        // Reading again is harmless.
        throw error instanceof UnansweredError ? unavailable(error) : error;
      });
      this.#followed.requireFollowed();
      // Nothing is awaited from here on, so no event falls between the retained ones and the new
      // ones.
      const { log } = this.#journal;
      log.expire(this.#host.jetStream.clock.now());
      for (const event of log.after(0)) follow(event);
      const follower = this.#followed.add(follow, onLost);
      const floor = Math.max(log.floor, this.#gone, this.#stream.floor);
      return {
        epoch: this.#stream.epoch,
        // Not the offset of the last message, because that may be invalid.
        offset: Math.max(log.lastOffset, floor),
        floor,
        now: () => this.#host.jetStream.clock.now(),
        append: (draft) => this.#append(draft),
        lease: (held, leaseMs) => this.#lease(held, leaseMs),
        catchUp: () => this.#catchUp(),
        close: () => {
          this.#followed.remove(follower);
          this.#followed.endIfUnused();
          return Promise.resolve();
        },
      };
    });
  }

  /** Refreshes the state of the stream and does the maintenance that is due. */
  look(): void {
    // If NATS is unreachable, this is repeated after reconnecting. If the log is lost, followers
    // are notified.
    this.#refreshNext().catch(() => {});
  }

  /** A node has recorded which log the stream holds. */
  onRecord(epoch: string): void {
    // Also while the topic is being found, because an earlier answer may be outdated.
    const isFirst = !this.#stream.isMade;
    if (!isFirst && epoch === this.#stream.epoch) return;
    this.#isUnsure = isFirst;
    this.look();
  }

  /** Recreates the consumer if it is silent or could not be created. */
  checkAlive(): void {
    const isFine = this.#stream.isMade ? this.#tail?.isAlive === true : !this.#isUnsure;
    if (!isFine && this.#host.jetStream.link.isOpen) this.look();
  }

  /** The connection was lost. Acknowledged events may arrive after reconnecting, or not at all. */
  onDisconnected(): void {
    this.#tail = undefined;
    this.#isUnsure = true;
    this.#leases.onDisconnected();
    this.#waiters.reject(new UnansweredError(`${this.#host.jetStream.link.server} is away.`));
  }

  /** Ends it without notifying its followers. */
  close(): void {
    this.#followed.end("left");
    this.#waiters.reject(new UnansweredError("The broker is closed."));
  }

  /** Ends it because its log cannot be continued. Returns the error for pending callers. */
  #lose(): LiveError {
    this.#followed.lose();
    return logRestarted(this.#declaration.name);
  }

  #onEnded(): void {
    this.#tail?.close();
    this.#leases.close();
    this.#journal.repeats.close();
    this.#watch?.cancel();
    this.#host.onUnused();
    if (this.#followed.state === "lost") this.#waiters.reject(this.#followed.restarted());
  }

  async #catchUp(): Promise<void> {
    try {
      await this.#reachNewest();
    } catch (error) {
      throw error instanceof UnansweredError ? unavailable(error) : error;
    }
  }

  async #reachNewest(): Promise<void> {
    const newest = await this.#refreshNext();
    if (newest > this.#seen.offset) await this.#reach(newest);
  }

  async #readAll(): Promise<void> {
    await this.#reachNewest();
    if (!this.#isRead) {
      if (this.#hasHoles) await this.#explainHoles();
      this.#finishReading();
    }
    if (this.#declaration.kind === "keyed") await this.#leases.endDue();
  }

  #finishReading(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    for (const { event, leaseMs } of this.#journal.finishReading()) {
      this.#leases.onEvent(event, leaseMs);
    }
  }

  /** Distinguishes lost messages from those deleted by shortening or because they were invalid. */
  async #explainHoles(): Promise<void> {
    const { jetStream, names } = this.#host;
    if (this.#declaration.kind === "keyed") {
      if (await this.#stream.isShortenedSince(this.#readAfter ?? 0)) throw this.#lose();
      return;
    }
    const info = await jetStream.streamInfo(names.stream);
    if (info !== undefined) this.#gone = info.state.first_seq - 1;
  }

  /** Waits until `offset` is followed, or everything before it if the message itself is gone. */
  async #reach(offset: Offset): Promise<void> {
    const { jetStream, names } = this.#host;
    const tail = this.#tail;
    const reached = this.#until(offset);
    const skip = async (): Promise<void> => {
      if ((await jetStream.message(names.stream, { seq: offset })) !== undefined) return;
      await tail?.drained;
      if (tail?.isAlive === true && tail === this.#tail) this.#skipTo(offset);
    };
    await Promise.all([reached, skip()]);
  }

  #skipTo(offset: Offset): void {
    if (offset <= this.#seen.offset) return;
    this.#journal.pass(this.#seen.offset + 1, offset);
    this.#seen = { offset, stamp: "" };
    this.#waiters.reached(offset);
  }

  /** Refreshes run one at a time; callers during a refresh share the next one. */
  #refreshNext(): Promise<Offset> {
    this.#nextLook ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#nextLook = undefined;
        this.#looking = this.#refreshNow();
        return this.#looking;
      });
    return this.#nextLook;
  }

  async #refreshNow(): Promise<Offset> {
    this.#followed.requireFollowed();
    const info = this.#stream.isMade ? await this.#refreshAgain() : await this.#find();
    this.#followed.requireFollowed();
    if (this.#declaration.kind === "keyed") this.#leases.listen();
    if (info === undefined) return 0;
    const { first_seq } = info.state;
    this.#journal.forgetBefore(first_seq);
    this.#journal.settled = this.#stream.settledUpTo;
    this.#readAfter ??= this.#stream.shortenedTo;
    if (!this.#isRead && this.#declaration.kind === "log") this.#gone = Math.max(0, first_seq - 1);
    if (this.#tail?.isAlive !== true) await this.#follow();
    if (this.#isRead) this.#letGo(info).catch(() => {});
    return info.state.last_seq;
  }

  /**
   * Finds the stream, and creates it if something is to be appended. The stream of a topic declared
   * by name is always created, for publishers that use NATS directly; a pattern has any number of
   * names.
   */
  async #find(): Promise<StreamInfo | undefined> {
    const { epoch } = this.#stream;
    const isWanted = this.#declaration.pattern === undefined || this.#making !== undefined;
    // A stream created after this point is found by the next refresh.
    this.#isUnsure = false;
    const finding = isWanted ? this.#stream.make() : this.#stream.find();
    const info = await finding.catch((error: unknown) => {
      this.#isUnsure = true;
      throw error;
    });
    if (epoch !== "" && epoch !== this.#stream.epoch) throw this.#lose();
    return info === undefined ? undefined : this.#unbroken(info);
  }

  async #refreshAgain(): Promise<StreamInfo> {
    const finding = await this.#stream.look({
      seen: this.#seen,
      missing: (first) => (this.#isRead ? this.#journal.missingFrom(first) : Infinity),
    });
    if (finding.kind === "other") throw this.#lose();
    return this.#unbroken(finding.info);
  }

  /** @throws LiveError if events are gone that were not followed */
  #unbroken(info: StreamInfo): StreamInfo {
    if (this.#isRead && info.state.first_seq > this.#seen.offset + 1) throw this.#lose();
    return info;
  }

  /** Starts a consumer after the last event that was followed. */
  async #follow(): Promise<void> {
    const { jetStream, names } = this.#host;
    this.#tail?.close();
    const tail = await Tail.open(
      jetStream,
      { stream: names.stream, after: this.#seen.offset },
      {
        onMessage: (delivery) => this.#take(entryOf(delivery, this.#declaration.kind)),
        onBroken: () => this.look(),
      },
    );
    if (this.#followed.hasEnded || !jetStream.link.isOpen) return tail.close();
    this.#tail = tail;
    this.#isStarted = true;
  }

  #take(entry: Entry): void {
    const { position, stamp, isCopy, leaseMs } = entry;
    const next = this.#seen.offset + 1;
    if (this.#followed.hasEnded || position < next) return;
    if (position > next) {
      // The missed message may have changed a view temporarily, so readers may have missed a step.
      if (this.#isRead) return void this.#lose();
      if (this.#journal.pass(next, position - 1)) this.#hasHoles = true;
    }
    this.#seen = { offset: position, stamp };
    if (isCopy) this.#shortening.onCopy();
    const event = this.#journal.take(entry);
    if (event !== undefined) {
      if (event.key !== undefined) this.#leases.onEvent(event, leaseMs);
      this.#followed.notify(event);
    }
    this.#waiters.reached(position);
  }

  /** Resolves when `offset` is followed; rejects if nothing arrives within the timeout. */
  #until(offset: Offset): Promise<void> {
    const reached = this.#waiters.until(offset);
    if (this.#watch === undefined) this.#watchFrom(this.#seen.offset, 0);
    return reached;
  }

  #watchFrom(offset: Offset, waitedMs: number): void {
    const { jetStream, timeoutMs } = this.#host;
    this.#watch = jetStream.link.clock.after(FOLLOW_MS, () => {
      this.#watch = undefined;
      if (this.#waiters.isEmpty) return;
      if (this.#seen.offset > offset) return this.#watchFrom(this.#seen.offset, 0);
      if (waitedMs + FOLLOW_MS >= timeoutMs) {
        const message = `${jetStream.link.server} did not deliver the event in time; it may or may not be stored.`;
        return this.#waiters.reject(new UnansweredError(message));
      }
      this.#tail?.probe().catch(() => {});
      this.#watchFrom(offset, waitedMs + FOLLOW_MS);
    });
  }

  async #append(draft: EventDraft): Promise<Receipt> {
    requireWellFormed(draft);
    this.#followed.requireFollowed();
    // The topic is followed until the outcome is known, even if all followers have left.
    return this.#followed.whileUsed(() =>
      this.#isStarted && this.#making === undefined
        ? this.#appendNow(draft)
        : this.#appendFirst(draft),
    );
  }

  /** Appends once the stream exists. */
  async #appendFirst(draft: EventDraft): Promise<Receipt> {
    // An invalid event must not create a stream.
    eventOf(draft, 1, 0);
    await this.#make();
    this.#followed.requireFollowed();
    return this.#appendNow(draft);
  }

  async #appendNow(draft: EventDraft): Promise<Receipt> {
    // After a reconnect it is unknown which log the stream holds.
    if (this.#tail === undefined) throw this.#notRead();
    return this.#followed.repeatable(draft, () => this.#appended(draft));
  }

  /**
   * Creates the stream for the first event, and follows it. Appends that wait for it proceed in
   * order.
   */
  #make(): Promise<unknown> {
    if (this.#making !== undefined) return this.#making;
    const clear = (): void => void (this.#making = undefined);
    this.#making = this.#refreshNext().catch((error: unknown) => {
      // Nothing was appended, even if the stream was created.
      throw error instanceof UnansweredError ? unavailable(error) : error;
    });
    // Registered first, so that no later append overtakes the waiting ones.
    this.#making.then(clear, clear);
    return this.#making;
  }

  #notRead(): LiveError {
    const { link } = this.#host.jetStream;
    if (!link.isOpen) return link.away();
    const message = `${this.#declaration.name} is being reloaded from ${link.server}; try again in a moment.`;
    return new LiveError("unavailable", message);
  }

  async #appended(draft: EventDraft): Promise<Receipt> {
    const { idempotencyKey, payer, ifNewest } = draft;
    if (ifNewest !== undefined && ifNewest > this.#seen.offset) await this.#catchUp();
    if (idempotencyKey === undefined) return this.#published(draft);
    const once = tokenOf(idempotencyKey);
    const first = this.#journal.repeats.find(once, this.#host.jetStream.clock.now());
    if (first !== undefined) return { offset: first, duplicate: true };
    const settle = this.#journal.repeats.claim(once, payer);
    try {
      return await this.#published(draft);
    } finally {
      settle();
    }
  }

  async #published(draft: EventDraft): Promise<Receipt> {
    const { offset: before } = this.#seen;
    const position = await this.#publisher.publish(draft, this.#expected(draft));
    if (position <= before) {
      // An offset was assigned twice, so the stream was replaced.
      this.look();
      throw this.#followed.restarted();
    }
    if (this.#followed.hasEnded) throw this.#followed.restarted();
    if (position > this.#seen.offset) await this.#until(position);
    const outcome = this.#journal.outcomeOf(position);
    if (outcome.kind === "conflict") throw this.#followed.conflict(draft.key ?? "");
    return outcome.kind === "duplicate"
      ? { offset: outcome.offset, duplicate: true }
      : { offset: position, duplicate: false };
  }

  /**
   * Returns the offset that the key's newest value must have when the event is stored. For a key
   * without a value, the offset of its removal is not required, because nodes may have forgotten it
   * and all must decide alike.
   *
   * @throws LiveError `conflict`
   */
  #expected(draft: EventDraft): Offset | undefined {
    const { key = "", ifNewest } = draft;
    if (ifNewest === undefined) return undefined;
    const newest = this.#journal.log.newest(key);
    if (ifNewest !== (newest?.offset ?? 0)) throw this.#followed.conflict(key);
    return newest?.removed ? 0 : ifNewest;
  }

  async #lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    this.#followed.requireFollowed();
    await this.#leases.renew(held, leaseMs);
  }

  /** Deletes what exceeds the retention, where NATS cannot decide that itself. */
  async #letGo(info: StreamInfo): Promise<void> {
    const now = this.#host.jetStream.clock.now();
    const { log, repeats } = this.#journal;
    log.expire(now);
    repeats.forget(now);
    this.#leases.forgetEarly(this.#seen.offset);
    if (this.#declaration.kind === "log") return this.#stream.shorten(info, log.floor);
    await this.#leases.endDue();
    await this.#shortening.run(info);
  }
}

function unavailable({ message }: UnansweredError): LiveError {
  return new LiveError("unavailable", message);
}
