import { type EventDraft, eventOf, type Offset, type TopicEvent } from "../../../topics/index.ts";
import type { JetStream } from "../link/jetstream.ts";
import { COPY_OF, IF_NEWEST, LEASE, ONCE, REMOVED } from "./message.ts";
import { tokenOf, type TopicNames } from "./names.ts";
import { isRefused, Reason } from "../link/nats-errors.ts";

/** The services of the topic that a publisher uses. */
interface PublisherHost {
  jetStream: JetStream;
  names: TopicNames;
  /** Nobody handled the message, so the stream may be gone. */
  readonly onNobody: () => void;
}

/**
 * Publishes a topic's messages to NATS, and resolves with their positions in the stream.
 *
 * NATS only orders the messages: replicas may disagree on anything that a server remembers besides
 * them. Conditions of a message are in its headers.
 */
export class Publisher {
  readonly #host: PublisherHost;

  constructor(host: PublisherHost) {
    this.#host = host;
  }

  /**
   * @param ifNewest the required offset of the key's newest value
   * @throws LiveError `invalid_data`, and the errors of `NatsLink.request`, as a rejection
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

  /** Republishes the newest event of a key; nodes that know the event do not report it again. */
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
