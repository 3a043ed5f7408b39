import { ErrorReply } from "redis";
import {
  Backoff,
  systemClock,
  type Clock,
  type LongwireError,
  type Timer,
} from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import { RefusedError, UnansweredError } from "../../shared/engine-errors.ts";
import type { Link, LinkHandler, Reply } from "./link.ts";
import { connectable, destroy, isReply, unreachable, type Client } from "./redis-client.ts";
import { serverName, type RedisBrokerOptions } from "../redis-options.ts";
import { redirectionOf } from "../cluster/redirection.ts";
import { scriptNames, scripts, type ScriptName } from "../topic/scripts.ts";

interface RedisLinkHandler extends LinkHandler {
  /**
   * A channel's notifications now come from another server of the cluster. Without this callback,
   * that counts as a loss.
   */
  onMoved?(channel: string): void;
}

type State =
  | { kind: "open"; client: Client }
  /** A connection attempt is in progress or scheduled. */
  | { kind: "away" }
  | { kind: "closed" };

const FIRST_RETRY_MS = 100;
const MOVED_AWAY = "topics have moved to another server";

/** Keeps one connection to a Redis server open and replaces it when it ends. */
export class RedisLink implements Link {
  readonly server: string;
  readonly #options: RedisBrokerOptions;
  readonly #handler: RedisLinkHandler;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #backoff: Backoff;
  readonly #channels = new Set<string>();
  /** The scripts' digests in Redis. */
  readonly #digests = new Map<ScriptName, string>();
  /** The deadlines of unanswered commands, in order. */
  readonly #unanswered = new Set<{ until: number }>();
  /**
   * Passed when unsubscribing as well: otherwise, if a channel is subscribed to again before the
   * answer, the package considers it still subscribed, and it receives nothing.
   */
  readonly #listener = (text: string, channel: string): void => {
    this.#handler.onNotified(channel, text);
  };
  #state: State = { kind: "away" };
  /** The connection attempt in progress. */
  #attempt: Promise<void> | undefined;
  #timer: Timer | undefined;
  #watch: Timer | undefined;

  private constructor(options: RedisBrokerOptions, handler: RedisLinkHandler) {
    this.server = `Redis at ${serverName(options)}`;
    this.#options = options;
    this.#handler = handler;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    const longestMs = options.longestRetryMs ?? 5_000;
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, longestMs });
  }

  /** @throws LongwireError `broker_unreachable` as a rejection */
  static async open(options: RedisBrokerOptions, handler: RedisLinkHandler): Promise<RedisLink> {
    const link = new RedisLink(options, handler);
    await link.#connect();
    return link;
  }

  /** Returns a link that is not connected yet and connects in the background. */
  static start(options: RedisBrokerOptions, handler: RedisLinkHandler): RedisLink {
    const link = new RedisLink(options, handler);
    link.#tryToConnect();
    return link;
  }

  /** Waits for the connection attempt in progress, whatever its outcome. */
  async settled(): Promise<void> {
    await this.#attempt;
  }

  async run(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const { client } = this.#open;
    const rest = [String(keys.length), ...keys, ...args];
    try {
      const command = ["EVALSHA", this.#digests.get(name) ?? "", ...rest];
      return await this.#inTime<Reply>(client.sendCommand(command));
    } catch (error) {
      // The scripts were flushed from Redis.
      if (!isReply(error, "NOSCRIPT")) throw this.#explained(error, client);
    }
    return this.#ask(client, ["EVAL", scripts[name], ...rest]);
  }

  /**
   * Runs a command that does not concern a topic.
   *
   * @throws as `run`
   */
  async ask<Answer>(command: readonly string[]): Promise<Answer> {
    return this.#ask(this.#open.client, command);
  }

  async askAll(command: readonly string[]): Promise<{ server: string; answer: string }[]> {
    try {
      return [{ server: this.server, answer: await this.ask<string>(command) }];
    } catch {
      return [];
    }
  }

  async subscribe(channel: string): Promise<void> {
    const { client } = this.#open;
    this.#channels.add(channel);
    try {
      await this.#inTime(this.#subscribeOn(client, channel));
    } catch (error) {
      this.#channels.delete(channel);
      const explained = this.#explained(error, client);
      throw explained instanceof LiveError
        ? explained
        : new LiveError("unavailable", explained.message);
    }
  }

  /** Subscribes as soon as possible; the handler's `onBack` is then called for the channel. */
  adopt(channel: string): void {
    this.#channels.add(channel);
    if (this.#state.kind !== "open") return;
    const { client } = this.#state;
    this.#inTime(this.#subscribeOn(client, channel)).then(
      () => this.#handler.onBack([channel]),
      (error: unknown) => {
        // Any other error ends the connection, and the next one subscribes.
        if (redirectionOf(error) === undefined) this.#lose(client, error);
        else this.#onMoved(client, channel);
      },
    );
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel);
    if (this.#state.kind !== "open") return;
    const { client } = this.#state;
    this.#inTime(client.sUnsubscribe(channel, this.#listener)).catch((error: unknown) =>
      this.#explained(error, client),
    );
  }

  get isAway(): boolean {
    return this.#state.kind !== "open";
  }

  /** The channels that are subscribed, or will be after reconnecting. */
  get channels(): Iterable<string> {
    return this.#channels;
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#timer?.cancel();
    this.#watch?.cancel();
    if (state.kind === "open") destroy(state.client);
  }

  get #open(): { client: Client } {
    if (this.#state.kind === "open") return this.#state;
    const why = this.#state.kind === "closed" ? "is closed" : "is unreachable";
    throw new LiveError("unavailable", `${this.server} ${why}; try again later.`);
  }

  async #connect(): Promise<void> {
    const client = connectable(this.#options, this.#timeoutMs);
    let failure: unknown;
    // The package emits an error when the connection ends; without a listener it would end the
    // process.
    client.on("error", (error: unknown) => {
      failure ??= error;
      this.#lose(client, error);
    });
    client.on("sharded-channel-moved", (channel: string) => {
      failure ??= new Error(MOVED_AWAY);
      this.#onMoved(client, channel);
    });
    const late = this.#clock.after(this.#timeoutMs, () => destroy(client));
    let subscribed: Set<string>;
    try {
      await client.connect();
      for (const name of scriptNames) {
        this.#digests.set(name, await client.sendCommand(["SCRIPT", "LOAD", scripts[name]]));
      }
      subscribed = new Set(this.#channels);
      // If one channel has moved, all fail: the slot map is read, and this is retried.
      await Promise.all([...subscribed].map((channel) => this.#subscribeOn(client, channel)));
      if (failure !== undefined) throw failure;
    } catch (error) {
      destroy(client);
      throw unreachable(this.server, error);
    } finally {
      late.cancel();
    }
    if (this.#state.kind === "closed") return destroy(client);
    this.#state = { kind: "open", client };
    this.#backoff.reset();
    for (const channel of this.#channels) {
      // The channel was adopted meanwhile.
      if (!subscribed.has(channel)) this.adopt(channel);
    }
  }

  #subscribeOn(client: Client, channel: string): Promise<unknown> {
    return client.sSubscribe(channel, this.#listener);
  }

  /**
   * If a command is pending, the package mistakes the notice of a moved channel for its answer. It
   * then has one answer too many, so answers no longer match commands. Reconnecting restores the
   * order.
   */
  #onMoved(client: Client, channel: string): void {
    if (this.#state.kind !== "open" || this.#state.client !== client) return;
    if (this.#handler.onMoved !== undefined && this.#channels.delete(channel)) {
      this.#handler.onMoved(channel);
    } else {
      this.#lose(client, new Error(MOVED_AWAY));
    }
  }

  #lose(client: Client, cause: unknown): void {
    if (this.#state.kind !== "open" || this.#state.client !== client) return;
    this.#state = { kind: "away" };
    destroy(client);
    this.#handler.onLost(this.#channels);
    this.#retry();
    this.#options.onError?.(unreachable(this.server, cause));
  }

  #retry(): void {
    this.#timer = this.#clock.after(this.#backoff.next(), () => this.#tryToConnect());
  }

  #tryToConnect(): void {
    this.#attempt = this.#connect().then(
      () => {
        if (this.#state.kind === "open") this.#handler.onBack(this.#channels);
      },
      (error: LongwireError) => {
        if (this.#state.kind === "closed") return;
        this.#retry();
        this.#options.onError?.(error);
      },
    );
  }

  async #ask<Answer>(client: Client, command: readonly string[]): Promise<Answer> {
    try {
      return await this.#inTime<Answer>(client.sendCommand([...command]));
    } catch (error) {
      throw this.#explained(error, client);
    }
  }

  /** Drops the connection if no answer arrives in time, which fails all of its commands. */
  async #inTime<Result>(answer: Promise<unknown>): Promise<Result> {
    const entry = { until: this.#clock.now() + this.#timeoutMs };
    this.#unanswered.add(entry);
    if (this.#watch === undefined) this.#look();
    try {
      return (await answer) as Result;
    } finally {
      this.#unanswered.delete(entry);
    }
  }

  /** One timer for all commands, because they are answered in order. */
  #look(): void {
    const [oldest] = this.#unanswered;
    this.#watch = undefined;
    if (oldest === undefined || this.#state.kind !== "open") return;
    const leftMs = oldest.until - this.#clock.now();
    if (leftMs > 0) {
      this.#watch = this.#clock.after(leftMs, () => this.#look());
      return;
    }
    this.#unanswered.clear();
    this.#lose(this.#state.client, new Error(`no answer within ${this.#timeoutMs} ms`));
  }

  /** Converts a client error for the caller. */
  #explained(error: unknown, client: Client): LongwireError {
    if (error instanceof ErrorReply) {
      // The server is no longer a primary; the host name may lead to the new one.
      if (isReply(error, "READONLY")) this.#lose(client, error);
      // A cluster's link follows the redirection.
      const advice = isReply(error, "MOVED") ? "; use a redis+cluster:// URL for a cluster" : "";
      return new RefusedError(`${this.server} refused: ${error.message}${advice}`, error.message);
    }
    const message = `${this.server} did not answer in time; the request may or may not have been executed.`;
    return new UnansweredError(message, { cause: error });
  }
}
