import {
  connect,
  createInbox,
  InvalidArgumentError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import {
  Backoff,
  LongwireError,
  systemClock,
  type Clock,
  type Timer,
} from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import { FIRST_RETRY_MS } from "../limits.ts";
import { UnansweredError } from "../../shared/engine-errors.ts";
import { isRefused, NatsRefusal, Reason } from "./nats-errors.ts";
import { addressOf, checkOptions, type Address, type NatsBrokerOptions } from "../nats-options.ts";
import { PendingRequests } from "./pending-requests.ts";

interface LinkHandler {
  /** Called with a new connection before anybody else uses it. */
  prepare(link: NatsLink): Promise<void>;
  /** The connection is available again. */
  onBack(): void;
  /**
   * The connection was lost; all pending requests have failed, and all subscriptions have ended.
   */
  onLost(): void;
}

/** Not a JetStream error code. */
const NOT_ALLOWED = -1;

interface Open {
  readonly client: NatsConnection;
  /** The subject for answers. */
  readonly inbox: string;
}

type State =
  | ({ kind: "preparing" } & Open)
  | ({ kind: "open" } & Open)
  /** A connection attempt is in progress or scheduled. */
  | { kind: "away" }
  | { kind: "closed" };

/**
 * Keeps one connection to NATS open and replaces it when it ends.
 *
 * The client library's own reconnecting is not used: pending requests would wait for their
 * timeouts, and requests made meanwhile would be sent later, when a client may already have
 * repeated them.
 */
export class NatsLink {
  /** The name of the server for messages. */
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
  /** When the last answer arrived. */
  #receivedAt = 0;

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

  /** Connects. @throws LongwireError `broker_unreachable`, `invalid_option` as a rejection */
  static async open(options: NatsBrokerOptions, handler: LinkHandler): Promise<NatsLink> {
    const link = new NatsLink(options, handler);
    await link.#connect();
    return link;
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /**
   * Sends a request and resolves with its answer. All requests of one turn are sent in one write,
   * in order.
   *
   * @throws LiveError `unavailable` or `too_large` if it was not sent, NatsRefusal if nobody
   *   handles the subject, UnansweredError if it may have been executed, as a rejection
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

  /** Publishes to whoever is subscribed. */
  publish(subject: string, payload = ""): void {
    if (this.#state.kind === "open") this.#state.client.publish(subject, payload);
  }

  /**
   * Calls `onMessage` for what is published to `subject`, until the connection is lost.
   *
   * @throws LiveError `unavailable`
   */
  subscribe(subject: string, onMessage: (message: Msg) => void): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      try {
        if (error === null) onMessage(message);
      } catch (cause) {
        // An error thrown into the client library would stop the reading of the connection.
        const text = `${this.server} sent a message that cannot be read; it was skipped.`;
        this.#options.onError?.(new LongwireError("broker_message", text, { cause }));
      }
    };
    return this.#open.client.subscribe(subject, { callback });
  }

  /**
   * Resolves when everything that NATS had for this node has been received.
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
      throw new LiveError("unavailable", `${this.server} did not answer in time.`);
    } finally {
      late?.cancel();
    }
  }

  /** Returns a subject that only this node is subscribed to. */
  inbox(): string {
    return createInbox(this.#address.client.inboxPrefix);
  }

  /** The error for requests while there is no connection. */
  away(): LiveError {
    const why = this.#state.kind === "closed" ? "is closed" : "is unreachable";
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
    const message = `${this.server} accepts messages of up to ${info?.max_payload} bytes; publish less data, or raise its max_payload.`;
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
      // The connection may have been closed or lost meanwhile.
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

  /** Reports the end of the connection and permission errors. */
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
    this.#receivedAt = this.clock.now();
    const asked = this.#pending.take(message.subject.slice(message.subject.lastIndexOf(".") + 1));
    if (asked === undefined) return;
    // NATS answers immediately with 503 if nobody is subscribed.
    if (message.data.length > 0 || message.headers?.code !== 503) return asked.resolve(message);
    const words =
      "nobody handles this request: JetStream is off, or the stream has no leader or is gone";
    asked.reject(new NatsRefusal(this.server, words, Reason.Nobody));
  }

  #lose(client: NatsConnection, cause: unknown): void {
    const state = this.#state;
    if (!("client" in state) || state.client !== client) return;
    this.#state = { kind: "away" };
    end(client);
    this.#pending.rejectAll(new UnansweredError(this.#unanswered));
    // The code that prepares it notices and tries again.
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
   * One timer for all requests. After half of the timeout, the connection is probed: if it is
   * alive, only the unanswered request fails, otherwise all do.
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
        () => (this.#receivedAt = this.clock.now()),
        () => {},
      );
      return this.#lookIn(sentAt + this.#timeoutMs - now);
    }
    if (this.#receivedAt < sentAt + halfMs) {
      return this.#lose(state.client, new Error(`no answer within ${this.#timeoutMs} ms`));
    }
    this.#pending.rejectUntil(now - this.#timeoutMs, new UnansweredError(this.#unanswered));
    this.#look();
  }

  #lookIn(delayMs: number): void {
    this.#watch = this.clock.after(delayMs, () => this.#look());
  }

  get #unanswered(): string {
    return `${this.server} did not answer in time; the request may or may not have been executed.`;
  }

  #unreachable(cause: unknown): LongwireError {
    const text = textOf(cause).split("\n")[0] ?? "";
    let advice = "start it, or give the address of a running server";
    if (/authoriz|authentic|credential|permission/i.test(text)) advice = "check the credentials";
    else if (isRefused(cause, Reason.Nobody) || isRefused(cause, Reason.NotEnabled)) {
      advice = "enable JetStream, for example with nats-server -js";
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
