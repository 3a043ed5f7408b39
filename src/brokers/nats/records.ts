import type { Offset, TopicDeclaration } from "../../topics/index.ts";
import type { JetStream } from "./jetstream.ts";
import { isRefused, Reason } from "./nats-errors.ts";

/** The value of `created` in a record whose topic has no stream. */
export const NO_STREAM = "";

/** What is written beside a topic's stream: which log it holds. */
export interface TopicRecord {
  readonly epoch: string;
  /**
   * When the stream was made that this is about. `NO_STREAM` after a loss: the epoch is that of the
   * log that the next event begins.
   */
  readonly created: string;
  /** Keyed topics: removals up to here may have been dropped. */
  readonly floor: Offset;
  /**
   * Keyed topics: up to here the stream may be shortened, because all values that stood there
   * have been copied. Messages that are missing after it are lost.
   */
  readonly shortened?: Offset;
  /** Keyed topics: each message of the stream up to here counts. */
  readonly settled?: Offset;
  /** Until then a node makes the replicas of the stream the same, by the clock of NATS. */
  readonly aligningUntil?: number | undefined;
}

/** A record as it was found; a later one has a greater `revision`. */
export interface KeptRecord extends TopicRecord {
  readonly revision: Offset;
}

interface TopicRecordsHost {
  jetStream: JetStream;
  /** The stream of records. */
  stream: string;
  /** The subject in it of the record that names the installation. */
  installation: string;
  /** Makes the stream of records, where that is not there. */
  makeStreams(): Promise<void>;
}

/**
 * The records of all topics, in a stream of their own: each has a subject, and the newest counts.
 *
 * A topic without a record was never published to. The epoch that its first event will have follows
 * from the record of the installation, so every node knows it and none has to write it down.
 */
export class TopicRecords {
  readonly #host: TopicRecordsHost;

  constructor(host: TopicRecordsHost) {
    this.#host = host;
  }

  /**
   * Returns the epoch of a topic that was never published to. It is read each time, because NATS
   * may have been emptied, also while it runs.
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

  /** Writes one after `previous`; returns nothing if another one was quicker. */
  async write(
    subject: string,
    record: TopicRecord,
    previous: KeptRecord | undefined,
  ): Promise<KeptRecord | undefined> {
    const { epoch, created, floor, shortened, settled, aligningUntil } = record;
    // It may be the first one, also of an engine that came back empty.
    if (previous === undefined) await this.#host.makeStreams();
    const fields = { epoch, created, floor, shortened, settled, aligningUntil };
    const revision = await this.#publish(subject, JSON.stringify(fields), previous?.revision ?? 0);
    return revision === undefined ? undefined : { ...record, revision };
  }

  /** Returns the name of the installation; the first node that asks makes it up. */
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

  /** Returns nothing if `expected` is not the newest of the subject. */
  async #publish(subject: string, text: string, expected: Offset): Promise<Offset | undefined> {
    try {
      return (await this.#host.jetStream.publish(subject, text, { expected })).seq;
    } catch (error) {
      if (isRefused(error, Reason.WrongLastSequence)) return undefined;
      throw error;
    }
  }
}
