import { Backoff, type Clock } from "../../../src/base/index.ts";
import { defaultLiveLimits } from "../../../src/live/server/limits.ts";
import { Admission } from "../../../src/live/server/access/admission.ts";
import { Diagnostics } from "../../../src/live/server/observing/diagnostics.ts";
import { Random } from "../../rigs/random.ts";
import { Agenda } from "./agenda.ts";

/** Servers that are left when others are lost with all their connections, and who comes to them. */
export interface HerdOptions {
  seed: number;
  /** Servers that are left, and the clients that each has. */
  nodes: number;
  clientsOfEach: number;
  /** Clients whose server is gone. */
  lost: number;
  /**
   * How they notice: all at once, by a reset, or one after the other, by a silence of two
   * heartbeats.
   */
  notice: "reset" | "silence";
  /** The cost of admitting a client and sending what it missed, in µs of a server's one core. */
  admitMicros: number;
  /** The cost of refusing a client, in µs. */
  refuseMicros: number;
  /** How many clients a server admits: `maxSessions`. Any others get a time to return. */
  maxSessions: number;
  /** Without what is there against a herd, to see what it is good for. */
  without?: "jitter" | "backlog";
}

/** How they came back. */
export interface HerdReport {
  /** When half of them, 99 in 100, and all were back, in seconds. */
  half: number;
  most: number;
  all: number;
  /** How often a client began to connect. */
  attempts: number;
  /** How often a client was refused with a time to return. */
  turnedAway: number;
  /** How often a client was admitted after it had given up, which wasted the server's work. */
  inVain: number;
  /** How often a server's kernel had no room for a SYN, which the client's kernel sent again. */
  dropped: number;
  /** The longest that newcomers kept a server from its other clients, in seconds. */
  worstWait: number;
}

/** A client's `connectTimeoutMs`. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How many newcomers a server's kernel holds for it: Node asks for that many. */
const BACKLOG = 511;
/** After these times, in ms, the client's kernel repeats a SYN that found the queue full. */
const KNOCKS_MS = [1_000, 3_000, 7_000];
/** Two heartbeats are what a client waits for. */
const SILENCE_MS = 2 * defaultLiveLimits.heartbeatMs;
/** It has failed if it takes longer, in ms. */
const LONGEST_MS = 3_600_000;

/** A server, as far as it is busy with those who come. */
interface Node {
  readonly admission: Admission;
  /** When it has done all that has come. */
  busyUntil: number;
  clients: number;
}

/** A client that has no server. */
interface Client {
  readonly backoff: Backoff;
  /** When it began to connect. */
  since: number;
  /** Which knock is next; 0 for a new attempt. */
  knocks: number;
  /** To whom. */
  node: Node | undefined;
}

class Herd {
  #now = 0;
  readonly #options: HerdOptions;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #clients: Client[];
  readonly #nodes: Node[];
  readonly #backAt: number[] = [];
  readonly #counts = { attempts: 0, turnedAway: 0, inVain: 0, dropped: 0 };
  #worstWaitMs = 0;

  constructor(options: HerdOptions) {
    const { seed, lost, nodes, clientsOfEach, notice, without, maxSessions } = options;
    this.#options = options;
    this.#random = new Random(seed);
    const random = (): number => this.#random.next();
    const jitter = without === "jitter" ? (): number => 1 : random;
    const clock: Clock = { now: () => this.#now, after: () => ({ cancel: () => {} }) };
    const limits = { ...defaultLiveLimits, maxSessions };
    this.#nodes = Array.from({ length: nodes }, () => ({
      admission: new Admission(clock, limits, { random, diagnostics: new Diagnostics() }),
      busyUntil: 0,
      clients: clientsOfEach,
    }));
    this.#clients = Array.from({ length: lost }, () => {
      const backoff = new Backoff({ random: jitter });
      return { backoff, since: 0, knocks: 0, node: undefined };
    });
    for (const [number, { backoff }] of this.#clients.entries()) {
      const noticedMs = notice === "reset" ? 0 : SILENCE_MS * random();
      this.#agenda.add(noticedMs + backoff.next(), number);
    }
  }

  run(): HerdReport {
    while (this.#agenda.size > 0) {
      this.#now = this.#agenda.next;
      if (this.#now > LONGEST_MS) throw new Error("They are not all back after an hour.");
      const number = this.#agenda.take();
      const next = this.#knock(this.#clients[number]!);
      if (next !== undefined) this.#agenda.add(next, number);
    }
    const back = this.#backAt.toSorted((one, other) => one - other);
    const after = (share: number): number => back[Math.ceil(back.length * share) - 1]! / 1_000;
    const times = { half: after(0.5), most: after(0.99), all: after(1) };
    return { ...times, ...this.#counts, worstWait: this.#worstWaitMs / 1_000 };
  }

  /** Returns when the client tries again; nothing if it is back. */
  #knock(client: Client): number | undefined {
    const { admitMicros, refuseMicros, without } = this.#options;
    if (client.knocks === 0) {
      this.#counts.attempts += 1;
      client.since = this.#now;
      client.node = this.#random.pick(this.#nodes);
    }
    const node = client.node!;
    const beginsAt = Math.max(this.#now, node.busyUntil);
    const waiting = ((beginsAt - this.#now) * 1_000) / admitMicros;
    if (waiting >= BACKLOG && without !== "backlog") return this.#notHeard(client);
    client.knocks = 0;
    this.#worstWaitMs = Math.max(this.#worstWaitMs, beginsAt - this.#now);
    const isRefused = node.admission.refusal(node.clients) !== undefined;
    node.busyUntil = beginsAt + (isRefused ? refuseMicros : admitMicros) / 1_000;
    if (node.busyUntil - client.since > CONNECT_TIMEOUT_MS) {
      this.#counts.inVain += 1;
      return this.#giveUp(client);
    }
    if (isRefused) {
      this.#counts.turnedAway += 1;
      return node.busyUntil + node.admission.returnAfter(node.clients);
    }
    node.clients += 1;
    this.#backAt.push(node.busyUntil);
    return undefined;
  }

  #notHeard(client: Client): number {
    this.#counts.dropped += 1;
    const knockMs = KNOCKS_MS[client.knocks];
    if (knockMs === undefined) return this.#giveUp(client);
    client.knocks += 1;
    return client.since + knockMs;
  }

  #giveUp(client: Client): number {
    client.knocks = 0;
    return client.since + CONNECT_TIMEOUT_MS + client.backoff.next();
  }
}

/** Lets a region's clients come to the servers that are left, and says how that went. */
export function runHerd(options: HerdOptions): HerdReport {
  return new Herd(options).run();
}
