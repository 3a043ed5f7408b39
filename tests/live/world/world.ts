import { wallTimeOf } from "../../../src/base/index.ts";
import {
  commandsTopic,
  keyedTopic,
  LiveError,
  logTopic,
  matchFields,
  type TopicDeclaration,
} from "../../../src/live/index.ts";
import { shareAmongTabs } from "../../../src/live/tabs/index.ts";
import { TestLive, type MemoryWebSocket, type Noticed } from "../../../src/testing/index.ts";
import {
  Abuser,
  MAX_MESSAGE_BYTES,
  REQUEST_LIMITS,
  type AbuserLink,
} from "../../rigs/live/abuser.ts";
import { WatchedLedger } from "../../rigs/live/watched-ledger.ts";
import { Random } from "../../rigs/random.ts";
import { BrowserTabs } from "../tabs/browser-tabs.ts";
import { Records, RecordingBroker } from "./recording-broker.ts";
import { commandMethods, Commands } from "./commands.ts";
import { Orders } from "./orders.ts";
import { PresenceUpdates, updatedPresence } from "./presence-updates.ts";
import { clientMethods, ServerCalls } from "./server-calls.ts";
import { WorldClient } from "./world-client.ts";

/** The most that may wait for a subscriber: its budget, a page with its last entry, and answers. */
const MOST_BUFFERED = 64 * 1024 + 64 * 1024 + 48 * 1024 + 16 * 1024;

/** How fast a connection carries to its client, in bytes a second. */
const SPEEDS = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 200_000, 5_000, 0];

/** How fast a network is; none so slow that a page takes longer than a client's patience. */
const NETWORK_SPEEDS = [Number.POSITIVE_INFINITY, 300_000, 60_000];

const NOTICED: readonly Noticed[] = ["both", "client", "server", "nobody"];

/** The abuser's topics, beside ever new ones of both patterns. */
const ABUSED_TOPICS = ["news", "devices", "traffic/a", "rooms/1"] as const;

