import { defaultRetention, type Offset, type TopicDeclaration } from "../../live/index.ts";
import type { JetStream, StreamInfo } from "./jetstream.ts";
import { AGAIN_MS, CATCH_UP_MS, SPARE_BYTES } from "./limits.ts";
import { stampOf } from "./message.ts";
import { tokenOf, type TopicNames } from "./names.ts";
import type { KeptRecord, TopicRecords } from "./records.ts";
import { settleStream, topicStream, type Placement } from "./streams.ts";

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
  #isReplicated = false;

  constructor(declaration: TopicDeclaration, host: TopicStreamHost) {
    this.#declaration = declaration;
    this.#host = host;
  }

  get epoch(): string {
    return this.#record?.epoch ?? "";
  }

  /** Removals up to here may have been let go of. */
  get floor(): Offset {
    return this.#record?.floor ?? 0;
  }

  /** Finds the stream, or makes it, and learns which log it holds. */
  async open(): Promise<StreamInfo> {
    const { jetStream, records, names, placement } = this.#host;
    const wanted = topicStream(this.#declaration, names, placement);
    const info = await settleStream(jetStream, wanted, placement);
    this.#isReplicated = info.config.num_replicas > 1;
    this.#record = await records.settle(names.record, info.created);
    return info;
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
      const { finding, record } = await this.#compare(seen);
      if (finding.kind !== "less") return finding;
      if (clock.now() >= until) {
        await this.#startAnew(record);
        return { kind: "other" };
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

  async #compare(seen: Seen): Promise<{
    finding: Finding | { kind: "less" };
    record: KeptRecord | undefined;
  }> {
    const { jetStream, records, names } = this.#host;
    const known = this.#record!;
    const info = await jetStream.streamInfo(names.stream);
    const [record, event] = await Promise.all([
      records.read(names.record),
      seen.stamp === "" ? undefined : jetStream.message(names.stream, { seq: seen.offset }),
    ]);
    if (info?.created !== known.created) return { finding: { kind: "other" }, record };
    const isReverted = record === undefined || record.revision < known.revision;
    const isAnother = event !== undefined && stampOf(event.time) !== seen.stamp;
    const isLess = event === undefined && info.state.last_seq < seen.offset;
    // Who has seen it first has written it down.
    if (!isReverted && record.epoch !== known.epoch) return { finding: { kind: "other" }, record };
    if (isReverted || isLess || isAnother) return { finding: { kind: "less" }, record };
    this.#record = record;
    return { finding: { kind: "same", info }, record };
  }

  async #startAnew(found: KeptRecord | undefined): Promise<void> {
    const { records, names } = this.#host;
    const { created, floor } = this.#record!;
    // If another one was quicker it is another epoch all the same.
    await records.write(names.record, { epoch: crypto.randomUUID(), created, floor }, found);
  }
}
