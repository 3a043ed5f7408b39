import { LongwireError, type TimerWheel } from "../../../base/index.ts";
import { type JsonPart, LiveError, type Report } from "../../../topics/index.ts";
import {
  type ClusterLog,
  member,
  type Members,
  type NodeMessage,
  type Sender,
  textOf,
} from "../cluster/cluster-log.ts";
import { type Askable, ClientError, type OutgoingRequest } from "./asked-client.ts";
import { OpenAnswers, unanswered } from "./open-answers.ts";
import type { Offering } from "./offer-directory.ts";
import type { Offers } from "./offers.ts";

interface AsksHost {
  readonly log: ClusterLog;
  /** Of this server's own clients. */
  readonly offers: Offers;
  readonly wheel: TimerWheel;
  readonly report: Report;
}

/** Requests to clients of other nodes, and those of other nodes to clients of this one. */
export class RemoteAsks {
  readonly #host: AsksHost;
  readonly #answers: OpenAnswers<string>;

  constructor(host: AsksHost) {
    this.#host = host;
    this.#answers = new OpenAnswers(host.wheel);
    host.log.on("ask", (message, sender) => {
      this.#onAsk(message, sender).catch(host.report);
    });
    host.log.on("answer", (message) => this.#onAnswer(message));
  }

  /** Returns a client of another node. */
  clientOf(offering: Offering): Askable {
    return { ask: (request) => this.#ask(offering, request) };
  }

  async #ask(
    { node, connection }: Offering,
    request: OutgoingRequest,
  ): Promise<JsonPart | undefined> {
    request.signal?.throwIfAborted();
    const id = crypto.randomUUID();
    const answer = this.#answers.wait(id, request);
    // The answer may come first.
    answer.catch(() => {});
    await this.#host.log
      .send(node, "ask", questionOf(connection, request), id)
      .catch((error: unknown) => this.#answers.reject(id, (method) => unsent(method, error)));
    return answer;
  }

  async #onAsk(message: NodeMessage, { node, id, ageMs }: Sender): Promise<void> {
    const [connection, method] = [textOf(message, "connection"), textOf(message, "method")];
    const timeoutMs = Number(message.get("timeoutMs")?.value) - ageMs;
    // Nobody waits for the answer any more.
    if (connection === undefined || method === undefined || !(timeoutMs > 0)) return;
    const client = this.#host.offers.ofConnection(connection, method);
    const question = { question: member(id) };
    if (client === undefined) {
      const error = { code: "not_offered", message: notOffered(connection, method) };
      return this.#host.log.send(node, "answer", { ...question, error: member(error) });
    }
    const params = message.get("params")?.json;
    const outcome = await outcomeOf(client, { method, params, timeoutMs, signal: undefined });
    await this.#host.log.send(node, "answer", { ...question, ...outcome });
  }

  #onAnswer(message: NodeMessage): void {
    const id = textOf(message, "question") ?? "";
    const error = errorIn(message);
    if (error === undefined) this.#answers.resolve(id, message.get("data"));
    else this.#answers.reject(id, () => error);
  }
}

/** Asks a client of this node, for another one. */
export async function outcomeOf(client: Askable, request: OutgoingRequest): Promise<Members> {
  try {
    const data = await client.ask(request);
    return data === undefined ? {} : { data };
  } catch (error) {
    const { code, message, clientCode } = error as Partial<ClientError>;
    return { error: member({ code, message, clientCode }) };
  }
}

/** Returns the error that another node had with its client; `undefined` if it had none. */
export function errorIn(message: NodeMessage): LongwireError | undefined {
  const error = message.get("error")?.value as Partial<ClientError> | undefined;
  if (error === undefined) return undefined;
  const { code = "internal", message: text = "", clientCode } = error;
  if (clientCode === undefined) return new LongwireError(code, text);
  return new ClientError(text, clientCode);
}

/** Numbers in the params are passed on as they were written. */
function questionOf(connection: string, { method, params, timeoutMs }: OutgoingRequest): Members {
  return {
    connection: member(connection),
    method: member(method),
    timeoutMs: member(timeoutMs),
    ...(params !== undefined && { params: { json: params } }),
  };
}

/** A broker that refuses a message has not stored it; any other failure may have. */
function unsent(method: string, error: unknown): unknown {
  return error instanceof LiveError ? error : unanswered(method, "through the broker");
}

function notOffered(connection: string, method: string): string {
  return `The connection ${connection} does not offer ${method} any more; try again.`;
}
