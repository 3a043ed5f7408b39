import {
  connect,
  createInbox,
  InvalidArgumentError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import { Backoff, LongwireError, systemClock, type Clock, type Timer } from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";
import { FIRST_RETRY_MS } from "./limits.ts";
import { UnansweredError } from "../shared/engine-errors.ts";
import { isRefused, NatsRefusal, Reason } from "./nats-errors.ts";
import { addressOf, checkOptions, type Address, type NatsBrokerOptions } from "./nats-options.ts";
import { PendingRequests } from "./pending-requests.ts";

interface LinkHandler {
  /** A connection is there; before anybody else uses it. */
  prepare(link: NatsLink): Promise<void>;
  /** The connection is there again. */
  onBack(): void;
  /** It is lost; all that was asked for is answered with an error, and all subscriptions ended. */
  onLost(): void;
}

/** No number of JetStream's. */
const NOT_ALLOWED = -1;

interface Open {
  readonly client: NatsConnection;
  /** Where answers come to. */
  readonly inbox: string;
}

type State =
  | ({ kind: "preparing" } & Open)
  | ({ kind: "open" } & Open)
  /** It is being made anew, or waits for that. */
  | { kind: "away" }
  | { kind: "closed" };

/**
 * The connection to NATS, and another one whenever it ends.
 *
 * The client's own reconnecting is not used: what was asked for would wait for its timeout, and
 * what is asked for meanwhile be sent later, when somebody else may have repeated it.
 */
export class NatsLink {
  /** Where NATS is, for messages. */
  readonly server: string;
  readonly clock: Clock;
  readonly #address: Address;
  readonly #options: NatsBrokerOptions;
  readonly #handler: LinkHandler;
  readonly #timeoutMs: number;
  readonly #backoff: Backoff;
  readonly #pending = new PendingRequests();
  #state: State = { kind: "away" };
  #timer: Timer | undefined;
  #watch: Timer | undefined;
  /** When the last answer came. */
  #heardAt = 0;

  private constructor(options: NatsBrokerOptions, handler: LinkHandler) {
    checkOptions(options);
    this.#address = addressOf(options);
    this.server = `NATS at ${this.#address.servers.join(", ")}`;
    this.#options = options;
    this.#handler = handler;
    this.clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    const longestMs = options.longestRetryMs ?? 5_000;
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, longestMs });
  }

  /** @throws LongwireError `broker_unreachable`, `invalid_option` as a rejection */
  static async open(options: NatsBrokerOptions, handler: LinkHandler): Promise<NatsLink> {
    const link = new NatsLink(options, handler);
    await link.#connect();
    return link;
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /**
   * Asks for one answer. What is asked for in one turn leaves in one write, in its order.
   *
   * @throws LiveError `unavailable` or `too_large` if it was not sent, NatsRefusal if nobody is
   *   there who could do it, UnansweredError if it may be done, as a rejection
   */
  request(subject: string, payload: Uint8Array | string, headers?: MsgHdrs): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const { client, inbox } = this.#open;
      const sentAt = this.clock.now();
      const token = this.#pending.add({ subject, sentAt, resolve, reject });
      try {
        const reply = `${inbox}.${token}`;
        client.publish(subject, payload, headers === undefined ? { reply } : { reply, headers });
      } catch (error) {
        this.#pending.take(token);
        throw this.#unsent(error, client);
      }
      if (this.#watch === undefined) this.#look();
    });
  }

  /** Tells whoever hears. */
  publish(subject: string, payload = ""): void {
    if (this.#state.kind === "open") this.#state.client.publish(subject, payload);
  }

  /**
   * Hears what is published to `subject`, until the connection is lost.
   *
   * @throws LiveError `unavailable`
   */
  subscribe(subject: string, hear: (message: Msg) => void): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      try {
        if (error === null) hear(message);
      } catch (cause) {
        // Thrown into the client it would end the connection's reading.
        const text = `${this.server} told of something that cannot be read; it is left out.`;
        this.#options.onError?.(new LongwireError("broker_message", text, { cause }));
      }
    };
    return this.#open.client.subscribe(subject, { callback });
  }

  /**
   * Resolves when all has been heard that NATS had for this node.
   *
   * @throws LiveError `unavailable` as a rejection
   */
  async flush(): Promise<void> {
    const { client } = this.#open;
    let late: Timer | undefined;
    const isLate = new Promise<never>((_resolve, reject) => {
      late = this.clock.after(this.#timeoutMs, () => {
        reject(new Error(`no answer within ${this.#timeoutMs} ms`));
      });
    });
    try {
      await Promise.race([client.flush(), isLate]);
    } catch (error) {
      this.#lose(client, error);
      throw new LiveError("unavailable", `${this.server} has not answered.`);
    } finally {
      late?.cancel();
    }
  }

  /** A place that only this node hears of. */
  inbox(): string {
    return createInbox(this.#address.client.inboxPrefix);
  }

  /** Why nothing can be asked for. */
  away(): LiveError {
    const why = this.#state.kind === "closed" ? "is closed" : "cannot be reached now";
    return new LiveError("unavailable", `${this.server} ${why}; try again later.`);
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#timer?.cancel();
    this.#watch?.cancel();
    if ("client" in state) end(state.client);
    this.#pending.rejectAll(new UnansweredError("The broker is closed."));
  }

  #unsent(error: unknown, { info }: NatsConnection): LiveError {
    if (!(error instanceof InvalidArgumentError)) return this.away();
    const message = `${this.server} takes messages of up to ${info?.max_payload} bytes; give less data, or raise its max_payload.`;
    return new LiveError("too_large", message);
  }

  get #open(): Open {
    if ("client" in this.#state) return this.#state;
    throw this.away();
  }

  async #connect(): Promise<void> {
    let client: NatsConnection | undefined;
    try {
      client = await this.#dial();
      const inbox = this.inbox();
      client.subscribe(`${inbox}.*`, { callback: (_error, message) => this.#settle(message) });
      if (this.#state.kind === "closed") return end(client);
      this.#state = { kind: "preparing", client, inbox };
      this.#listen(client);
      await this.#handler.prepare(this);
      // It may be closed, or lost, since then.
      if (this.#state.kind !== "preparing" || this.#state.client !== client) {
        throw new Error("the connection was closed");
      }
      this.#state = { kind: "open", client, inbox };
      this.#backoff.reset();
    } catch (error) {
      if (client !== undefined) end(client);
      if (this.#state.kind === "preparing") this.#state = { kind: "away" };
      throw this.#unreachable(error);
    }
  }

  #dial(): Promise<NatsConnection> {
    return connect({
      name: "longwire",
      ...this.#address.client,
      servers: [...this.#address.servers],
      timeout: this.#timeoutMs,
      reconnect: false,
      noAsyncTraces: true,
    });
  }

  /** Hears of the connection's end, and of what it may not do. */
  #listen(client: NatsConnection): void {
    void client.closed().then((error) => this.#lose(client, error ?? "it was closed"));
    void (async () => {
      for await (const status of client.status()) {
        if (status.type !== "error") continue;
        const { subject } = status.error as { subject?: string };
        const error = new NatsRefusal(this.server, textOf(status.error), NOT_ALLOWED);
        if (subject !== undefined) this.#pending.reject(subject, error);
      }
    })();
  }

  #settle(message: Msg): void {
    this.#heardAt = this.clock.now();
    const asked = this.#pending.take(message.subject.slice(message.subject.lastIndexOf(".") + 1));
    if (asked === undefined) return;
    // What nobody waits for is not lost: NATS says so at once.
    if (message.data.length > 0 || message.headers?.code !== 503) return asked.resolve(message);
    const words = "nobody does this now: JetStream is off, or the stream has no leader or is gone";
    asked.reject(new NatsRefusal(this.server, words, Reason.Nobody));
  }

  #lose(client: NatsConnection, cause: unknown): void {
    const state = this.#state;
    if (!("client" in state) || state.client !== client) return;
    this.#state = { kind: "away" };
    end(client);
    this.#pending.rejectAll(new UnansweredError(this.#unanswered));
    // Who prepares it hears by that, and tries again.
    if (state.kind === "preparing") return;
    this.#options.onError?.(this.#unreachable(cause));
    this.#handler.onLost();
    this.#retry();
  }

  #retry(): void {
    this.#timer = this.clock.after(this.#backoff.next(), () => {
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

  /**
   * One timer for all that is asked for. Half of the time is left for the connection to show that
   * it is alive: then only what was asked for is given up, and else all of it.
   */
  #look(): void {
    this.#watch = undefined;
    const state = this.#state;
    const sentAt = this.#pending.oldestSentAt;
    if (sentAt === undefined || !("client" in state)) return;
    const now = this.clock.now();
    const halfMs = this.#timeoutMs / 2;
    if (now < sentAt + halfMs) return this.#lookIn(sentAt + halfMs - now);
    if (now < sentAt + this.#timeoutMs) {
      state.client.flush().then(
        () => (this.#heardAt = this.clock.now()),
        () => {},
      );
      return this.#lookIn(sentAt + this.#timeoutMs - now);
    }
    if (this.#heardAt < sentAt + halfMs) {
      return this.#lose(state.client, new Error(`no answer within ${this.#timeoutMs} ms`));
    }
    this.#pending.rejectUntil(now - this.#timeoutMs, new UnansweredError(this.#unanswered));
    this.#look();
  }

  #lookIn(delayMs: number): void {
    this.#watch = this.clock.after(delayMs, () => this.#look());
  }

  get #unanswered(): string {
    return `${this.server} has not answered; it may be done or not.`;
  }

  #unreachable(cause: unknown): LongwireError {
    const text = textOf(cause).split("\n")[0] ?? "";
    let advice = "start it, or give the address of one that runs";
    if (/authoriz|authentic|credential|permission/i.test(text)) advice = "check the credentials";
    else if (isRefused(cause, Reason.Nobody) || isRefused(cause, Reason.NotEnabled)) {
      advice = "check that JetStream is on, such as with nats-server -js";
    }
    const message = `${this.server} cannot be reached (${text}); ${advice}.`;
    return new LongwireError("broker_unreachable", message, { cause });
  }
}

function end(client: NatsConnection): void {
  client.close().catch(() => {});
}

function textOf(error: unknown): string {
  if (error instanceof NatsRefusal) return error.answer;
  if (error instanceof UnansweredError) return "no answer";
  return error instanceof Error ? error.message : String(error);
}
