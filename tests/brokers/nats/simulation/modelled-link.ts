import type { Clock } from "../../../../src/base/index.ts";
import { NatsRefusal, Reason } from "../../../../src/brokers/nats/link/nats-errors.ts";
import { UnansweredError } from "../../../../src/brokers/shared/engine-errors.ts";
import type { NatsBrokerOptions } from "../../../../src/brokers/nats/nats-options.ts";
import { LiveError } from "../../../../src/live/index.ts";
import type { Random } from "../../../rigs/random.ts";
import type { Connection, ModelledMessage, ModelledNats } from "./modelled-nats.ts";

interface LinkHandler {
  prepare(link: ModelledLink): Promise<void>;
  onBack(): void;
  onLost(): void;
}

interface World {
  nats: ModelledNats;
  random: Random;
  /** Called with each new link. */
  onLink(link: ModelledLink): void;
}

let world: World | undefined;

/** Sets the world that `NatsLink.open` connects to from now on. */
export function setWorld(next: World): void {
  world = next;
}

/** A node's connection to a modelled NATS, which takes its time and can be cut. */
export class ModelledLink implements Connection {
  readonly server = "the modelled NATS";
  readonly clock: Clock;
  isOpen = true;
  readonly #world: World;
  readonly #handler: LinkHandler;
  readonly #subscriptions = new Map<string, Set<(message: ModelledMessage) => void>>();
  readonly #pending = new Map<
    string,
    { resolve: (message: ModelledMessage) => void; reject: (error: Error) => void }
  >();
  #names = 0;
  /** Messages in transit stay in order, and are lost with the connection. */
  #sentAt = 0;
  #receivedAt = 0;
  #connections = 0;

  private constructor(clock: Clock, handler: LinkHandler, given: World) {
    this.clock = clock;
    this.#handler = handler;
    this.#world = given;
  }

  static async open({ clock }: NatsBrokerOptions, handler: LinkHandler): Promise<ModelledLink> {
    const link = new ModelledLink(clock!, handler, world!);
    link.#world.nats.connections.add(link);
    link.#world.onLink(link);
    await handler.prepare(link);
    return link;
  }

  request(
    subject: string,
    payload: string,
    headers?: Iterable<[string, string[]]>,
  ): Promise<ModelledMessage> {
    if (!this.isOpen) return Promise.reject(this.away());
    const map = new Map([...(headers ?? [])].map(([name, [value = ""]]) => [name, value]));
    const reply = this.inbox();
    return new Promise((resolve, reject) => {
      this.#pending.set(reply, { resolve, reject });
      this.#send(() => this.#world.nats.take(subject, payload, map, reply));
    });
  }

  publish(subject: string, payload = ""): void {
    this.#send(() => this.#world.nats.take(subject, payload, new Map(), ""));
  }

  subscribe(subject: string, hear: (message: ModelledMessage) => void): { unsubscribe(): void } {
    if (!this.isOpen) throw this.away();
    const hearers = this.#subscriptions.get(subject) ?? new Set();
    this.#subscriptions.set(subject, hearers.add(hear));
    return { unsubscribe: () => void hearers.delete(hear) };
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#send(() => this.clock.after(5, resolve)));
  }

  inbox(): string {
    this.#names += 1;
    return `_INBOX.${this.#names}.${this.#world.random.integer(0, 1e9)}`;
  }

  away(): LiveError {
    return new LiveError("unavailable", "The modelled NATS is away.");
  }

  close(): void {
    this.cut();
  }

  /** The connection is lost, with all that is on its way. */
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#connections += 1;
    this.#world.nats.connections.delete(this);
    this.#subscriptions.clear();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new UnansweredError("The connection was cut."));
    this.#handler.onLost();
  }

  async restore(): Promise<void> {
    if (this.isOpen) return;
    this.isOpen = true;
    this.#world.nats.connections.add(this);
    await this.#handler.prepare(this);
    this.#handler.onBack();
  }

  listens(subject: string): boolean {
    if (this.#pending.has(subject)) return true;
    for (const pattern of this.#subscriptions.keys()) if (fits(pattern, subject)) return true;
    return false;
  }

  receive(subject: string, message: ModelledMessage): void {
    const connection = this.#connections;
    this.#receivedAt = Math.max(this.#receivedAt, this.clock.now() + this.#latency);
    this.clock.after(this.#receivedAt - this.clock.now(), () => {
      if (connection === this.#connections) this.#hear(subject, message);
    });
  }

  #hear(subject: string, message: ModelledMessage): void {
    const asked = this.#pending.get(subject);
    if (asked !== undefined) {
      this.#pending.delete(subject);
      if (message.headers?.code !== 503) return asked.resolve(message);
      return asked.reject(new NatsRefusal(this.server, "nobody", Reason.Nobody));
    }
    for (const [pattern, hearers] of this.#subscriptions) {
      if (fits(pattern, subject)) for (const hear of hearers) hear(message);
    }
  }

  #send(act: () => void): void {
    const connection = this.#connections;
    this.#sentAt = Math.max(this.#sentAt, this.clock.now() + this.#latency);
    this.clock.after(this.#sentAt - this.clock.now(), () => {
      // A request that was sent may have reached NATS, although its answer is lost.
      if (connection === this.#connections || this.#world.random.chance(0.5)) act();
    });
  }

  get #latency(): number {
    return this.#world.random.integer(0, 5);
  }
}

function fits(pattern: string, subject: string): boolean {
  if (pattern.endsWith(".>")) return subject.startsWith(pattern.slice(0, -1));
  return pattern === subject;
}
