import { ErrorReply } from "redis";
import {
  Backoff,
  systemClock,
  type Clock,
  type LongwireError,
  type Timer,
} from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";
import { RefusedError, UnansweredError } from "../shared/engine-errors.ts";
import type { Link, LinkHandler, Reply } from "./link.ts";
import { connectable, destroy, isReply, unreachable, type Client } from "./redis-client.ts";
import { serverName, type RedisBrokerOptions } from "./redis-options.ts";
import { redirectionOf } from "./redirection.ts";
import { scriptNames, scripts, type ScriptName } from "./scripts.ts";

interface RedisLinkHandler extends LinkHandler {
  /** Its notifications come from another server of the cluster now. Without it that is a loss. */
  onMoved?(channel: string): void;
}

type State =
  | { kind: "open"; client: Client }
  /** It is being made anew, or waits for that. */
  | { kind: "away" }
  | { kind: "closed" };

const FIRST_RETRY_MS = 100;
const MOVED_AWAY = "topics have moved to another server";

/** The connection to one Redis, and another one whenever it ends. */
export class RedisLink implements Link {
  readonly server: string;
  readonly #options: RedisBrokerOptions;
  readonly #handler: RedisLinkHandler;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #backoff: Backoff;
  readonly #channels = new Set<string>();
  /** The digests by which Redis knows the scripts. */
  readonly #digests = new Map<ScriptName, string>();
  /** When each command that is not answered has to be, in their order. */
  readonly #unanswered = new Set<{ until: number }>();
  /**
   * Named when a channel is left, too: otherwise the package takes one that is subscribed to again
   * before the answer for one that it is subscribed to, and then hears nothing of it.
   */
  readonly #listener = (text: string, channel: string): void => {
    this.#handler.onNotified(channel, text);
  };
  #state: State = { kind: "away" };
  /** The attempt to connect that is under way. */
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

  /** One that is away at first, and connects by itself. */
  static start(options: RedisBrokerOptions, handler: RedisLinkHandler): RedisLink {
    const link = new RedisLink(options, handler);
    link.#tryToConnect();
    return link;
  }

  /** Waits for the attempt to connect that is under way, whatever comes of it. */
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
      // Somebody has flushed them.
      if (!isReply(error, "NOSCRIPT")) throw this.#explained(error, client);
    }
    return this.#ask(client, ["EVAL", scripts[name], ...rest]);
  }

  /**
   * Asks for anything else than a topic's.
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

  /** Subscribes as soon as it can be; the handler hears of that as of what is back. */
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

  /** Those that it is subscribed to, or will be when it is back. */
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
    const why = this.#state.kind === "closed" ? "is closed" : "cannot be reached now";
    throw new LiveError("unavailable", `${this.server} ${why}; try again later.`);
  }

  async #connect(): Promise<void> {
    const client = connectable(this.#options, this.#timeoutMs);
    let failure: unknown;
    // The last one of a connection; without a listener it would end the process.
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
      // One that has moved fails all of them: where it is now is read, and this tried again.
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
      // It was adopted meanwhile.
      if (!subscribed.has(channel)) this.adopt(channel);
    }
  }

  #subscribeOn(client: Client, channel: string): Promise<unknown> {
    return client.sSubscribe(channel, this.#listener);
  }

  /**
   * The package takes what Redis says of a channel that has moved for the answer to a command, if
   * one is under way. Then it finds an answer too many, of which nobody knows to what: that ends
   * the connection, and the next one is in order.
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

  /** Gives the connection up if no answer comes: all of its commands then have none. */
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

  /** One timer for all of them, since they are answered in their order. */
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

  /** What an error of the client means for who asked. */
  #explained(error: unknown, client: Client): LongwireError {
    if (error instanceof ErrorReply) {
      // It is no primary any more: the name may lead to the new one.
      if (isReply(error, "READONLY")) this.#lose(client, error);
      // A cluster's link follows it.
      const advice = isReply(error, "MOVED") ? "; give a cluster's URL as redis+cluster://" : "";
      return new RefusedError(`${this.server} refused: ${error.message}${advice}`, error.message);
    }
    const message = `${this.server} has not answered; it may be done or not.`;
    return new UnansweredError(message, { cause: error });
  }
}
