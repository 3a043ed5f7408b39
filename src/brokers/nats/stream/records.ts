import type { Offset, TopicDeclaration } from "../../../topics/index.ts";
import type { JetStream } from "../link/jetstream.ts";
import { isRefused, Reason } from "../link/nats-errors.ts";

/** The value of `created` in a record whose topic has no stream. */
export const NO_STREAM = "";

/** The record of a topic, which identifies the log that its stream holds. */
export interface TopicRecord {
  readonly epoch: string;
  /**
   * When the described stream was created. `NO_STREAM` after a loss: the epoch is then that of the
   * log that the next event starts.
   */
  readonly created: string;
  /** Keyed topics: removals up to here may have been dropped. */
  readonly floor: Offset;
  /**
   * Keyed topics: up to here the stream may be shortened, because all values up to here have been
   * copied. Messages that are missing after it are lost.
   */
  readonly shortened?: Offset;
  /** Keyed topics: every message up to here is valid. */
  readonly settled?: Offset;
  /** Until this time of NATS's clock, a node is aligning the replicas of the stream. */
  readonly aligningUntil?: number | undefined;
}

/** A record as it was read; a later one has a greater `revision`. */
export interface KeptRecord extends TopicRecord {
  readonly revision: Offset;
}

interface TopicRecordsHost {
  jetStream: JetStream;
  /** The stream of records. */
  stream: string;
  /** The subject of the record that names the installation. */
  installation: string;
  /** Creates the stream of records if it does not exist. */
  makeStreams(): Promise<void>;
}

/**
 * The records of all topics, in a stream of their own: each has a subject, and the newest message
 * counts.
 *
 * A topic without a record was never published to. The epoch of its first event is derived from the
 * installation's record, so every node knows it without having to store it.
 */
export class TopicRecords {
  readonly #host: TopicRecordsHost;

  constructor(host: TopicRecordsHost) {
    this.#host = host;
  }

  /**
   * Returns the epoch of a topic that was never published to. Read each time, because NATS may have
   * been emptied, even while it runs.
   */
  async firstEpoch(kind: TopicDeclaration["kind"]): Promise<string> {
    return `${await this.installation()}.${kind}`;
  }

  async read(subject: string): Promise<KeptRecord | undefined> {
    const { jetStream, stream } = this.#host;
    const found = await jetStream.message(stream, { last_by_subj: subject });
    if (found === undefined) return undefined;
    return { ...(JSON.parse(atob(found.data)) as TopicRecord), revision: found.seq };
  }

  /** Writes a record after `previous`; returns undefined if another node was faster. */
  async write(
    subject: string,
    record: TopicRecord,
    previous: KeptRecord | undefined,
  ): Promise<KeptRecord | undefined> {
    const { epoch, created, floor, shortened, settled, aligningUntil } = record;
    // It may be the first record, also of an engine that was emptied.
    if (previous === undefined) await this.#host.makeStreams();
    const fields = { epoch, created, floor, shortened, settled, aligningUntil };
    const revision = await this.#publish(subject, JSON.stringify(fields), previous?.revision ?? 0);
    return revision === undefined ? undefined : { ...record, revision };
  }

  /** Returns the name of the installation; the first node that asks creates it. */
  async installation(): Promise<string> {
    const { jetStream, stream, installation: subject } = this.#host;
    for (;;) {
      const found = await jetStream.message(stream, { last_by_subj: subject });
      if (found !== undefined) return (JSON.parse(atob(found.data)) as { id: string }).id;
      await this.#host.makeStreams();
      const id = crypto.randomUUID();
      if ((await this.#publish(subject, JSON.stringify({ id }), 0)) !== undefined) return id;
    }
  }

  /** Returns undefined if `expected` is not the newest message of the subject. */
  async #publish(subject: string, text: string, expected: Offset): Promise<Offset | undefined> {
    try {
      return (await this.#host.jetStream.publish(subject, text, { expected })).seq;
    } catch (error) {
      if (isRefused(error, Reason.WrongLastSequence)) return undefined;
      throw error;
    }
  }
}
