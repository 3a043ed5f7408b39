import type { AnswerOf, ClientMethodsOf, LiveApi, QuestionOf } from "../../live-api.ts";
import type { Client } from "../connect.ts";
import type { Live } from "../live.ts";
import { Answers, type RequestContext, type RequestHandler } from "./answers.ts";

/**
 * Offers a method to the server, on this connection and on later ones, and answers its calls and
 * commands with what `handler` returns, serialized as JSON. A `LongwireError` that it throws reaches
 * the server with its code; any other error is reported here, and reaches the server as `failed`.
 *
 * If the server refuses the offer, or is too old (`unsupported`), that is reported with
 * `reportError`.
 *
 * @param live what `connect` returned
 * @returns a function that withdraws the offer
 * @throws LongwireError `handled` if the method has a handler already
 */
export function handle<Api extends LiveApi, const Name extends keyof ClientMethodsOf<Api> & string>(
  live: Live<Api>,
  method: Name,
  handler: (
    params: QuestionOf<ClientMethodsOf<Api>[Name]>,
    context: RequestContext,
  ) => AnswerOf<ClientMethodsOf<Api>[Name]> | Promise<AnswerOf<ClientMethodsOf<Api>[Name]>>,
): () => void {
  const client = live as unknown as Client;
  client.answers ??= new Answers(client);
  return client.answers.handle(method, handler as RequestHandler);
}
