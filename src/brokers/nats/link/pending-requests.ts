import type { Msg } from "@nats-io/transport-node";
import { OldestFirst } from "../../../base/index.ts";

interface Asked {
  readonly subject: string;
  readonly sentAt: number;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: Error) => void;
}

/** Unanswered requests, oldest first. */
export class PendingRequests {
  readonly #asked = new OldestFirst<string, Asked>();
  #count = 0;

  /** When the oldest one was sent. */
  get oldestSentAt(): number | undefined {
    return this.#asked.oldest?.[1].sentAt;
  }

  /** Adds a request and returns the token that identifies its answer. */
  add(asked: Asked): string {
    this.#count += 1;
    const token = this.#count.toString(36);
    this.#asked.set(token, asked);
    return token;
  }

  take(token: string): Asked | undefined {
    const asked = this.#asked.get(token);
    this.#asked.delete(token);
    return asked;
  }

  /** Rejects the oldest request that was sent to `subject`. */
  reject(subject: string, error: Error): void {
    for (const [token, asked] of this.#asked) {
      if (asked.subject === subject) return this.take(token)?.reject(error);
    }
  }

  /** Rejects the requests that were sent up to `time`. */
  rejectUntil(time: number, error: Error): void {
    for (const [token, { sentAt, reject }] of this.#asked) {
      if (sentAt > time) return;
      this.#asked.delete(token);
      reject(error);
    }
  }

  rejectAll(error: Error): void {
    this.rejectUntil(Number.POSITIVE_INFINITY, error);
  }
}
