import type { Clock } from "../../base/index.ts";
import type { Position } from "../../topics/index.ts";
import type { ClientSocket } from "../client/index.ts";
import type { HubMessage, SocketMessage } from "./tab-message.ts";
import { TopicGroup } from "./topic-group.ts";
import { Upstream, type Message, type UpstreamOwner } from "./upstream.ts";

/** What a hub is given. */
export interface HubHost {
  readonly clock: Clock;
  connect(): ClientSocket;
  tell(message: HubMessage): void;
}

/** What a connection without any close frame ends with. (RFC 6455 §7.1.5) */
const ABNORMAL = 1006;

/** How long a connection has to answer a ping; the client that asked for it waits a little longer. */
const PROBE_MS = 4_000;

/** By how much a request may grow when the hub gives it an id of its own, in bytes. */
const ID_BYTES = 16;

/**
 * Who comes later than this to a connection that nobody was welcomed on gets another one: a server
 * that waits for a hello is about to refuse whoever is there, for all that they say now.
 */
const UNWELCOMED_MS = 5_000;

/** Whose a request is, and what it is about. */
interface Route {
  socket: string;
  id: unknown;
  group?: TopicGroup;
  hasSince?: boolean;
}

/** Messages that are about a topic and go to all who follow it. */
const TOPIC_MESSAGES: ReadonlySet<string> = new Set(["event", "snapshot", "position", "gap"]);

