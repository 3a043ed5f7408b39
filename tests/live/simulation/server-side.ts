import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { ServerBroker } from "../../../src/testing/server-broker.ts";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../../src/live/index.ts";
import type { LiveEndpoint } from "../../../src/live/server/live-server.ts";
import { NOTHING_SHOWN } from "../../rigs/live/memory-peer.ts";
import type { Random } from "../../rigs/random.ts";
import { MAX_MESSAGE_BYTES, REQUEST_LIMITS } from "../../rigs/live/abuser.ts";
import type { WatchedLedger } from "../../rigs/live/watched-ledger.ts";
import { Truth } from "../../rigs/live/truth.ts";
import type { ClockFaults } from "./clock-faults.ts";
import { RemovalWatch } from "./removal-watch.ts";
import { clientMethods } from "./questions.ts";
import { TokenPeer, type TokenTally } from "./token-peer.ts";
import { identityOf, textOf, type Token } from "./tokens.ts";
import { defaultRetention } from "../../../src/topics/index.ts";

export const TOPICS = { news: "log", traffic: "log", devices: "keyed", online: "keyed" } as const;
export type TopicName = keyof typeof TOPICS;
export const TOPIC_NAMES: readonly TopicName[] = ["news", "traffic", "devices", "online"];

/** The topic that announces who subscribes to `traffic`. */
export const PRESENCE = "traffic/$presence";

/** How a client connects. */
export interface Entrance {
  /** Makes the connection one of Level 0. */
  topic?: TopicName;
  search?: string;
  address?: string;
  /** Shown in the handshake. */
  token?: Token | undefined;
}

interface ServerSideOptions {
  ledger: WatchedLedger;
  /** Whether topics keep so little that clients can use up the budget. */
  isSmall: boolean;
  /** Whether clients must have a token. */
  asksForTokens: boolean;
}

/** The live server of the simulation, its broker, and what the broker has ever said. */
export class ServerSide {
  readonly ledger: WatchedLedger;
  readonly faults: ClockFaults;
  readonly tokenTally: TokenTally = { tokensExpired: 0, tokensRefused: 0, tokensRefreshed: 0 };
  /** Called when a key is removed; returns what is wrong about it. */
  onRemoved: (topic: string, key: string, offset: number) => string | undefined = () => undefined;
  readonly #asksForTokens: boolean;
  readonly #declarations: (ReturnType<typeof keyedTopic> | ReturnType<typeof logTopic>)[];
  readonly #truths = new Map<string, Truth>();
  readonly #epochs = new Map<string, string>();
  readonly #errors: unknown[] = [];
  #broker: MemoryBroker | undefined;
  #watch: RemovalWatch | undefined;
  #live: LiveServer | undefined;
  #endpoint!: LiveEndpoint;
  readonly #peers = new Set<TokenPeer>();
  #addresses = 0;