/** Messages to a client that requests too much, or when the memory is used up. */
const TOO_MUCH =
  /^\{"type":"error".*"code":"rate_limited"|^\{"type":"disconnect","code":4429|no memory left/;

/**
 * What one payer may hold: more than the half-open connections of an ordinary user do, with the
 * publishes that all tabs repeat when they come back.
 */
const SHARE_BYTES: number = 512 * 1024;
/** The same where events are large. */
const LARGE_SHARE_BYTES: number = 2 * 1024 * 1024;
const BUDGET_IN_SHARES = 8;
const TOPICS_BYTES: number = 12 * 1024 * 1024;
const PARTIES_OF_SWARM = 12;

/** By how much somebody sets the clock, in milliseconds. */
const CLOCK_JUMPS = [-2 * 86_400_000, -3_600_000, -5_000, 5_000, 3_600_000, 2 * 86_400_000];

/** A session may outlive its token by so much: a clock that was set is noticed late. */
const LATEST_END_MS = 35_000;

const EXPIRED = "The token has expired; get another.";

const PARAMS: readonly Record<string, string>[] = [{}, { site: "a" }, { site: "b" }];
const LOGS = ["news", "traffic/a", "traffic/b"] as const;
const KEYED = ["devices", "rooms/1"] as const;

/** The counts of a run, which show that the seeds reach every case. */
export interface WorldTally {
  events: number;
  acknowledged: number;
  cuts: number;
  outages: number;
  crashes: number;
  lostLogs: number;
  drains: number;
  leaps: number;
  clocksSet: number;
  closedTabs: number;
  gaps: number;
  items: number;
  /** Pages of what was before a reader began. */
  pages: number;
  expiries: number;
  /** Calls of the server that a client has answered. */
  answered: number;
  /** Calls of the server whose outcome nobody knows. */
  unconfirmed: number;
  commandsDone: number;
  disconnects: number;
  revocations: number;
  /** Updates of a presence that others see at the end. */
  presenceUpdates: number;
  /** Connections of the abuser that the server has cut. */
  abusersCut: number;
}

/** One run of the real server and the real clients: everything that happens follows from `seed`. */
export async function runWorld(
  seed: number,
  trace: (line: string) => void = () => {},
): Promise<WorldTally> {
  const world = await World.create(seed, trace);
  for (let step = 0; step < world.steps; step += 1) await world.step();
  await world.finish();
  return world.tally;
}

class World {
  readonly #random: Random;
  readonly #records: Records;
  readonly #live: TestLive;
  readonly #clients: WorldClient[];
  readonly #browser: BrowserTabs | undefined;
  readonly #socketsOf = new Map<string, Set<MemoryWebSocket>>();
  readonly #errors: unknown[];
  /** Until when, by the clock on the wall, the newest token of each identity is good. */
  readonly #tokensEnd: ReadonlyMap<string, number>;
  readonly #identities = new WeakMap<object, string>();
  /** Since when, by the clock that nobody sets, a connection should have ended. */
  readonly #overdueSince = new WeakMap<object, number>();
  readonly #ledger: WatchedLedger;
  readonly #abuser: Abuser;
  readonly #calls: ServerCalls;
  readonly #commands: Commands;
  readonly #updates: PresenceUpdates;
  readonly #orders: Orders;
  /** Sockets whose client was welcomed. */
  readonly #welcomed = new WeakSet<object>();
  readonly #callRandom: Random;
  readonly #abuserConnections = new WeakSet<object>();
  readonly #trace: (line: string) => void;
  readonly steps: number;
  readonly tally: WorldTally = {
    events: 0,
    acknowledged: 0,
    cuts: 0,
    outages: 0,
    crashes: 0,
    lostLogs: 0,
    drains: 0,
    leaps: 0,
    clocksSet: 0,
    closedTabs: 0,
    gaps: 0,
    items: 0,
    pages: 0,
    expiries: 0,
    answered: 0,
    unconfirmed: 0,
    commandsDone: 0,
    disconnects: 0,
    revocations: 0,
    presenceUpdates: 0,
    abusersCut: 0,
  };
  /** Some runs are about large events, so that budgets and lanes overflow. */
  readonly #mostPadding: number;
  readonly #keys: number;
  #n = 0;
  #wasClockSet = false;
  /** In how many steps the next server stands in for one that drained. */
  #restartsIn = 0;

  private constructor(
    random: Random,
    source: {
      live: TestLive;
      records: Records;
      errors: unknown[];
      tokensEnd: ReadonlyMap<string, number>;
      trace: (line: string) => void;
      abuse: Abuse;
      /** Its own, so that the others do the same with the calls and without them. */
      callRandom: Random;
      mostPadding: number;
    },
  ) {
    this.#random = random;
    const { abuse } = source;
    this.#ledger = abuse.ledger;
    this.#abuser = new Abuser({
      random: abuse.random,
      parties: abuse.isSwarm ? PARTIES_OF_SWARM : abuse.random.integer(1, 3),
      topics: () => [...ABUSED_TOPICS, `traffic/x${this.#nextN()}`, `rooms/x${this.#nextN()}`],
      isKeyed: (topic) => topic === "devices" || topic.startsWith("rooms/"),
      nextN: () => this.#nextN(),
      connect: (party, onText) => this.#connectAbuser(party, onText),
      now: () => this.#live.clock.now(),
      shareBytes: abuse.ledger.limits.shareBytes,
    });
    this.#live = source.live;
    this.#records = source.records;
    this.#errors = source.errors;
    this.#tokensEnd = source.tokensEnd;
    this.#trace = source.trace;
    this.#callRandom = source.callRandom;
    const wait = (ms: number): Promise<void> =>
      new Promise((resolve) => void this.#live.clock.after(ms, resolve));
    this.#calls = new ServerCalls(source.callRandom, wait);
    this.#commands = new Commands(source.callRandom, wait);
    this.#updates = new PresenceUpdates(source.callRandom);
    this.#orders = new Orders(source.callRandom, this.#live.clock);
    this.steps = random.integer(30, 90);
    this.#mostPadding = source.mostPadding;
    this.#live.network.carriage.bytesPerSecond = random.pick(NETWORK_SPEEDS);
    // So many that a state has several pages, if they are large.
    this.#keys = random.pick([3, 8, 40]);
    this.#live.network.carriage.latencyMs = random.pick([0, 1, 40, 300]);
    // Sometimes they are the tabs of one browser, of the same user, and share a connection.
    this.#browser = random.chance(0.3) ? new BrowserTabs() : undefined;
    this.#clients = Array.from({ length: random.integer(2, 4) }, (_, at) => this.#newClient(at));
  }

  #newClient(at: number): WorldClient {
    const { clock, network } = this.#live;
    const onRefused = (text: string): void => {
      this.#errors.push(new Error(`an ordinary client was told ${text.slice(0, 300)}`));
    };
    const identity = this.#browser === undefined ? `c${at}` : "user";
    const identities = this.#identities;
    const welcomed = this.#welcomed;
    const WitnessedSocket = class extends network.WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        identities.set(this, identity);
        this.addEventListener("message", (event) => {
          const { data } = event as MessageEvent<string>;
          if (data.startsWith('{"type":"welcome"')) welcomed.add(this);
          if (TOO_MUCH.test(data)) onRefused(data);
        });
      }
    };
    const source = { records: this.#records, random: this.#random, webSocket: WitnessedSocket };
    if (this.#browser === undefined) {
      const client = new WorldClient(identity, this.#live, source);
      this.#calls.offer(client.live);
      this.#commands.offer(client.live, client.name);
      return client;
    }
    const tab = `tab${at}`;
    const sockets = new Set<MemoryWebSocket>();
    this.#socketsOf.set(tab, sockets);
    const OfTab = class extends WitnessedSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols);
        sockets.add(this);
      }
    };
    const webSocket = shareAmongTabs({ ...this.#browser.tab(tab), clock, webSocket: OfTab });
    return new WorldClient(identity, this.#live, { ...source, webSocket, tab });
  }

  static async create(seed: number, trace: (line: string) => void): Promise<World> {
    const random = new Random(seed);
    const records = new Records();
    const errors: unknown[] = [];
    const tokensEnd = new Map<string, number>();
    let now = (): number => 0;
    const mostPadding = random.pick([0, 300, 300, 5_000, 20_000]);
    const abuse = abuseOf(seed, mostPadding > 1_000 ? LARGE_SHARE_BYTES : SHARE_BYTES);
    const live = await TestLive.start({
      topics: declarations(random, abuse.isSwarm),
      clientMethods: { ...clientMethods, ...commandMethods },
      ledger: abuse.ledger,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      ...REQUEST_LIMITS,
      broker: (clock) => {
        now = () => wallTimeOf(clock);
        return new RecordingBroker(clock, records);
      },
      authenticate: ({ token }) => {
        const identity = identityOf(token, now());
        if (identity !== undefined) tokensEnd.set(identity.id, identity.expiresAt);
        return identity;
      },
      heartbeatMs: 5_000,
      returnWindowMs: 3_000,
      random: () => random.next(),
      onError: (error) => {
        // Requests that a crashed server had started fail as unavailable.
        if ((error.cause as { code?: string }).code !== "unavailable") errors.push(error);
      },
    });
    return new World(random, {
      live: live as unknown as TestLive,
      records,
      errors,
      tokensEnd,
      trace,
      abuse,
      callRandom: new Random(seed + 0x2545f491),
      mostPadding,
    });
  }

  async step(): Promise<void> {
    this.#restartsIn -= 1;
    if (this.#restartsIn === 0) await this.#startIfGone();
    const actions = this.#random.integer(1, 3);
    for (let at = 0; at < actions; at += 1) await this.#act();
    this.#abuser.act();
    this.#ask();
    await this.#live.pass(this.#random.pick([0, 5, 50, 400, 2_500, 9_000]));
    this.#check();
  }

  /** Everything works again, and then nothing may be missing. */
  async finish(): Promise<void> {
    const { network } = this.#live;
    this.#trace("finish");
    this.#abuser.leave();
    // Then connections live long enough to end by it.
    if (this.#random.chance(0.3)) this.#setClock();
    network.comeBack();
    for (const client of this.#clients) client.tokensLast = true;
    await this.#startIfGone();
    network.carriage.bytesPerSecond = Number.POSITIVE_INFINITY;
    for (const connection of network.connections) connection.carriage = undefined;
    // Longer than the longest wait of a client, a half-open link, and the slowest application.
    for (let at = 0; at < 60; at += 1) {
      await this.#live.pass(5_000);
      this.#check();
    }
    await this.#live.server.topic("devices/$presence").ready();
    for (const client of this.#clients) {
      client.checkEnd();
      this.tally.gaps += client.gaps;
      this.tally.items += client.items;
      this.tally.pages += client.pages;
      this.tally.acknowledged += client.acknowledged.length;
    }
    this.#calls.checkEnd();
    this.#commands.checkEnd(this.#live.server);
    this.tally.commandsDone += this.#commands.done;
    this.tally.disconnects += this.#orders.disconnects;
    this.tally.revocations += this.#orders.revocations;
    this.tally.answered += this.#calls.answered;
    this.tally.unconfirmed += this.#calls.unconfirmed;
    this.#checkAcknowledged();
    this.#checkServer();
    this.#checkPresence();
    this.tally.expiries += this.#live.server.statistics.unauthorized;
    await this.#live.close();
    // Half-open connections are given up after a minute.
    await this.#live.pass(60_000);
    this.#ledger.checkRefunded();
    if (this.#ledger.heldBytes !== 0) {
      throw new Error(`${this.#ledger.heldBytes} bytes are charged to nobody`);
    }
  }

  async #act(): Promise<void> {
    const roll = this.#random.next();
    const client = this.#random.pick(this.#clients);
    const { network } = this.#live;
    if (roll < 0.24) this.#publishFromServer(1);
    else if (roll < 0.3) this.#publishFromServer(this.#random.pick([30, 120]));
    else if (roll < 0.44) this.#publishFromClient(client);
    else if (roll < 0.58) this.#read(client);
    else if (roll < 0.6) client.readPast();
    else if (roll < 0.64) client.stopReading();
    else if (roll < 0.74) this.#cut();
    else if (roll < 0.8) this.#changeSpeed();
    else if (roll < 0.84) this.#goDown();
    else if (roll < 0.9) network.comeBack();
    else if (roll < 0.93) await this.#crash();
    else if (roll < 0.95) this.#drain();
    else if (roll < 0.98) await this.#startIfGone();
    else if (roll < 0.986) this.#leap();
    else if (roll < 0.994) this.#setClock();
    else this.#closeTab();
  }

  /** The oldest tab is closed, which has the connection for the others; or the youngest. */
  #closeTab(): void {
    if (this.#browser === undefined || this.#clients.length < 2) return;
    this.tally.closedTabs += 1;
    const at = this.#random.chance(0.7) ? 0 : this.#clients.length - 1;
    const [client] = this.#clients.splice(at, 1);
    this.#trace(`close ${client!.tab}`);
    this.#browser.close(client!.tab);
    // Its sockets end with it.
    for (const connection of this.#live.network.connections) {
      if (this.#socketsOf.get(client!.tab)?.has(connection.socket)) connection.cut("both");
    }
    client!.live.close();
  }

  /** The server asks some clients. Tabs that share a connection answer nothing. */
  #ask(): void {
    if (this.#browser === undefined && this.#callRandom.chance(0.5)) {
      this.#commands.give(this.#live.server, this.#callRandom.pick(this.#clients).name);
    }
    // Tabs of one user would replace each other's.
    if (this.#browser === undefined) {
      this.#updates.update(this.#callRandom.pick(this.#clients).live, "devices");
      this.#orders.give(this.#live.server, this.#callRandom.pick(this.#clients));
    }
    const count = this.#callRandom.pick([0, 1, 5]);
    for (let at = 0; at < count; at += 1) {
      this.#calls.ask(this.#live.server, this.#callRandom.pick(this.#clients).name);
    }
  }

  #publishFromServer(count: number): void {
    for (let at = 0; at < count; at += 1) {
      const name = this.#random.pick(["news", "traffic/a", "devices", "rooms/1"]);
      const topic = this.#live.server.topic(name);
      this.tally.events += 1;
      const data = this.#data();
      const key = this.#key();
      const done =
        topic.kind === "log"
          ? topic.publish(data)
          : this.#random.chance(0.3)
            ? topic.remove(key)
            : topic.set(key, data);
      done.catch((error: { code?: string }) => {
        // A server that drained and is gone by now.
        if (error.code !== "unavailable") this.#errors.push(error);
      });
    }
  }

  #publishFromClient(client: WorldClient): void {
    const count = this.#random.pick([1, 1, 5]);
    for (let at = 0; at < count; at += 1) {
      if (this.#random.chance(0.5)) client.publish(this.#random.pick(LOGS), this.#data());
      else client.set(this.#random.pick(KEYED), this.#key(), this.#data());
    }
  }

  #read(client: WorldClient): void {
    const params = this.#random.pick(PARAMS);
    if (client.readers > 6) return;
    if (this.#random.chance(0.5)) client.readLog(this.#random.pick(LOGS), params);
    else client.readKeyed(this.#random.pick(KEYED), params);
  }

  #cut(): void {
    this.tally.cuts += 1;
    const { network } = this.#live;
    const noticed = this.#random.pick(NOTICED);
    this.#trace(`cut ${noticed}`);
    if (this.#random.chance(0.3)) return network.cut(noticed);
    if (network.connections.length === 0) return;
    this.#random.pick(network.connections).cut(noticed);
  }

  #changeSpeed(): void {
    const { connections, carriage } = this.#live.network;
    if (connections.length === 0) return;
    const connection = this.#random.pick(connections);
    connection.carriage = { ...carriage, bytesPerSecond: this.#random.pick(SPEEDS) };
  }

  #goDown(): void {
    this.tally.outages += 1;
    const how = this.#random.pick(["refusing", "silent"] as const);
    this.#trace(`down ${how}`);
    this.#live.network.goDown(how);
  }

  async #crash(): Promise<void> {
    this.tally.crashes += 1;
    const log = this.#random.chance(0.6) ? "kept" : "lost";
    if (log === "lost") this.tally.lostLogs += 1;
    this.#trace(`crash, log ${log}`);
    await this.#live.restart(log);
    this.#calls.onCrash();
    if (log === "lost") this.#abuser.onLogLost();
    if (log === "lost") this.#commands.onLogLost();
    if (log === "lost") this.#orders.onLogLost();
  }

  #connectAbuser(party: number, onText: (text: string) => void): AbuserLink {
    const { network, url, clock } = this.#live;
    const ordinary = network.clientAddress;
    network.clientAddress = `203.0.113.${party}`;
    const socket = new network.WebSocket(url, "longwire.v1");
    network.clientAddress = ordinary;
    const connection = network.connections.at(-1)!;
    this.#abuserConnections.add(connection);
    const token = `abuser${party} ${clock.now() + 10_000_000}`;
    const waiting = [JSON.stringify({ type: "hello", token })];
    const send = (text: string): void => {
      if (socket.readyState === socket.CONNECTING) waiting.push(text);
      else socket.send(text);
    };
    socket.onopen = () => waiting.forEach((text) => socket.send(text));
    socket.onmessage = (event) => onText(event["data"] as string);
    socket.onclose = (event) => {
      if (event["wasClean"] === true) this.tally.abusersCut += 1;
    };
    return {
      get isOpen() {
        return connection.peer?.isOpen ?? socket.readyState === socket.CONNECTING;
      },
      get unreadBytes() {
        return connection.peer?.bufferedAmount ?? 0;
      },
      send,
      stall: () => void (connection.carriage = { latencyMs: 1, bytesPerSecond: 0 }),
      cut: () => connection.cut("both"),
    };
  }

  #drain(): void {
    this.tally.drains += 1;
    this.#trace("drain");
    this.#live.drain();
    this.#restartsIn = this.#random.integer(1, 4);
  }

  async #startIfGone(): Promise<void> {
    if (this.#live.network.endpoint !== undefined) return;
    await this.#live.restart("kept");
    this.#calls.onCrash();
  }

  #leap(): void {
    this.tally.leaps += 1;
    this.#live.clock.leap(this.#random.pick([2_000, 20_000, 200_000]));
  }

  #setClock(): void {
    // Set back, it would begin a revocation again that is over.
    if (this.#orders.revocations > 0) return;
    this.tally.clocksSet += 1;
    const byMs = this.#random.pick(CLOCK_JUMPS);
    this.#trace(`clock set by ${byMs}`);
    this.#live.clock.set(byMs);
    this.#wasClockSet = true;
  }

  /** A token that was on its way when the clock was set has expired; its user signs in again. */
  #signInAgain(): void {
    for (const { live } of this.#clients) {
      const { status } = live;
      if (status.state === "refused" && status.message === EXPIRED) live.reconnect();
    }
  }

  /** The identities of the clients that are welcome and connected, as the server sees them. */
  *#connected(): Generator<string, void, undefined> {
    for (const { socket, peer } of this.#live.network.connections) {
      const identity = this.#identities.get(socket);
      if (identity === undefined || peer?.isOpen !== true) continue;
      if (this.#welcomed.has(socket)) yield identity;
    }
  }

  /** No session goes on beyond its token. */
  #checkTokens(): void {
    const { clock, network } = this.#live;
    for (const { socket, peer } of network.connections) {
      const endsAt = this.#tokensEnd.get(this.#identities.get(socket) ?? "");
      if (peer?.isOpen !== true || endsAt === undefined || endsAt >= clock.wallTime()) {
        this.#overdueSince.delete(socket);
        continue;
      }
      const since = this.#overdueSince.get(socket) ?? clock.now();
      this.#overdueSince.set(socket, since);
      const lateMs = clock.now() - since;
      if (lateMs > LATEST_END_MS) throw new Error(`a session is ${lateMs} ms beyond its token`);
    }
  }

  #check(): void {
    if (this.#errors.length > 0) throw this.#errors[0];
    for (const { failures } of this.#clients) if (failures.length > 0) throw failures[0];
    this.#ledger.check();
    this.#abuser.check();
    this.#calls.check();
    this.#commands.check();
    this.#updates.check();
    this.#orders.tick();
    if (this.#wasClockSet) this.#signInAgain();
    this.#orders.check(this.#connected());
    this.#checkTokens();
    for (const connection of this.#live.network.connections) {
      const { peer } = connection;
      // Its share bounds what waits for the abuser, which does not read the answers it asks for.
      if (this.#abuserConnections.has(connection)) continue;
      if ((peer?.bufferedAmount ?? 0) > MOST_BUFFERED) {
        throw new Error(`a peer had ${peer?.bufferedAmount} bytes to hold`);
      }
    }
  }

  #checkAcknowledged(): void {
    for (const { acknowledged, name } of this.#clients) {
      for (const { topic, n, offset } of acknowledged) {
        const found = this.#records.find(topic, n);
        const epochs = new Set(found.map(({ epoch }) => epoch));
        if (epochs.size < found.length) throw new Error(`${n} of ${name} is in ${topic} twice`);
        if (found.some(({ event }) => event.offset === offset)) continue;
        throw new Error(`${n} of ${name} was acknowledged as ${offset} and is not in ${topic}`);
      }
    }
  }

  /** Checks that clients which have left leave no sessions behind. */
  #checkServer(): void {
    const { sessions, waiting } = this.#live.server.census();
    const { length } = this.#live.network.connections;
    if (sessions > length) throw new Error(`${sessions} sessions of ${length} connections`);
    if (waiting > 0) throw new Error(`${waiting} sessions wait at the end`);
  }

  /** Checks that readers are present, and that clients which ended long ago are not. */
  #checkPresence(): void {
    const present = [...this.#live.server.topic("devices/$presence").events()];
    const seen = present.map(({ key = "" }) => key).toSorted();
    const readers = this.#clients.filter((client) => client.isReading("devices"));
    const expected = [...new Set(readers.map(({ name }) => name))].toSorted();
    if (seen.join(" ") !== expected.join(" ")) {
      throw new Error(`present are ${seen.join(" ")}, and ${expected.join(" ")} read`);
    }
    this.#updates.checkEnd(present, readers);
    this.tally.presenceUpdates += this.#updates.found;
  }

  #key(): string {
    return `k${this.#random.integer(1, this.#keys)}`;
  }

  #nextN(): number {
    this.#n += 1;
    return this.#n;
  }

  #data(): { n: number; site: string; pad: string } {
    const pad = "x".repeat(this.#random.integer(0, this.#mostPadding));
    return { n: this.#nextN(), site: this.#random.pick(["a", "b"]), pad };
  }
}

