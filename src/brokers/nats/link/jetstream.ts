import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import type { Offset } from "../../../topics/index.ts";
import { EngineClock } from "../../shared/engine-clock.ts";
import { AGAIN_MS, CREATE_ATTEMPTS } from "../limits.ts";
import type { NatsLink } from "./nats-link.ts";
import { isRefused, NatsRefusal, Reason } from "./nats-errors.ts";

// JetStream's API is JSON over requests. These types are the parts used here, with its own names.

/** A stream's configuration. Times are in nanoseconds; -1 means unlimited. */
export interface StreamConfig {
  name: string;
  subjects: string[];
  storage: "file" | "memory";
  num_replicas: number;
  max_msgs: number;
  max_msgs_per_subject: number;
  max_age: number;
  duplicate_window: number;
}

export interface StreamInfo {
  config: StreamConfig;
  /** When it was created; never changes once it has been. */
  created: string;
  /** Only for servers in a cluster; `replicas` are those besides the leader. */
  cluster?: { leader?: string; replicas?: { name: string; current: boolean }[] };
  state: {
    messages: number;
    bytes: number;
    first_seq: Offset;
    last_seq: Offset;
    /** How many messages between the two are missing. */
    num_deleted?: number;
  };
}

/**
 * What NATS says of a stream that another node is creating at this moment, Go's zero time. A node
 * that took it for the time of creation would take the finished stream for another one.
 */
const NOT_CREATED_YET = "0001-01-01T00:00:00Z";

export interface StoredMessage {
  seq: Offset;
  time: string;
  data: string;
}

export interface ConsumerInfo {
  name: string;
  created: string;
  num_pending: number;
}

export interface PublishOptions {
  /** Publishes only if this is the newest message of its subject. */
  expected?: Offset | undefined;
  headers?: Readonly<Record<string, string>>;
}

export interface Published {
  seq: Offset;
}

interface ApiError {
  code: number;
  err_code?: number;
  description?: string;
}

/** Sends requests to JetStream. Each rejects like `NatsLink.request`, and with a NatsRefusal. */
export class JetStream {
  readonly link: NatsLink;
  /** The clock of NATS. */
  readonly clock: EngineClock;

  constructor(link: NatsLink) {
    this.link = link;
    this.clock = new EngineClock(link.clock);
  }

  /** Returns undefined if the stream does not exist. */
  async streamInfo(stream: string): Promise<StreamInfo | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const info = await this.#streamInfoNow(stream);
      if (info?.created !== NOT_CREATED_YET) return info;
      if (attempt === CREATE_ATTEMPTS) throw this.#notReady(stream, "is still being created");
      await this.#pause();
    }
  }

  async #streamInfoNow(stream: string): Promise<StreamInfo | undefined> {
    const asked = this.#ask<StreamInfo>(`STREAM.INFO.${stream}`);
    const info = await this.#orNothing(asked, Reason.NoStream);
    // Without a leader, the server that answers may be behind.
    if (info?.cluster === undefined || info.cluster.leader) return info;
    throw this.#notReady(stream, "has no leader at the moment");
  }

  /** Creates a stream if it does not exist; an existing one stays unchanged. */
  async createStream(config: StreamConfig): Promise<StreamInfo> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(`STREAM.CREATE.${config.name}`, filled(config));
      } catch (error) {
        const isTaken = [Reason.NameInUse, Reason.SubjectsInUse].some((it) => isRefused(error, it));
        const found = isTaken ? await this.streamInfo(config.name) : undefined;
        if (found !== undefined) return found;
        // While another node creates it, its subjects are taken and it does not exist yet.
        if (!isTaken || attempt === CREATE_ATTEMPTS) throw error;
        await this.#pause();
      }
    }
  }

  async updateStream(config: StreamConfig): Promise<StreamInfo> {
    return this.#ask(`STREAM.UPDATE.${config.name}`, config);
  }

  /** Deletes all messages before `seq`. */
  async purge(stream: string, seq: Offset): Promise<void> {
    await this.#ask(`STREAM.PURGE.${stream}`, { seq });
  }

  /** Deletes one message, if it exists. */
  async deleteMessage(stream: string, seq: Offset): Promise<void> {
    // NATS has no error code for a missing message.
    if ((await this.message(stream, { seq })) === undefined) return;
    await this.#ask(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true });
  }

  /** Returns undefined if the message or the stream does not exist. */
  async message(
    stream: string,
    which: { seq: Offset } | { last_by_subj: string },
  ): Promise<StoredMessage | undefined> {
    // NATS 2.9 crashes on this request while the stream is being created; until then it is empty.
    const info = await this.streamInfo(stream);
    if (info === undefined || info.state.last_seq === 0) return undefined;
    const found = this.#ask<{ message: StoredMessage }>(`STREAM.MSG.GET.${stream}`, which);
    const answer = await this.#orNothing(this.#orNothing(found, Reason.NoMessage), Reason.NoStream);
    return answer?.message;
  }

  async createConsumer(stream: string, config: object): Promise<ConsumerInfo> {
    const askedAt = this.link.clock.now();
    const body = { stream_name: stream, config };
    const consumer = await this.#ask<ConsumerInfo>(`CONSUMER.CREATE.${stream}`, body);
    this.clock.learn(Date.parse(consumer.created), askedAt);
    return consumer;
  }

  async hasConsumer(stream: string, name: string): Promise<boolean> {
    const asked = this.#ask(`CONSUMER.INFO.${stream}.${name}`);
    return (await this.#orNothing(asked, Reason.NoConsumer)) !== undefined;
  }

  /** Does not wait, because NATS deletes an idle consumer soon anyway. */
  deleteConsumer(stream: string, name: string): void {
    this.#ask(`CONSUMER.DELETE.${stream}.${name}`).catch(() => {});
  }

  /** Resolves when the message is stored. */
  async publish(
    subject: string,
    payload: Uint8Array | string,
    options: PublishOptions = {},
  ): Promise<Published> {
    const answer = await this.link.request(subject, payload, headersOf(options));
    return this.#read(answer) as Published;
  }

  #notReady(stream: string, why: string): NatsRefusal {
    return new NatsRefusal(this.link.server, `${stream} ${why}`, Reason.Nobody);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.link.clock.after(AGAIN_MS, resolve));
  }

  async #ask<Answer>(what: string, body?: object): Promise<Answer> {
    const payload = body === undefined ? "" : JSON.stringify(body);
    const answer = await this.link.request(`$JS.API.${what}`, payload);
    return this.#read(answer) as Answer;
  }

  #read(message: Msg): object {
    const answer = message.json<{ error?: ApiError }>();
    const { error } = answer;
    if (error === undefined) return answer;
    const words = error.description ?? String(error.code);
    throw new NatsRefusal(this.link.server, words, error.err_code ?? error.code);
  }

  async #orNothing<Answer>(answer: Promise<Answer>, reason: number): Promise<Answer | undefined> {
    return answer.catch((error: unknown) => {
      if (isRefused(error, reason)) return undefined;
      throw error;
    });
  }
}

/** Fills in everything that NATS would otherwise decide. */
function filled(config: StreamConfig): object {
  const without = { max_consumers: -1, max_bytes: -1, max_msg_size: -1 };
  return { ...config, ...without, retention: "limits", discard: "old" };
}

function headersOf({ expected, headers: own }: PublishOptions): MsgHdrs | undefined {
  if (expected === undefined && own === undefined) return undefined;
  const all = headers();
  if (expected !== undefined) all.set("Nats-Expected-Last-Subject-Sequence", String(expected));
  for (const [name, value] of Object.entries(own ?? {})) all.set(name, value);
  return all;
}
