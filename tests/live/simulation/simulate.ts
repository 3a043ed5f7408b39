import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { settle, type MemoryPeer } from "../../rigs/live/memory-peer.ts";
import { LASTING, Tokens } from "./tokens.ts";
import { ClockFaults } from "./clock-faults.ts";
import { Abuser, type AbuserLink } from "../../rigs/live/abuser.ts";
import { WatchedLedger } from "../../rigs/live/watched-ledger.ts";
import { Client } from "./client.ts";
import { ModelDataClient } from "./model-data-client.ts";
import { Random } from "../../rigs/random.ts";
import { Questions } from "./questions.ts";
import { PRESENCE, ServerSide, TOPIC_NAMES, TOPICS, type TopicName } from "./server-side.ts";
import type { TokenTally } from "./token-peer.ts";

/** The most that may wait for a subscriber: its budget, a page with its last entry, and answers. */
const MOST_BUFFERED = 64 * 1024 + 64 * 1024 + 48 * 1024 + 8 * 1024;

/** How fast a connection carries: bytes per step, 0 for one that stalls. */
const SPEEDS = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 20_000, 3_000, 0];

/**
 * What one payer may hold: more than an ordinary client that reads slowly while it repeats the
 * publishes that were not answered.
 */
const SHARE_BYTES: number = 256 * 1024;
/** The same where events are large. */
const LARGE_SHARE_BYTES: number = 1024 * 1024;

/** The budget of all clients; in some runs the abuser has enough addresses to use it up. */
const BUDGET_IN_SHARES = 8;
const TOPICS_BYTES: number = 6 * 1024 * 1024;
const PARTIES_OF_SWARM = 12;

const PARAMS: readonly Record<string, string>[] = [{}, { site: "a" }, { site: "b" }];

/** The counts of a run, which show that the seeds reach every case. */
export interface Tally extends TokenTally {
  events: number;
  cuts: number;
  restarts: number;
  stalls: number;
  tooSlow: number;
  /** Connections of the abuser that the server has cut. */
  abusersCut: number;
  clocksSet: number;
  sleeps: number;
  /** Requests of the server that a client has answered, and those with an unknown outcome. */
  answered: number;
  unanswered: number;
  /** Keys of connections, and presences, that were held when the wall clock was set. */
  leasesHeld: number;
}

interface DataConnection {
  model: ModelDataClient;
  peer: MemoryPeer;
}

/** One run: everything that happens follows from `seed`. */
export async function simulate(seed: number): Promise<Tally> {
  const run = new Simulation(seed);
  await run.start();
  for (let step = 0; step < run.steps; step += 1) await run.step();
  await run.finish();
  return run.counted;
}

