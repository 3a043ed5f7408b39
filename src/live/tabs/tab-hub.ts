import type { Clock } from "../../base/index.ts";
import type { Position } from "../../topics/index.ts";
import type { ClientSocket } from "../client/index.ts";
import type { HubMessage, SocketMessage } from "./tab-message.ts";
import { TopicGroup } from "./topic-group.ts";
import { Upstream, type Message, type UpstreamOwner } from "./upstream.ts";

/** The part of a tab that its hub uses. */
export interface HubHost {
  readonly clock: Clock;
  connect(): ClientSocket;
  post(message: HubMessage): void;
}

/** The close code of a connection that ended without a close frame. (RFC 6455 §7.1.5) */
const ABNORMAL = 1006;

/**
 * How long a connection may take to answer a ping; the client that sent one waits a little longer.
 */
const PROBE_MS = 4_000;

/** By how much a request may grow when the hub replaces its id, in bytes. */
const ID_BYTES = 16;

/**
 * A socket that joins later than this, while the server has not sent `welcome`, gets a new
 * connection: a server that still waits for `hello` is about to refuse the current one, whatever is
 * sent now.
 */
const UNWELCOMED_MS = 5_000;

/** The socket of a request, and what the request concerns. */
interface Route {
  socket: string;
  id: unknown;
  group?: TopicGroup;
  hasSince?: boolean;
}

/** Messages about a topic that go to all its subscribers. */
const TOPIC_MESSAGES: ReadonlySet<string> = new Set(["event", "snapshot", "position", "gap"]);

/**
 * Connects the tabs' sockets to the server, in the tab that holds the connection. To the server it
 * is one client, to each socket a server.
 *
 * Subscriptions with equal params share one upstream subscription. When a socket joins later, the
 * server sends the state again for all, and the others drop by offset what they already have. Other
 * params of the same topic need another connection, because a connection has one subscription per
 * topic.
 */
export class TabHub implements UpstreamOwner {
  readonly #host: HubHost;
  readonly #sockets = new Set<string>();
  #upstreams: Upstream[] = [];
  #groups: TopicGroup[] = [];
  readonly #routes = new Map<number, Route>();
  #ids = 0;
  hello: string | undefined;
  #welcome: { message: Message; at: number } | undefined;
  /** Whether a socket has given up on an attempt that is still in progress. */
  #isGivenUp = false;

  constructor(host: HubHost) {
    this.#host = host;
    host.post({ to: "all", kind: "hub" });
  }

