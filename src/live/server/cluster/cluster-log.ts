import { OldestFirst } from "../../../base/index.ts";
import {
  type Catalog,
  type JsonPart,
  logTopic,
  readObject,
  type Report,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";

/** The purpose of a message. */
export type MessageType = "order" | "ask" | "answer" | "ask-followers" | "asked-followers";

/** The members of a message; their values are not parsed. */
export type NodeMessage = ReadonlyMap<string, JsonPart>;

type Handler = (message: NodeMessage, sender: Sender) => void;

/** The circumstances of a message. */
export interface Sender {
  readonly node: string;
  /** The message's own name. */
  readonly id: string;
  /** How long ago it was sent, in milliseconds, by the broker's clock. */
  readonly ageMs: number;
}

/** Messages are kept for nodes that cannot reach the broker for so long, in milliseconds. */
const KEPT_MS = 300_000;

/** A log that is read again from its beginning, in another epoch, repeats at most so many. */
const REMEMBERED_IDS = 10_000;

/** The members of a message to send. `json` is a value as JSON. */
export type Members = Readonly<Record<string, { readonly json: string }>>;

const NAMES: ReadonlySet<string> = new Set([
  "to",
  "from",
  "type",
  "id",
  "order",
  "connection",
  "identity",
  "topic",
  "method",
  "params",
  "timeoutMs",
  "question",
  "data",
  "error",
]);

const EVERYONE = "*";

/** The logs of messages: requests to clients must not push orders out. */
export type ClusterLogName = "$cluster" | "$orders";

/**
 * Messages between the nodes of a cluster: the servers with the same broker. They are the events of a
 * log, so a node that cannot reach the broker for a while receives them later, once and in
 * order.
 */
export class ClusterLog {
  /** The name of this node, new with each start. */
  readonly node: string;
  readonly #name: ClusterLogName;
  readonly #report: Report;
  readonly #handlers = new Map<string, Handler>();
  readonly #seen = new OldestFirst<string, true>();
  readonly #mine: readonly string[];
  #topic: Topic | undefined;

  constructor(name: ClusterLogName, node: string, report: Report) {
    this.#name = name;
    this.node = node;
    this.#report = report;
    this.#mine = [this.node, EVERYONE].map((to) => `{"to":${JSON.stringify(to)},`);
  }

  async open(catalog: Catalog): Promise<void> {
    const declaration = logTopic(this.#name, { retention: { maxAgeMs: KEPT_MS } });
    this.#topic = await catalog.openPrivate(declaration);
    this.#topic.listen((event) => this.#onEvent(event));
  }

  /** There is one handler of each type. It must not throw. */
  on(type: MessageType, handler: Handler): void {
    this.#handlers.set(type, handler);
  }

  /**
   * Sends a message to a node, or to all of them, this one included.
   *
   * @param id names the message; a new one, or absent
   * @throws LiveError `unavailable`, `too_large` as a rejection
   */
  async send(
    to: string | undefined,
    type: MessageType,
    members: Members,
    id: string = crypto.randomUUID(),
  ): Promise<void> {
    const head = { to: to ?? EVERYONE, from: this.node, type, id };
    const parts = Object.entries(members).map(([name, { json }]) => `,"${name}":${json}`);
    const json = `${JSON.stringify(head).slice(0, -1)}${parts.join("")}}`;
    await this.#topic!.append({ json });
  }

  #onEvent({ json, at }: TopicEvent): void {
    // Most messages are for other nodes, and not read.
    if (!this.#mine.some((start) => json.startsWith(start))) return;
    const message = readObject(json, NAMES);
    const type = message && textOf(message, "type");
    const node = message && textOf(message, "from");
    const id = message && textOf(message, "id");
    const handler = type === undefined ? undefined : this.#handlers.get(type);
    // A newer version may send what this one does not know.
    if (message === undefined || handler === undefined) return;
    if (node === undefined || id === undefined || this.#isRepeated(id)) return;
    const ageMs = Math.max(0, this.#topic!.now - at);
    try {
      handler(message, { node, id, ageMs });
    } catch (error) {
      this.#report(error);
    }
  }

  #isRepeated(id: string): boolean {
    if (this.#seen.has(id)) return true;
    this.#seen.set(id, true);
    if (this.#seen.size > REMEMBERED_IDS) this.#seen.delete(this.#seen.oldest![0]);
    return false;
  }
}

/** Returns a member to send. */
export function member(value: unknown): { readonly json: string } {
  return { json: JSON.stringify(value) };
}

/** Returns a member that is a text; `undefined` if it is absent or anything else. */
export function textOf(message: NodeMessage, name: string): string | undefined {
  const value = message.get(name)?.value;
  return typeof value === "string" ? value : undefined;
}
