import type { LongwireError } from "../../../base/index.ts";
import { defaultRetention, type Offset, type TopicDeclaration } from "../../../topics/index.ts";
import type { JetStream, StreamConfig, StreamInfo } from "../link/jetstream.ts";
import { AGAIN_MS, CATCH_UP_MS, SPARE_BYTES } from "../limits.ts";
import { stampOf } from "../topic/message.ts";
import type { TopicNames } from "../topic/names.ts";
import { alignReplicas } from "./replica-alignment.ts";
import { NO_STREAM, type KeptRecord, type TopicRecord, type TopicRecords } from "./records.ts";
import { adjusted, madeStream, settleStream, topicStream, type Placement } from "./streams.ts";

/** The newest message that was followed. */
export interface Seen {
  readonly offset: Offset;
  /** Empty if the message itself no longer existed. */
  readonly stamp: string;
}

/** The state of a stream as a node last saw it, for comparison with its current state. */
export interface Known {
  readonly seen: Seen;
  /** How many messages may be missing between the first and the last one. */
  readonly missing: (first: Offset) => number;
}

/** The result of comparing a stream with what was followed. */
export type StreamChange =
  | { kind: "same"; info: StreamInfo }
  /** It is not the log that was followed. */
  | { kind: "other" };

interface TopicStreamHost {
  jetStream: JetStream;
  records: TopicRecords;
  names: TopicNames;
  placement: Placement;
  /** How long a repeated append is recognized, in ms. */
  windowMs: number;
  /** Reports that replicas differ. */
  readonly onError: (error: LongwireError) => void;
}

/** A comparison before any decision is made. */
interface Comparison {
  finding: StreamChange | { kind: "less"; isAnother: boolean };
  info: StreamInfo | undefined;
  record: KeptRecord | undefined;
}

/** The recorded limits of a keyed topic's stream; see `TopicRecord`. */
type Marks = Required<Pick<TopicRecord, "floor" | "shortened" | "settled">>;

/** A topic's stream and its record, which identifies the log. */
export class TopicStream {
  readonly #host: TopicStreamHost;
  readonly #declaration: TopicDeclaration;
  #record: KeptRecord | undefined;
  /** The epoch of a topic without a record, which was never published to. */
  #firstEpoch = "";
  #isReplicated = false;

  constructor(declaration: TopicDeclaration, host: TopicStreamHost) {
    this.#declaration = declaration;
    this.#host = host;
  }

  /** The epoch of the log, or of the log that the next event starts; empty at first. */
  get epoch(): string {
    return this.#record?.epoch ?? this.#firstEpoch;
  }

  /** Whether the stream exists. */
  get isMade(): boolean {
    return this.#record !== undefined && this.#record.created !== NO_STREAM;
  }

  /** Removals up to here may have been dropped. */
  get floor(): Offset {
    return this.#record?.floor ?? 0;
  }

  /** Every message up to here is valid. */
  get settledUpTo(): Offset {
    return this.#record?.settled ?? 0;
  }

  /** The stream may have been shortened up to here, as far as this node knows. */
  get shortenedTo(): Offset {
    return this.#record?.shortened ?? 0;
  }

  /** Whether it has been shortened beyond `before`. */
  async isShortenedSince(before: Offset): Promise<boolean> {
    const { records, names } = this.#host;
    return ((await records.read(names.record))?.shortened ?? 0) > before;
  }

