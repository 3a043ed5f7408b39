import { type LongwireError, onAbort } from "../../../base/index.ts";
import type { AnswerOf, ClientMethodsOf, LiveApi } from "../../live-api.ts";
import type { AskedClient } from "./asked-client.ts";
import { askEach } from "./ask-each.ts";
import type { AskArguments } from "./client-handle.ts";
import type { ClusterClients } from "./cluster-clients.ts";
import type { Offers } from "./offers.ts";
import { type AskedMethods, Question } from "./question.ts";
import type { RemoteAnswer } from "./remote-followers.ts";

/** One client's answer, or why there is none. */
export type FollowerAnswer<Data = unknown> = {
  /** The connection's name, as in the context of its calls. */
  readonly connection: string;
  /** The `id` of its identity; `undefined` if the server has no `authenticate`. */
  readonly identity: string | undefined;
} & (
  | { readonly data: Data; readonly error?: undefined }
  | { readonly error: LongwireError; readonly data?: undefined }
);

interface FollowersHost {
  readonly asked: AskedMethods;
  /** Of this server's own clients. */
  readonly offers: Offers;
  readonly clients: ClusterClients;
}

/** All clients that follow a topic, for the server's own code to ask. */
export class FollowersHandle<Api extends LiveApi = LiveApi> {
  readonly #host: FollowersHost;
  readonly #topic: string;

  constructor(host: FollowersHost, topic: string) {
    this.#host = host;
    this.#topic = topic;
  }

  /**
   * Calls a method on each connection that follows the topic and offers the method when this is
   * called, whatever its params, on all servers of the cluster. Each server asks 256 clients at a
   * time. Yields the answers as they come. Ending the iteration ends the wait for the rest.
   *
   * @throws LongwireError like `ClientHandle.call`, before anybody is asked; what goes wrong with a
   *   client is the `error` of its answer. In the end, `unconfirmed` or `unavailable` if other
   *   servers did not send all their answers.
   */
  async *call<const Name extends keyof ClientMethodsOf<Api> & string>(
    method: Name,
    ...[params, options = {}]: AskArguments<ClientMethodsOf<Api>[Name]>
  ): AsyncGenerator<FollowerAnswer<AnswerOf<ClientMethodsOf<Api>[Name]>>, void, undefined> {
    type Answer = FollowerAnswer<AnswerOf<ClientMethodsOf<Api>[Name]>>;
    const { asked, offers, clients } = this.#host;
    const { timeoutMs, signal } = options;
    const question = new Question(asked, method, { params, timeoutMs });
    signal?.throwIfAborted();
    const stop = new AbortController();
    const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const answers = new Answers();
    void askEach(offers.followers(this.#topic, method), async (client) => {
      if (!stop.signal.aborted) await answers.add(await answerOf(client, question, stopped));
    }).then(() => answers.end());
    const cancel = (): void => answers.cancel(signal?.reason);
    const stopWatching = signal && onAbort(signal, cancel);
    const stopElsewhere = clients.askFollowersElsewhere(this.#topic, question.request, {
      onAnswer: (answer) => void answers.add(checked(answer, question)),
      onEnd: (error) => answers.end(error),
    });
    try {
      for (;;) {
        const answer = await answers.next();
        if (answer === undefined) return;
        yield answer as Answer;
      }
    } finally {
      stop.abort();
      stopWatching?.();
      stopElsewhere();
    }
  }
}

interface Waiting {
  readonly answer: FollowerAnswer;
  readonly onTaken: () => void;
}

/** The answers that nobody has taken yet, of this server and of the others. */
class Answers {
  readonly #waiting: Waiting[] = [];
  /** Why there are no more answers than these. */
  #reason: unknown;
  #openSources = 2;
  #wake = (): void => {};

  /** Resolves when the answer is taken. */
  add(answer: FollowerAnswer): Promise<void> {
    return new Promise((onTaken) => {
      this.#waiting.push({ answer, onTaken });
      this.#wake();
    });
  }

  /** One of the two sources has no more. */
  end(reason?: LongwireError): void {
    this.#reason ??= reason;
    this.#openSources -= 1;
    this.#wake();
  }

  /** Nobody waits any more. */
  cancel(reason: unknown): void {
    this.#waiting.length = 0;
    this.#reason = reason;
    this.#openSources = 0;
    this.#wake();
  }

  /** Returns the next one; `undefined` after the last. @throws why some are missing */
  async next(): Promise<FollowerAnswer | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#openSources <= 0) {
        if (this.#reason !== undefined) throw this.#reason;
        return undefined;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const { answer, onTaken } = this.#waiting.shift()!;
    onTaken();
    return answer;
  }
}

async function answerOf(
  client: AskedClient,
  question: Question,
  signal: AbortSignal,
): Promise<FollowerAnswer> {
  const { connection, identity } = client.caller!;
  const who = { connection, identity: identity?.id };
  try {
    return { ...who, data: await question.to(client, signal) };
  } catch (error) {
    return { ...who, error: error as LongwireError };
  }
}

function checked({ outcome, ...who }: RemoteAnswer, question: Question): FollowerAnswer {
  if ("error" in outcome) return { ...who, error: outcome.error };
  try {
    return { ...who, data: question.checkedAnswer(outcome.data) };
  } catch (error) {
    return { ...who, error: error as LongwireError };
  }
}
