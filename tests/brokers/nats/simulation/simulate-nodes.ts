import { NatsBroker } from "../../../../src/brokers/nats/index.ts";
import {
  keyedTopic,
  type LiveError,
  type Broker,
  type BrokerTopic,
  type EventDraft,
  type TopicEvent,
} from "../../../../src/live/index.ts";
import { settled } from "../../../../src/testing/settled.ts";
import { Random } from "../../../rigs/random.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";
import { setWorld, type ModelledLink } from "./modelled-link.ts";
import { ModelledNats } from "./modelled-nats.ts";

/** How often each thing happened. */
export interface NodesTally {
  appends: number;
  duplicates: number;
  conflicts: number;
  losses: number;
  epochs: number;
  shortened: number;
  awayBeyondRetention: number;
  purges: number;
  views: number;
}

const STREAM = "longwire+keyed+k";
const WINDOW_MS = 5_000;
const KEYS = ["a", "b", "c", "d", "e", "f"];
const topic = keyedTopic("k", { retention: { maxEvents: 2, maxAgeMs: 20_000 } });

/** Several nodes on one NATS, whatever happens to them: all of them see the same, or are told. */
export async function simulateNodes(
  seed: number,
  trace: (line: string) => void,
): Promise<NodesTally> {
  const simulation = new Simulation(seed, trace);
  await simulation.run();
  return simulation.tally;
}

class Simulation {
  readonly tally: NodesTally = {
    appends: 0,
    duplicates: 0,
    conflicts: 0,
    losses: 0,
    epochs: 0,
    shortened: 0,
    awayBeyondRetention: 0,
    purges: 0,
    views: 0,
  };
  readonly clock = new VirtualClock();
  readonly random: Random;
  /** Whether nothing has gone wrong yet. */
  isCalm = true;
  readonly #trace: (line: string) => void;
  readonly #nats: ModelledNats;
  readonly #nodes: Node[] = [];
  /** By epoch and offset: the view that every node has to have there. */
  readonly #views = new Map<string, string>();
  readonly #epochs = new Set<string>();
  /** By idempotency key: the offsets that were acknowledged, with their epochs and times. */
  readonly #acknowledged = new Map<string, { epoch: string; offset: number; at: number }>();
  #repeats: EventDraft[] = [];
  #failure: Error | undefined;
  #count = 0;

  constructor(seed: number, trace: (line: string) => void) {
    this.random = new Random(seed);
    this.#trace = trace;
    this.#nats = new ModelledNats(this.clock);
  }

