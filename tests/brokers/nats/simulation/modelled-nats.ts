import type { Clock } from "../../../../src/base/index.ts";

/** A message as a program gets it, as far as the broker looks at it. */
export interface ModelledMessage {
  subject: string;
  reply: string;
  data: Uint8Array;
  headers: { code: number; get(name: string): string } | undefined;
  string(): string;
  json(): unknown;
  respond(): void;
}

type Headers = ReadonlyMap<string, string>;

interface Stored {
  seq: number;
  subject: string;
  text: string;
  headers: Headers;
  /** In ms. */
  at: number;
}

interface Consumer {
  name: string;
  stream: Stream;
  filter: string | undefined;
  deliver: string;
  next: number;
  delivered: number;
}

interface Config {
  name: string;
  subjects: string[];
  max_msgs: number;
  max_msgs_per_subject: number;
  max_age: number;
  num_replicas: number;
}

interface Stream {
  config: Config;
  created: string;
  messages: Map<number, Stored>;
  first: number;
  last: number;
}

/** A connected client. */
export interface Connection {
  /** Delivers a message, after every message that was sent before. */
  receive(subject: string, message: ModelledMessage): void;
  listens(subject: string): boolean;
}

const CREATION_MS = 20;
const NOT_YET = "0001-01-01T00:00:00Z";
const NO_HEADERS: Headers = new Map();

class Refusal extends Error {
  readonly code: number;
  constructor(code: number, words: string) {
    super(words);
    this.code = code;
  }
}