  constructor(
    faults: ClockFaults,
    random: Random,
    { ledger, isSmall, asksForTokens }: ServerSideOptions,
  ) {
    this.faults = faults;
    this.ledger = ledger;
    this.#asksForTokens = asksForTokens;
    const retention = (): object => ({
      maxEvents: random.pick([3, 20, 1_000]),
      maxBytes: random.pick([20_000, isSmall ? 100_000 : 1_000_000]),
      maxAgeMs: random.pick([500, 5_000, 100_000]),
    });
    const common = { match: matchFields, clientPublish: true };
    this.#declarations = [
      logTopic("news", { ...common, retention: retention() }),
      logTopic("traffic", { ...common, retention: retention(), presence: true }),
      keyedTopic("devices", { ...common, retention: retention() }),
      keyedTopic("online", { ...common, retention: retention(), keyLifetime: "connection" }),
    ];
  }

  /** @param keepsLog false: what was published is forgotten, as in a crash of a memory broker */
  async start(keepsLog: boolean): Promise<void> {
    for (const peer of this.#peers) peer.end();
    this.#peers.clear();
    await this.#live?.close();
    if (!keepsLog) await this.#newBroker();
    const report = (error: unknown): void => void this.#errors.push(error);
    this.#live = await LiveServer.open({
      topics: this.#declarations,
      clientMethods,
      broker: new ServerBroker(this.#watch!),
      clock: this.faults.clock,
      ...(this.#asksForTokens && { authenticate: ({ token }) => identityOf(token) }),
      ledger: this.ledger,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      ...REQUEST_LIMITS,
      onError: report,
    });
    this.#endpoint = this.#live.endpoint("/live");
  }

  /** Opens a connection. */
  connect({ topic, search = "", address = this.#newAddress(), token }: Entrance = {}): TokenPeer {
    const protocol = topic === undefined ? "longwire.v1" : "";
    const { ledger, faults, tokenTally: tally } = this;
    const peer = new TokenPeer(this.#endpoint, { protocol, ledger, address }, { faults, tally });
    this.#peers.add(peer);
    if (token !== undefined) peer.offer(token);
    const path = topic === undefined ? "/live" : `/live/${topic}`;
    const header = (name: string): string | undefined =>
      name === "authorization" && token !== undefined ? `Bearer ${textOf(token)}` : undefined;
    this.#endpoint.onOpen(peer, { path, search, protocols: [], ...NOTHING_SHOWN, header });
    // Level 0 has no message that says so.
    if (topic !== undefined && peer.isOpen) peer.accept();
    return peer;
  }

  get live(): LiveServer {
    return this.#live!;
  }

  get topic(): LiveServer["topic"] {
    return (name) => this.#live!.topic(name);
  }

  truth(topic: string, epoch = this.#epochs.get(topic) ?? ""): Truth {
    const truth = this.#truths.get(`${topic} ${epoch}`);
    if (truth === undefined) throw new Error(`${topic} never had the epoch ${epoch}`);
    return truth;
  }

  check(): void {
    if (this.#errors.length > 0) throw this.#errors[0];
    this.ledger.check();
    this.checkTokens();
  }

  checkTokens(): void {
    for (const peer of this.#peers) {
      peer.checkOpen();
      if (peer.failure !== undefined) throw new Error(peer.failure);
    }
  }

  /** The keys of everyone present, as the server's own copy of the topic has it. */
  present(): Set<string> {
    return new Set([...this.#live!.topic(PRESENCE).events()].map(({ key = "" }) => key));
  }

  /** All clients leave. @throws Error if the ledger still charges somebody afterwards */
  async checkLeft(): Promise<void> {
    for (const peer of this.#peers) peer.end();
    await this.#live?.close();
    await this.#broker?.close();
    this.ledger.checkRefunded();
    const { heldBytes } = this.ledger;
    if (heldBytes !== 0) throw new Error(`${heldBytes} bytes are charged to nobody`);
  }

  /** Clients move between networks: each connection comes from another address. */
  #newAddress(): string {
    this.#addresses += 1;
    return `192.0.2.${this.#addresses}`;
  }

  async #newBroker(): Promise<void> {
    await this.#broker?.close();
    this.#broker = new MemoryBroker({ clock: this.faults.clock });
    this.#watch = new RemovalWatch(this.#broker, (...removed) => {
      const failure = this.onRemoved(...removed);
      if (failure !== undefined) this.#errors.push(new Error(failure));
    });
    for (const declaration of this.#declarations) {
      const truth = new Truth();
      const { name } = declaration;
      const opened = await this.#broker.openTopic(declaration, (event) => truth.record(event));
      const { epoch } = opened;
      const retention = { ...defaultRetention, ...declaration.retention };
      const now = (): number => opened.now?.() ?? this.faults.clock.now();
      truth.keeping = { retention, now };
      this.#truths.set(`${name} ${epoch}`, truth);
      this.#epochs.set(name, epoch);
    }
  }
}
