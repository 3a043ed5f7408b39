import type { Offset } from "../../../topics/index.ts";
import type { JetStream, StreamInfo } from "../link/jetstream.ts";
import type { Journal } from "./journal.ts";
import { COPIES_AT_ONCE, SHORTENED_BY_ANOTHER_MS, SPARE_MESSAGES } from "../limits.ts";
import type { TopicNames } from "./names.ts";
import type { Publisher } from "./publisher.ts";
import type { TopicStream } from "../stream/topic-stream.ts";

interface ShorteningHost {
  jetStream: JetStream;
  names: TopicNames;
  journal: Journal;
  publisher: Publisher;
  stream: TopicStream;
  windowMs: number;
  /** Resolves when the message at `position` has been followed. */
  readonly reach: (position: Offset) => Promise<void>;
}

/**
 * Shortens a keyed topic's stream, of which only the newest message of each key is needed once
 * idempotency keys have expired: values at its beginning are republished at its end, and then the
 * beginning is deleted.
 *
 * NATS could keep one message per key itself. But then an invalid message would replace a valid
 * one, late followers would miss steps, and idempotency keys would be deleted with their messages.
 */
export class Shortening {
  readonly #host: ShorteningHost;
  #isRunning = false;
  #leftAloneUntil = 0;

  constructor(host: ShorteningHost) {
    this.#host = host;
  }

  /** A copy was followed: if this node did not write it, another node is shortening. */
  onCopy(): void {
    if (this.#isRunning) return;
    const { clock } = this.#host.jetStream.link;
    this.#leftAloneUntil = clock.now() + SHORTENED_BY_ANOTHER_MS;
  }

  /**
   * Shortens the stream if that is worthwhile. @throws LiveError, UnansweredError as a rejection
   */
  async run({ state }: StreamInfo): Promise<void> {
    const { jetStream, journal, windowMs } = this.#host;
    if (this.#isRunning || jetStream.link.clock.now() < this.#leftAloneUntil) return;
    // A node that opens the topic now still finds all keys that can be repeated.
    const last = journal.placeBefore(jetStream.clock.now() - 2 * windowMs);
    const count = last - state.first_seq + 1;
    if (count <= SPARE_MESSAGES || count < 2 * journal.onlyUpTo(last).length) return;
    this.#isRunning = true;
    try {
      await this.#shorten(last);
    } finally {
      this.#isRunning = false;
    }
  }

  async #shorten(last: Offset): Promise<void> {
    const { jetStream, names, journal, stream } = this.#host;
    await this.#copyAll(last);
    // A key may have been removed and its removal dropped meanwhile, and there may be new ones.
    if (journal.onlyUpTo(last).length > 0) return;
    const settled = journal.position;
    for (const position of journal.voids()) {
      if (position > last) await jetStream.deleteMessage(names.stream, position);
    }
    // Recorded first, so that nodes that find the stream shorter know that nothing was lost.
    const marks = { floor: journal.log.floor, shortened: last, settled };
    if (await stream.mark(marks)) await jetStream.purge(names.stream, last + 1);
  }

  async #copyAll(last: Offset): Promise<void> {
    const { journal, publisher, reach } = this.#host;
    const events = journal.onlyUpTo(last);
    for (let at = 0; at < events.length; at += COPIES_AT_ONCE) {
      const some = events.slice(at, at + COPIES_AT_ONCE);
      const positions = await Promise.all(
        some.map((event) => publisher.copy(event, journal.leaseOf(event.key ?? ""))),
      );
      await reach(Math.max(...positions));
    }
  }
}