/**
 * Stands between the tabs' sockets and the server, in the tab that has the connection: to the
 * server it is one client, to each socket a server.
 *
 * A topic that several want with equal params is one subscription. Who joins later has it said
 * again for all, who drop what they have by its offset. With other params it is a subscription on
 * another connection, since one connection has one of a topic.
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
  /** Whether a socket has given up an attempt to connect that is still in progress. */
  #isGivenUp = false;

  constructor(host: HubHost) {
    this.#host = host;
    host.tell({ to: "all", kind: "hub" });
  }

  hear(message: SocketMessage): void {
    if (message.kind === "open") return this.#open(message.from);
    if (!this.#sockets.has(message.from)) return;
    if (message.kind === "close") {
      this.#isGivenUp ||= this.#welcome === undefined;
      return this.leave(message.from);
    }
    this.#onRequest(message.from, JSON.parse(message.text) as Message, message.text);
  }

  /** A socket is over, or its tab is gone. */
  leave(socket: string): void {
    this.#sockets.delete(socket);
    for (const group of this.#groups) this.#part(socket, group);
    for (const [id, { socket: whose, group }] of this.#routes) {
      // The answer of a start is for the group, too.
      if (whose === socket && group === undefined) this.#routes.delete(id);
    }
    if (this.#sockets.size === 0) this.close();
  }

  /** A tab is gone without a word. */
  leaveTab(tab: string): void {
    for (const socket of this.#sockets) if (socket.startsWith(`${tab} `)) this.leave(socket);
  }

  close(): void {
    for (const upstream of this.#upstreams) upstream.close();
    this.#forgetAll();
  }

  onOpen(): void {
    for (const socket of this.#sockets) this.#host.tell({ to: socket, kind: "opened" });
  }

  onMessage(upstream: Upstream, message: Message, text: string): void {
    upstream.heardAt = this.#host.clock.now();
    upstream.probedAt = undefined;
    // While one is heard of, this is asked at least once per heartbeat.
    if (this.#isSilent) return this.#endAll(ABNORMAL, "");
    const { type, id, topic } = message;
    if (type === "welcome") return this.#onWelcome(upstream, message);
    if (id !== undefined) return this.#onAnswer(message);
    if (topic === undefined) {
      // What ends another connection ends the first one's, too, and without its reasons: the
      // credentials may just be out of date, and each tab comes back with new ones.
      return upstream === this.#upstreams[0] ? this.#sendToAll(message, text) : undefined;
    }
    const group = this.#groups.find((one) => one.topic === topic && one.upstream === upstream);
    if (group === undefined) return;
    const { gapFor, position } = group;
    // The others have most of what this one has lost; what is ahead of them has been left out.
    const isForOne = type === "gap" && gapFor !== undefined;
    const rest = isForOne && JSON.stringify({ ...message, from: (position?.offset ?? 0) + 1 });
    for (const member of group.members) {
      this.#say(member, rest === false || member === gapFor ? text : rest);
    }
    if (isForOne) group.gapFor = undefined;
    // Only now, since it may let the next one join, who would take the end of a state for all of it.
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
    for (const socket of sockets) this.#host.tell({ to: socket, kind: "closed", code, reason });
  }

  #open(socket: string): void {
    if (this.#sockets.has(socket)) return;
    // Whoever left the attempt and comes back dials again: its network is another one by now.
    if (this.#isGivenUp || this.#isSilent) this.#endAll(ABNORMAL, "");
    this.#sockets.add(socket);
    const [first] = this.#upstreams;
    if (first === undefined) this.#connect();
    if (first?.isOpen !== true) return;
    this.#host.tell({ to: socket, kind: "opened" });
    if (this.#welcome !== undefined) this.#say(socket, JSON.stringify(this.#welcomeNow()));
  }

  /**
   * Whether one of the connections seems dead. The sockets see messages of all of them together,
   * and could not tell.
   */
  get #isSilent(): boolean {
    const heartbeat = this.#welcome?.message["heartbeat"];
    const patienceMs = typeof heartbeat === "number" ? 2 * heartbeat : UNWELCOMED_MS;
    const now = this.#host.clock.now();
    return this.#upstreams.some(
      ({ heardAt, probedAt = now }) => heardAt <= now - patienceMs || probedAt <= now - PROBE_MS,
    );
  }

  /** The computer may have slept: what does not answer now is dead, and who comes back ends it. */
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
      this.#say(socket, JSON.stringify({ type: "unsubscribed", id, topic }));
    } else if (id === undefined) this.#probe();
    else first.send({ ...request, id: this.#route({ socket, id }) });
  }

  #subscribe(socket: string, request: Message): void {
    const { id, topic = "", params, since } = request;
    const narrowing = JSON.stringify(params);
    const known = this.#groups.find((one) => one.topic === topic && one.params === narrowing);
    for (const other of this.#groups) {
      if (other !== known && other.topic === topic) this.#part(socket, other);
    }
    const group = known ?? this.#newGroup(topic, narrowing);
    group.members.add(socket);
    group.start(socket, () => {
      // It has left meanwhile, and needs no answer.
      if (!group.members.has(socket)) return group.settle();
      if (this.#joinAsItIs(socket, { id, since: since as Position | undefined }, group)) {
        return group.settle();
      }
      const route = { socket, id, group, hasSince: since !== undefined };
      group.upstream.send({ ...request, id: this.#route(route) });
    });
  }

  /**
   * Answers for the server where nothing has to be sent again. Of a log that goes on for others it
   * must: started from now, it would leave out what is on its way to them.
   */
  #joinAsItIs(
    socket: string,
    { id, since }: { id: unknown; since: Position | undefined },
    { topic, kind, position }: TopicGroup,
  ): boolean {
    if (position === undefined) return false;
    const { epoch, offset } = position;
    const isOther = since !== undefined && since.epoch !== epoch;
    const hasAll = since !== undefined && !isOther && since.offset >= offset;
    if (!hasAll && (kind !== "log" || (since !== undefined && !isOther))) return false;
    const start = { type: "subscribed", id, topic, kind, epoch, resumed: hasAll };
    this.#say(socket, JSON.stringify({ ...start, offset: hasAll ? since.offset : offset }));
    const gap = { type: "gap", topic, epoch, from: 1, to: offset, reason: "epoch" };
    if (isOther) this.#say(socket, JSON.stringify(gap));
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

  /** Nobody follows it. A further connection that has nothing else goes with it. */
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
    upstream.heardAt = this.#host.clock.now();
    this.#upstreams.push(upstream);
    return upstream;
  }

  /** The first connection's is everybody's. */
  #onWelcome(upstream: Upstream, message: Message): void {
    if (upstream !== this.#upstreams[0]) return;
    this.#isGivenUp = false;
    const maxMessage = Number(message["maxMessage"]) - ID_BYTES;
    this.#welcome = { message: { ...message, maxMessage }, at: this.#host.clock.now() };
    this.#sendToAll(message, JSON.stringify(this.#welcome.message));
  }

  /** As the server would say it now. */
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
    this.#say(socket, JSON.stringify({ ...message, id: route.id }));
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
    for (const socket of this.#sockets) this.#say(socket, text);
  }

  #say(socket: string, text: string): void {
    this.#host.tell({ to: socket, kind: "text", text });
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