  onSocketMessage(message: SocketMessage): void {
    if (message.kind === "open") return this.#open(message.from);
    if (!this.#sockets.has(message.from)) return;
    if (message.kind === "close") {
      this.#isGivenUp ||= this.#welcome === undefined;
      return this.leave(message.from);
    }
    this.#onRequest(message.from, JSON.parse(message.text) as Message, message.text);
  }

  /** Removes a socket that closed or whose tab is gone. */
  leave(socket: string): void {
    this.#sockets.delete(socket);
    for (const group of this.#groups) this.#part(socket, group);
    for (const [id, { socket: whose, group }] of this.#routes) {
      // The answer to a subscribe matters to the group too, so its route stays.
      if (whose === socket && group === undefined) this.#routes.delete(id);
    }
    if (this.#sockets.size === 0) this.close();
  }

  /** Removes a tab that disappeared without closing its sockets. */
  leaveTab(tab: string): void {
    for (const socket of this.#sockets) if (socket.startsWith(`${tab} `)) this.leave(socket);
  }

  close(): void {
    for (const upstream of this.#upstreams) upstream.close();
    this.#forgetAll();
  }

  onOpen(): void {
    for (const socket of this.#sockets) this.#host.post({ to: socket, kind: "opened" });
  }

  onMessage(upstream: Upstream, message: Message, text: string): void {
    upstream.receivedAt = this.#host.clock.now();
    upstream.probedAt = undefined;
    // While any connection receives messages, this is checked at least once per heartbeat.
    if (this.#isSilent) return this.#endAll(ABNORMAL, "");
    const { type, id, topic } = message;
    if (type === "welcome") return this.#onWelcome(upstream, message);
    if (id !== undefined) return this.#onAnswer(message);
    if (topic === undefined) {
      // The end of another connection also ends the first one's, without its reason: perhaps only
      // the credentials are outdated, and each tab reconnects with new ones.
      return upstream === this.#upstreams[0] ? this.#sendToAll(message, text) : undefined;
    }
    const group = this.#groups.find((one) => one.topic === topic && one.upstream === upstream);
    if (group === undefined) return;
    const { gapFor, position } = group;
    // The other members have most of what this one lost; anything ahead of them has been left out.
    const isForOne = type === "gap" && gapFor !== undefined;
    const rest = isForOne && JSON.stringify({ ...message, from: (position?.offset ?? 0) + 1 });
    for (const member of group.members) {
      this.#sendText(member, rest === false || member === gapFor ? text : rest);
    }
    if (isForOne) group.gapFor = undefined;
    // Last, because it may let the next member join, which would mistake the end of one state for
    // another.
    if (TOPIC_MESSAGES.has(type)) group.follow(message);
    if (type !== "unsubscribed") return;
    group.end();
    if (group.members.size === 0) this.#remove(group);
  }

  onClosed(upstream: Upstream, code: number, reason: string): void {
    if (upstream === this.#upstreams[0]) return this.#endAll(code, reason);
    this.#endAll(ABNORMAL, "");
  }

  #endAll(code: number, reason: string): void {
    const sockets = [...this.#sockets];
    this.close();
    for (const socket of sockets) this.#host.post({ to: socket, kind: "closed", code, reason });
  }

  #open(socket: string): void {
    if (this.#sockets.has(socket)) return;
    // A socket that gave up an attempt and returns gets a new connection, because its network may
    // have changed.
    if (this.#isGivenUp || this.#isSilent) this.#endAll(ABNORMAL, "");
    this.#sockets.add(socket);
    const [first] = this.#upstreams;
    if (first === undefined) this.#connect();
    if (first?.isOpen !== true) return;
    this.#host.post({ to: socket, kind: "opened" });
    if (this.#welcome !== undefined) this.#sendText(socket, JSON.stringify(this.#welcomeNow()));
  }

  /**
   * Whether one of the connections seems dead. The sockets cannot detect that, because they see the
   * messages of all connections together.
   */
  get #isSilent(): boolean {
    const heartbeat = this.#welcome?.message["heartbeat"];
    const patienceMs = typeof heartbeat === "number" ? 2 * heartbeat : UNWELCOMED_MS;
    const now = this.#host.clock.now();
    return this.#upstreams.some(
      ({ receivedAt, probedAt = now }) =>
        receivedAt <= now - patienceMs || probedAt <= now - PROBE_MS,
    );
  }

  /**
   * After a possible sleep: a connection that does not answer is dead, and the next socket that
   * returns ends it.
   */
  #probe(): void {
    for (const upstream of this.#upstreams) {
      upstream.probedAt ??= this.#host.clock.now();
      upstream.send({ type: "ping" });
    }
  }

  #onRequest(socket: string, request: Message, text: string): void {
    const { type, id, topic = "" } = request;
    const [first] = this.#upstreams;
    if (first === undefined) return;
    if (type === "hello") {
      this.hello ??= text;
      first.sendHello();
    } else if (type === "refresh") {
      this.hello = JSON.stringify({ ...request, type: "hello" });
      for (const upstream of this.#upstreams) upstream.send(request);
    } else if (type === "subscribe") this.#subscribe(socket, request);
    else if (type === "unsubscribe") {
      for (const group of this.#groups) if (group.topic === topic) this.#part(socket, group);
      this.#sendText(socket, JSON.stringify({ type: "unsubscribed", id, topic }));
    } else if (id === undefined) this.#probe();
    else first.send({ ...request, id: this.#route({ socket, id }) });
  }

  #subscribe(socket: string, request: Message): void {
    const { id, topic = "", params, since, from, maxPerSecond } = request;
    // Readers at another rate need a subscription of their own, too.
    const narrowing = JSON.stringify([params, maxPerSecond]);
    const known = this.#groups.find((one) => one.topic === topic && one.params === narrowing);
    for (const other of this.#groups) {
      if (other !== known && other.topic === topic) this.#part(socket, other);
    }
    const group = known ?? this.#newGroup(topic, narrowing);
    group.members.add(socket);
    group.start(socket, () => {
      // The member has left meanwhile and needs no answer.
      if (!group.members.has(socket)) return group.settle();
      const begin = { id, since: since as Position | undefined, from };
      if (this.#joinAsItIs(socket, begin, group)) {
        return group.settle();
      }
      const route = { socket, id, group, hasSince: since !== undefined };
      group.upstream.send({ ...request, id: this.#route(route) });
    });
  }

  /**
   * Answers without asking the server, if nothing has to be sent again. A log topic with other
   * members must not start from now, because that would skip events in transit to them.
   */
  #joinAsItIs(
    socket: string,
    { id, since, from }: { id: unknown; since: Position | undefined; from: unknown },
    { topic, kind, position }: TopicGroup,
  ): boolean {
    if (position === undefined) return false;
    const { epoch, offset } = position;
    const isOther = since !== undefined && since.epoch !== epoch;
    const hasAll = since !== undefined && !isOther && since.offset >= offset;
    // The kept events have to be sent; not after a gap into this epoch, which is for one member only.
    if (!hasAll && !isOther && from !== undefined) return false;
    if (!hasAll && (kind !== "log" || (since !== undefined && !isOther))) return false;
    const start = { type: "subscribed", id, topic, kind, epoch, resumed: hasAll };
    this.#sendText(socket, JSON.stringify({ ...start, offset: hasAll ? since.offset : offset }));
    const gap = { type: "gap", topic, epoch, from: 1, to: offset, reason: "epoch" };
    if (isOther) this.#sendText(socket, JSON.stringify(gap));
    return true;
  }

  #newGroup(topic: string, params: string): TopicGroup {
    const taken = this.#groups.filter((group) => group.topic === topic);
    const free = this.#upstreams.find((one) => taken.every(({ upstream }) => upstream !== one));
    const group = new TopicGroup(topic, params, free ?? this.#connect());
    this.#groups.push(group);
    return group;
  }

  #part(socket: string, group: TopicGroup): void {
    if (!group.members.delete(socket) || group.members.size > 0) return;
    group.upstream.send({ type: "unsubscribe", id: this.#newId(), topic: group.topic });
    this.#remove(group);
  }

  /**
   * Removes a group without members. An extra connection that has no other group is closed with it.
   */
  #remove(group: TopicGroup): void {
    this.#groups = this.#groups.filter((one) => one !== group);
    const { upstream } = group;
    const isUsed = this.#groups.some((one) => one.upstream === upstream);
    if (isUsed || upstream === this.#upstreams[0]) return;
    this.#upstreams = this.#upstreams.filter((one) => one !== upstream);
    upstream.close();
  }

  #connect(): Upstream {
    const upstream = new Upstream(this.#host.connect(), this);
    upstream.receivedAt = this.#host.clock.now();
    this.#upstreams.push(upstream);
    return upstream;
  }

  /** All sockets share the first connection's welcome. */
  #onWelcome(upstream: Upstream, message: Message): void {
    if (upstream !== this.#upstreams[0]) return;
    this.#isGivenUp = false;
    const maxMessage = Number(message["maxMessage"]) - ID_BYTES;
    // A request of the server has one answer, and no tab is the one to give it.
    const { features = [] } = message as { features?: readonly string[] };
    const common = features.filter((feature) => feature === "presence" || feature === "history");
    const shared = { ...message, maxMessage, features: common };
    this.#welcome = { message: shared, at: this.#host.clock.now() };
    this.#sendToAll(message, JSON.stringify(this.#welcome.message));
  }

  /** The welcome as the server would send it now. */
  #welcomeNow(): object {
    const { message, at } = this.#welcome!;
    const { expiresIn } = message;
    if (typeof expiresIn !== "number") return message;
    const left = Math.max(0, expiresIn - (this.#host.clock.now() - at));
    return { ...message, expiresIn: left };
  }

  #onAnswer(message: Message): void {
    const id = message.id as number;
    const route = this.#routes.get(id);
    this.#routes.delete(id);
    if (route === undefined) return;
    const { group, socket } = route;
    if (group !== undefined) this.#onStarted(route, group, message);
    this.#sendText(socket, JSON.stringify({ ...message, id: route.id }));
  }

  #onStarted({ socket, hasSince }: Route, group: TopicGroup, message: Message): void {
    if (message.type !== "subscribed") {
      this.#part(socket, group);
      return group.settle();
    }
    const isGapDue = message["kind"] === "log" && hasSince === true && message["resumed"] === false;
    group.gapFor = isGapDue ? socket : undefined;
    group.onSubscribed(message);
  }

  #sendToAll(message: Message, text: string): void {
    if (message.type === "refreshed" && this.#welcome !== undefined) {
      const welcome = { ...this.#welcome.message, expiresIn: message["expiresIn"] };
      this.#welcome = { message: welcome, at: this.#host.clock.now() };
    }
    for (const socket of this.#sockets) this.#sendText(socket, text);
  }

  #sendText(socket: string, text: string): void {
    this.#host.post({ to: socket, kind: "text", text });
  }

  #route(route: Route): number {
    const id = this.#newId();
    this.#routes.set(id, route);
    return id;
  }

  #newId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  #forgetAll(): void {
    this.#sockets.clear();
    this.#upstreams = [];
    this.#groups = [];
    this.#routes.clear();
    this.#welcome = undefined;
    this.#isGivenUp = false;
    this.hello = undefined;
  }
}
