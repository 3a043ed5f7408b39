import type { Params } from "../../../src/live/index.ts";
import type { MemoryPeer } from "../../rigs/live/memory-peer.ts";
import { ModelSubscriber, type TopicMessage } from "./model-subscriber.ts";
import { TOPICS, type ServerSide, type TopicName } from "./server-side.ts";

interface Publish {
  id: number;
  topic: TopicName;
  idempotencyKey: string;
  key?: string;
  data: object;
}

interface Answer {
  type: string;
  id?: number;
  offset: number;
  duplicate: boolean;
  code?: string;
  message?: string;
}

const ANSWERS: ReadonlySet<string> = new Set(["subscribed", "unsubscribed", "published", "error"]);

/** A Level 1 client as the contract has it: comes back with `since`, repeats what is unanswered. */
export class Client {
  readonly name: string;
  readonly #server: ServerSide;
  readonly #subscribers = new Map<TopicName, ModelSubscriber>();
  readonly #publishes = new Map<number, Publish>();
  readonly #asked = new Set<number>();
  /** Acknowledged publishes, which must be in the log. */
  readonly acknowledged: { topic: TopicName; n: number; offset: number }[] = [];
  peer: MemoryPeer | undefined;
  #ids = 0;
  /** The offset of the last acknowledged set of this client's own key, on this connection. */
  ownKeyAt: number | undefined;

  constructor(name: string, server: ServerSide) {
    this.name = name;
    this.#server = server;
  }

  connect(): void {
    const peer = this.#server.connect();
    this.peer = peer;
    peer.onText = (text) => {
      if (this.peer === peer) this.#onMessage(JSON.parse(text) as TopicMessage & Answer);
    };
    for (const topic of this.#subscribers.keys()) this.#sendSubscribe(topic);
    for (const publish of this.#publishes.values()) this.#send({ type: "publish", ...publish });
  }

  /** @param isNoticed whether the server learns of it now, or only when `peer.end()` is called */
  cut(isNoticed: boolean): void {
    const { peer } = this;
    if (peer === undefined) return;
    this.peer = undefined;
    this.ownKeyAt = undefined;
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
    const publish = { id, topic, data, idempotencyKey: `${this.name}-${id}`, ...(key && { key }) };
    this.#publishes.set(id, publish);
    this.#send({ type: "publish", ...publish });
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

  #request(message: object, id: number = this.#newId()): void {
    if (this.peer === undefined) return;
    this.#asked.add(id);
    this.#send({ ...message, id });
  }

  #send(message: object): void {
    this.peer?.receive(message);
  }

  #newId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  #onMessage(message: TopicMessage & Answer): void {
    if (message.type === "disconnect") throw new Error(`${this.name} is cut: ${message.message}`);
    if (message.type === "error") throw new Error(`${this.name}: ${message.message}`);
    if (ANSWERS.has(message.type)) this.#onAnswer(message);
    this.#subscribers.get(message.topic as TopicName)?.onMessage(message);
  }

  #onAnswer({ type, id = 0, offset }: Answer): void {
    const publish = this.#publishes.get(id);
    if (publish !== undefined) {
      this.#publishes.delete(id);
      const { n } = publish.data as { n: number };
      this.acknowledged.push({ topic: publish.topic, n, offset });
      return;
    }
    if (!this.#asked.delete(id)) throw new Error(`${this.name}: ${id} is answered twice`);
    if (type === "published") this.ownKeyAt = offset;
  }
}
