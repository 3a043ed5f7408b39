import type { Timer } from "../../base/index.ts";
import {
  EventLog,
  eventOf,
  LiveError,
  type BrokerTopic,
  type EventDraft,
  type HeldKey,
  type Offset,
  type Receipt,
  type TopicDeclaration,
  type TopicEvent,
} from "../../live/index.ts";
import { Followers, type Follower } from "../followers.ts";
import { Waiters } from "../waiters.ts";
import type { JetStream, StreamInfo } from "./jetstream.ts";
import { FOLLOW_MS } from "./limits.ts";
import { entryOf, type Entry } from "./message.ts";
import type { TopicNames } from "./names.ts";
import { UnansweredError } from "./nats-errors.ts";
import { Publisher } from "./publisher.ts";
import type { TopicRecords } from "./records.ts";
import { RemovedKeys } from "./removed-keys.ts";
import type { Placement } from "./streams.ts";
import { Tail } from "./tail.ts";
import { TopicLeases } from "./topic-leases.ts";
import { TopicStream, type Seen } from "./topic-stream.ts";

/** What a topic needs of its broker. */
export interface NatsTopicHost {
  jetStream: JetStream;
  records: TopicRecords;
  names: TopicNames;
  placement: Placement;
  /** The stream of renewals. */
  leaseStream: string;
  /** Makes it, where it is not there. */
  makeStreams(): Promise<void>;
  timeoutMs: number;
  /** Nobody follows it any more. */
  onUnused(): void;
}

/** One topic's log in NATS, followed once however many follow it here. */
export class NatsTopic {
  readonly #host: NatsTopicHost;
  readonly #declaration: TopicDeclaration;
  readonly #stream: TopicStream;
  readonly #publisher: Publisher;
  /** What is retained, for those who join; its events are shared with whoever follows. */
  readonly #log: EventLog;
  readonly #leases: TopicLeases;
  readonly #followers = new Followers();
  readonly #waiters = new Waiters();
  readonly #removed: RemovedKeys;
  /** Those who join, or append and wait for the stream. */
  #waiting = 0;
  #seen: Seen = { offset: 0, stamp: "" };
  /** Of a log topic: what was gone before it was read. */
  #gone: Offset = 0;
  /** All that there was has been read. */
  #isRead = false;
  #tail: Tail | undefined;
  /** The stream was there, and has been followed. */
  #isStarted = false;
  /** Another node may have made the stream since it was last looked for. */
  #isUnsure = false;
  /** The stream is made for these appends, which go on in their order when this is settled. */
  #making: Promise<unknown> | undefined;
  #looking: Promise<Offset> = Promise.resolve(0);
  #nextLook: Promise<Offset> | undefined;
  /** `left`: nobody wants to be told any more; `lost`: who was told has to open it anew. */
  #state: "followed" | "left" | "lost" = "followed";
  #watch: Timer | undefined;

