import { LongwireError, type Timer } from "../../../base/index.ts";
import { ServerTime } from "../link/client-clock.ts";
import type { Link } from "../link/link.ts";
import type { PageEvent } from "../link/page.ts";
import { postParting } from "./parting-post.ts";
import type { Settings } from "../options.ts";
import { REPEAT_WINDOW_MS, type AnswerMessage, type Feature } from "../../wire/index.ts";

/** A request that is not answered yet. */
interface Request {
  readonly id: number;
  readonly text: string;
  /** The topic of a publish; other requests have none. */
  readonly topic: string | undefined;
  readonly key: string | undefined;
  /** Whether the server recognizes a repeat by its idempotency key. */
  readonly isRepeatable: boolean;
  /** The feature that the server must have. */
  readonly feature: Feature | undefined;
  readonly resolve: (answer: AnswerMessage) => void;
  readonly reject: (error: LongwireError) => void;
  /** When it was first sent, counting only the attempts that the server may have executed. */
  sentAt: number;
  /** The number of those attempts. */
  sends: number;
  /** Set while it can be repeated. */
  expiry?: Timer;
}

export function tooLarge(): LongwireError {
  return new LongwireError("too_large", "The message is too long; send less.");
}

function unsupported(feature: Feature): LongwireError {
  const text = `This connection has no ${feature}: the server is older, or tabs share it.`;
  return new LongwireError("unsupported", text);
}

/** Requests in the order in which they were made, from the first attempt to the answer. */
export class Requests {
  readonly #settings: Settings;
  readonly #link: Link;
  readonly #pending = new Map<number, Request>();
  readonly #time: ServerTime;
  /** Whether the page is being suspended or unloaded, so that nothing can be sent later. */
  #isLeaving = false;

  constructor(settings: Settings, link: Link) {
    this.#settings = settings;
    this.#time = new ServerTime(settings.clock);
    this.#link = link;
  }

  /** @throws LongwireError as a rejection */
  ask(
    message: {
      type: string;
      id: number;
      topic?: string;
      key?: string;
      idempotencyKey?: string | undefined;
      [member: string]: unknown;
    },
    feature?: Feature,
  ): Promise<AnswerMessage> {
    return new Promise((resolve, reject) => {
      const { type, id, key, idempotencyKey } = message;
      const topic = type === "publish" ? message.topic : undefined;
      const isRepeatable = idempotencyKey !== undefined;
      const text = JSON.stringify(message);
      const about = { id, text, topic, key, isRepeatable, feature };
      const request = { ...about, resolve, reject, sentAt: 0, sends: 0 };
      if (this.#pending.size >= this.#settings.maxQueuedRequests) {
        return reject(new LongwireError("queue_full", "The queue is full; wait."));
      }
      this.#pending.set(id, request);
      this.#rejectIfOver();
      if (this.#isLeaving) this.#post(request);
      else this.#send(request);
    });
  }

  /** When the page is being left, unanswered publishes are sent with requests that outlive it. */
  onPage(event: PageEvent): void {
    this.#isLeaving = event === "left";
    if (!this.#isLeaving) return;
    const newest = new Map<string, Request>();
    for (const request of this.#pending.values()) {
      const { id, topic, key = id } = request;
      const name = `${topic} ${key}`;
      const older = newest.get(name);
      // In parallel they could arrive in another order, and the older value would stay.
      if (older) this.#unconfirmed(older);
      newest.set(name, request);
    }
    for (const request of newest.values()) this.#post(request);
  }

  onReceived(link: Link): void {
    if (link === this.#link) this.#time.onReceived();
  }

  onLinkChanged(wasOpen: boolean): void {
    // Another connection proves nothing about the clock.
    if (wasOpen) this.#time.jumpedAt = undefined;
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
    // An error for a request that is waiting to be sent belongs to an earlier attempt.
    if (!request?.sends) return;
    if (error.code !== "rate_limited" && error.code !== "unavailable") {
      return this.#reject(request, error);
    }
    // This attempt was not executed, but an earlier one on a lost connection may have been.
    request.sends -= 1;
    if (request.sends === 0) request.expiry?.cancel();
    this.#link.retry(id, () => this.#send(request));
  }

  #send(request: Request): void {
    const { feature } = request;
    if (!this.#link.isOpen) return;
    if (feature && !this.#link.has(feature)) return this.#reject(request, unsupported(feature));
    if (!this.#begin(request)) return;
    if (!this.#link.send(request.text)) this.#reject(request, tooLarge());
  }

  /** The first answer counts, be it to this request or to its repeat on the next connection. */
  #post(request: Request): void {
    const { id, topic, text } = request;
    if (topic === undefined || !this.#begin(request)) return;
    const token = this.#link.credentials;
    postParting({ url: this.#settings.url, topic, body: text, token }).then(
      (answer) => answer && this.onAnswer({ ...answer, type: "published", id }),
      () => {},
    );
  }

  /** Counts an attempt that the server may execute; returns false if it must not be sent again. */
  #begin(request: Request): boolean {
    if (!this.#pending.has(request.id)) return false;
    const now = this.#time.now();
    if (request.sends === 0) {
      request.sentAt = now;
      if (request.isRepeatable) {
        const { clock } = this.#settings;
        request.expiry = clock.after(REPEAT_WINDOW_MS, () => this.#unconfirmed(request));
      }
      // A timer may be late after the computer slept.
    } else if (now - request.sentAt >= REPEAT_WINDOW_MS) {
      this.#unconfirmed(request);
      return false;
    }
    request.sends += 1;
    return true;
  }

  #rejectIfOver(): void {
    const { status } = this.#link;
    if (status.state !== "closed" && status.state !== "refused") return;
    const error = new LongwireError(status.state, status.message);
    for (const request of this.#pending.values()) this.#reject(request, error);
  }

  #unconfirmed(request: Request): void {
    const text = "It was sent; it may or may not be done.";
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
