import type { Identity } from "./access/credentials.ts";
import type { ClientMethods, LiveApi, Methods, OpenedApi, TopicName } from "../live-api.ts";
import { LongwireError, type Timer } from "../../base/index.ts";
import {
  type Broker,
  type Encoding,
  inTurn,
  quoted,
  REQUEST_UNITS,
  textBytes,
} from "../../topics/index.ts";
import { checkMountPath } from "./check-options.ts";
import { shownCredentials } from "./access/credentials.ts";
import type { Askable } from "./asking/asked-client.ts";
import { ClientHandle } from "./asking/client-handle.ts";
import { FollowersHandle } from "./asking/followers-handle.ts";
import { Command } from "./mailbox/command.ts";
import { IdentityHandle } from "./mailbox/identity-handle.ts";
import { Connections } from "./cluster/connections.ts";
import { renewLeases } from "./keys/leased-entries.ts";
import type { ShedOptions } from "./cluster/shedding.ts";
import type { ConnectedClient } from "./sessions/connected-client.ts";
import { DataSession } from "./sessions/data-session.ts";
import { FrameEncodings } from "./sessions/encodings.ts";
import { readDataQuery } from "./http/http-query.ts";
import { answerUnavailable, HttpForms } from "./http/http-forms.ts";
import { LiveCloseCode } from "../wire/close-code.ts";
import { SUBPROTOCOL } from "../wire/subprotocol.ts";
import type { LiveExchange, LivePeer, LiveUpgrade } from "./live-peer.ts";
import { MessageSession } from "./sessions/message-session.ts";
import type { LiveServerOptions } from "./live-server-options.ts";
import { requireTopic } from "./publish.ts";
import { openLiveCore } from "./open-live-core.ts";
import type { LimitReached, LiveCore, Session, SessionEncodings } from "./sessions/session.ts";
import type { LiveStatistics } from "./observing/statistics.ts";
import { TopicHandle, type HandleNamed } from "./topic-handle.ts";

/** How often the broker is looked at, in milliseconds. */
const CHECK_MS = 1_000;

/** The cost of one tick of a session or subscription, in units of a slice. */
const TICK_UNITS = 64;

/** An endpoint for `WebSocketServer`. */
export interface LiveEndpoint {
  path: string;
  maxMessageBytes: number;
  protocols(request: LiveUpgrade): string | undefined;
  onOpen(peer: LivePeer, request: LiveUpgrade): void;
  onMessage(peer: LivePeer, message: string | Uint8Array): void | Promise<void>;
  onDrain(peer: LivePeer): void;
  onLimit(peer: LivePeer, reached: LimitReached): void;
  onClose(peer: LivePeer): void;
  onRequest(exchange: LiveExchange): Promise<void>;
  onDraining(): void;
}

/** A snapshot of what a live server holds. */
export interface LiveCensus {
  /** Connections. */
  sessions: number;
  /** Open streams of server-sent events. */
  streams: number;
  subscriptions: number;
  /** Connections that have unsent events because they read too slowly. */
  waiting: number;
  topics: number;
  /** Distinct params by which topics are narrowed. */
  views: number;
  /** Keys that are owned by a connection. */
  ownedKeys: number;
  /** The size of all topics' logs, in bytes. */
  logBytes: number;
  /** How late the event loop was at the last probe, in milliseconds. */
  lagMs: number;
}

/** Serves topics, calls and presence to live clients. */
// Any: without a type argument, `LiveServer` accepts a server of any API.
// oxlint-disable-next-line typescript/no-explicit-any
export class LiveServer<Api extends LiveApi = any> {
  readonly #core: LiveCore;
  readonly #broker: Broker;
  readonly #forms: HttpForms;
  readonly #sessions = new Set<Session>();
  readonly #encodings = new FrameEncodings();
  readonly #timers = new Set<Timer>();
  #ticking = { isDone: true };

