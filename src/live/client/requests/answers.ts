import { LongwireError, onAbort, type Clock } from "../../../base/index.ts";
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

  async onRequest(request: MessageOf<"request">): Promise<void> {
    const { clock, link } = this.#host;
    const connection = this.#connection.signal;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = clock.after(request.deadline, abort);
    const stop = onAbort(connection, abort);
    const answer = await this.#answer(request, controller.signal);
    timer.cancel();
    stop();
    // Another connection does not know the request.
    if (connection.aborted || link.send(answer)) return;
    link.send(failure(request.id, "too_large", "The answer is too long."));
  }

  /** Never rejects, whatever the handler does. */
  async #answer(
    { id, method, params }: MessageOf<"request">,
    signal: AbortSignal,
  ): Promise<string> {
    const handler = this.#handlers.get(method);
    if (!handler) return failure(id, "unknown_method", `There is no handler for ${method}.`);
    try {
      const data = (await handler(params, { signal })) ?? null;
      return JSON.stringify({ type: "response", id, data });
    } catch (error) {
      if (error instanceof LongwireError) return failure(id, error.code, error.message);
      report(error);
      return failure(id, "failed", error instanceof Error ? error.message : String(error));
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

function failure(id: number, code: string, message: string): string {
  return JSON.stringify({ type: "response", id, error: { code, message: message.slice(0, 500) } });
}
