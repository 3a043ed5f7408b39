import type { LongwireError } from "../../base/index.ts";
import { defaultRetention, type Offset, type TopicDeclaration } from "../../topics/index.ts";
import type { JetStream, StreamConfig, StreamInfo } from "./jetstream.ts";
import { AGAIN_MS, CATCH_UP_MS, SPARE_BYTES } from "./limits.ts";
import { stampOf } from "./message.ts";
import type { TopicNames } from "./names.ts";
import { alignReplicas } from "./replica-alignment.ts";
import { NO_STREAM, type KeptRecord, type TopicRecord, type TopicRecords } from "./records.ts";
import { adjusted, madeStream, settleStream, topicStream, type Placement } from "./streams.ts";

/** The newest message that was followed. */
export interface Seen {
  readonly offset: Offset;
  /** Empty if the message itself was not there any more. */
  readonly stamp: string;
}

/** What a node knows of a stream that it compares with what is there. */
export interface Known {
  readonly seen: Seen;
  /** How many messages may be missing between the first and the last one. */
  readonly missing: (first: Offset) => number;
}

/** What a look at a stream found, compared with what was followed. */
export type StreamChange =
  | { kind: "same"; info: StreamInfo }
  /** It is not the log that was followed. */
  | { kind: "other" };

interface TopicStreamHost {
  jetStream: JetStream;
  records: TopicRecords;
  names: TopicNames;
  placement: Placement;
  /** For how long a repeated append is recognised, in ms. */
  windowMs: number;
  /** Hears that replicas differ. */
  readonly onError: (error: LongwireError) => void;
}

/** What a look found, before it is decided what comes of it. */
interface Comparison {
  finding: StreamChange | { kind: "less"; isAnother: boolean };
  info: StreamInfo | undefined;
  record: KeptRecord | undefined;
}

/** What is written down of a keyed topic's stream; see `TopicRecord`. */
type Marks = Required<Pick<TopicRecord, "floor" | "shortened" | "settled">>;

/** A topic's stream and the record of which log it holds. */
export class TopicStream {
  readonly #host: TopicStreamHost;
  readonly #declaration: TopicDeclaration;
  #record: KeptRecord | undefined;
  /** The epoch of a topic that has no record, because it was never published to. */
  #firstEpoch = "";
  #isReplicated = false;

  constructor(declaration: TopicDeclaration, host: TopicStreamHost) {
    this.#declaration = declaration;
    this.#host = host;
  }

  /** The epoch of the log, or that of the log which the next event begins; empty at first. */
  get epoch(): string {
    return this.#record?.epoch ?? this.#firstEpoch;
  }

  /** Whether there is a stream. */
  get isMade(): boolean {
    return this.#record !== undefined && this.#record.created !== NO_STREAM;
  }

  /** Removals up to here may have been let go of. */
  get floor(): Offset {
    return this.#record?.floor ?? 0;
  }

  /** Each message up to here counts. */
  get settledUpTo(): Offset {
    return this.#record?.settled ?? 0;
  }

  /** Up to here the stream may have been shortened, as far as is known here. */
  get shortenedTo(): Offset {
    return this.#record?.shortened ?? 0;
  }

  /** Whether it has been shortened by more than `before`. */
  async isShortenedSince(before: Offset): Promise<boolean> {
    const { records, names } = this.#host;
    return ((await records.read(names.record))?.shortened ?? 0) > before;
  }

  /** Finds the stream, or makes it, and learns which log it holds. */
  async make(): Promise<StreamInfo> {
    const { jetStream, placement } = this.#host;
    const made = await settleStream(jetStream, this.#wanted, placement);
    // Not asked for again: in a cluster nobody may answer for it yet.
    return (await this.#find(() => Promise.resolve(made))) ?? made;
  }

  /**
   * Finds the stream, and learns which log it holds. Where there is none nothing is made, and all
   * nodes find the same epoch: that of the log which the next event begins.
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
      // In this order: what a record says was made is found, or is deleted.
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
   * Looks whether it is still the log that was followed. If NATS has come back with less, that is
   * written down first, so that all nodes say so.
   */
  async look(known: Known): Promise<StreamChange> {
    const { clock } = this.#host.jetStream.link;
    // What a single server says is so. Of several, the new leader may not have applied all yet.
    const until = clock.now() + (this.#isReplicated ? CATCH_UP_MS : 0);
    for (;;) {
      const { finding, info, record } = await this.#compare(known);
      if (finding.kind !== "less") return finding;
      if (clock.now() >= until) {
        // First, or who opens the topic under the new epoch would read what differs.
        const found = finding.isAnother ? await alignReplicas(this.#host, info, record) : record;
        if (found === "another") await this.#pause();
        else if ((await this.#startAnew(info, found)) !== undefined) return { kind: "other" };
        // Another node was quicker; what it has written may be the epoch of what is lost.
        continue;
      }
      await this.#pause();
    }
  }

  /** Writes down what is about to become of the stream; returns false if that has to be repeated. */
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
   * Lets go of what is up to `floor`, if it is much: number and age are NATS's own work. The newest
   * stays for who is about to read it.
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

  /** Writes down which log the stream holds, unless that is done; nothing if there never was one. */
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
    // A stream of which there is a record was deleted, so its epoch is over.
    if (record !== undefined) epoch = isAnnounced(record) ? record.epoch : crypto.randomUUID();
    const marks = this.#firstMarks(info);
    const written = await records.write(names.record, { epoch, created, ...marks }, record);
    return written ?? "changed";
  }

  /** Values are missing. That is another epoch, unless a node has shortened it at this moment. */
  async #settledAnew(
    record: KeptRecord,
    info: StreamInfo | undefined,
  ): Promise<KeptRecord | "changed"> {
    const { records, names } = this.#host;
    const latest = await records.read(names.record);
    if (latest?.revision !== record.revision) return "changed";
    return (await this.#startAnew(info, record)) ?? "changed";
  }

  /** A stream that was there before has what it has. */
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
      // Whoever opens the topic now must not be told the epoch of what is lost.
      const epoch = record?.epoch ?? (await records.firstEpoch(this.#declaration.kind));
      const isTold = epoch !== known.epoch;
      return { finding: isTold ? { kind: "other" } : less(false), info, record };
    }
    const isEmptied = isShortenedBeyond(record, info) || this.#hasHoles(info, { seen, missing });
    const isReverted = record === undefined || record.revision < known.revision;
    const isAnother = event !== undefined && stampOf(event.time) !== seen.stamp;
    const isLess = event === undefined && info.state.last_seq < seen.offset;
    // Who has seen it first has written it down.
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

  /** Keyed topics: a message that was followed and counts is gone. */
  #hasHoles({ state }: StreamInfo, { seen, missing }: Known): boolean {
    if (this.#declaration.kind === "log" || state.last_seq !== seen.offset) return false;
    return (state.num_deleted ?? 0) > missing(state.first_seq);
  }

  /** Returns nothing if another node was quicker. */
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

/** Up to where a stream's messages are gone. */
function goneFrom(info: StreamInfo | undefined): Offset {
  return Math.max(0, (info?.state.first_seq ?? 0) - 1);
}

/** Keyed topics: more is gone than a node has written down that may go. */
function isShortenedBeyond(
  record: KeptRecord | undefined,
  info: StreamInfo | undefined,
): record is KeptRecord {
  const { shortened } = record ?? {};
  return shortened !== undefined && info !== undefined && goneFrom(info) > shortened;
}

/** Whether the record names the epoch of a log that the next event begins. */
function isAnnounced({ created }: KeptRecord): boolean {
  return created === NO_STREAM;
}