  constructor(declaration: TopicDeclaration, host: NatsTopicHost) {
    const { jetStream, names, leaseStream } = host;
    this.#declaration = declaration;
    this.#host = host;
    this.#stream = new TopicStream(declaration, host);
    this.#log = new EventLog(declaration.kind, declaration.retention);
    this.#removed = new RemovedKeys(this.#log, this.#stream);
    this.#publisher = new Publisher(declaration.name, {
      ...host,
      newest: (key) => this.#log.newest(key),
      seen: () => this.#seen.offset,
      onNobody: () => this.look(),
    });
    this.#leases = new TopicLeases({
      jetStream,
      stream: leaseStream,
      subject: names.lease,
      makeStream: () => host.makeStreams(),
      newest: (key) => this.#newest(key),
      remove: ({ key, offset }) => this.#append({ key, removed: true, ifNewest: offset }),
    });
  }

  /** Tells somebody of all there is, and then of what is new. */
  async join(
    follow: (event: TopicEvent) => void,
    onLost: (() => void) | undefined,
  ): Promise<BrokerTopic> {
    this.#waiting += 1;
    try {
      await this.#readAll();
      this.#requireFollowed();
      // From here on nothing waits: so nothing falls between what is told now and what is new.
      const follower: Follower = { follow, onLost };
      this.#log.expire(this.#host.jetStream.now());
      for (const event of this.#log.after(0)) follow(event);
      this.#followers.add(follower);
      return {
        epoch: this.#stream.epoch,
        offset: this.#seen.offset,
        floor: Math.max(this.#log.floor, this.#gone, this.#stream.floor),
        append: (draft) => this.#append(draft),
        lease: (held, leaseMs) => this.#lease(held, leaseMs),
        catchUp: () => this.#catchUp(),
        close: () => this.#leave(follower),
      };
    } catch (error) {
      // Reading again does no harm.
      throw error instanceof UnansweredError ? unavailable(error) : error;
    } finally {
      this.#stopWaiting();
    }
  }

  /** Looks at what NATS has, and does what is due. */
  look(): void {
    // Away: it is looked at again when the connection is back. Or lost, and that is told.
    this.#lookNext().catch(() => {});
  }

  /** A node has written down which log it is. */
  onRecord(epoch: string): void {
    const isFirst = !this.#stream.isMade;
    if (this.#stream.epoch === "" || (!isFirst && epoch === this.#stream.epoch)) return;
    this.#isUnsure = isFirst;
    this.look();
  }

  /** A consumer that has fallen silent, or could not be made, is made anew. */
  checkAlive(): void {
    const isFine = this.#stream.isMade ? this.#tail?.isAlive === true : !this.#isUnsure;
    if (!isFine && this.#host.jetStream.link.isOpen) this.look();
  }

  /** The connection is lost. What was acknowledged may be followed after it is back, or not at all. */
  onDisconnected(): void {
    this.#tail = undefined;
    this.#isUnsure = true;
    this.#leases.onDisconnected();
    this.#waiters.reject(new UnansweredError(`${this.#host.jetStream.link.server} is away.`));
  }

  /** Tells of nothing more. */
  close(): void {
    this.#end("left");
    this.#waiters.reject(new UnansweredError("The broker is closed."));
  }

  /** What is followed has an end that nobody decided here: all have to open it anew. */
  #lose(): LiveError {
    const error = new LiveError("unavailable", `${this.#restarted} Try again.`);
    if (this.#hasEnded) return error;
    this.#followers.lose(() => {
      this.#end("lost");
      this.#waiters.reject(new UnansweredError(this.#restarted));
    });
    return error;
  }

  get #hasEnded(): boolean {
    return this.#state !== "followed";
  }

  #end(how: "left" | "lost"): void {
    if (this.#hasEnded) return;
    this.#state = how;
    this.#followers.clear();
    this.#tail?.close();
    this.#leases.close();
    this.#watch?.cancel();
    this.#host.onUnused();
  }

  get #isUnused(): boolean {
    return this.#followers.isEmpty && this.#waiting === 0;
  }

  #stopWaiting(): void {
    this.#waiting -= 1;
    if (this.#isUnused) this.#end("left");
  }

  #leave(follower: Follower): Promise<void> {
    this.#followers.delete(follower);
    if (this.#isUnused) {
      this.#end("left");
      // Nobody is left who has to be told of what was stored.
      this.#waiters.reached(Number.POSITIVE_INFINITY);
    }
    return Promise.resolve();
  }

  async #catchUp(): Promise<void> {
    try {
      await this.#reachNewest();
    } catch (error) {
      throw error instanceof UnansweredError ? unavailable(error) : error;
    }
  }

  async #reachNewest(): Promise<void> {
    const newest = await this.#lookNext();
    if (newest > this.#seen.offset) await this.#reach(newest);
  }

  async #readAll(): Promise<void> {
    await this.#reachNewest();
    this.#isRead = true;
    if (this.#declaration.kind === "keyed") await this.#leases.endDue();
  }

  /** Waits until `offset` is followed, or all before it if the message itself is gone. */
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
    if (this.#declaration.kind === "log") this.#gone = offset;
    this.#seen = { offset, stamp: "" };
    this.#waiters.reached(offset);
  }

  /** One look at a time; who asks while one runs shares the next. */
  #lookNext(): Promise<Offset> {
    this.#nextLook ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#nextLook = undefined;
        this.#looking = this.#lookNow();
        return this.#looking;
      });
    return this.#nextLook;
  }

  async #lookNow(): Promise<Offset> {
    this.#requireFollowed();
    const info = this.#stream.isMade ? await this.#lookAgain() : await this.#find();
    this.#requireFollowed();
    if (this.#declaration.kind === "keyed") this.#leases.listen();
    if (info === undefined) return 0;
    if (this.#tail?.isAlive !== true) await this.#follow();
    if (this.#isRead) this.#letGo(info).catch(() => {});
    return info.state.last_seq;
  }

  /**
   * Finds the stream, and makes it if something is to be appended. That of a name which was
   * declared is made in any case, for those who publish by NATS's own means; of the names of a
   * pattern there is no end.
   */
  async #find(): Promise<StreamInfo | undefined> {
    const { epoch } = this.#stream;
    const isWanted = this.#declaration.pattern === undefined || this.#making !== undefined;
    // What is made after this is found at the next look.
    this.#isUnsure = false;
    const finding = isWanted ? this.#stream.make() : this.#stream.find();
    const info = await finding.catch((error: unknown) => {
      this.#isUnsure = true;
      throw error;
    });
    if (epoch !== "" && epoch !== this.#stream.epoch) throw this.#lose();
    return info === undefined ? undefined : this.#unbroken(info);
  }

  async #lookAgain(): Promise<StreamInfo> {
    const finding = await this.#stream.look(this.#seen);
    if (finding.kind === "other") throw this.#lose();
    return this.#unbroken(finding.info);
  }

  /** @throws LiveError if events are gone that were not followed */
  #unbroken(info: StreamInfo): StreamInfo {
    const isMissing = this.#isRead && info.state.first_seq > this.#seen.offset + 1;
    if (this.#declaration.kind === "log" && isMissing) throw this.#lose();
    return info;
  }

  /** Has NATS tell what comes after the last event that was followed. */
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
    if (this.#hasEnded || !jetStream.link.isOpen) return tail.close();
    this.#tail = tail;
    this.#isStarted = true;
  }

  #take({ event, stamp, leaseMs }: Entry): void {
    const { offset } = event;
    if (this.#hasEnded || offset <= this.#seen.offset) return;
    const isLog = this.#declaration.kind === "log";
    if (isLog && offset > this.#seen.offset + 1) {
      if (this.#isRead) return void this.#lose();
      this.#gone = offset - 1;
    }
    this.#seen = { offset, stamp };
    this.#log.append(event);
    if (!isLog) {
      this.#removed.onEvent(event);
      this.#leases.onEvent(event, leaseMs);
    }
    this.#followers.tell(event);
    this.#waiters.reached(offset);
  }

  #newest(key: string): Offset | undefined {
    const event = this.#log.newest(key);
    return event === undefined || event.removed ? undefined : event.offset;
  }

  /** Resolves when `offset` is followed, and rejects if nothing is for as long as NATS may take. */
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
        const message = `${jetStream.link.server} does not tell what it has taken; it may be done or not.`;
        return this.#waiters.reject(new UnansweredError(message));
      }
      this.#tail?.probe().catch(() => {});
      this.#watchFrom(offset, waitedMs + FOLLOW_MS);
    });
  }

  async #append(draft: EventDraft): Promise<Receipt> {
    this.#requireFollowed();
    return this.#isStarted && this.#making === undefined
      ? this.#appendNow(draft)
      : this.#appendFirst(draft);
  }

  /** Appends when there is a stream. Whoever has closed the topic by then has it appended. */
  async #appendFirst(draft: EventDraft): Promise<Receipt> {
    // What cannot be published makes no stream.
    eventOf(draft, 1, 0);
    this.#waiting += 1;
    try {
      await this.#make();
      this.#requireFollowed();
      return await this.#appendNow(draft);
    } finally {
      this.#stopWaiting();
    }
  }

  async #appendNow(draft: EventDraft): Promise<Receipt> {
    // After a reconnect it is not known yet what log it is.
    if (this.#tail === undefined) throw this.#notRead();
    try {
      return await this.#appended(draft);
    } catch (error) {
      throw draft.idempotencyKey !== undefined && error instanceof UnansweredError
        ? new LiveError("unavailable", `${error.message} Repeat it with the same key.`)
        : error;
    }
  }

  /** Makes the stream for the first event, and follows it. Those who wait for it go on in order. */
  #make(): Promise<unknown> {
    if (this.#making !== undefined) return this.#making;
    const clear = (): void => void (this.#making = undefined);
    this.#making = this.#lookNext().catch((error: unknown) => {
      // Whatever became of the stream, nothing was appended.
      throw error instanceof UnansweredError ? unavailable(error) : error;
    });
    // Before those who wait: none that is asked for later overtakes them.
    this.#making.then(clear, clear);
    return this.#making;
  }

  #notRead(): LiveError {
    const { link } = this.#host.jetStream;
    if (!link.isOpen) return link.away();
    const message = `${this.#declaration.name} is looked at anew at ${link.server}; try again in a moment.`;
    return new LiveError("unavailable", message);
  }

  async #appended(draft: EventDraft): Promise<Receipt> {
    const { offset: before } = this.#seen;
    const { seq: offset, duplicate = false } = await this.#publisher.publish(draft);
    if (!duplicate && offset <= before) {
      // Numbers that were given before are given again.
      this.look();
      throw new UnansweredError(this.#restarted);
    }
    if (this.#state === "lost") throw new UnansweredError(this.#restarted);
    // Where all have left nobody has to be told first.
    if (this.#state === "followed" && offset > this.#seen.offset) await this.#until(offset);
    return { offset, duplicate };
  }

  async #lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    this.#requireFollowed();
    await this.#leases.renew(held, leaseMs);
  }

  /** Has NATS let go of what the retention does not keep, where NATS cannot see that itself. */
  async #letGo(info: StreamInfo): Promise<void> {
    this.#log.expire(this.#host.jetStream.now());
    this.#leases.forgetEarly(this.#seen.offset);
    if (this.#declaration.kind === "log") return this.#stream.shorten(info, this.#log.floor);
    await this.#leases.endDue();
    await this.#removed.forget();
  }

  get #restarted(): string {
    return `The log of ${this.#declaration.name} has started again at the broker.`;
  }

  #requireFollowed(): void {
    if (!this.#hasEnded) return;
    const message = `${this.#declaration.name} is not open any more; open it again.`;
    throw new LiveError("unavailable", message);
  }
}

function unavailable({ message }: UnansweredError): LiveError {
  return new LiveError("unavailable", message);
}
