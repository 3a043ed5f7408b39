import { LongwireError } from "../../../base/index.ts";
import type { AnswerOf, ClientMethodsOf, LiveApi, QuestionOf } from "../../live-api.ts";
import type { Askable } from "./asked-client.ts";
import { type AskedMethods, type AskOptions, Question } from "./question.ts";

/** The params and options of a call; params may be left out if their type allows it. */
export type AskArguments<Method> =
  undefined extends QuestionOf<Method>
    ? [params?: QuestionOf<Method>, options?: AskOptions]
    : [params: QuestionOf<Method>, options?: AskOptions];

/** A client that the server's own code can ask: an identity, or one connection. */
export class ClientHandle<Api extends LiveApi = LiveApi> {
  readonly #asked: AskedMethods;
  readonly #find: (method: string) => Askable | undefined;
  readonly #name: string;

  /**
   * @param name of the client in errors
   * @param find returns the connection to ask
   */
  constructor(asked: AskedMethods, name: string, find: (method: string) => Askable | undefined) {
    this.#asked = asked;
    this.#name = name;
    this.#find = find;
  }

  /**
   * Calls a method that the client offers, and resolves with its answer. Of several connections of
   * an identity, the one that offered the method last is asked, and no other.
   *
   * @throws LongwireError as a rejection:
   *
   *   - `unknown_method`: the method is not among the server's `clientMethods`
   *   - `invalid_params`, `invalid_data`: the params do not match the method's schema, or cannot be
   *       serialized as JSON
   *   - `not_offered`: the client is not connected, or does not offer the method
   *   - `client_busy`: it has too many open requests
   *   - `too_large`: the request is longer than the client accepts
   *   - `client_failed`: its handler failed; `clientCode` is the code that it gave
   *   - `invalid_answer`: the answer does not match the method's `result` schema
   *   - `unavailable`: it is connected to another server, and the broker cannot be reached
   *   - `unconfirmed`: it did not answer in time, or its connection ended first; what was asked may
   *       have been done
   *   - the signal's reason
   */
  async call<const Name extends keyof ClientMethodsOf<Api> & string>(
    method: Name,
    ...[params, options = {}]: AskArguments<ClientMethodsOf<Api>[Name]>
  ): Promise<AnswerOf<ClientMethodsOf<Api>[Name]>> {
    const { timeoutMs, signal } = options;
    const question = new Question(this.#asked, method, { params, timeoutMs });
    const client = this.#find(method);
    if (client === undefined) {
      const message = `${this.#name} is not connected or does not offer ${method}; try again when it is.`;
      throw new LongwireError("not_offered", message);
    }
    return question.to(client, signal) as Promise<AnswerOf<ClientMethodsOf<Api>[Name]>>;
  }
}
