import { randomUUID } from "node:crypto";
import { LongwireError } from "../../base/index.ts";

/** An action that a server can ask a device for. */
export type Action = "measure" | "reportEvery" | "restart";

/** Carries out one action; what it returns or resolves with is the answer. */
export type ActionHandler = (params: unknown) => unknown;

/** A server's request, as it arrives. */
export interface ActionRequest {
  readonly id: number;
  readonly method: string;
  readonly params?: unknown;
  /** The key of a command, which may be sent again; absent for a call. */
  readonly command?: string;
}

/** The server sends the next command only when it has the answer to this one. */
const KEPT_ANSWERS = 32;

/** The actions that a device offers, and the commands that it has begun. */
export class OfferedActions {
  readonly #handlers: ReadonlyMap<string, ActionHandler>;
  /** Names this run of the program, which alone knows what it has begun. */
  readonly #run = randomUUID();
  readonly #answers = new Map<string, Promise<string>>();

  constructor(handlers: ReadonlyMap<Action, ActionHandler>) {
    this.#handlers = handlers;
  }

  get names(): string[] {
    return [...this.#handlers.keys()];
  }

  /** Returns the message that offers the actions on a new connection. */
  offer(id: string): string {
    return JSON.stringify({ type: "offers", id, methods: this.names, run: this.#run });
  }

  /**
   * Carries out a request and resolves with the message that answers it. A command that is sent
   * again, for example over the next connection, is not carried out again.
   */
  async answer({ id, method, params, command }: ActionRequest): Promise<string> {
    const outcome = await this.#outcomeOf(method, params, command);
    return `{"type":"response","id":${id},${outcome}}`;
  }

  #outcomeOf(method: string, params: unknown, command: string | undefined): Promise<string> {
    const known = command === undefined ? undefined : this.#answers.get(command);
    if (known !== undefined) return known;
    const outcome = this.#carryOut(method, params);
    if (command !== undefined) this.#keep(command, outcome);
    return outcome;
  }

  /** Never rejects. */
  async #carryOut(method: string, params: unknown): Promise<string> {
    const handler = this.#handlers.get(method);
    if (handler === undefined) return failure("unknown_method", `There is no action ${method}.`);
    try {
      return `"data":${JSON.stringify((await handler(params)) ?? null)}`;
    } catch (error) {
      const code = error instanceof LongwireError ? error.code : "failed";
      return failure(code, (error as Error).message);
    }
  }

  #keep(command: string, outcome: Promise<string>): void {
    this.#answers.set(command, outcome);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT_ANSWERS) return;
      this.#answers.delete(oldest);
    }
  }
}

function failure(code: string, message: string): string {
  return `"error":${JSON.stringify({ code, message })}`;
}
