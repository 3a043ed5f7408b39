import { LongwireError, onAbort, type Clock } from "../../../base/index.ts";
import type { Link } from "../link/link.ts";
import { report } from "../report.ts";
import { Commands } from "./commands.ts";
import type { CommandStore } from "./command-store.ts";
import type { Requests } from "../requests/requests.ts";
import type { MessageOf } from "../../wire/index.ts";

/** The context of a request, for its handler. */
export interface RequestContext {
  /**
   * Aborted when the server does not wait any more, or when the connection is lost. For a command it
   * is never aborted: the server waits.
   */
  readonly signal: AbortSignal;
  /** The key of a command; absent for a call. */
  readonly command?: string;
}

export type RequestHandler = (params: unknown, context: RequestContext) => unknown;

/** The part of a client that its answers use. */
interface AnswersHost {
  readonly settings: { readonly clock: Clock; readonly commands?: CommandStore | undefined };
  /** The link that carries requests. */
  readonly link: Link;
  readonly requests: Pick<Requests, "ask">;
  newId(): number;
}

/** Offers methods to the server, and answers its requests. */
export class Answers {
  readonly #host: AnswersHost;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #commands: Commands;
  /** Ends with the connection. */
  #connection: AbortController = new AbortController();
  #isQueued = false;

  constructor(host: AnswersHost) {
    this.#host = host;
    this.#commands = new Commands(host.settings.commands);
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
    const { link, settings } = this.#host;
    const connection = this.#connection.signal;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = settings.clock.after(request.deadline, abort);
    const stop = onAbort(connection, abort);
    const answer = await this.#outcome(request, controller.signal);
    timer.cancel();
    stop();
    const send = (text: string): boolean =>
      link.send(`{"type":"response","id":${request.id},${text}}`);
    // Another connection does not know the request.
    if (connection.aborted || send(answer)) return;
    send(failure("too_large", "The answer is too long."));
  }

  #outcome(request: MessageOf<"request">, signal: AbortSignal): Promise<string> {
    const { command } = request;
    if (command === undefined) return this.#answer(request, { signal });
    // It goes on without the connection, and the answer is asked for again.
    const context = { signal: new AbortController().signal, command };
    return this.#commands
      .carryOut(command, () => this.#answer(request, context))
      .catch((error: unknown) => this.#failed(error));
  }

  /** Never rejects, whatever the handler does. */
  async #answer(
    { method, params }: MessageOf<"request">,
    context: RequestContext,
  ): Promise<string> {
    const handler = this.#handlers.get(method);
    if (!handler) return failure("unknown_method", `There is no handler for ${method}.`);
    try {
      // A function has no JSON.
      return `"data":${JSON.stringify(await handler(params, context)) ?? "null"}`;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): string {
    if (error instanceof LongwireError) return failure(error.code, error.message);
    report(error);
    return failure("failed", error instanceof Error ? error.message : String(error));
  }

  /** All changes of one turn are one message. */
  #offerSoon(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      const { signal } = this.#connection;
      this.#offer().catch((error) => {
        if (!signal.aborted) report(error);
      });
    });
  }

  async #offer(): Promise<void> {
    // Without its memory it gets calls, and no commands.
    const run = await this.#commands.load().catch(report);
    const { link, requests } = this.#host;
    if (!link.isOpen) return;
    const methods = [...this.#handlers.keys()];
    const offers = { type: "offers", id: this.#host.newId(), methods, run: run ?? undefined };
    await requests.ask(offers, "requests");
  }
}

function failure(code: string, message: string): string {
  return `"error":${JSON.stringify({ code, message: message.slice(0, 500) })}`;
}