  async run(): Promise<void> {
    // The first ones create the stream in the same moment.
    for (let n = 0; n < 2; n += 1) await this.#connectNode();
    for (const node of this.#nodes) void node.open();
    await this.clock.pass(500);
    await this.#addNode();
    this.isCalm = false;
    for (let step = 0; step < 60; step += 1) {
      await this.#act();
      await this.clock.pass(this.random.pick([1, 5, 20, 200, 3_000]));
      if (this.#failure !== undefined) throw this.#failure;
    }
    for (const node of this.#nodes) void node.link.restore();
    // Everything in progress ends, and every node checks for new events.
    await this.clock.pass(60_000);
    await this.#addNode();
    await this.clock.pass(1_000);
    if (this.#failure !== undefined) throw this.#failure;
    this.#checkEnd();
    for (const node of this.#nodes) await node.broker.close();
    this.tally.epochs = this.#epochs.size;
  }

  /** @throws Error if another node had another view there */
  see(node: Node, epoch: string, offset: number): void {
    this.#epochs.add(epoch);
    this.tally.views += 1;
    const at = `${epoch} ${offset}`;
    const view = node.text;
    const other = this.#views.get(at);
    if (other !== undefined && other !== view) {
      throw new Error(`${node.name} sees ${view} at ${at}, another node saw ${other}`);
    }
    this.#views.set(at, view);
  }

  /** A node had to open the topic again. */
  onSetback(what: string): void {
    this.say(what);
    if (this.isCalm) this.fail(new Error(`${what}, although nothing had happened`));
  }

  /** Something went wrong where nobody waits for it. */
  fail(error: unknown): void {
    this.#failure ??= error as Error;
  }

  say(line: string): void {
    this.#trace(`${Math.round(this.clock.now()) % 1e7} ${line}`);
  }

  async #act(): Promise<void> {
    const { random } = this;
    const node = random.pick(this.#nodes);
    const before = this.#nats.state(STREAM)?.first ?? 0;
    if (random.chance(0.4)) for (let n = random.integer(1, 5); n > 0; n -= 1) this.#append(node);
    else if (random.chance(0.25)) this.#burst(node);
    else if (random.chance(0.3)) this.#cut(node);
    else if (random.chance(0.1)) this.#purge();
    else if (random.chance(0.12)) this.#nats.forgetConsumers();
    else if (random.chance(0.5)) void node.link.restore();
    else if (random.chance(0.2)) await this.#addNode();
    else await this.clock.pass(4 * WINDOW_MS);
    if ((this.#nats.state(STREAM)?.first ?? 0) > before) this.tally.shortened += 1;
  }

  #append(node: Node): void {
    const { random } = this;
    this.#count += 1;
    const repeated = random.chance(0.3) ? this.#repeats.at(-random.integer(1, 5)) : undefined;
    const key = random.pick(KEYS);
    const draft: EventDraft = repeated ?? {
      key,
      ...(random.chance(0.3) ? { removed: true } : { data: this.#count }),
      ...(random.chance(0.6) && { idempotencyKey: `i${this.#count}` }),
      ...(random.chance(0.2) && { ifNewest: node.offsets.get(key) ?? 0 }),
    };
    if (repeated === undefined && draft.idempotencyKey !== undefined) this.#repeats.push(draft);
    void this.#appendAt(node, draft);
    // At the same time, at another one.
    if (draft.idempotencyKey !== undefined && random.chance(0.2)) {
      void this.#appendAt(random.pick(this.#nodes), draft);
    }
  }

  async #appendAt(node: Node, draft: EventDraft): Promise<void> {
    const { topic: at } = node;
    if (at === undefined) return;
    try {
      const { offset, duplicate } = await at.append(draft);
      this.tally.appends += 1;
      if (duplicate) this.tally.duplicates += 1;
      if (draft.idempotencyKey !== undefined) this.#acknowledge(draft.idempotencyKey, at, offset);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "conflict") this.tally.conflicts += 1;
      else if (code !== "unavailable" && code !== "unconfirmed") this.fail(error);
    }
  }

  #acknowledge(key: string, { epoch }: BrokerTopic, offset: number): void {
    const at = this.clock.now();
    const first = this.#acknowledged.get(key);
    // Later than that it may have become a new event.
    const isSame = first?.epoch === epoch && at - first.at < WINDOW_MS / 2;
    if (isSame && first.offset !== offset) {
      throw new Error(`${key} was acknowledged with ${first.offset} and with ${offset}`);
    }
    if (!isSame) this.#acknowledged.set(key, { epoch, offset, at });
  }

  #burst(node: Node): void {
    this.say(`burst at ${node.name}`);
    for (let n = 0; n < 700; n += 1) {
      void this.#appendAt(node, { key: KEYS[n % KEYS.length]!, data: `${this.#count} ${n}` });
    }
  }

  #cut(node: Node): void {
    this.say(`cut ${node.name}`);
    node.link.cut();
    const seen = node.offset;
    const backIn = this.random.pick([10, 1_000, 30_000, 60_000]);
    this.clock.after(backIn, () => {
      if ((this.#nats.state(STREAM)?.first ?? 0) > seen + 1) this.tally.awayBeyondRetention += 1;
      this.say(`restore ${node.name}`);
      void node.link.restore();
    });
  }

  #purge(): void {
    const state = this.#nats.state(STREAM);
    if (state === undefined || state.count === 0) return;
    this.tally.purges += 1;
    this.say("purge");
    this.#nats.purge(STREAM, this.random.integer(state.first + 1, state.last + 1));
  }

  async #addNode(): Promise<void> {
    const node = await this.#connectNode();
    void node.open();
    await this.clock.pass(500);
  }

  async #connectNode(): Promise<Node> {
    let link: ModelledLink | undefined;
    setWorld({ nats: this.#nats, random: this.random, onLink: (made) => (link ??= made) });
    const { clock } = this;
    const opening = NatsBroker.open({ clock, windowMs: WINDOW_MS, lookMs: 1_000 });
    const opened: Broker[] = [];
    void opening.then((broker) => opened.push(broker));
    await settled();
    while (opened.length === 0) await clock.pass(10);
    const node = new Node(`node ${this.#nodes.length}`, opened[0]!, link!, this);
    this.#nodes.push(node);
    return node;
  }

  #checkEnd(): void {
    const [first, ...others] = this.#nodes.map(({ name, topic: at, text }) => ({
      name,
      state: `${at?.epoch} ${text}`,
    }));
    for (const { name, state } of others) {
      if (state === first!.state) continue;
      throw new Error(`in the end ${name} has ${state}, ${first!.name} has ${first!.state}`);
    }
  }
}

/** The live layer's copy of a topic on one node. */
class Node {
  readonly name: string;
  readonly broker: Broker;
  readonly link: ModelledLink;
  readonly offsets = new Map<string, number>();
  topic: BrokerTopic | undefined;
  offset = 0;
  readonly #simulation: Simulation;
  #values = new Map<string, unknown>();

  constructor(name: string, broker: Broker, link: ModelledLink, simulation: Simulation) {
    this.name = name;
    this.broker = broker;
    this.link = link;
    this.#simulation = simulation;
  }

  get text(): string {
    return JSON.stringify([...this.#values].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Until it is open: what was told before stays. */
  async open(): Promise<void> {
    const { tally, clock } = this.#simulation;
    const values = new Map<string, unknown>();
    const offsets = new Map<string, number>();
    let isOpen = false;
    const follow = ({ key = "", data, removed, offset }: TopicEvent): void => {
      if (removed) values.delete(key);
      else values.set(key, data);
      offsets.set(key, offset);
      if (!isOpen) return;
      this.#take(values, offsets, offset);
      this.#simulation.see(this, this.topic!.epoch, offset);
    };
    const onLost = (): void => {
      tally.losses += 1;
      this.topic = undefined;
      this.#simulation.onSetback(`${this.name} has lost the topic`);
      void this.open();
    };
    try {
      const opened = await this.broker.openTopic(topic, follow, onLost);
      isOpen = true;
      this.topic = opened;
      this.#take(values, offsets, opened.offset);
      this.#simulation.say(`${this.name} opens at ${opened.offset}`);
      this.#simulation.see(this, opened.epoch, opened.offset);
    } catch (error) {
      const { code, message } = error as LiveError;
      if (code !== "unavailable") this.#simulation.fail(error);
      this.#simulation.onSetback(`${this.name} could not open the topic: ${message}`);
      clock.after(100, () => void this.open());
    }
  }

  #take(values: Map<string, unknown>, offsets: Map<string, number>, offset: number): void {
    this.#values = values;
    this.offsets.clear();
    for (const [key, at] of offsets) this.offsets.set(key, at);
    this.offset = offset;
  }
}
