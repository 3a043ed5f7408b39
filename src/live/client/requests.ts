import { LongwireError, type Timer } from "../../base/index.ts";
import type { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import type { AnswerMessage } from "./server-message.ts";

/** Something asked of the server that is not answered yet. */
interface Request {
  readonly id: number;
  readonly text: string;
  /** Whether the server knows a repetition by its idempotency key. */
  readonly isRepeatable: boolean;
  readonly resolve: (answer: AnswerMessage) => void;
  readonly reject: (error: LongwireError) => void;
  /** When it was first sent of those times that the server may have done it. */
  sentAt: number;
  /** How many those are. */
  sends: number;
  /** Set while it can be repeated. */
  expiry?: Timer;
}

/**
 * For how long after it was first sent a request can be repeated, in milliseconds. The server knows
 * it again for 5 minutes; the rest is for the way there.
 */
const REPEAT_WINDOW_MS = 270_000;

export function tooLarge(): LongwireError {
  return new LongwireError("too_large", "The server takes less; send less.");
}

/** Requests in the order in which they were made, from the first attempt to the answer. */
export class Requests {
  readonly #settings: Settings;
  readonly #link: Link;
  readonly #pending = new Map<number, Request>();

  constructor(settings: Settings, link: Link) {
    this.#settings = settings;
    this.#link = link;
  }

  /** @throws LongwireError as a rejection */
  ask(message: { id: number; idempotencyKey?: string | undefined }): Promise<AnswerMessage> {
    return new Promise((resolve, reject) => {
      const { id, idempotencyKey } = message;
      const isRepeatable = idempotencyKey !== undefined;
      const text = JSON.stringify(message);
      const request = { id, text, isRepeatable, resolve, reject, sentAt: 0, sends: 0 };
      if (this.#pending.size >= this.#settings.maxQueuedRequests) {
        return reject(new LongwireError("queue_full", "Too many are unanswered; wait."));
      }
      this.#pending.set(id, request);
      this.#rejectIfOver();
      this.#send(request);
    });
  }

  onLinkChanged(wasOpen: boolean): void {
    for (const request of this.#pending.values()) {
      if (wasOpen && request.sends > 0 && !request.isRepeatable) this.#unconfirmed(request);
      this.#send(request);
    }
    this.#rejectIfOver();
  }

  onAnswer(answer: AnswerMessage): void {
    this.#remove(answer.id)?.resolve(answer);
  }

  onError(id: number, error: LongwireError): void {
    const request = this.#pending.get(id);
    // One that waits to be sent was answered before, or not asked.
    if (!request?.sends) return;
    if (error.code !== "rate_limited" && error.code !== "unavailable") {
      return this.#reject(request, error);
    }
    // This time it was not done; perhaps on a connection before, of which no answer came.
    request.sends -= 1;
    if (request.sends === 0) request.expiry?.cancel();
    this.#link.retry(id, () => this.#send(request));
  }

  #send(request: Request): void {
    const { clock } = this.#settings;
    if (!this.#link.isOpen || !this.#pending.has(request.id)) return;
    if (request.sends === 0) {
      request.sentAt = clock.now();
      if (request.isRepeatable) {
        request.expiry = clock.after(REPEAT_WINDOW_MS, () => this.#unconfirmed(request));
      }
      // A timer may be late: the computer slept.
    } else if (clock.now() - request.sentAt >= REPEAT_WINDOW_MS) return this.#unconfirmed(request);
    request.sends += 1;
    if (!this.#link.send(request.text)) this.#reject(request, tooLarge());
  }

  #rejectIfOver(): void {
    const { state } = this.#link;
    if (state.state !== "closed" && state.state !== "refused") return;
    const error = new LongwireError(state.state, state.message);
    for (const request of this.#pending.values()) this.#reject(request, error);
  }

  #unconfirmed(request: Request): void {
    const text = "It was sent; it may be done or not.";
    this.#reject(request, new LongwireError("unconfirmed", text));
  }

  #reject({ id }: Request, error: LongwireError): void {
    this.#remove(id)?.reject(error);
  }

  #remove(id: number): Request | undefined {
    const request = this.#pending.get(id);
    request?.expiry?.cancel();
    this.#pending.delete(id);
    return request;
  }
}
