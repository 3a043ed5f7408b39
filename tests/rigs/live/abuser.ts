import type { Random } from "../random.ts";

/** One connection of an abuser. */
export interface AbuserLink {
  /** Whether the server still holds something for it. */
  readonly isOpen: boolean;
  /** Bytes that the server has written and the abuser has not read. */
  readonly unreadBytes: number;
  send(text: string): void;
  /** Reads nothing any more. */
  stall(): void;
  /** Ends without a closing handshake. */
  cut(): void;
}

export interface AbuserOptions {
  random: Random;
  /** How many parties it acts as: each has an address, and an identity if there are any. */
  parties: number;
  /** Names of topics; a new one at each call where the server has patterns. */
  topics: () => readonly string[];
  /** Names of topics that it publishes to. Default `topics`. */
  publishes?: () => readonly string[];
  /** How many pings it sends at once, one of these. Default more than `REQUEST_LIMITS` allow. */
  floods?: readonly number[];
  /** Whether a topic with this name is keyed. */
  isKeyed: (topic: string) => boolean;
  /** Numbers events as those of the other clients are numbered. */
  nextN: () => number;
  connect: (party: number, onText: (text: string) => void) => AbuserLink;
  now: () => number;
  shareBytes: number;
}

interface Answer {
  type: string;
  id?: number;
}

interface OpenLink {
  readonly link: AbuserLink;
  /** The least that the server holds for each subscription, by topic, in bytes. */
  readonly subscribed: Map<string, { bytes: number }>;
  /** The callbacks for confirmed requests, by id. */
  readonly asked: Map<number, () => void>;
}

/** The least that a server holds for a subscription and for a remembered key, beside their text. */
const SUBSCRIPTION_BYTES = 2_048;
const REMEMBERED_BYTES = 192;

/** How long idempotency keys are remembered, in milliseconds. */
const WINDOW_MS = 300_000;

/** The longest params have 16 KiB of characters, and these need two bytes each. */
const LONG_PARAM: string = "€".repeat(16_000);

/** The largest event that is published; `MAX_MESSAGE_BYTES` leaves room for it. */
const EVENT_LENGTH = 30_000;

/** The limit of the server's messages, in bytes. */
export const MAX_MESSAGE_BYTES = 60_000;

/** The server's limits of requests, so that a flood of them is short. */
export const REQUEST_LIMITS = { requestsPerSecond: 100, requestBurst: 200 };

/** So many pings that some are refused, or so many that the connection is cut. */
const FLOODS: readonly number[] = [300, 300, 1_300];

/** Open connections of one party; one that is cut is replaced at once. */
const MAX_LINKS = 16;

/**
 * A client that does what nobody should, from several addresses.
 *
 * It keeps its own count of what the server has confirmed, which does not depend on the ledger.
 */
export class Abuser {
  readonly #parties: readonly Party[];
  readonly #random: Random;

  constructor(options: AbuserOptions) {
    this.#random = options.random;
    this.#parties = Array.from({ length: options.parties }, (_, at) => new Party(at + 1, options));
  }

