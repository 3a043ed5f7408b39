import {
  eventOf,
  LiveError,
  type EventDraft,
  type Offset,
  type TopicEvent,
} from "../../live/index.ts";
import type { JetStream, Published, PublishOptions } from "./jetstream.ts";
import { AGAIN_MS } from "./limits.ts";
import { LEASE, REMOVED } from "./message.ts";
import { tokenOf, type TopicNames } from "./names.ts";
import { isRefused, Reason, UnansweredError } from "./nats-errors.ts";

/** What publishing needs of its topic. */
interface PublisherHost {
  jetStream: JetStream;
  names: TopicNames;
  timeoutMs: number;
  /** The newest event of a key, also if it removed it, that was followed and is retained. */
  newest(key: string): TopicEvent | undefined;
  /** Up to where it was followed. */
  seen(): Offset;
  /** Nobody was there to take it: the stream may be gone. */
  onNobody(): void;
}

/** Writes a topic's events to NATS. */
export class Publisher {
  readonly #topic: string;
  readonly #host: PublisherHost;

  constructor(topic: string, host: PublisherHost) {
    this.#topic = topic;
    this.#host = host;
  }

  /**
   * Resolves when NATS has stored the event, or had it before.
   *
   * @throws LiveError `invalid_data`, `conflict`, and as `NatsLink.request` does, as a rejection
   */
  async publish(draft: EventDraft): Promise<Published> {
    const { jetStream, timeoutMs } = this.#host;
    const json = draft.removed === true ? "" : eventOf(draft, 1, 0).json;
    const options = optionsOf(draft);
    const { clock } = jetStream.link;
    const until = clock.now() + timeoutMs;
    for (;;) {
      try {
        const published = await jetStream.publish(this.#subjectOf(draft), json, options);
        if (published.seq > 0) return published;
      } catch (error) {
        options.expected = this.#expectedInstead(error, draft, options.expected);
        continue;
      }
      // The first one is on its way to the replicas; what becomes of it is not known yet.
      if (clock.now() > until) throw new UnansweredError("The first append has no answer yet.");
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
  }

  #subjectOf({ key }: EventDraft): string {
    const { subject } = this.#host.names;
    return key === undefined ? subject : `${subject}.${tokenOf(key)}`;
  }

  /**
   * What else NATS is to have as a key's newest, where it differs only by a removal that one of us
   * has let go of.
   *
   * @throws the error, or LiveError `conflict`
   */
  #expectedInstead(error: unknown, draft: EventDraft, expected: Offset | undefined): Offset {
    if (isRefused(error, Reason.Nobody)) this.#host.onNobody();
    if (!isRefused(error, Reason.WrongLastSequence)) throw error;
    const { key = "", ifNewest } = draft;
    // "wrong last sequence: 5"
    const actual = Number(/\d+$/.exec((error as Error).message)?.[0] ?? Number.NaN);
    const newest = this.#host.newest(key);
    const isFirst = expected === ifNewest;
    const isGoneHere = ifNewest === 0 && newest === undefined && actual <= this.#host.seen();
    const isGoneThere = actual === 0 && newest?.removed === true && newest.offset === ifNewest;
    if (isFirst && (isGoneHere || isGoneThere)) return actual;
    const message = `The key ${JSON.stringify(key)} of ${this.#topic} has changed meanwhile; look at it again.`;
    throw new LiveError("conflict", message);
  }
}

function optionsOf({ removed, leaseMs, idempotencyKey, ifNewest }: EventDraft): PublishOptions {
  return {
    messageId: idempotencyKey === undefined ? undefined : tokenOf(idempotencyKey),
    expected: ifNewest,
    headers: {
      ...(removed === true && { [REMOVED]: "true" }),
      ...(leaseMs !== undefined && { [LEASE]: String(leaseMs) }),
    },
  };
}