interface Abuse {
  /** Its own, so that the others do the same with the abuser and without it. */
  random: Random;
  /** It has so many addresses and identities that the budget is used up. */
  isSwarm: boolean;
  ledger: WatchedLedger;
}

function abuseOf(seed: number, shareBytes: number): Abuse {
  const random = new Random(seed + 0x5bd1e995);
  const isSwarm = random.chance(0.3);
  const budgetBytes = shareBytes * BUDGET_IN_SHARES + (isSwarm ? 0 : TOPICS_BYTES);
  return { random, isSwarm, ledger: new WatchedLedger({ shareBytes, budgetBytes }) };
}

function declarations(random: Random, isSmall: boolean): TopicDeclaration[] {
  const retention = (): object => ({
    maxEvents: random.pick([3, 20, 1_000]),
    maxBytes: random.pick([20_000, isSmall ? 100_000 : 1_000_000]),
    maxAgeMs: random.pick([500, 5_000, 100_000]),
  });
  const common = { match: matchFields, clientPublish: true };
  return [
    logTopic("news", { ...common, retention: retention() }),
    logTopic("traffic/:lane", { ...common, retention: retention() }),
    keyedTopic("devices", { ...common, retention: retention(), presence: updatedPresence }),
    keyedTopic("rooms/:room", { ...common, retention: retention() }),
    commandsTopic({ authorize: () => false }),
  ];
}

/** A token says who it is of and until when it is good, and is believed. */
function identityOf(
  token: string | undefined,
  now: number,
): { id: string; expiresAt: number } | undefined {
  const [id = "", until = ""] = token?.split(" ") ?? [];
  if (id === "") return undefined;
  if (Number(until) > now) return { id, expiresAt: Number(until) };
  throw new LiveError("unauthorized", EXPIRED);
}
