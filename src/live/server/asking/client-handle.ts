import { LongwireError, shown } from "../../../base/index.ts";
import { jsonOf, parsed, quoted, validate } from "../../../topics/index.ts";
import type {
  AnswerOf,
  ClientMethodDeclaration,
  ClientMethodsOf,
  LiveApi,
  QuestionOf,
} from "../../live-api.ts";
import type { AskedClient } from "./asked-client.ts";
import type { Offers } from "./offers.ts";

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

/** Finds the connection to ask. */
type Find = (method: string) => AskedClient | undefined;

/** A client that the server's own code can ask: an identity, or one connection. */
export class ClientHandle<Api extends LiveApi = LiveApi> {
  readonly #offers: Offers;
  readonly #find: Find;
  readonly #name: string;
  readonly #timeoutMs: number;

  /** @param name of the client in errors */
  constructor(
    offers: Offers,
    name: string,
    { find, timeoutMs }: { find: Find; timeoutMs: number },
  ) {
    this.#offers = offers;
    this.#name = name;
    this.#find = find;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Calls a method that the client offers, and resolves with its answer. Of several connections of
   * an identity, the one that offered the method last is asked, and no other.
   *
   * @throws LongwireError as a rejection:
   *
   *   - `unknown_method`: the method is not among the server's `clientMethods`
   *   - `invalid_params`: the params do not match the method's schema, or cannot be serialized as JSON
   *   - `not_offered`: the client is not connected to this server, or does not offer the method
   *   - `client_busy`: it has too many open requests
   *   - `too_large`: the request is longer than the client accepts
   *   - `client_failed`: its handler failed; `clientCode` is the code that it gave
   *   - `invalid_answer`: the answer does not match the method's `result` schema
   *   - `unconfirmed`: it did not answer in time, or its connection ended first; what was asked may
   *       have been done
   *   - the signal's reason
   */
  async call<const Name extends keyof ClientMethodsOf<Api> & string>(
    method: Name,
    ...[params, options = {}]: undefined extends QuestionOf<ClientMethodsOf<Api>[Name]>
      ? [params?: QuestionOf<ClientMethodsOf<Api>[Name]>, options?: AskOptions]
      : [params: QuestionOf<ClientMethodsOf<Api>[Name]>, options?: AskOptions]
  ): Promise<AnswerOf<ClientMethodsOf<Api>[Name]>> {
    const declared = this.#declared(method);
    const { timeoutMs = declared.timeoutMs ?? this.#timeoutMs, signal } = options;
    requireTimeout(timeoutMs);
    const json = paramsJson(method, declared, params);
    const client = this.#find(method);
    if (client === undefined) {
      const message = `${this.#name} is not connected to this server or does not offer ${method}; try again when it is.`;
      throw new LongwireError("not_offered", message);
    }
    const part = await client.ask({ method, params: json, timeoutMs, signal });
    const answer = part && parsed(part, { name: `The answer to ${method}`, code: "invalid_data" });
    const valid = validate(declared.result, answer, () => `The result schema of ${quoted(method)}`);
    if (valid.kind === "valid") return valid.value as AnswerOf<ClientMethodsOf<Api>[Name]>;
    const message = `${this.#name} answered ${method} with something else than its result schema allows: ${valid.message}`;
    throw new LongwireError("invalid_answer", message);
  }

  #declared(method: string): ClientMethodDeclaration {
    const { methods } = this.#offers;
    const declared = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (declared !== undefined) return declared;
    const message = `There is no client method ${quoted(method)}; declare it in clientMethods.`;
    throw new LongwireError("unknown_method", message);
  }
}

function paramsJson(
  method: string,
  declared: ClientMethodDeclaration,
  params: unknown,
): string | undefined {
  const valid = validate(declared.params, params, () => `The params schema of ${quoted(method)}`);
  if (valid.kind === "invalid") {
    const message = `The params of ${method} do not match its schema: ${valid.message}`;
    throw new LongwireError("invalid_params", message);
  }
  return valid.value === undefined ? undefined : jsonOf(valid.value, "params");
}

function requireTimeout(timeoutMs: unknown): void {
  if (Number.isSafeInteger(timeoutMs) && (timeoutMs as number) > 0) return;
  const message = `timeoutMs is ${shown(timeoutMs)}; give a positive number of milliseconds, or leave it out.`;
  throw new LongwireError("invalid_limit", message);
}