  /** Finds or creates the stream, and determines which log it holds. */
  async make(): Promise<StreamInfo> {
    const { jetStream, placement } = this.#host;
    const made = await settleStream(jetStream, this.#wanted, placement);
    // Not requested again, because in a cluster it may not have a leader yet.
    return (await this.#find(() => Promise.resolve(made))) ?? made;
  }

  /**
   * Finds the stream and determines which log it holds. If it does not exist, it is not created,
   * and all nodes derive the same epoch for the log that the next event starts.
   */
  find(): Promise<StreamInfo | undefined> {
    const { jetStream, names } = this.#host;
    return this.#find((record) =>
      madeStream(jetStream, names.stream, ({ created }) => created === record?.created),
    );
  }

  async #find(
    infoOf: (record: KeptRecord | undefined) => Promise<StreamInfo | undefined>,
  ): Promise<StreamInfo | undefined> {
    const { jetStream, records, names, placement } = this.#host;
    for (;;) {
      // In this order, so that a stream mentioned in the record is either found or deleted.
      const record = await records.read(names.record);
      const info = await infoOf(record);
      const settled = await this.#settled(record, info);
      if (settled === "changed") continue;
      this.#record = settled;
      if (info === undefined) return undefined;
      this.#isReplicated = info.config.num_replicas > 1;
      return adjusted(jetStream, info, this.#wanted, placement);
    }
  }

  /**
   * Checks whether the stream is still the log that was followed. If NATS has lost messages, that
   * is recorded first, so that all nodes agree.
   */
  async look(known: Known): Promise<StreamChange> {
    const { clock } = this.#host.jetStream.link;
    // A single server's answer is final. In a cluster, a new leader may not have applied everything
    // yet.
    const until = clock.now() + (this.#isReplicated ? CATCH_UP_MS : 0);
    for (;;) {
      const { finding, info, record } = await this.#compare(known);
      if (finding.kind !== "less") return finding;
      if (clock.now() >= until) {
        // First, because a node that opens the topic under the new epoch would read replicas that
        // differ.
        const found = finding.isAnother ? await alignReplicas(this.#host, info, record) : record;
        if (found === "another") await this.#pause();
        else if ((await this.#startAnew(info, found)) !== undefined) return { kind: "other" };
        // Another node was faster; its record may name the epoch of the lost log.
        continue;
      }
      await this.#pause();
    }
  }

  /** Records a planned change of the stream; returns false if that has to be repeated. */
  async mark(marks: Marks): Promise<boolean> {
    const record = this.#record;
    if (record === undefined) return false;
    const { records, names } = this.#host;
    const floor = Math.max(record.floor, marks.floor);
    const written = await records.write(names.record, { ...record, ...marks, floor }, record);
    if (written !== undefined) this.#record = written;
    return written !== undefined;
  }

  /**
   * Deletes messages up to `floor` if there are many; NATS itself enforces count and age. The
   * newest message stays for nodes that are about to read it.
   */
  async shorten({ state }: StreamInfo, floor: Offset): Promise<void> {
    const { maxBytes } = { ...defaultRetention, ...this.#declaration.retention };
    const last = Math.min(floor, state.last_seq - 1);
    if (state.bytes <= maxBytes + SPARE_BYTES || last < state.first_seq) return;
    await this.#host.jetStream.purge(this.#host.names.stream, last + 1);
  }

  get #wanted(): StreamConfig {
    const { names, placement, windowMs } = this.#host;
    return topicStream(this.#declaration, names, { placement, windowMs });
  }

  /**
   * Records which log the stream holds, unless that is done; undefined if there never was a stream.
   */
  async #settled(
    record: KeptRecord | undefined,
    info: StreamInfo | undefined,
  ): Promise<KeptRecord | undefined | "changed"> {
    const { records, names } = this.#host;
    const created = info?.created ?? NO_STREAM;
    if (record?.created === created) {
      return isShortenedBeyond(record, info) ? this.#settledAnew(record, info) : record;
    }
    if (record === undefined) this.#firstEpoch = await records.firstEpoch(this.#declaration.kind);
    if (record === undefined && info === undefined) return undefined;
    let epoch = this.#firstEpoch;
    // A recorded stream was deleted, so its epoch has ended.
    if (record !== undefined) epoch = isAnnounced(record) ? record.epoch : crypto.randomUUID();
    const marks = this.#firstMarks(info);
    const written = await records.write(names.record, { epoch, created, ...marks }, record);
    return written ?? "changed";
  }

  /**
   * Values are missing. That starts another epoch, unless a node is shortening the stream right
   * now.
   */
  async #settledAnew(
    record: KeptRecord,
    info: StreamInfo | undefined,
  ): Promise<KeptRecord | "changed"> {
    const { records, names } = this.#host;
    const latest = await records.read(names.record);
    if (latest?.revision !== record.revision) return "changed";
    return (await this.#startAnew(info, record)) ?? "changed";
  }

  /** An existing stream without a record starts with what it has. */
  #firstMarks(info: StreamInfo | undefined): { floor: Offset; shortened?: Offset } {
    if (this.#declaration.kind === "log") return { floor: 0 };
    return { floor: 0, shortened: goneFrom(info) };
  }

  async #compare({ seen, missing }: Known): Promise<Comparison> {
    const { jetStream, records, names } = this.#host;
    const known = this.#record!;
    const info = await jetStream.streamInfo(names.stream);
    const [record, event] = await Promise.all([
      records.read(names.record),
      seen.stamp === "" ? undefined : jetStream.message(names.stream, { seq: seen.offset }),
    ]);
    if (info?.created !== known.created) {
      // A node that opens the topic now must not get the epoch of the lost log.
      const epoch = record?.epoch ?? (await records.firstEpoch(this.#declaration.kind));
      const isTold = epoch !== known.epoch;
      return { finding: isTold ? { kind: "other" } : less(false), info, record };
    }
    const isEmptied = isShortenedBeyond(record, info) || this.#hasHoles(info, { seen, missing });
    const isReverted = record === undefined || record.revision < known.revision;
    const isAnother = event !== undefined && stampOf(event.time) !== seen.stamp;
    const isLess = event === undefined && info.state.last_seq < seen.offset;
    // The node that noticed it first has recorded it.
    if (!isReverted && record.epoch !== known.epoch) {
      return { finding: { kind: "other" }, info, record };
    }
    if (isReverted || isLess || isAnother || isEmptied)
      return { finding: less(isLess || isAnother), info, record };
    this.#record = record;
    return { finding: { kind: "same", info }, info, record };
  }

  #pause(): Promise<void> {
    const { clock } = this.#host.jetStream.link;
    return new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
  }

  /** Keyed topics: a valid message that was followed is gone. */
  #hasHoles({ state }: StreamInfo, { seen, missing }: Known): boolean {
    if (this.#declaration.kind === "log" || state.last_seq !== seen.offset) return false;
    return (state.num_deleted ?? 0) > missing(state.first_seq);
  }

  /** Returns undefined if another node was faster. */
  async #startAnew(
    info: StreamInfo | undefined,
    found: KeptRecord | undefined,
  ): Promise<KeptRecord | undefined> {
    const { records, names } = this.#host;
    const created = info?.created ?? NO_STREAM;
    const known = this.#record ?? found;
    const marks =
      known?.created === created
        ? { ...known, shortened: Math.max(known.shortened ?? 0, goneFrom(info)) }
        : this.#firstMarks(info);
    return records.write(
      names.record,
      { ...marks, epoch: crypto.randomUUID(), created, aligningUntil: undefined },
      found,
    );
  }
}

function less(isAnother: boolean): { kind: "less"; isAnother: boolean } {
  return { kind: "less", isAnother };
}

/** The last position whose messages are gone. */
function goneFrom(info: StreamInfo | undefined): Offset {
  return Math.max(0, (info?.state.first_seq ?? 0) - 1);
}

/** Keyed topics: more is gone than a node has recorded as deletable. */
function isShortenedBeyond(
  record: KeptRecord | undefined,
  info: StreamInfo | undefined,
): record is KeptRecord {
  const { shortened } = record ?? {};
  return shortened !== undefined && info !== undefined && goneFrom(info) > shortened;
}

/** Whether the record names the epoch of a log that the next event starts. */
function isAnnounced({ created }: KeptRecord): boolean {
  return created === NO_STREAM;
}
