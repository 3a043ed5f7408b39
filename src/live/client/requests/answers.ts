import { LongwireError, type Clock } from "../../../base/index.ts";
import type { Link } from "../link/link.ts";
import { report } from "../report.ts";
import type { AnswerMessage, MessageOf } from "../../wire/index.ts";

/** The context of a request, for its handler. */
export interface RequestContext {
  /** Aborted when the server does not wait any more, or when the connection is lost. */
  readonly signal: AbortSignal;
}

export type RequestHandler = (params: unknown, context: RequestContext) => unknown;

interface AnswersHost {
  readonly clock: Clock;
  readonly link: Link;
  readonly offer: (methods: string[]) => Promise<AnswerMessage>;
}

/** Offers methods to the server, and answers its requests. */
export class Answers {
  readonly #host: AnswersHost;
  readonly #handlers = new Map<string, RequestHandler>();
  /** Ends with the connection. */
  #connection: AbortController = new AbortController();
  #isQueued = false;

  constructor(host: AnswersHost) {
    this.#host = host;
  }

  handle(method: string, handler: RequestHandler): () => void {
    if (this.#handlers.has(method)) {
      throw new LongwireError("handled", `${method} has a handler already; stop that one first.`);
    }
    this.#handlers.set(method, handler);
    this.#offerSoon();
    return () => {
      if (this.#handlers.get(method) !== handler) return;
      this.#handlers.delete(method);
      this.#offerSoon();
    };
  }

  onLinkChanged(wasOpen: boolean): void {
    if (wasOpen) this.#connection.abort();
    if (!this.#host.link.isOpen) return;
    this.#connection = new AbortController();
    if (this.#handlers.size > 0) this.#offerSoon();
  }

  async onRequest({ id, method, params, deadline }: MessageOf<"request">): Promise<void> {
    const { clock, link } = this.#host;
    const connection = this.#connection.signal;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = clock.after(deadline, abort);
    connection.addEventListener("abort", abort);
    const answer = await this.#answer(method, params, controller.signal);
    timer.cancel();
    connection.removeEventListener("abort", abort);
    // Another connection does not know the request.
    if (connection.aborted) return;
    const respond = (fields: object): boolean =>
      link.send(JSON.stringify({ type: "response", id, ...fields }));
    if (!respond(answer)) respond(failure("too_large", "The answer is too long."));
  }

  async #answer(method: string, params: unknown, signal: AbortSignal): Promise<object> {
    const handler = this.#handlers.get(method);
    if (!handler) return failure("unknown_method", `There is no handler for ${method}.`);
    try {
      return { data: (await handler(params, { signal })) ?? null };
    } catch (error) {
      if (error instanceof LongwireError) return failure(error.code, error.message);
      report(error);
      return failure("failed", error instanceof Error ? error.message : String(error));
    }
  }

  /** All changes of one turn are one message. */
  #offerSoon(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      const { link, offer } = this.#host;
      if (!link.isOpen) return;
      const { signal } = this.#connection;
      offer([...this.#handlers.keys()]).catch((error) => {
        if (!signal.aborted) report(error);
      });
    });
  }
}

function failure(code: string, message: string): object {
  return { error: { code, message: message.slice(0, 500) } };
}
