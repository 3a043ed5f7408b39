import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import type { Offset } from "../../topics/index.ts";
import { EngineClock } from "../shared/engine-clock.ts";
import { AGAIN_MS, CREATE_ATTEMPTS } from "./limits.ts";
import type { NatsLink } from "./nats-link.ts";
import { isRefused, NatsRefusal, Reason } from "./nats-errors.ts";

// JetStream's API is JSON over requests; what of it is asked for here, in its own words.

/** What a stream is told to be. Times are in nanoseconds, -1 is without limit. */
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
  /** When it was made, which it keeps. */
  created: string;
  /** Of a server that is one of a cluster; `replicas` are those beside the leader. */
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
  /** Published only if this is the newest of its subject. */
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

/** Asks JetStream; each rejects as `NatsLink.request` does, and with a NatsRefusal. */
export class JetStream {
  readonly link: NatsLink;
  /** NATS's own. */
  readonly clock: EngineClock;

  constructor(link: NatsLink) {
    this.link = link;
    this.clock = new EngineClock(link.clock);
  }

  /** Returns nothing if there is no such stream. */
  async streamInfo(stream: string): Promise<StreamInfo | undefined> {
    const asked = this.#ask<StreamInfo>(`STREAM.INFO.${stream}`);
    const info = await this.#orNothing(asked, Reason.NoStream);
    // Whoever answers then may be behind.
    if (info?.cluster === undefined || info.cluster.leader) return info;
    throw new NatsRefusal(this.link.server, `${stream} has no leader now`, Reason.Nobody);
  }

  /** Makes a stream that is not there; one that is stays what it is. */
  async createStream(config: StreamConfig): Promise<StreamInfo> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(`STREAM.CREATE.${config.name}`, filled(config));
      } catch (error) {
        const isTaken = [Reason.NameInUse, Reason.SubjectsInUse].some((it) => isRefused(error, it));
        const found = isTaken ? await this.streamInfo(config.name) : undefined;
        if (found !== undefined) return found;
        // While another node makes it, its subjects are taken and it is not there yet.
        if (!isTaken || attempt === CREATE_ATTEMPTS) throw error;
        await new Promise<void>((resolve) => this.link.clock.after(AGAIN_MS, resolve));
      }
    }
  }

  async updateStream(config: StreamConfig): Promise<StreamInfo> {
    return this.#ask(`STREAM.UPDATE.${config.name}`, config);
  }

  /** Lets all messages before `seq` go. */
  async purge(stream: string, seq: Offset): Promise<void> {
    await this.#ask(`STREAM.PURGE.${stream}`, { seq });
  }

  /** Deletes one message, if it is there. */
  async deleteMessage(stream: string, seq: Offset): Promise<void> {
    // NATS has no reason of its own for one that is not there.
    if ((await this.message(stream, { seq })) === undefined) return;
    await this.#ask(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true });
  }

  /** Returns nothing if it is not there, or the stream is not. */
  async message(
    stream: string,
    which: { seq: Offset } | { last_by_subj: string },
  ): Promise<StoredMessage | undefined> {
    // NATS 2.9 dies of the question while the stream is being made; it is empty as long as that.
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

  /** Does not wait: NATS forgets it soon in any case. */
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

/** All that NATS would else decide. */
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
