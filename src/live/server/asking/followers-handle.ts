import type { LongwireError } from "../../../base/index.ts";
import type { AnswerOf, ClientMethodsOf, LiveApi } from "../../live-api.ts";
import type { Identity } from "../access/credentials.ts";
import type { AskedClient } from "./asked-client.ts";
import type { AskArguments } from "./client-handle.ts";
import type { Offers } from "./offers.ts";
import { type AskedMethods, Question } from "./question.ts";

/** So many clients are asked at a time, including those whose answers wait to be taken. */
const ASKED_AT_ONCE = 256;

/** One client's answer, or why there is none. */
export type FollowerAnswer<Data = unknown> = {
  /** The connection's name, as in the context of its calls. */
  readonly connection: string;
  /** `undefined` if the server has no `authenticate`. */
  readonly identity: Identity | undefined;
} & (
  | { readonly data: Data; readonly error?: undefined }
  | { readonly error: LongwireError; readonly data?: undefined }
);

/** All clients of this server that follow a topic, for the server's own code to ask. */
export class FollowersHandle<Api extends LiveApi = LiveApi> {
  readonly #asked: AskedMethods;
  readonly #offers: Offers;
  readonly #topic: string;

  constructor(asked: AskedMethods, offers: Offers, topic: string) {
    this.#asked = asked;
    this.#offers = offers;
    this.#topic = topic;
  }

  /**
   * Calls a method on each connection that follows the topic and offers the method when this is
   * called, whatever its params. Yields the answers as they come, 256 requests at a time. Ending the
   * iteration ends the wait for the rest.
   *
   * @throws LongwireError like `ClientHandle.call`, before anybody is asked; what goes wrong with a
   *   client is the `error` of its answer
   */
  async *call<const Name extends keyof ClientMethodsOf<Api> & string>(
    method: Name,
    ...[params, options = {}]: AskArguments<ClientMethodsOf<Api>[Name]>
  ): AsyncGenerator<FollowerAnswer<AnswerOf<ClientMethodsOf<Api>[Name]>>, void, undefined> {
    type Answer = FollowerAnswer<AnswerOf<ClientMethodsOf<Api>[Name]>>;
    const { timeoutMs, signal } = options;
    const question = new Question(this.#asked, method, { params, timeoutMs });
    const waiting = this.#offers.followers(this.#topic, method);
    const stop = new AbortController();
    const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const answers: FollowerAnswer[] = [];
    const open = new Set<AskedClient>();
    let wake = (): void => {};
    const send = async (client: AskedClient): Promise<void> => {
      open.add(client);
      answers.push(await answerOf(client, question, stopped));
      open.delete(client);
      wake();
    };
    try {
      for (;;) {
        signal?.throwIfAborted();
        while (open.size + answers.length < ASKED_AT_ONCE && waiting.length > 0) {
          void send(waiting.pop()!);
        }
        const answer = answers.shift();
        if (answer !== undefined) yield answer as Answer;
        else if (open.size === 0) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop.abort();
    }
  }
}

async function answerOf(
  client: AskedClient,
  question: Question,
  signal: AbortSignal,
): Promise<FollowerAnswer> {
  const { connection, identity } = client.caller!;
  try {
    return { connection, identity, data: await question.to(client, signal) };
  } catch (error) {
    return { connection, identity, error: error as LongwireError };
  }
}
