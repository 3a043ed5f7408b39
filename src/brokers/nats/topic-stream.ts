import { defaultRetention, type Offset, type TopicDeclaration } from "../../live/index.ts";
import type { JetStream, StreamConfig, StreamInfo } from "./jetstream.ts";
import { AGAIN_MS, CATCH_UP_MS, SPARE_BYTES } from "./limits.ts";
import { stampOf } from "./message.ts";
import { tokenOf, type TopicNames } from "./names.ts";
import { NO_STREAM, type KeptRecord, type TopicRecords } from "./records.ts";
import { adjusted, madeStream, settleStream, topicStream, type Placement } from "./streams.ts";

/** The newest event that was followed. */
export interface Seen {
  readonly offset: Offset;
  /** Empty if the event itself was not there any more. */
  readonly stamp: string;
}

/** What a look at a stream found, compared with what was followed. */
export type Finding =
  | { kind: "same"; info: StreamInfo }
  /** It is not the log that was followed. */
  | { kind: "other" };

interface TopicStreamHost {
  jetStream: JetStream;
  records: TopicRecords;
  names: TopicNames;
  placement: Placement;
}

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
  async look(seen: Seen): Promise<Finding> {
    const { clock } = this.#host.jetStream.link;
    // What a single server says is so. Of several, the new leader may not have applied all yet.
    const until = clock.now() + (this.#isReplicated ? CATCH_UP_MS : 0);
    for (;;) {
      const { finding, info, record } = await this.#compare(seen);
      if (finding.kind !== "less") return finding;
      if (clock.now() >= until) {
        if (await this.#startAnew(info, record)) return { kind: "other" };
        // Another node was quicker; what it has written may be the epoch of what is lost.
        continue;
      }
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
  }

  /** Writes down that removals up to `floor` may be gone; returns false if that has to be repeated. */
  async raiseFloor(floor: Offset): Promise<boolean> {
    const record = this.#record;
    if (record === undefined || record.floor >= floor) return true;
    const { records, names } = this.#host;
    const written = await records.write(names.record, { ...record, floor }, record);
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
    await this.#host.jetStream.purge(this.#host.names.stream, { seq: last + 1 });
  }

  /** Lets go of what a key had up to `offset`. */
  async forget(key: string, offset: Offset): Promise<void> {
    const { jetStream, names } = this.#host;
    const filter = `${names.subject}.${tokenOf(key)}`;
    await jetStream.purge(names.stream, { filter, seq: offset + 1 });
  }

  get #wanted(): StreamConfig {
    const { names, placement } = this.#host;
    return topicStream(this.#declaration, names, placement);
  }

  /** Writes down which log the stream holds, unless that is done; nothing if there never was one. */
  async #settled(
    record: KeptRecord | undefined,
    info: StreamInfo | undefined,
  ): Promise<KeptRecord | undefined | "changed"> {
    const { records, names } = this.#host;
    const created = info?.created ?? NO_STREAM;
    if (record?.created === created) return record;
    if (record === undefined) this.#firstEpoch = await records.firstEpoch(this.#declaration.kind);
    if (record === undefined && info === undefined) return undefined;
    let epoch = this.#firstEpoch;
    // A stream of which there is a record was deleted, so its epoch is over.
    if (record !== undefined) epoch = isAnnounced(record) ? record.epoch : crypto.randomUUID();
    const written = await records.write(names.record, { epoch, created, floor: 0 }, record);
    return written ?? "changed";
  }

  async #compare(seen: Seen): Promise<{
    finding: Finding | { kind: "less" };
    info: StreamInfo | undefined;
    record: KeptRecord | undefined;
  }> {
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
      const kind = epoch === known.epoch ? "less" : "other";
      return { finding: { kind }, info, record };
    }
    const isReverted = record === undefined || record.revision < known.revision;
    const isAnother = event !== undefined && stampOf(event.time) !== seen.stamp;
    const isLess = event === undefined && info.state.last_seq < seen.offset;
    // Who has seen it first has written it down.
    if (!isReverted && record.epoch !== known.epoch) {
      return { finding: { kind: "other" }, info, record };
    }
    if (isReverted || isLess || isAnother) return { finding: { kind: "less" }, info, record };
    this.#record = record;
    return { finding: { kind: "same", info }, info, record };
  }

  /** Returns false if another node was quicker. */
  async #startAnew(info: StreamInfo | undefined, found: KeptRecord | undefined): Promise<boolean> {
    const { records, names } = this.#host;
    const created = info?.created ?? NO_STREAM;
    const floor = created === this.#record!.created ? this.#record!.floor : 0;
    const record = { epoch: crypto.randomUUID(), created, floor };
    return (await records.write(names.record, record, found)) !== undefined;
  }
}

/** Whether the record names the epoch of a log that the next event begins. */
function isAnnounced({ created }: KeptRecord): boolean {
  return created === NO_STREAM;
}
