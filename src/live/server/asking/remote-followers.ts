import { LongwireError, type Timer, type TimerWheel } from "../../../base/index.ts";
import type { JsonPart, Report } from "../../../topics/index.ts";
import {
  type ClusterLog,
  member,
  type NodeMessage,
  type Sender,
  textOf,
} from "../cluster/cluster-log.ts";
import type { AskedClient, OutgoingRequest } from "./asked-client.ts";
import { askEach } from "./ask-each.ts";
import { errorIn, outcomeOf } from "./remote-asks.ts";
import type { Offers } from "./offers.ts";

/** How much longer another server may take than its clients, in milliseconds. */
const GRACE_MS = 2_000;

/** One answer of a client of another node, unparsed. */
export interface RemoteAnswer {
  readonly connection: string;
  readonly identity: string | undefined;
  readonly outcome: { readonly data: JsonPart | undefined } | { readonly error: LongwireError };
}

/** Receives the answers of other nodes' clients. */
export interface FollowersInquiry {
  onAnswer(answer: RemoteAnswer): void;
  /** @param error why some answers are missing */
  onEnd(error?: LongwireError): void;
}

interface OpenInquiry extends FollowersInquiry {
  /** The nodes that have not sent all their answers yet. */
  readonly nodes: Set<string>;
}

interface FollowersHost {
  readonly log: ClusterLog;
  /** Of this server's own clients. */
  readonly offers: Offers;
  readonly wheel: TimerWheel;
  readonly report: Report;
}

/** Requests to all followers of a topic on other nodes, and those of other nodes. */
export class RemoteFollowers {
  readonly #host: FollowersHost;
  readonly #open = new Map<string, OpenInquiry>();

  constructor(host: FollowersHost) {
    this.#host = host;
    host.log.on("ask-followers", (message, sender) => {
      this.#onAsk(message, sender).catch(host.report);
    });
    host.log.on("asked-followers", (message, { node }) => this.#onAnswer(message, node));
  }

  /**
   * Asks the followers on these nodes.
   *
   * @returns a function that ends the wait
   */
  ask(
    nodes: Set<string>,
    topic: string,
    { method, params, timeoutMs }: Omit<OutgoingRequest, "signal">,
    inquiry: FollowersInquiry,
  ): () => void {
    const id = crypto.randomUUID();
    const end = (error?: LongwireError): void => {
      if (!this.#open.delete(id)) return;
      timer.cancel();
      inquiry.onEnd(error);
    };
    const wait = (): Timer =>
      this.#host.wheel.after(timeoutMs + GRACE_MS, () => end(missing(method, nodes.size)));
    let timer = wait();
    const onAnswer = (answer: RemoteAnswer): void => {
      // A server with many followers asks some of them later.
      timer.cancel();
      timer = wait();
      inquiry.onAnswer(answer);
    };
    this.#open.set(id, { onAnswer, onEnd: end, nodes });
    const question = {
      topic: member(topic),
      method: member(method),
      timeoutMs: member(timeoutMs),
      ...(params !== undefined && { params: { json: params } }),
    };
    this.#host.log.send(undefined, "ask-followers", question, id).catch((error: unknown) => {
      end(error instanceof LongwireError ? error : missing(method, nodes.size));
    });
    return () => this.#open.delete(id) && timer.cancel();
  }

  async #onAsk(message: NodeMessage, { node, id, ageMs }: Sender): Promise<void> {
    const { log, offers } = this.#host;
    const [topic, method] = [textOf(message, "topic"), textOf(message, "method")];
    const timeoutMs = Number(message.get("timeoutMs")?.value) - ageMs;
    if (node === log.node || topic === undefined || method === undefined) return;
    const followers = timeoutMs > 0 ? offers.followers(topic, method) : [];
    const request = {
      method,
      params: message.get("params")?.json,
      timeoutMs,
      signal: undefined,
    };
    const question = { question: member(id) };
    const answer = async (client: AskedClient): Promise<void> => {
      const { connection, identity } = client.caller!;
      const who = { connection: member(connection), identity: member(identity?.id ?? null) };
      const outcome = await outcomeOf(client, request);
      await log.send(node, "asked-followers", { ...question, ...who, ...outcome });
    };
    await askEach(followers, answer);
    await log.send(node, "asked-followers", question);
  }

  #onAnswer(message: NodeMessage, node: string): void {
    const inquiry = this.#open.get(textOf(message, "question") ?? "");
    const connection = textOf(message, "connection");
    if (inquiry === undefined) return;
    if (connection === undefined) {
      inquiry.nodes.delete(node);
      if (inquiry.nodes.size === 0) inquiry.onEnd();
      return;
    }
    const error = errorIn(message);
    const outcome = error === undefined ? { data: message.get("data") } : { error };
    inquiry.onAnswer({ connection, identity: textOf(message, "identity"), outcome });
  }
}

function missing(method: string, nodes: number): LongwireError {
  const message = `${nodes} other servers did not send all their clients' answers to ${method} in time; those may or may not have done it.`;
  return new LongwireError("unconfirmed", message);
}
