import type { Params } from "../../../src/live/index.ts";
import { ModelSubscriber, type TopicMessage } from "./model-subscriber.ts";
import { TOPICS, type ServerSide, type TopicName } from "./server-side.ts";
import { METHOD, type Question, type Questions } from "./questions.ts";
import type { TokenPeer } from "./token-peer.ts";
import { textOf, type Token, type Tokens } from "./tokens.ts";

interface Publish {
  request: { id: number; topic: TopicName; idempotencyKey: string; key?: string; data: object };
  sentAt: number;
}

interface Answer {
  type: string;
  connection: string;
  id?: number;
  offset: number;
  duplicate: boolean;
  code?: string;
  message?: string;
}

const ANSWERS: ReadonlySet<string> = new Set([
  "subscribed",
  "unsubscribed",
  "published",
  "offered",
  "error",
]);

/**
 * A publish may be repeated until its idempotency key is forgotten, in milliseconds. The live
 * client gives up then, too.
 */
const REPEATED_MS = 270_000;

/** A Level 1 client as the contract has it: comes back with `since`, repeats what is unanswered. */
export class Client {
  readonly name: string;
  readonly #server: ServerSide;
  readonly #subscribers = new Map<TopicName, ModelSubscriber>();
  readonly #publishes = new Map<number, Publish>();
  readonly #asked = new Set<number>();
  /** Acknowledged publishes, which must be in the log. */
  readonly acknowledged: { topic: TopicName; n: number; offset: number }[] = [];
  peer: TokenPeer | undefined;
  /** The key of its presence: its identity, or its connection if it has none. */
  presenceKey: string | undefined;
  readonly #tokens: Tokens | undefined;
  readonly #questions: Questions;
  #token: Token | undefined;
  /** Messages that wait for the answer to `hello`, before which only short ones are accepted. */
  #held: object[] | undefined;
  #ids = 0;
  /** The offset of the last acknowledged set of this client's own key, on this connection. */
  ownKeyAt: number | undefined;

  /** @param tokens absent in runs without identities */
  constructor(name: string, server: ServerSide, questions: Questions, tokens?: Tokens) {
    this.name = name;
    this.#server = server;
    this.#questions = questions;
    this.#tokens = tokens;
  }

