import {
  LongwireError,
  resolveLimits,
  systemClock,
  TimerWheel,
  type Clock,
  type Timer,
} from "../../base/index.ts";
import type { Broker } from "../broker.ts";
import { Topic, type Report } from "../topic.ts";
import type { TopicDeclaration } from "../topic-declaration.ts";
import { isTopicName } from "../topic-name.ts";
import { DataSession } from "./data-session.ts";
import { frameEncodings } from "./encodings.ts";
import { answerDraining, HttpForms } from "./http-forms.ts";
import { KeyOwners } from "./key-owners.ts";
import { LiveCloseCode } from "./live-close-code.ts";
import { defaultLiveLimits, type LiveLimits } from "../limits.ts";
import type { LiveExchange, LivePeer, LiveUpgrade } from "./live-peer.ts";
import { MessageSession } from "./message-session.ts";
import type { Realm, Session, SessionEncodings } from "./session.ts";
import { TopicHandle } from "./topic-handle.ts";

/** Level 1's subprotocol. */
const SUBPROTOCOL = "longwire.v1";

export interface LiveServerOptions extends Partial<LiveLimits> {
  topics: readonly TopicDeclaration[];
  /** Where events are kept and numbered, such as a `MemoryBroker`. */
  broker: Broker;
  /**
   * A function of the application, `match` say, threw, or a broker failed. Default: one line on
   * standard error.
   */
  onError?: (error: LongwireError) => void;
  /** Where time comes from; for tests. */
  clock?: Clock;
}

/** What `WebSocketServer` takes as an endpoint. */
export interface LiveEndpoint {
  path: string;
  protocols(request: LiveUpgrade): string | undefined;
  onOpen(peer: LivePeer, request: LiveUpgrade): void;
  onMessage(peer: LivePeer, message: string | Uint8Array): void | Promise<void>;
  onDrain(peer: LivePeer): void;
  onClose(peer: LivePeer): void;
  onRequest(exchange: LiveExchange): Promise<void>;
  onDraining(): void;
}

/** Topics, and the sessions of those who follow them. */
export class LiveServer {
  readonly #realm: Realm;
  readonly #broker: Broker;
  readonly #forms: HttpForms;
  readonly #sessions = new Set<Session>();
  #encodings: SessionEncodings | undefined;
  #ticking: Timer | undefined;

  private constructor(realm: Realm, broker: Broker) {
    this.#realm = realm;
    this.#broker = broker;
    this.#forms = new HttpForms(realm);
    this.#tick();
  }

  /**
   * Opens all topics with the broker.
   *
   * @throws LongwireError `invalid_topic` as a rejection, and what the broker rejects with
   */
  static async open(options: LiveServerOptions): Promise<LiveServer> {
    const clock = options.clock ?? systemClock;
    const report = reporter(options.onError);
    const topics = new Map<string, Topic>();
    for (const declaration of options.topics) {
      checkName(declaration.name, topics);
      topics.set(
        declaration.name,
        await Topic.open(declaration, options.broker, { clock, report }),
      );
    }
    const wheel = new TimerWheel(clock);
    const limits = resolveLimits(defaultLiveLimits, options);
    const owners = new KeyOwners(wheel);
    for (const topic of topics.values()) owners.watch(topic);
    return new LiveServer({ topics, owners, limits, clock, wheel, report }, options.broker);
  }

  /**
   * A topic, for the server's own code.
   *
   * @throws LongwireError `unknown_topic`
   */
  topic(name: string): TopicHandle {
    const topic = this.#realm.topics.get(name);
    if (topic !== undefined) return new TopicHandle(topic);
    throw new LongwireError("unknown_topic", `There is no topic ${name}; declare it first.`);
  }

