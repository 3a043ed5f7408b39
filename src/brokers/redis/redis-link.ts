import { createClient, ErrorReply } from "redis";
import { Backoff, LongwireError, systemClock, type Clock, type Timer } from "../../base/index.ts";
import { LiveError } from "../../live/index.ts";
import { checkOptions, serverName, type RedisBrokerOptions } from "./redis-options.ts";
import { scriptNames, scripts, type ScriptName } from "./scripts.ts";

type Client = ReturnType<typeof connectable>;

/** What a script returns: strings and whole numbers. */
export type Reply = readonly (string | number)[];

/** A command was sent, and no answer came: it may be done or not. */
export class UnansweredError extends LongwireError {}

interface LinkHandler {
  /** A topic has changed. */
  onNotified(channel: string, text: string): void;
  /** The connection is there again, and notifications come. */
  onBack(): void;
  /** It is lost; all that was asked for is answered with an error. */
  onLost(): void;
}

type State =
  | { kind: "open"; client: Client }
  /** It is being made anew, or waits for that. */
  | { kind: "away" }
  | { kind: "closed" };

const FIRST_RETRY_MS = 100;

/** The connection to Redis, and another one whenever it ends: for scripts and notifications. */
export class RedisLink {
  /** Where Redis is, for messages. */
  readonly server: string;
  readonly #options: RedisBrokerOptions;
  readonly #handler: LinkHandler;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #backoff: Backoff;
  readonly #channels = new Set<string>();
  /** The digests by which Redis knows the scripts. */
  readonly #digests = new Map<ScriptName, string>();
  /** When each command that is not answered has to be, in their order. */
  readonly #unanswered = new Set<{ until: number }>();
  #state: State = { kind: "away" };
  #timer: Timer | undefined;
  #watch: Timer | undefined;

  private constructor(options: RedisBrokerOptions, handler: LinkHandler) {
    this.server = `Redis at ${serverName(options)}`;
    this.#options = options;
    this.#handler = handler;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    const longestMs = options.longestRetryMs ?? 5_000;
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, longestMs });
  }

  /** @throws LongwireError `broker_unreachable`, `invalid_option` as a rejection */
  static async open(options: RedisBrokerOptions, handler: LinkHandler): Promise<RedisLink> {
    checkOptions(options);
    const link = new RedisLink(options, handler);
    await link.#connect();
    return link;
  }

  /**
   * Runs a script. What is asked for in one turn leaves in one write, and is done in its order.
   *
   * @throws LiveError `unavailable` if it was not done, UnansweredError if it may be, as a rejection
   */
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
    try {
      return await this.#inTime<Reply>(client.sendCommand(["EVAL", scripts[name], ...rest]));
    } catch (error) {
      throw this.#explained(error, client);
    }
  }

  /**
   * From when this resolves, the handler hears of the channel.
   *
   * @throws LiveError `unavailable` as a rejection
   */
  async subscribe(channel: string): Promise<void> {
    const { client } = this.#open;
    this.#channels.add(channel);
    try {
      await this.#inTime(this.#subscribeOn(client, channel));
    } catch (error) {
      this.#channels.delete(channel);
      throw new LiveError("unavailable", this.#explained(error, client).message);
    }
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel);
    if (this.#state.kind !== "open") return;
    const { client } = this.#state;
    this.#inTime(client.sUnsubscribe(channel)).catch((error: unknown) =>
      this.#explained(error, client),
    );
  }

  get isAway(): boolean {
    return this.#state.kind !== "open";
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#timer?.cancel();
    this.#watch?.cancel();
    if (state.kind === "open") state.client.destroy();
  }

  get #open(): { client: Client } {
    if (this.#state.kind === "open") return this.#state;
    const why = this.#state.kind === "closed" ? "is closed" : "cannot be reached now";
    throw new LiveError("unavailable", `${this.server} ${why}; try again later.`);
  }

  async #connect(): Promise<void> {
    const client = connectable(this.#options, this.#timeoutMs);
    // The last one of a connection; without a listener it would end the process.
    client.on("error", (error: unknown) => this.#lose(client, error));
    const late = this.#clock.after(this.#timeoutMs, () => destroy(client));
    try {
      await client.connect();
      for (const name of scriptNames) {
        this.#digests.set(name, await client.sendCommand(["SCRIPT", "LOAD", scripts[name]]));
      }
      await Promise.all([...this.#channels].map((channel) => this.#subscribeOn(client, channel)));
    } catch (error) {
      destroy(client);
      throw this.#unreachable(error);
    } finally {
      late.cancel();
    }
    if (this.#state.kind === "closed") return destroy(client);
    this.#state = { kind: "open", client };
    this.#backoff.reset();
  }

  #subscribeOn(client: Client, channel: string): Promise<unknown> {
    return client.sSubscribe(channel, (text) => this.#handler.onNotified(channel, text));
  }

  #lose(client: Client, cause: unknown): void {
    if (this.#state.kind !== "open" || this.#state.client !== client) return;
    this.#state = { kind: "away" };
    destroy(client);
    this.#options.onError?.(this.#unreachable(cause));
    this.#handler.onLost();
    this.#retry();
  }

  #retry(): void {
    this.#timer = this.#clock.after(this.#backoff.next(), () => {
      this.#connect().then(
        () => {
          if (this.#state.kind === "open") this.#handler.onBack();
        },
        (error: LongwireError) => {
          if (this.#state.kind === "closed") return;
          this.#options.onError?.(error);
          this.#retry();
        },
      );
    });
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
      const message = `${this.server} refused: ${error.message}`;
      return new LiveError("unavailable", message);
    }
    const message = `${this.server} has not answered; it may be done or not.`;
    return new UnansweredError("unconfirmed", message, { cause: error });
  }

  #unreachable(cause: unknown): LongwireError {
    const { code, message: text = String(cause) } = (cause ?? {}) as {
      code?: string;
      message?: string;
    };
    const isRefusal = /^(WRONGPASS|NOAUTH|NOPERM|ERR)\b/.test(text);
    const advice = isRefusal
      ? "check the credentials and that it is Redis 7 or Valkey"
      : "start it, or give the address of one that runs";
    const message = `${this.server} cannot be reached (${code ?? text.split("\n")[0]}); ${advice}.`;
    return new LongwireError("broker_unreachable", message, { cause });
  }
}

/** A client that connects once: when to do so again is decided here. */
// Its type is that of `createClient`, which no short name says.
// oxlint-disable-next-line typescript/explicit-function-return-type
function connectable({ url, client }: RedisBrokerOptions, timeoutMs: number) {
  return createClient({
    ...client,
    ...(url !== undefined && { url }),
    RESP: 3,
    disableOfflineQueue: true,
    socket: { connectTimeout: timeoutMs, ...client?.socket, reconnectStrategy: false },
  });
}

function destroy(client: Client): void {
  if (client.isOpen) client.destroy();
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof ErrorReply && error.message.startsWith(code);
}
