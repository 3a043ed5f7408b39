import { Backoff, LongwireError, type Timer } from "../../../base/index.ts";
import type { Position } from "../../../topics/index.ts";
import { wallNow } from "./client-clock.ts";
import type { FeedStatus } from "../feed/feed.ts";
import { nextLinkState, NOT_CONNECTED, type LinkEvent, type LinkState } from "./link-state.ts";
import type { ClientSocket, Settings } from "../options.ts";
import type { PageEvent } from "./page.ts";
import {
  decodeServerMessage,
  type AnswerMessage,
  type Feature,
  type MessageOf,
  type ServerMessage,
  type TopicMessage,
  isTerminal,
  SUBPROTOCOL,
} from "../../wire/index.ts";
import type { LiveStatus } from "../status.ts";

/** A feed on a link; a connection has one subscription per topic. */
interface LinkFeed {
  readonly name: string;
  readonly status: FeedStatus;
  readonly position: Position | undefined;
  onOpen(): void;
  onLost(): void;
  onMessage(message: TopicMessage): void;
  /** Returns whether the failed request was this feed's. */
  onError(id: number, error: LongwireError): boolean;
}

/** Receives what concerns no single topic. */
export interface LinkOwner {
  readonly settings: Settings;
  readonly requests: {
    /** A message has arrived on a link, possibly not on the one that carries requests. */
    onReceived(link: Link): void;
    onAnswer(message: AnswerMessage): void;
    onError(id: number, error: LongwireError): void;
  };
  readonly answers: { onRequest(message: MessageOf<"request">): unknown } | undefined;
  /** The link's state has changed. */
  onLinkChanged(link: Link, wasOpen: boolean): void;
}

/** The fields that error events of WebSocket classes outside browsers have. */
interface Failure {
  message?: string;
  error?: { code?: string };
}

/** A connection that lived this long counts as good: the next loss starts with short waits. */
const PROOF_MS = 5_000;

/** How long a connection may take to prove that it survived the page's absence. */
const PROBE_MS = 5_000;

/**
 * The fraction of a token's lifetime after which it is refreshed; the rest is for getting a new
 * one.
 */
const REFRESH_AT = 0.8;

/** A lower bound, because a server may confuse seconds with milliseconds. */
const SHORTEST_REFRESH_MS = 1_000;

/** The longest delay of a timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const SILENT = "The server timed out.";

/** The close code of a connection that ended without a close frame. (RFC 6455 §7.1.5) */
const ABNORMAL = 1006;

/** The close code for a message that is too long. (RFC 6455 §7.4.1) */
const TOO_BIG = 1009;

/** Keeps one connection open and replaces it when it ends. At most one is listened to at a time. */
export class Link {
  readonly feeds: Map<string, LinkFeed> = new Map();
  readonly #settings: Settings;
  readonly #owner: LinkOwner;
  readonly #backoff: Backoff;
  readonly #timers = new Map<string | number, Timer>();
  #state: LinkState = NOT_CONNECTED;
  /** The backoff for requests that the server refused temporarily. */
  readonly #retries: Backoff;
  #socket: ClientSocket | undefined;
  #receivedAt = 0;
  /** The server's last message about the end of the connection. */
  #reason: { message: string; disconnect?: MessageOf<"disconnect"> } | undefined;
  /** Whether the page's code is about to be suspended, or is. */
  #isAway = false;
  /** The socket's error; browsers do not report one. */
  #failure: Failure = {};
  /** The feeds' positions when a message was too long for the client. */
  #stuckAt: string | undefined;
  /** The last token sent to the server. */
  credentials: string | undefined;

  constructor(owner: LinkOwner) {
    this.#settings = owner.settings;
    this.#owner = owner;
    this.#backoff = new Backoff(owner.settings.backoff);
    this.#retries = new Backoff(owner.settings.backoff);
    const { token } = owner.settings;
    if (typeof token === "string") this.credentials = token;
  }

