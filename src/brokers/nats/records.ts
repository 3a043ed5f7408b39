import type { Offset } from "../../live/index.ts";
import type { JetStream } from "./jetstream.ts";
import { isRefused, Reason } from "./nats-errors.ts";

/** What is written beside a topic's stream: which log it holds. */
export interface TopicRecord {
  readonly epoch: string;
  /** When the stream was made that this is about. */
  readonly created: string;
  /** Of a keyed topic: removals up to here may have been let go of. */
  readonly floor: Offset;
}

/** A record as it was found; a later one has a greater `revision`. */
export interface KeptRecord extends TopicRecord {
  readonly revision: Offset;
}

/** The records of all topics, in a stream of their own: each has a subject, and the newest counts. */
export class TopicRecords {
  readonly #jetStream: JetStream;
  readonly #stream: string;
  readonly #makeStreams: () => Promise<void>;

  /** @param makeStreams makes the stream of records, where that is not there */
  constructor(jetStream: JetStream, stream: string, makeStreams: () => Promise<void>) {
    this.#jetStream = jetStream;
    this.#stream = stream;
    this.#makeStreams = makeStreams;
  }

  async read(subject: string): Promise<KeptRecord | undefined> {
    const found = await this.#jetStream.message(this.#stream, { last_by_subj: subject });
    if (found === undefined) return undefined;
    return { ...(JSON.parse(atob(found.data)) as TopicRecord), revision: found.seq };
  }

  /** Writes one after `previous`; returns nothing if another one was quicker. */
  async write(
    subject: string,
    record: TopicRecord,
    previous: KeptRecord | undefined,
  ): Promise<KeptRecord | undefined> {
    const { epoch, created, floor } = record;
    // It may be the first one, also of an engine that came back empty.
    if (previous === undefined) await this.#makeStreams();
    const text = JSON.stringify({ epoch, created, floor });
    try {
      const expected = previous?.revision ?? 0;
      const { seq } = await this.#jetStream.publish(subject, text, { expected });
      return { epoch, created, floor, revision: seq };
    } catch (error) {
      if (isRefused(error, Reason.WrongLastSequence)) return undefined;
      throw error;
    }
  }

  /** Returns the record of a stream, and writes it if this is the first to ask. */
  async settle(subject: string, created: string): Promise<KeptRecord> {
    for (;;) {
      const found = await this.read(subject);
      if (found?.created === created) return found;
      const record = { epoch: crypto.randomUUID(), created, floor: 0 };
      const written = await this.write(subject, record, found);
      if (written !== undefined) return written;
    }
  }
}