class Simulation {
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #faults: ClockFaults;
  readonly #tokens: Tokens | undefined;
  readonly #questions: Questions;
  readonly #ofQuestions: Random;
  readonly #server: ServerSide;
  readonly #abuser: Abuser;
  readonly #abuserPeers = new Set<MemoryPeer>();
  readonly #stalled = new Set<MemoryPeer>();
  readonly #clients: Client[];
  readonly #dataClients = new Set<DataConnection>();
  readonly #speeds = new Map<MemoryPeer, number>();
  /** Cut connections of which the server does not know yet. */
  readonly #lost = new Set<MemoryPeer>();
  readonly tally = {
    events: 0,
    cuts: 0,
    restarts: 0,
    stalls: 0,
    tooSlow: 0,
    abusersCut: 0,
    leasesHeld: 0,
  };
  /** The offsets at which keys of connections were removed in a long sleep. */
  readonly #overslept = new Map<string, number>();
  readonly steps: number;
  /** Some runs are about large events, so that budgets and lanes overflow. */
  readonly #mostPadding: number;
  #n = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#mostPadding = this.#random.pick([0, 0, 300, 300, 30_000]);
    // It draws from numbers of its own, so that the others do the same with it and without it.
    const random = new Random(seed + 0x5bd1e995);
    const isSwarm = random.chance(0.3);
    const shareBytes = this.#mostPadding > 1_000 ? LARGE_SHARE_BYTES : SHARE_BYTES;
    const budgetBytes = shareBytes * BUDGET_IN_SHARES + (isSwarm ? 0 : TOPICS_BYTES);
    const ledger = new WatchedLedger({ shareBytes, budgetBytes });
    // The clocks and tokens, too.
    const ofClocks = new Random(seed + 0x27d4eb2f);
    const asksForTokens = ofClocks.chance(0.5);
    this.#faults = new ClockFaults(this.#clock, ofClocks);
    this.#tokens = asksForTokens ? new Tokens(this.#clock, ofClocks) : undefined;
    this.#ofQuestions = new Random(seed + 0x2545f491);
    this.#questions = new Questions(this.#ofQuestions);
    this.#server = new ServerSide(this.#faults, this.#random, {
      ledger,
      isSmall: isSwarm,
      asksForTokens,
    });
    this.#server.onRemoved = (...removed) => this.#onRemoved(...removed);
    this.#abuser = new Abuser({
      random,
      parties: isSwarm ? PARTIES_OF_SWARM : random.integer(1, 3),
      topics: () => TOPIC_NAMES,
      isKeyed: (topic) => TOPICS[topic as TopicName] === "keyed",
      nextN: () => this.#nextN(),
      connect: (party, onText) => this.#connectAbuser(`203.0.113.${party}`, onText),
      now: () => this.#clock.now(),
      shareBytes,
    });
    const count = this.#random.integer(2, 5);
    this.#clients = Array.from(
      { length: count },
      (_, at) => new Client(`c${at}`, this.#server, this.#questions, this.#tokens),
    );
    this.steps = this.#random.integer(40, 140);
  }

  /** The counts of this run. */
  get counted(): Tally {
    const { clocksSet, sleeps } = this.#faults;
    const { answered, unanswered } = this.#questions;
    return {
      ...this.tally,
      ...this.#server.tokenTally,
      clocksSet,
      sleeps,
      answered,
      unanswered,
    };
  }

  async start(): Promise<void> {
    await this.#server.start(false);
  }

  async step(): Promise<void> {
    const actions = this.#random.integer(1, 3);
    for (let at = 0; at < actions; at += 1) await this.#act();
    this.#abuser.act();
    this.#ask();
    if (this.#random.chance(0.8)) await settle();
    this.#carry();
    await settle();
    if (this.#faults.act()) this.tally.leasesHeld += this.#leasesHeld;
    this.#clock.advance(this.#random.pick([1, 20, 200, 3_000]));
    this.#server.check();
    this.#abuser.check();
    this.#questions.check();
  }

  /** All come back, all is carried over, and then nothing may be missing. */
  async finish(): Promise<void> {
    this.#abuser.leave();
    for (const peer of this.#lost) peer.end();
    if (this.#tokens !== undefined) this.#tokens.areLasting = true;
    if (this.#faults.hasJustSlept) this.#clock.advance(2_000);
    for (let round = 0; round < 200; round += 1) {
      for (const client of this.#clients) {
        if (client.peer === undefined) client.connect();
      }
      await settle();
      // A walk that is longer than a turn allows goes on in the next one; one with a rate of its own
      // rests for a while.
      this.#clock.advance(round < 3 ? 200 : 1);
      await settle();
      let waiting = 0;
      for (const peer of this.#peers()) {
        waiting += peer.bufferedAmount;
        peer.carry();
      }
      await settle();
      if (round > 3 && waiting === 0 && this.#clients.every(({ peer }) => peer?.isOpen)) break;
    }
    this.#server.check();
    for (const client of this.#clients) client.checkEnd();
    this.#checkAcknowledged();
    this.#checkOwnKeys();
    this.#checkPresence();
    this.#reapDataClients();
    for (const { model } of this.#dataClients) model.checkEnd();
    await this.#server.checkLeft();
    await settle();
    this.#questions.checkEnd();
  }

  async #act(): Promise<void> {
    const roll = this.#random.next();
    const client = this.#random.pick(this.#clients);
    if (roll < 0.3) this.#publishFromServer();
    else if (roll < 0.36) for (let at = 0; at < 30; at += 1) this.#publishFromServer();
    else if (roll < 0.46) client.publish(...this.#clientEvent());
    else if (roll < 0.5) client.setOwnKey(this.#nextN());
    else if (roll < 0.64) client.subscribe(this.#topic(), this.#params());
    else if (roll < 0.66) client.unsubscribe(this.#topic());
    else if (roll < 0.76) this.#connectOrCut(client);
    else if (roll < 0.82) this.#changeSpeed();
    else if (roll < 0.88) await this.#openData();
    else if (roll < 0.92) await this.#narrowOrEndData();
    else if (roll < 0.96) this.#noticeLost();
    else if (roll < 0.975) await this.#restart();
    else if (roll < 0.99) client.refresh();
  }

  /** The server asks a client, which may be cut, slow, or not offer anything. */
  #ask(): void {
    for (let count = this.#ofQuestions.pick([0, 0, 1, 3]); count > 0; count -= 1) {
      const party = this.#ofQuestions.pick(this.#clients).presenceKey;
      if (party === undefined) continue;
      this.#questions.ask(this.#server.live, party, this.#tokens !== undefined);
    }
  }

  #publishFromServer(): void {
    const name = this.#random.pick(["news", "traffic", "devices"] as const);
    const topic = this.#server.topic(name);
    this.tally.events += 1;
    const data = this.#data();
    if (TOPICS[name] === "log") return void topic.publish(data);
    const key = `k${this.#random.integer(0, 7)}`;
    if (this.#random.chance(0.3)) return void topic.remove(key);
    void topic.set(key, { ...data, key });
  }

  #clientEvent(): [TopicName, { n: number; key?: string }] {
    const topic = this.#random.pick(["news", "devices"] as const);
    if (topic === "news") return [topic, this.#data()];
    return [topic, { ...this.#data(), key: `k${this.#random.integer(0, 7)}` }];
  }

  #connectOrCut(client: Client): void {
    const { peer } = client;
    if (peer === undefined) {
      client.connect();
      this.#speeds.set(client.peer!, this.#random.pick(SPEEDS));
      return;
    }
    this.tally.cuts += 1;
    const isNoticed = this.#random.chance(0.6);
    client.cut(isNoticed);
    if (!isNoticed) this.#lost.add(peer);
  }

  #changeSpeed(): void {
    const peers = this.#peers();
    if (peers.length === 0) return;
    const speed = this.#random.pick(SPEEDS);
    if (speed === 0) this.tally.stalls += 1;
    this.#speeds.set(this.#random.pick(peers), speed);
  }

  async #openData(): Promise<void> {
    if (this.#dataClients.size >= 4) return;
    await this.#finishWork();
    const topic = this.#topic();
    const params = this.#params();
    const search = new URLSearchParams(params).toString();
    const source = { truth: this.#server.truth(topic), params };
    const model = new ModelDataClient(topic, TOPICS[topic], source);
    const token = this.#tokens?.next(`d${this.#nextN()}`, undefined);
    const peer = this.#server.connect({ topic, search, token });
    peer.onText = (text) => model.onText(text);
    if (search === "") peer.receive(this.#random.pick(["", "{}", " \n"]));
    this.#speeds.set(peer, this.#random.pick(SPEEDS));
    this.#dataClients.add({ model, peer });
  }

  async #narrowOrEndData(): Promise<void> {
    await this.#finishWork();
    for (const connection of this.#dataClients) {
      const { model, peer } = connection;
      if (this.#random.chance(0.3)) {
        peer.end();
        this.#dataClients.delete(connection);
      } else if ((peer.bufferedAmount === 0 || model.kind === "log") && peer.isOpen) {
        model.narrow(this.#params());
        peer.receive(model.params);
      }
    }
  }

  /** The server does what waits, so that the next message is handled when it arrives. */
  async #finishWork(): Promise<void> {
    await settle();
    for (let round = 0; round < 200; round += 1) {
      this.#clock.advance(0);
      await settle();
      const peers = [...this.#peers(), ...this.#abuserPeers];
      if (!peers.some(({ isHandling }) => isHandling)) break;
    }
    this.#clock.advance(0);
  }

  #noticeLost(): void {
    for (const peer of this.#lost) peer.end();
    this.#lost.clear();
  }

  async #restart(): Promise<void> {
    this.tally.restarts += 1;
    for (const client of this.#clients) client.cut(false);
    this.#dataClients.clear();
    this.#lost.clear();
    await settle();
    const keepsLog = this.#random.chance(0.5);
    await this.#server.start(keepsLog);
    if (!keepsLog) this.#abuser.onLogLost();
  }

  #connectAbuser(address: string, onText: (text: string) => void): AbuserLink {
    const token = this.#tokens && { id: address, expiresAt: LASTING };
    const peer = this.#server.connect({ address, token });
    this.#abuserPeers.add(peer);
    peer.onText = onText;
    return {
      get isOpen() {
        return peer.isOpen;
      },
      get unreadBytes() {
        return peer.bufferedAmount;
      },
      send: (text) => peer.receive(text),
      stall: () => void this.#stalled.add(peer),
      cut: () => peer.end(),
    };
  }

  #carryAbuser(): void {
    for (const peer of this.#abuserPeers) {
      if (!this.#stalled.has(peer)) peer.carry();
      if (peer.isOpen) continue;
      if (peer.closed !== undefined) this.tally.abusersCut += 1;
      peer.end();
      this.#abuserPeers.delete(peer);
      this.#stalled.delete(peer);
    }
  }

  #carry(): void {
    for (const peer of this.#peers()) {
      if (peer.mostBuffered > MOST_BUFFERED) {
        throw new Error(`a peer had ${peer.mostBuffered} bytes to hold`);
      }
      const speed = this.#speeds.get(peer) ?? Number.POSITIVE_INFINITY;
      if (speed > 0) peer.carry(speed);
    }
    this.#reapDataClients();
    this.#carryAbuser();
  }

  #reapDataClients(): void {
    for (const connection of this.#dataClients) {
      const { closed } = connection.peer;
      if (closed === undefined) continue;
      // Its peer checks that it is due.
      if (closed.code === 4401 || closed.code === 4503) {
        this.#dataClients.delete(connection);
        continue;
      }
      if (closed.code !== 4429 || !closed.reason.startsWith("events were lost")) {
        throw new Error(`Level 0 was closed with ${closed.code}: ${closed.reason}`);
      }
      this.tally.tooSlow += 1;
      this.#dataClients.delete(connection);
    }
  }

  #peers(): MemoryPeer[] {
    const ofClients = this.#clients.flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
    return [...ofClients, ...[...this.#dataClients].map(({ peer }) => peer), ...this.#lost];
  }

  #checkAcknowledged(): void {
    for (const client of this.#clients) {
      for (const { topic, n, offset } of client.acknowledged) {
        // Of an epoch that is over nothing is known.
        const found = this.#server
          .truth(topic)
          .events.filter((event) => (event.data as { n?: number } | null)?.n === n);
        if (found.length > 1) throw new Error(`event ${n} is in ${topic} ${found.length} times`);
        if (found.length === 1 && found[0]!.offset !== offset) {
          throw new Error(`event ${n} was acknowledged as ${offset}`);
        }
      }
    }
  }

  #checkOwnKeys(): void {
    const state = this.#server.truth("online").stateAt(Number.POSITIVE_INFINITY, {});
    for (const { name, ownKeyAt } of this.#clients) {
      if (state.get(name) === ownKeyAt) continue;
      if (!state.has(name) && (this.#overslept.get(name) ?? 0) > ownKeyAt!) continue;
      throw new Error(`${name} set its key with ${ownKeyAt} and it is of ${state.get(name)}`);
    }
  }

  /** A client that reads the topic is present, even if a lease was overslept. */
  #checkPresence(): void {
    const present = this.#server.present();
    for (const client of this.#clients) {
      if (!client.isReading("traffic") || present.has(client.presenceKey!)) continue;
      throw new Error(`${client.name} reads traffic and is not present`);
    }
  }

  get #leasesHeld(): number {
    const holds = (client: Client): number =>
      (client.ownKeyAt === undefined ? 0 : 1) + (client.isReading("traffic") ? 1 : 0);
    return this.#clients.reduce((sum, client) => sum + holds(client), 0);
  }

  /** A key of a connection that is open, and a presence in use, is only removed in a long sleep. */
  #onRemoved(topic: string, key: string, offset: number): string | undefined {
    const isOwned = ({ name, ownKeyAt, peer }: Client): boolean =>
      topic === "online" && name === key && ownKeyAt !== undefined && peer!.isOpen;
    const isPresent = (client: Client): boolean =>
      topic === PRESENCE && client.presenceKey === key && client.isReading("traffic");
    if (this.#faults.isInLongSleep) {
      if (topic === "online") this.#overslept.set(key, offset);
    } else if (this.#clients.some((client) => isOwned(client) || isPresent(client))) {
      return `${topic} has lost ${key}, which is in use`;
    }
    return undefined;
  }

  #data(): { n: number; site: string; pad: string } {
    const pad = "x".repeat(this.#random.integer(0, this.#mostPadding));
    return { n: this.#nextN(), site: this.#random.pick(["a", "b"]), pad };
  }

  #nextN(): number {
    this.#n += 1;
    return this.#n;
  }

  #topic(): TopicName {
    return this.#random.pick(TOPIC_NAMES);
  }

  #params(): Record<string, string> {
    return this.#random.pick(PARAMS);
  }
}