  /**
   * Returns an endpoint for `WebSocketServer`.
   *
   * @param path where it is mounted: Level 1 there, Level 0 and the HTTP forms at `path/TOPIC`
   */
  endpoint(path: string): LiveEndpoint {
    let isDraining = false;
    return {
      path: `${path}/*`,
      protocols: (request) =>
        topicName(request.path, path) === undefined && request.protocols.includes(SUBPROTOCOL)
          ? SUBPROTOCOL
          : undefined,
      onOpen: (peer, request) => this.#open(peer, request, path),
      onMessage: (peer, message) => this.#receive(peer, message),
      onDrain: (peer) => sessionOf(peer)?.onDrain(),
      onClose: (peer) => this.#close(peer),
      onRequest: (exchange) => {
        // A long poll or a stream would hold up the end that is waited for.
        if (isDraining) return Promise.resolve(answerDraining(exchange));
        return this.#forms.answer(exchange, topicName(exchange.path, path) ?? "");
      },
      onDraining: () => {
        isDraining = true;
        for (const session of this.#sessions) session.onDraining();
        this.#forms.onDraining();
      },
    };
  }

  /** Ends timers and the broker; call it after the WebSocket server has closed. */
  async close(): Promise<void> {
    this.#ticking?.cancel();
    await this.#broker.close();
  }

  #open(peer: LivePeer, request: LiveUpgrade, path: string): void {
    const session = this.#sessionFor(peer, request, path);
    peer.data = session;
    if (session === undefined) return;
    this.#sessions.add(session);
    // Only now: what it sends may end the connection at once.
    session.start();
  }

  #sessionFor(peer: LivePeer, request: LiveUpgrade, path: string): Session | undefined {
    const encodings = (this.#encodings ??= frameEncodings((text) => peer.encodeText(text)));
    if (peer.protocol === SUBPROTOCOL) {
      return new MessageSession(this.#realm, peer, encodings.event);
    }
    const name = topicName(request.path, path);
    if (name === undefined) {
      const reason = `offer the subprotocol ${SUBPROTOCOL}, or connect to ${path}/TOPIC`;
      peer.close(LiveCloseCode.BadMessage, reason.slice(0, 120));
      return undefined;
    }
    const topic = this.#realm.topics.get(name);
    if (topic === undefined) {
      peer.close(LiveCloseCode.UnknownTopic, "there is no topic of this name");
      return undefined;
    }
    const query = new URLSearchParams(request.search);
    const params = request.search === "" ? undefined : Object.fromEntries(query);
    return new DataSession(this.#realm, peer, { topic, encoding: encodings.data, params });
  }

  #receive(peer: LivePeer, message: string | Uint8Array): void | Promise<void> {
    const session = sessionOf(peer);
    if (!isLonger(message, this.#realm.limits.maxMessageBytes)) return session?.onMessage(message);
    session?.onTooLarge();
  }

  #close(peer: LivePeer): void {
    const session = sessionOf(peer);
    if (session === undefined) return;
    this.#sessions.delete(session);
    session.onClosed();
  }

  #tick(): void {
    this.#ticking = this.#realm.clock.after(this.#realm.limits.heartbeatMs / 2, () => {
      this.#tick();
      for (const topic of this.#realm.topics.values()) topic.expire();
      for (const session of this.#sessions) session.onTick();
      this.#forms.onTick();
    });
  }
}

function sessionOf(peer: LivePeer): Session | undefined {
  return peer.data as Session | undefined;
}

function isLonger(message: string | Uint8Array, maxBytes: number): boolean {
  if (message.length > maxBytes) return true;
  // A UTF-16 unit has at most three bytes, so most texts need no counting.
  if (typeof message !== "string" || message.length * 3 <= maxBytes) return false;
  return Buffer.byteLength(message) > maxBytes;
}

/** The topic's name in a path, decoded; `undefined` for the mount itself. */
function topicName(path: string, mount: string): string | undefined {
  const name = path.slice(mount.length + 1);
  if (name === "") return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Makes one kind of error of all, and gives it to who asked for it. */
function reporter(onError: LiveServerOptions["onError"]): Report {
  return (cause) => {
    const seen = cause instanceof Error ? cause.message : String(cause);
    const message = `The application or its broker failed: ${seen}. See cause.`;
    try {
      if (onError === undefined) console.error(`longwire: ${message}`);
      else onError(new LongwireError("application_failed", message, { cause }));
    } catch {
      // Who is told of errors and fails has nobody left to tell.
    }
  };
}

function checkName(name: string, topics: ReadonlyMap<string, Topic>): void {
  if (!isTopicName(name)) {
    const message = `The topic name ${JSON.stringify(name)} is not valid; use 1–255 of A–Z a–z 0–9 . _ ~ / - without a slash at an end.`;
    throw new LongwireError("invalid_topic", message);
  }
  if (!topics.has(name)) return;
  throw new LongwireError("invalid_topic", `The topic ${name} is declared twice; declare it once.`);
}