/** NATS with JetStream, as far as the broker asks for it, on a clock that a test moves. */
export class ModelledNats {
  readonly connections: Set<Connection> = new Set();
  readonly #clock: Clock;
  readonly #streams = new Map<string, Stream>();
  readonly #consumers = new Map<string, Consumer>();
  #names = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beat();
  }

  /** Takes a message, and answers to `reply` if somebody is there to do so. */
  take(subject: string, text: string, headers: Headers, reply: string): void {
    if (subject.startsWith("$JS.API.STREAM.CREATE.")) return this.#create(text, reply);
    if (subject.startsWith("$JS.API.")) return this.#answer(reply, () => this.#api(subject, text));
    this.#send(subject, text, NO_HEADERS, "");
    const stream = [...this.#streams.values()].find(({ config }) =>
      config.subjects.some((pattern) => fits(pattern, subject)),
    );
    if (stream !== undefined)
      this.#answer(reply, () => this.#store(stream, subject, text, headers));
    else if (reply !== "") this.#sendStatus(reply, 503);
  }

  /** Removes messages, as an administrator does, without any of our nodes. */
  purge(name: string, before: number): void {
    const stream = this.#streams.get(name);
    if (stream !== undefined) drop(stream, Math.min(before, stream.last + 1));
  }

  state(name: string): { first: number; last: number; count: number } | undefined {
    const stream = this.#streams.get(name);
    return stream && { first: stream.first, last: stream.last, count: stream.messages.size };
  }

  /** Consumers are forgotten, as when a server starts again. */
  forgetConsumers(): void {
    this.#consumers.clear();
  }

  #beat(): void {
    this.#clock.after(2_000, () => {
      for (const { deliver, delivered } of this.#consumers.values()) {
        const headers = new Map([["Nats-Last-Consumer", String(delivered)]]);
        this.#sendStatus(deliver, 100, headers);
      }
      this.#beat();
    });
  }

  #answer(reply: string, act: () => object): void {
    let answer: object;
    try {
      answer = act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = { error: { code: 400, err_code: error.code, description: error.message } };
    }
    if (reply !== "") this.#send(reply, JSON.stringify(answer), NO_HEADERS, "");
  }

  #api(subject: string, text: string): object {
    const [kind = "", what = "", name = "", consumer = ""] = subject
      .slice("$JS.API.".length)
      .replace("MSG.", "MSG_")
      .split(".");
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    const action = `${kind}.${what}`;
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Refusal(10059, "stream not found");
    this.#expire(stream);
    const at = body["seq"] as number;
    switch (action) {
      case "STREAM.INFO":
        return infoOf(stream);
      case "STREAM.UPDATE":
        stream.config = body as unknown as Config;
        return infoOf(stream);
      case "STREAM.PURGE":
        drop(stream, Math.min(at, stream.last + 1));
        return { success: true };
      case "STREAM.MSG_DELETE":
        if (!stream.messages.delete(at)) throw new Refusal(10057, "no message found");
        drop(stream, stream.first);
        return { success: true };
      case "STREAM.MSG_GET":
        return { message: this.#message(stream, body) };
      case "CONSUMER.CREATE":
        return this.#consume(stream, body["config"] as Record<string, unknown>);
      case "CONSUMER.INFO":
        if (!this.#consumers.has(consumer)) throw new Refusal(10014, "consumer not found");
        return {};
      case "CONSUMER.DELETE":
        this.#consumers.delete(consumer);
        return {};
      default:
        throw new Error(`The model does not know ${subject}.`);
    }
  }

  /** Others see the stream while it is being created, but not yet when that was. */
  #create(text: string, reply: string): void {
    const config = JSON.parse(text) as Config;
    if (this.#streams.has(config.name)) {
      return this.#answer(reply, () => {
        throw new Refusal(10058, "stream name already in use");
      });
    }
    const messages = new Map<number, Stored>();
    const stream = { config, created: NOT_YET, messages, first: 1, last: 0 };
    this.#streams.set(config.name, stream);
    this.#clock.after(CREATION_MS, () => {
      stream.created = timeOf(this.#clock.now());
      this.#answer(reply, () => infoOf(stream));
    });
  }

  #message(stream: Stream, which: Record<string, unknown>): object {
    const subject = which["last_by_subj"];
    const found =
      subject === undefined
        ? stream.messages.get(which["seq"] as number)
        : [...stream.messages.values()].findLast((message) => message.subject === subject);
    if (found === undefined) throw new Refusal(10037, "no message found");
    return { seq: found.seq, time: timeOf(found.at), data: btoa(found.text) };
  }

  #consume(stream: Stream, config: Record<string, unknown>): object {
    this.#names += 1;
    const consumer = {
      name: `c${this.#names}`,
      stream,
      filter: config["filter_subject"] as string | undefined,
      deliver: config["deliver_subject"] as string,
      next: config["opt_start_seq"] as number,
      delivered: 0,
    };
    this.#consumers.set(consumer.name, consumer);
    const num_pending = this.#pending(consumer);
    // After the answer.
    this.#clock.after(0, () => this.#push(consumer));
    return { name: consumer.name, created: timeOf(this.#clock.now()), num_pending };
  }

  #store(stream: Stream, subject: string, text: string, headers: Headers): object {
    const expected = headers.get("Nats-Expected-Last-Subject-Sequence");
    const newest = [...stream.messages.values()].findLast((each) => each.subject === subject);
    if (expected !== undefined && Number(expected) !== (newest?.seq ?? 0)) {
      throw new Refusal(10071, `wrong last sequence: ${newest?.seq ?? 0}`);
    }
    const seq = (stream.last += 1);
    const { max_msgs, max_msgs_per_subject } = stream.config;
    if (max_msgs_per_subject === 1 && newest !== undefined) stream.messages.delete(newest.seq);
    stream.messages.set(seq, { seq, subject, text, headers, at: this.#clock.now() });
    const excess = max_msgs > 0 ? stream.messages.size - max_msgs : 0;
    for (let n = 0; n < excess; n += 1) drop(stream, stream.first + 1);
    drop(stream, stream.first);
    for (const consumer of this.#consumers.values()) {
      if (consumer.stream === stream) this.#push(consumer);
    }
    return { stream: stream.config.name, seq };
  }

  #expire(stream: Stream): void {
    const { max_age } = stream.config;
    if (max_age === 0) return;
    for (const { seq, at } of stream.messages.values()) {
      if (this.#clock.now() - at <= max_age / 1e6) return;
      drop(stream, seq + 1);
    }
  }

  #pending({ stream, next, filter }: Consumer): number {
    let count = 0;
    for (const { seq, subject } of stream.messages.values()) {
      if (seq >= next && (filter === undefined || filter === subject)) count += 1;
    }
    return count;
  }

  #push(consumer: Consumer): void {
    const { stream, filter, deliver, name } = consumer;
    if (!this.#consumers.has(name)) return;
    let pending = this.#pending(consumer);
    for (let seq = Math.max(consumer.next, stream.first); seq <= stream.last; seq += 1) {
      consumer.next = seq + 1;
      const message = stream.messages.get(seq);
      if (message === undefined || (filter !== undefined && filter !== message.subject)) continue;
      consumer.delivered += 1;
      pending -= 1;
      const stamp = `${Math.floor(message.at)}000000`;
      const reply = `$JS.ACK.${stream.config.name}.${name}.1.${seq}.${consumer.delivered}.${stamp}.${pending}`;
      this.#send(deliver, message.text, message.headers, reply, message.subject);
    }
  }

  #send(to: string, text: string, headers: Headers, reply: string, subject: string = to): void {
    const message = messageOf({ subject, text, headers, reply, code: 0 });
    for (const connection of this.connections) {
      if (connection.listens(to)) connection.receive(to, message);
    }
  }

  #sendStatus(to: string, code: number, headers: Headers = NO_HEADERS): void {
    const message = messageOf({ subject: to, text: "", headers, reply: "", code });
    for (const connection of this.connections) {
      if (connection.listens(to)) connection.receive(to, message);
    }
  }
}

function messageOf(given: {
  subject: string;
  text: string;
  headers: Headers;
  reply: string;
  code: number;
}): ModelledMessage {
  const { subject, text, headers, reply, code } = given;
  return {
    subject,
    reply,
    data: new TextEncoder().encode(text),
    headers: { code, get: (name) => headers.get(name) ?? "" },
    string: () => text,
    json: () => JSON.parse(text) as unknown,
    respond: () => {},
  };
}

/** Lets all before `seq` go. */
function drop(stream: Stream, before: number): void {
  for (const seq of stream.messages.keys()) {
    if (seq >= before) break;
    stream.messages.delete(seq);
  }
  const [first] = stream.messages.keys();
  stream.first = first ?? stream.last + 1;
}

function infoOf({ config, created, messages, first, last }: Stream): object {
  const num_deleted = Math.max(0, last - first + 1 - messages.size);
  const bytes = messages.size * 100;
  const state = { messages: messages.size, bytes, first_seq: first, last_seq: last, num_deleted };
  return { config, created, state };
}

function timeOf(ms: number): string {
  return new Date(Math.floor(ms)).toISOString();
}

function fits(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const parts = subject.split(".");
  if (wanted.at(-1) === ">") return wanted.slice(0, -1).every((part, at) => part === parts[at]);
  return (
    wanted.length === parts.length && wanted.every((part, at) => part === "*" || part === parts[at])
  );
}
