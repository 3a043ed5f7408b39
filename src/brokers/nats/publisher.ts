import { type EventDraft, eventOf, type Offset, type TopicEvent } from "../../topics/index.ts";
import type { JetStream } from "./jetstream.ts";
import { COPY_OF, IF_NEWEST, LEASE, ONCE, REMOVED } from "./message.ts";
import { tokenOf, type TopicNames } from "./names.ts";
import { isRefused, Reason } from "./nats-errors.ts";

/** What publishing needs of its topic. */
interface PublisherHost {
  jetStream: JetStream;
  names: TopicNames;
  /** Nobody was there to take it: the stream may be gone. */
  readonly onNobody: () => void;
}

/**
 * Writes a topic's messages to NATS, and resolves with where they stand in the stream.
 *
 * NATS is asked for nothing but their order: replicas do not agree on anything that a server
 * remembers beside its messages. What a message asks for stands in its headers.
 */
export class Publisher {
  readonly #host: PublisherHost;

  constructor(host: PublisherHost) {
    this.#host = host;
  }

  /**
   * @param ifNewest what the key's newest value has to be for it to count
   * @throws LiveError `invalid_data`, and as `NatsLink.request` does, as a rejection
   */
  async publish(draft: EventDraft, ifNewest: Offset | undefined): Promise<Offset> {
    const { key, removed = false, leaseMs, idempotencyKey } = draft;
    const json = removed ? "" : eventOf(draft, 1, 0).json;
    return this.#write(key, json, {
      ...(removed && { [REMOVED]: "true" }),
      ...(leaseMs !== undefined && { [LEASE]: String(leaseMs) }),
      ...(idempotencyKey !== undefined && { [ONCE]: tokenOf(idempotencyKey) }),
      ...(ifNewest !== undefined && { [IF_NEWEST]: String(ifNewest) }),
    });
  }

  /** Writes the newest event of a key again, which is told to nobody who knows it. */
  async copy(event: TopicEvent, leaseMs: number | undefined): Promise<Offset> {
    const { key, json, removed, offset, at } = event;
    return this.#write(key, removed ? "" : json, {
      ...(removed && { [REMOVED]: "true" }),
      ...(leaseMs !== undefined && { [LEASE]: String(leaseMs) }),
      [COPY_OF]: `${offset} ${at}`,
    });
  }

  async #write(
    key: string | undefined,
    json: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Offset> {
    const { jetStream, names, onNobody } = this.#host;
    const subject = key === undefined ? names.subject : `${names.subject}.${tokenOf(key)}`;
    const options = Object.keys(headers).length === 0 ? {} : { headers };
    try {
      return (await jetStream.publish(subject, json, options)).seq;
    } catch (error) {
      if (isRefused(error, Reason.Nobody)) onNobody();
      throw error;
    }
  }
}