  /** @param clients receives the lists of the connected clients */
  private constructor(core: LiveCore, broker: Broker, clients: ReadonlySet<ConnectedClient>[]) {
    this.#core = core;
    this.#broker = broker;
    this.#forms = new HttpForms(core, () => this.#population);
    clients.push(this.#sessions, this.#forms.clients);
    this.#every(core.limits.heartbeatMs / 2, () => this.#tick());
    // Three renewals per lease, so that one late renewal does no harm.
    this.#every(core.limits.serverLeaseMs / 3, () => {
      core.owners.renewLeases();
      core.presence.renewLeases();
      const { directory, roster, readers } = core;
      const entries = [directory.entries, ...roster.entries, readers.entries];
      renewLeases(
        entries.filter((each) => each !== undefined),
        core.catalog,
      );
    });
    this.#every(CHECK_MS, () => {
      core.cutOff.check();
      core.lifecycle.appendMissing();
    });
    this.#announceNode();
  }

  /**
   * Opens a live server and all topics that are declared by name.
   *
   * @throws LongwireError `missing_broker`, `invalid_topic`, `invalid_method`, `invalid_schema`,
   *   `invalid_option`, `invalid_limit` as a rejection, and what the broker rejects with
   */
  static async open<
    const Topics extends LiveApi["topics"],
    Named extends Methods = Methods,
    Who extends Identity = Identity,
    Offered extends ClientMethods = ClientMethods,
  >(
    options: LiveServerOptions<Who> & { topics: Topics; methods?: Named; clientMethods?: Offered },
  ): Promise<LiveServer<OpenedApi<Topics, Named, Offered>>> {
    const clients: ReadonlySet<ConnectedClient>[] = [];
    const core = await openLiveCore(options, clients);
    return new LiveServer(core, options.broker, clients);
  }

  /**
   * Returns a topic for use by the server's own code.
   *
   * @throws LongwireError `unknown_topic`
   */
  topic<Name extends TopicName<Api>>(name: Name): HandleNamed<Api, Name> {
    const { catalog, report } = this.#core;
    return new TopicHandle(catalog, name, report) as unknown as HandleNamed<Api, Name>;
  }

  /** The connections of all servers with this broker, for commands. */
  get connections(): Connections {
    return new Connections(this.#core);
  }

  /**
   * Returns an identity, to call what its clients offer, on whatever server they are, and to give it
   * commands for when it comes.
   */
  identity(id: string): IdentityHandle<Api> {
    return new IdentityHandle(this.#core, id);
  }

  /** Returns a command that was given before. */
  command(key: string): Command {
    return new Command(this.#core.mailbox, key);
  }

  /**
   * Returns a connection, to call what its client offers, on whatever server it is.
   *
   * @param name its name, as in the context of a call
   */
  connection(name: string): ClientHandle<Api> {
    const { clients } = this.#core;
    const find = (method: string): Askable | undefined => clients.ofConnection(name, method);
    return new ClientHandle(this.#core.asked, `The connection ${quoted(name)}`, find);
  }

  /**
   * Returns all clients that follow a topic, to call what they offer.
   *
   * @throws LongwireError `unknown_topic`
   */
  followers(topic: TopicName<Api>): FollowersHandle<Api> {
    requireTopic(this.#core, topic);
    const { asked, offers, clients } = this.#core;
    return new FollowersHandle({ asked, offers, clients }, topic);
  }

  /**
   * Asks a random share of this server's Level 1 clients to reconnect, for example after servers were
   * added behind a load balancer. They resume, so nothing is lost.
   *
   * @returns how many are asked
   * @throws LongwireError `invalid_option`
   */
  shed(options: ShedOptions): number {
    return this.#core.shedding.shed(options);
  }

  /**
   * Returns how many subscriptions a topic has on all servers with this broker, as this server knows
   * it now.
   *
   * @throws LongwireError `unknown_topic`, also unless `topicsTopic()` is among the declared topics
   */
  readersOf(topic: TopicName<Api>): number {
    requireTopic(this.#core, topic);
    const total = this.#core.readers.total(topic);
    if (total !== undefined) return total;
    const message = "There is no topic $topics; add topicsTopic() to topics.";
    throw new LongwireError("unknown_topic", message);
  }

  /** Counters since the server was opened. */
  get statistics(): LiveStatistics {
    return this.#core.statistics;
  }

  /** Counts what the server holds now. This visits every connection and topic. */
  census(): LiveCensus {
    const { catalog, owners, admission } = this.#core;
    const sessions = [...this.#sessions];
    const topics = [...catalog.topics()];
    return {
      sessions: sessions.length,
      streams: this.#forms.streamCount,
      subscriptions: sum(sessions, (session) => session.subscriptionCount),
      waiting: sum(sessions, (session) => (session.isWaiting ? 1 : 0)),
      topics: topics.length,
      views: sum(topics, (topic) => topic.viewCount),
      ownedKeys: owners.keyCount,
      logBytes: sum(topics, (topic) => topic.bytes),
      lagMs: admission.lagMs,
    };
  }

  /**
   * The reason why no new clients should be routed here, or `undefined`: the broker is unreachable,
   * or the server is overloaded. For `healthEndpoints` of longwire/server.
   */
  get whyNotReady(): string | undefined {
    if (this.#broker.isAway === true) return "The broker cannot be reached";
    return this.#core.admission.refusal(this.#population);
  }

  /**
   * Returns an endpoint for `WebSocketServer`.
   *
   * @param path the mount path, such as `/live`: serves Level 1 at `path`, and Level 0 and plain
   *   HTTP at `path/TOPIC`
   * @throws LongwireError `invalid_path`
   */
  endpoint(path: string): LiveEndpoint {
    checkMountPath(path);
    let isDraining = false;
    return {
      path: `${path}/*`,
      maxMessageBytes: this.#core.limits.maxMessageBytes,
      protocols: (request) =>
        topicName(request.path, path) === undefined && request.protocols.includes(SUBPROTOCOL)
          ? SUBPROTOCOL
          : undefined,
      onOpen: (peer, request) => this.#open(peer, request, path),
      onMessage: (peer, message) => this.#receive(peer, message),
      onLimit: (peer, reached) => sessionOf(peer)?.onLimit(reached),
      onDrain: (peer) => sessionOf(peer)?.onDrain(),
      onClose: (peer) => this.#close(peer),
      onRequest: (exchange) => {
        const { admission } = this.#core;
        // A long poll or a stream would delay the shutdown.
        const refusal = isDraining
          ? "The server is going away"
          : admission.refusal(this.#population);
        if (refusal === undefined) {
          return this.#forms.answer(exchange, topicName(exchange.path, path) ?? "");
        }
        answerUnavailable(exchange, refusal, admission.returnAfter(this.#population));
        return Promise.resolve();
      },
      onDraining: () => {
        isDraining = true;
        const { admission } = this.#core;
        const clients = this.#sessions.size;
        for (const session of this.#sessions) session.onDraining(admission.returnAfter(clients));
        this.#forms.onDraining();
      },
    };
  }

  /** Stops the timers and closes the broker. Call it after the WebSocket server has closed. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#core.wheel.close();
    this.#core.admission.close();
    this.#core.presence.close();
    await this.#core.roster.close();
    await this.#core.catalog.close();
    await this.#broker.close();
  }

  /** The number of long-lived clients: connections and streams of server-sent events. */
  get #population(): number {
    return this.#sessions.size + this.#forms.streamCount;
  }

  #open(peer: LivePeer, request: LiveUpgrade, path: string): void {
    const { admission, statistics, tokenQuery } = this.#core;
    const refusal = admission.refusal(this.#population);
    if (refusal !== undefined) return this.#turnAway(peer, refusal);
    const session = this.#sessionFor(peer, request, path);
    peer.data = session;
    if (session === undefined) return;
    this.#sessions.add(session);
    statistics.sessions[session instanceof MessageSession ? "level1" : "level0"] += 1;
    // Last, because what it sends may end the connection synchronously.
    session.start(shownCredentials(request, tokenQuery));
  }

  /** Accepts a client only to send it `disconnect` with a `retryAfter`, then closes. */
  #turnAway(peer: LivePeer, why: string): void {
    const { admission, statistics } = this.#core;
    statistics.turnedAway += 1;
    const code = LiveCloseCode.Overloaded;
    if (peer.protocol === SUBPROTOCOL) {
      const message = `${why}; connect again after retryAfter.`;
      const retryAfter = admission.returnAfter(this.#sessions.size);
      peer.send(JSON.stringify({ type: "disconnect", code, message, retry: true, retryAfter }));
    }
    peer.close(code, `${why}; connect again later`.slice(0, 120));
  }

  #sessionFor(peer: LivePeer, request: LiveUpgrade, path: string): Session | undefined {
    const { tokenQuery } = this.#core;
    const address = request.clientAddress ?? request.remoteAddress;
    const encodingsUpTo = (maxBytes: number): SessionEncodings =>
      this.#encodings.of(peer.frameFormat, maxBytes);
    if (peer.protocol === SUBPROTOCOL) {
      const encodingUpTo = (maxBytes: number): Encoding => encodingsUpTo(maxBytes).event;
      return new MessageSession(this.#core, peer, encodingUpTo, address);
    }
    const name = topicName(request.path, path);
    if (name === undefined) {
      const reason = `offer the subprotocol ${SUBPROTOCOL}, or connect to ${path}/TOPIC`;
      peer.close(LiveCloseCode.BadMessage, reason.slice(0, 120));
      return undefined;
    }
    try {
      const query = readDataQuery(request.search, tokenQuery);
      const encoding = encodingsUpTo(Infinity).data;
      return new DataSession(this.#core, peer, { ...query, name, encoding, address });
    } catch (error) {
      const { message } = error as Error;
      peer.close(LiveCloseCode.BadMessage, message.slice(0, 120));
      return undefined;
    }
  }

  /** Parsing a message also takes time, which one client must not take from the others. */
  #receive(peer: LivePeer, message: string | Uint8Array): void | Promise<void> {
    const session = sessionOf(peer);
    if (session === undefined) return;
    const { account } = peer;
    const { slices } = this.#core.catalog;
    const cost = { payer: account.payer ?? account, units: REQUEST_UNITS + message.length };
    if (slices.hasTime) return inTurn(slices, cost, () => session.onMessage(message));
    const bytes = typeof message === "string" ? textBytes(message) : message.length;
    if (!account.charge(bytes)) {
      session.onLimit({ code: "over_share" });
      return;
    }
    return inTurn(slices, cost, () => {
      account.refund(bytes);
      return session.onMessage(message);
    });
  }

  #close(peer: LivePeer): void {
    const session = sessionOf(peer);
    if (session === undefined) return;
    this.#sessions.delete(session);
    session.onClosed();
  }

  #tick(): void {
    this.#core.catalog.tidy();
    this.#core.rates.tidy();
    this.#core.logins.tidy();
    this.#core.calls.tidy();
    this.#core.revocations.tidy();
    this.#core.mailbox.tidy();
    this.#core.courier.deliverAll();
    this.#forms.onTick();
    // If the previous tick has not reached all sessions yet, it continues and this one is skipped.
    if (!this.#ticking.isDone) return;
    this.#ticking = this.#core.catalog.slices.forEach("tick", this.#sessions, {
      unitsOf: ({ subscriptionCount }) => TICK_UNITS * (1 + subscriptionCount),
      visit: (session) => {
        session.onTick();
        this.#core.roster.announce(session);
        this.#core.shedding.checkAge(session);
      },
    });
    this.#announceNode();
  }

  #announceNode(): void {
    const { roster, admission } = this.#core;
    roster.announceNode({ connections: this.#population, lagMs: Math.round(admission.lagMs) });
  }

  #every(ms: number, act: () => void): void {
    const timer = this.#core.clock.after(ms, () => {
      this.#timers.delete(timer);
      this.#every(ms, act);
      act();
    });
    this.#timers.add(timer);
  }
}

function sessionOf(peer: LivePeer): Session | undefined {
  return peer.data as Session | undefined;
}

/** Returns the decoded topic name in a path; `undefined` for the mount itself. */
function topicName(path: string, mount: string): string | undefined {
  const name = path.slice(mount.length + 1);
  if (name === "") return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