  /** Some parties do something; now and then all of them do the same. */
  act(): void {
    if (this.#random.chance(0.5)) return;
    if (this.#random.chance(0.1)) {
      const roll = this.#random.next();
      for (const party of this.#parties) party.act(roll);
      return;
    }
    for (let times = this.#random.integer(1, 3); times > 0; times -= 1) {
      this.#random.pick(this.#parties).act(this.#random.next());
    }
  }

  /** @throws Error if the server holds more for a party than the party's share */
  check(): void {
    for (const party of this.#parties) party.check();
  }

  /** The server has lost its log, and with it the idempotency keys. */
  onLogLost(): void {
    for (const party of this.#parties) party.onLogLost();
  }

  /** Ends all connections for good. */
  leave(): void {
    for (const party of this.#parties) party.leave();
  }
}

class Party {
  readonly #number: number;
  readonly #options: AbuserOptions;
  #links: OpenLink[] = [];
  /** The remembered keys, in the order in which they were acknowledged. */
  #keys: { at: number; bytes: number }[] = [];
  #ids = 0;

  constructor(number: number, options: AbuserOptions) {
    this.#number = number;
    this.#options = options;
  }

  act(roll: number): void {
    this.#comeBack();
    const { random } = this.#options;
    const open = this.#links.length === 0 ? this.#open() : random.pick(this.#links);
    if (roll < 0.2) this.#subscribe(open, LONG_PARAM);
    else if (roll < 0.3) for (let times = 0; times < 5; times += 1) this.#subscribe(open, "");
    else if (roll < 0.45) this.#stall(open);
    else if (roll < 0.6) this.#publish(open, random.integer(1, 3), EVENT_LENGTH);
    else if (roll < 0.72) this.#publish(open, 20, 0);
    else if (roll < 0.8) open.link.send(random.pick(["{", "[]", '{"type":"publish"}', "\u0000"]));
    else if (roll < 0.84) open.link.send("x".repeat(MAX_MESSAGE_BYTES + 1));
    else if (roll < 0.9) for (let times = 0; times < 5; times += 1) this.#open();
    else if (roll < 0.94) this.#flood(open);
    else if (roll < 0.96) this.#offer(open);
    else open.link.cut();
  }

  check(): void {
    const { now, shareBytes } = this.#options;
    const oldest = now() - WINDOW_MS;
    this.#keys = this.#keys.filter(({ at }) => at > oldest);
    let held = 0;
    for (const { bytes } of this.#keys) held += bytes;
    for (const { link, subscribed } of this.#links) {
      if (!link.isOpen) continue;
      held += link.unreadBytes;
      for (const { bytes } of subscribed.values()) held += bytes;
    }
    if (held <= shareBytes) return;
    throw new Error(`the abuser's party ${this.#number} holds ${held} bytes of ${shareBytes}`);
  }

  onLogLost(): void {
    this.#keys = [];
  }

  leave(): void {
    for (const { link } of this.#links) link.cut();
    this.#links = [];
  }

  /** Replaces at once what the server has cut. */
  #comeBack(): void {
    const before = this.#links.length;
    this.#links = this.#links.filter(({ link }) => link.isOpen);
    for (let lost = before - this.#links.length; lost > 0; lost -= 1) this.#open();
  }

  #open(): OpenLink {
    if (this.#links.length >= MAX_LINKS) return this.#links[0]!;
    const asked = new Map<number, () => void>();
    const subscribed = new Map<string, { bytes: number }>();
    const link = this.#options.connect(this.#number, (text) => {
      const { type, id } = JSON.parse(text) as Answer;
      if (id === undefined) return;
      if (type === "subscribed" || type === "published") asked.get(id)?.();
      asked.delete(id);
    });
    const open = { link, subscribed, asked };
    this.#links.push(open);
    return open;
  }

  /** @param value what the params are long with; they differ each time */
  #subscribe(open: OpenLink, value: string): void {
    for (const topic of this.#options.topics()) {
      const params = { site: `${this.#newId()}${value}` };
      const bytes = SUBSCRIPTION_BYTES + value.length * 2;
      // The server holds the former subscription or the new one; the smaller is certain.
      const certain = { bytes: Math.min(bytes, open.subscribed.get(topic)?.bytes ?? 0) };
      open.subscribed.set(topic, certain);
      this.#ask(open, { type: "subscribe", topic, params }, () => {
        if (open.subscribed.get(topic) === certain) certain.bytes = bytes;
      });
    }
  }

  #stall(open: OpenLink): void {
    for (const topic of this.#options.topics()) {
      open.subscribed.delete(topic);
      this.#ask(open, { type: "subscribe", topic });
    }
    open.link.stall();
  }

  #publish(open: OpenLink, count: number, length: number): void {
    const { random, topics, publishes = topics, isKeyed, nextN, now } = this.#options;
    for (let at = 0; at < count; at += 1) {
      const topic = random.pick(publishes());
      const data = { n: nextN(), site: random.pick(["a", "b"]), pad: "x".repeat(length) };
      const idempotencyKey = `${this.#newId()}`.padStart(250, `${this.#number}-`);
      const key = isKeyed(topic) ? `abuser${random.integer(1, 3)}` : undefined;
      const request = { type: "publish", topic, data, idempotencyKey, ...(key && { key }) };
      const sentAt = now();
      this.#ask(open, request, () => {
        this.#keys.push({ at: sentAt, bytes: REMEMBERED_BYTES + idempotencyKey.length });
      });
    }
  }

  #flood({ link }: OpenLink): void {
    const { random, floods = FLOODS } = this.#options;
    const count = random.pick(floods);
    for (let at = 0; at < count; at += 1) link.send('{"type":"ping"}');
  }

  /** Offers one method many times and one that is not declared, and answers no request. */
  #offer(open: OpenLink): void {
    const { random } = this.#options;
    const methods = Array.from({ length: random.integer(1, 100) }, () => "work");
    for (let times = 0; times < 5; times += 1) this.#ask(open, { type: "offers", methods });
    this.#ask(open, { type: "offers", methods: ["nosuch"] });
    this.#ask(open, { type: "response", data: "x".repeat(EVENT_LENGTH) });
  }

  #ask(open: OpenLink, request: object, onDone?: () => void): void {
    const id = this.#newId();
    if (onDone !== undefined) open.asked.set(id, onDone);
    open.link.send(JSON.stringify({ ...request, id }));
  }

  #newId(): number {
    this.#ids += 1;
    return this.#ids;
  }
}