  connect(): void {
    const token = this.#tokens?.next(this.name, this.#token);
    this.#token = token;
    const isInHello = this.#tokens?.isInHello() === true;
    const peer = this.#server.connect({ token: isInHello ? undefined : token });
    this.peer = peer;
    peer.onText = (text) => {
      if (this.peer === peer) this.#onMessage(JSON.parse(text) as TopicMessage & Answer);
    };
    if (isInHello) {
      this.#sendToken("hello", token!);
      this.#held = [];
    }
    for (const topic of this.#subscribers.keys()) this.#sendSubscribe(topic);
    const oldest = this.#server.faults.clock.now() - REPEATED_MS;
    for (const [id, publish] of this.#publishes) {
      if (publish.sentAt < oldest) this.#publishes.delete(id);
      else this.#sendPublish(publish);
    }
  }

  /** Replaces its token, if it has one and the server has welcomed it. */
  refresh(): void {
    if (this.#token === undefined || this.presenceKey === undefined) return;
    this.#token = this.#tokens!.renewed(this.#token.id);
    this.#sendToken("refresh", this.#token);
  }

  /** Whether the server has confirmed its subscription to `topic`. */
  isReading(topic: TopicName): boolean {
    return this.peer?.isOpen === true && this.#subscribers.get(topic)?.isSubscribed === true;
  }

  /** @param isNoticed whether the server learns of it now, or only when `peer.end()` is called */
  cut(isNoticed: boolean): void {
    const { peer } = this;
    if (peer === undefined) return;
    this.peer = undefined;
    this.presenceKey = undefined;
    this.ownKeyAt = undefined;
    this.#held = undefined;
    this.#asked.clear();
    for (const subscriber of this.#subscribers.values()) subscriber.onDisconnected();
    peer.isLost = true;
    if (isNoticed) peer.end();
  }

  subscribe(topic: TopicName, params: Params): void {
    const known = this.#subscribers.get(topic);
    const subscriber =
      known ??
      new ModelSubscriber(topic, TOPICS[topic], (name, epoch) => this.#server.truth(name, epoch));
    this.#subscribers.set(topic, subscriber);
    subscriber.narrow(params);
    this.#sendSubscribe(topic);
  }

  unsubscribe(topic: TopicName): void {
    if (!this.#subscribers.has(topic)) return;
    this.#subscribers.delete(topic);
    this.#request({ type: "unsubscribe", topic });
  }

  publish(topic: TopicName, data: { n: number; key?: string }): void {
    const id = this.#newId();
    const { key } = data;
    const idempotencyKey = `${this.name}-${id}`;
    const sentAt = this.#server.faults.clock.now();
    const request = { id, topic, data, idempotencyKey, ...(key && { key }) };
    const publish = { request, sentAt };
    this.#publishes.set(id, publish);
    this.#sendPublish(publish);
  }

  /** Sets the key that lives with this connection. */
  setOwnKey(n: number): void {
    const data = { key: this.name, n };
    this.#request({ type: "publish", topic: "online", key: this.name, data });
  }

  checkEnd(): void {
    for (const subscriber of this.#subscribers.values()) subscriber.checkEnd();
    if (this.#publishes.size > 0) throw new Error(`${this.name} has unanswered publishes`);
    if (this.#asked.size > 0) throw new Error(`${this.name} has unanswered requests`);
  }

  #sendSubscribe(topic: TopicName): void {
    if (this.peer === undefined) return;
    const id = this.#newId();
    const asked = this.#subscribers.get(topic)!.ask(id);
    this.#request({ type: "subscribe", topic, ...asked }, id);
  }

  #sendPublish({ request }: Publish): void {
    this.#send({ type: "publish", ...request });
  }

  #sendToken(type: "hello" | "refresh", token: Token): void {
    if (this.peer?.isOpen !== true) return;
    this.peer.offer(token);
    this.#send({ type, token: textOf(token) });
  }

  #request(message: object, id: number = this.#newId()): void {
    if (this.peer === undefined) return;
    this.#asked.add(id);
    this.#send({ ...message, id });
  }

  #send(message: object): void {
    if (this.#held === undefined) this.peer?.receive(message);
    else this.#held.push(message);
  }

  #newId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  #onMessage(message: TopicMessage & Answer): void {
    if (message.type === "disconnect") return this.#onDisconnect(message);
    if (message.type === "error") return this.#onError(message);
    if (message.type === "welcome") this.#onWelcome(message);
    if (message.type === "request") return this.#onRequest(message as unknown as Question);
    if (ANSWERS.has(message.type)) this.#onAnswer(message);
    this.#subscribers.get(message.topic as TopicName)?.onMessage(message);
  }

  #onWelcome({ connection }: Answer): void {
    this.presenceKey = this.#token?.id ?? connection;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#send(message);
    if (this.#questions.isOffered()) this.#request({ type: "offers", methods: [METHOD] });
  }

  #onRequest(question: Question): void {
    for (const answer of this.#questions.answersTo(question)) this.#send(answer);
  }

  /** Whether a token has expired and whether the server may be overloaded, its peer checks. */
  #onDisconnect({ code, message }: Answer): void {
    const isExpected = String(code) === "4503" || (String(code) === "4401" && this.#token);
    if (!isExpected) throw new Error(`${this.name} is cut: ${message}`);
    const { bufferedAmount } = this.peer!;
    if (bufferedAmount > 0) throw new Error(`${this.name} gets ${bufferedAmount} bytes after it`);
    this.cut(true);
  }

  /** Whether a token has expired, its peer checks. */
  #onError({ code, message }: Answer): void {
    if (code !== "unauthorized") throw new Error(`${this.name}: ${message}`);
  }

  #onAnswer({ type, id = 0, offset }: Answer): void {
    const publish = this.#publishes.get(id);
    if (publish !== undefined) {
      this.#publishes.delete(id);
      const { topic, data } = publish.request;
      const { n } = data as { n: number };
      this.acknowledged.push({ topic, n, offset });
      return;
    }
    if (!this.#asked.delete(id)) throw new Error(`${this.name}: ${id} is answered twice`);
    if (type === "published") this.ownKeyAt = offset;
  }
}