  get state(): LinkState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.state === "open";
  }

  /** Whether the server can do that. */
  has(feature: Feature): boolean {
    const state = this.#state;
    return state.state === "open" && state.welcome.features?.includes(feature) === true;
  }

  get status(): LiveStatus {
    const state = this.#state;
    if ("status" in state) return state.status;
    if (!this.isOpen) return { state: "connecting" };
    for (const { status } of this.feeds.values()) {
      if (status.state !== "live") return { state: "catching-up" };
    }
    return { state: "live" };
  }

  /** Opens a connection now, replacing any current one. */
  connect(): void {
    this.#apply({ type: "connect" });
  }

  close(): void {
    this.#apply({ type: "close" });
  }

  onPage(event: PageEvent): void {
    const { state } = this.#state;
    this.#isAway = event === "left";
    if (this.#isAway) {
      // An open connection would keep the page out of the back/forward cache, and be dead
      // afterwards.
      if (state === "open" || state === "connecting") this.#lose("The page was left.");
    } else if (state === "open") this.#probe();
    else if (event === "woke") this.#apply({ type: "woke", at: this.#settings.clock.now() });
  }

  /** Sends if the connection is open; returns false if the text exceeds the server's limit. */
  send(text: string): boolean {
    const state = this.#state;
    if (state.state !== "open") return true;
    const fits = new TextEncoder().encode(text).length <= state.welcome.maxMessage;
    if (fits) this.#socket?.send(text);
    return fits;
  }

  /** Calls `expire` after a growing delay, unless the connection is lost first. */
  retry(id: number, expire: () => void): void {
    this.#time(id, this.#retries.next(), expire);
  }

  /** Makes all transitions, and does what entering the new state requires. */
  #apply(event: LinkEvent): void {
    const wasOpen = this.isOpen;
    const { state, isEntered } = nextLinkState(this.#state, event);
    this.#state = state;
    if (!isEntered) return;
    if (state.state === "open") this.#begin(state.welcome);
    else {
      const socket = this.#socket;
      for (const timer of this.#timers.values()) timer.cancel();
      this.#timers.clear();
      this.#socket = undefined;
      // Does not wait for the close event, which may never come without a network.
      socket?.close();
      if (event.type === "woke") this.#backoff.reset();
      if (state.state === "connecting") this.#dial();
      else if (state.state === "offline") {
        const { delayMs } = state;
        this.#time("retry", delayMs, () => this.#apply({ type: "due", isAway: this.#isAway }));
      }
      for (const feed of this.feeds.values()) feed.onLost();
    }
    this.#owner.onLinkChanged(this, wasOpen);
  }

  #dial(): void {
    const { webSocket, url, connectTimeoutMs, token, maxMessageBytes } = this.#settings;
    const isSilent = (token ?? maxMessageBytes) === undefined;
    this.#reason = undefined;
    this.#failure = {};
    const socket = new webSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.#time("deadline", connectTimeoutMs, () => this.#lose(SILENT));
    if (isSilent) this.#apply({ type: "greeted" });
    const whenCurrent =
      <Event>(handle: (event: Event) => void) =>
      (event: Event) => {
        if (this.#socket === socket) handle(event);
      };
    socket.onopen = whenCurrent(() => {
      if (!isSilent) void this.#present("hello");
    });
    socket.onmessage = whenCurrent((event: MessageEvent) => this.#receive(event.data));
    socket.onclose = whenCurrent(({ code, reason }: CloseEvent) => this.#onClosed(code, reason));
    socket.onerror = whenCurrent((failure: Failure) => (this.#failure = failure));
  }

  /** Sends the token, first on a connection or again on it. */
  async #present(type: "hello" | "refresh"): Promise<void> {
    const socket = this.#socket;
    const { token, maxMessageBytes: maxMessage } = this.#settings;
    try {
      const shown = await (typeof token === "function" ? token() : token);
      if (this.#socket !== socket) return;
      this.credentials = shown;
      socket?.send(JSON.stringify({ type, token: shown, maxMessage }));
      this.#apply({ type: "greeted" });
    } catch (error) {
      // For a refresh too: reconnecting asks for a token again, with backoff.
      if (this.#socket === socket) this.#lose(`No token: ${String(error)}`);
    }
  }

  #receive(data: unknown): void {
    this.#receivedAt = this.#settings.clock.now();
    this.#stop("probe");
    this.#owner.requests.onReceived(this);
    try {
      this.#dispatch(decodeServerMessage(data));
    } catch (error) {
      this.#lose(String(error));
    }
  }

  #dispatch(message: ServerMessage): void {
    // A grant ends the series of refusals.
    if ("id" in message && message.type !== "error") this.#retries.reset();
    // The rest are topic messages: listing them here would cost every page 20 bytes.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (message.type) {
      case "welcome":
        return this.#apply(message);
      case "refreshed":
        return this.#refreshBefore(message.expiresIn);
      case "disconnect":
        this.#reason = { message: message.message, disconnect: message };
        return this.#onClosed(message.code, message.message);
      case "error":
        return this.#onError(message);
      case "published":
      case "result":
      case "history":
      case "offered":
        return this.#owner.requests.onAnswer(message);
      case "request":
        return void this.#owner.answers?.onRequest(message);
      default:
        this.feeds.get(message.topic)?.onMessage(message);
    }
  }

  #begin({ heartbeat, expiresIn }: MessageOf<"welcome">): void {
    this.#watchSilence(2 * heartbeat);
    this.#time("proof", PROOF_MS, () => {
      this.#backoff.reset();
      this.#apply({ type: "proven" });
    });
    this.#refreshBefore(expiresIn);
    for (const feed of this.feeds.values()) if (this.isOpen) feed.onOpen();
  }

  #onError({ id, code, message }: MessageOf<"error">): void {
    if (id === undefined) {
      this.#reason = { message };
      return;
    }
    const error = new LongwireError(code, message);
    for (const feed of this.feeds.values()) if (feed.onError(id, error)) return;
    this.#owner.requests.onError(id, error);
  }

  #onClosed(code: number, reason: string): void {
    const { error, message: text = "" } = this.#failure;
    const { message = reason || text, disconnect } = this.#reason ?? {};
    const isTooBig = code === TOO_BIG || error?.code === "message_too_big";
    const isFinal =
      (isTerminal(code) && disconnect?.retry !== true) || (isTooBig && this.#isStuck());
    const endCode = isFinal && isTooBig ? TOO_BIG : code;
    this.#lose(message, endCode, isFinal, disconnect?.retryAfter);
  }

  /** Whether the same message was too long last time: requested again, it would be sent again. */
  #isStuck(): boolean {
    const before = this.#stuckAt;
    this.#stuckAt = JSON.stringify([...this.feeds.values()].map(({ position }) => position));
    return before === this.#stuckAt;
  }

  #lose(message: string, code: number = ABNORMAL, isFinal = false, retryAfter?: number): void {
    this.#apply({
      type: "lost",
      code,
      message,
      reason: this.#failure.error?.code,
      isFinal,
      retryAfter,
      at: wallNow(this.#settings.clock),
      backOff: () => this.#backoff.next(),
    });
  }

  #watchSilence(limitMs: number): void {
    const quietMs = this.#settings.clock.now() - this.#receivedAt;
    this.#time("deadline", limitMs - quietMs, () => {
      // One timer for many messages: when it expires, it checks when the last one arrived.
      if (this.#settings.clock.now() - this.#receivedAt < limitMs) this.#watchSilence(limitMs);
      else this.#lose(SILENT);
    });
  }

  /** The computer may have slept or changed networks while the connection still seems open. */
  #probe(): void {
    if (this.#timers.has("probe")) return;
    this.#time("probe", PROBE_MS, () => this.#lose(SILENT));
    this.send('{"type":"ping"}');
  }

  /** @param expiresIn how long the credentials remain valid, in milliseconds */
  #refreshBefore(expiresIn: number | undefined): void {
    // A constant token would be the same one again.
    if (expiresIn! > 0 && typeof this.#settings.token === "function") {
      const delayMs = Math.max(expiresIn! * REFRESH_AT, SHORTEST_REFRESH_MS);
      this.#time("refresh", delayMs, () => void this.#present("refresh"));
    }
  }

  #time(name: string | number, delayMs: number, expire: () => void): void {
    this.#stop(name);
    const delay = Math.min(delayMs, LONGEST_TIMER_MS);
    const timer = this.#settings.clock.after(delay, () => {
      this.#timers.delete(name);
      expire();
    });
    this.#timers.set(name, timer);
  }

  #stop(name: string | number): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}
