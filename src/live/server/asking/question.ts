import { LongwireError, shown } from "../../../base/index.ts";
import { type JsonPart, jsonOf, parsed, quoted, validate } from "../../../topics/index.ts";
import type { ClientMethodDeclaration, ClientMethods } from "../../live-api.ts";
import type { Askable, OutgoingRequest } from "./asked-client.ts";

/** The longest delay of a timer, which the client sets for the deadline. */
const LONGEST_MS = 2 ** 31 - 1;

/** Options of a call to a client. */
export interface AskOptions {
  /**
   * How long to wait for the answer, in milliseconds. Default: the method's `timeoutMs`, or the
   * server's `callTimeoutMs`.
   */
  timeoutMs?: number;
  /** Stops waiting. The client is not told, and may do what it was asked. */
  signal?: AbortSignal;
}

/** The server's side of client methods. */
export interface AskedMethods {
  readonly methods: ClientMethods;
  /** The default time limit. */
  readonly timeoutMs: number;
}

/** A call of a client method whose params are checked, and that can be sent to any client. */
export class Question {
  readonly method: string;
  readonly #declared: ClientMethodDeclaration;
  readonly #params: string | undefined;
  readonly #timeoutMs: number;

  /** @throws LongwireError `unknown_method`, `invalid_params`, `invalid_limit` */
  constructor(
    { methods, timeoutMs: fallbackMs }: AskedMethods,
    method: string,
    { params, timeoutMs }: { params: unknown; timeoutMs: number | undefined },
  ) {
    this.method = method;
    this.#declared = declaredOf(methods, method);
    this.#timeoutMs = timeoutMs ?? this.#declared.timeoutMs ?? fallbackMs;
    requireTimeout(this.#timeoutMs);
    this.#params = this.#checked(params);
  }

  /** The request for each client. */
  get request(): Omit<OutgoingRequest, "signal"> {
    return { method: this.method, params: this.#params, timeoutMs: this.#timeoutMs };
  }

  /**
   * Sends it to a client and resolves with the checked answer.
   *
   * @throws LongwireError as a rejection: `invalid_answer`, and what `Askable.ask` throws
   */
  async to(client: Askable, signal: AbortSignal | undefined): Promise<unknown> {
    return this.checkedAnswer(await client.ask({ ...this.request, signal }));
  }

  /** Parses an answer and checks it. @throws LongwireError `invalid_answer` */
  checkedAnswer(part: JsonPart | undefined): unknown {
    const of = (): string => `The result schema of ${quoted(this.method)}`;
    const valid = validate(this.#declared.result, this.#valueOf(part), of);
    if (valid.kind === "valid") return valid.value;
    throw this.#invalidAnswer(valid.message);
  }

  #checked(params: unknown): string | undefined {
    const of = (): string => `The params schema of ${quoted(this.method)}`;
    const valid = validate(this.#declared.params, params, of);
    if (valid.kind === "valid") {
      return valid.value === undefined ? undefined : jsonOf(valid.value, "params");
    }
    const message = `The params of ${this.method} do not match its schema: ${valid.message}`;
    throw new LongwireError("invalid_params", message);
  }

  #valueOf(part: JsonPart | undefined): unknown {
    try {
      return part && parsed(part, { name: "data", code: "invalid_data" });
    } catch (error) {
      throw this.#invalidAnswer((error as Error).message);
    }
  }

  #invalidAnswer(why: string): LongwireError {
    const message = `The client's answer to ${this.method} is invalid: ${why}`;
    return new LongwireError("invalid_answer", message);
  }
}

function declaredOf(methods: ClientMethods, method: string): ClientMethodDeclaration {
  const declared = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (declared !== undefined) return declared;
  const message = `There is no client method ${quoted(method)}; declare it in clientMethods.`;
  throw new LongwireError("unknown_method", message);
}

function requireTimeout(timeoutMs: unknown): void {
  const isInteger = Number.isSafeInteger(timeoutMs);
  if (isInteger && (timeoutMs as number) > 0 && (timeoutMs as number) <= LONGEST_MS) return;
  const message = `timeoutMs is ${shown(timeoutMs)}; give 1 to ${LONGEST_MS} milliseconds, or leave it out.`;
  throw new LongwireError("invalid_limit", message);
}
