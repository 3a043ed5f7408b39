import { Backoff, LongwireError, type Timer } from "../../base/index.ts";
import type { Position } from "../../topics/index.ts";
import { wallNow } from "./client-clock.ts";
import type { FeedStatus } from "./feed.ts";
import type { ClientSocket, Settings } from "./options.ts";
import type { PageEvent } from "./page.ts";
import {
  decodeServerMessage,
  type AnswerMessage,
  type MessageOf,
  type ServerMessage,
  type TopicMessage,
  isTerminal,
  SUBPROTOCOL,
} from "../wire/index.ts";
import type { LiveStatus } from "./status.ts";

/** A client's status as far as one connection determines it, and feeds don't. */
type LinkState = Exclude<LiveStatus, { state: "live" | "catching-up" }> | { state: "open" };

/** What uses a link for one topic; a connection has one subscription per topic. */
interface LinkFeed {
  readonly name: string;
  readonly status: FeedStatus;
  readonly position: Position | undefined;
  onOpen(): void;
  onLost(): void;
  onMessage(message: TopicMessage): void;
  /** Whether the request that failed was this feed's. */
  onError(id: number, error: LongwireError): boolean;
}

/** Whom a link tells what is not of a topic. */
export interface LinkOwner {
  readonly settings: Settings;
  readonly requests: {
    /** A message has come on a link, perhaps not the one that carries requests. */
    onHeard(link: Link): void;
    onAnswer(message: AnswerMessage): void;
    onError(id: number, error: LongwireError): void;
  };
  /** It has another state. */
  onLinkChanged(link: Link, wasOpen: boolean): void;
}

/** What the error events of WebSocket classes outside of browsers tell. */
interface Failure {
  message?: string;
  error?: { code?: string };
}

/** A connection that lived this long was a good one: the next loss starts from short waits. */
const PROOF_MS = 5_000;

/** Within this time a page is notified of one wake by several events. */
const SAME_WAKE_MS = 100;

/** How long a connection has to show that it outlived its page's absence. */
const PROBE_MS = 5_000;

/** Which part of their time credentials are used for; the rest is for getting others. */
const REFRESH_AT = 0.8;

/** However short the time of credentials is: a server may mistake seconds for milliseconds. */
const SHORTEST_REFRESH_MS = 1_000;

/** At most what a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const SILENT = "The server is silent.";

/** What a connection without any close frame ends with. (RFC 6455 §7.1.5) */
const ABNORMAL = 1006;

/** What a connection ends with that a message was too long for. (RFC 6455 §7.4.1) */
const TOO_BIG = 1009;

/** One connection, and another one whenever it ends: never two at a time that are listened to. */
export class Link {
  readonly feeds: Map<string, LinkFeed> = new Map();
  readonly #settings: Settings;
  readonly #owner: LinkOwner;
  readonly #backoff: Backoff;
  readonly #timers = new Map<string | number, Timer>();
  #state: LinkState = { state: "connecting" };
  /** For what the server refused for a time. */
  readonly #retries: Backoff;
  #socket: ClientSocket | undefined;
  #heardAt = 0;
  /** The last thing that the server said of the connection's end. */
  #reason: { message: string; disconnect?: MessageOf<"disconnect"> } | undefined;
  #welcome: MessageOf<"welcome"> | undefined;
  #isGreeted = false;
  /** Whether the present or last connection was a good one. */
  #isProven = false;
  /** Whether it is the server that wants the next attempt to wait. */
  #isAsked = false;
  /** Whether the page's code is about to stop running, or has stopped. */
  #isAway = false;
  #wokeAt = Number.NEGATIVE_INFINITY;
  /** What the socket said of its failure; a browser's says nothing. */
  #failure: Failure = {};
  /** How far its feeds had come when a message was too long for the client. */
  #stuckAt: string | undefined;
  /** What the server was shown last. */
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

  get status(): LiveStatus {
    const state = this.#state;
    if (state.state !== "open") return state;
    for (const { status } of this.feeds.values()) {
      if (status.state !== "live") return { state: "catching-up" };
    }
    return { state: "live" };
  }

  /** Opens a connection now, whatever the present one is doing. */
  connect(): void {
    this.#enter({ state: "connecting" });
  }

  close(): void {
    this.#enter({ state: "closed", code: 1000, message: "The client is closed." });
  }

  onPage(event: PageEvent): void {
    const { state } = this.#state;
    this.#isAway = event === "left";
    if (this.#isAway) {
      // An open connection would keep the page out of the cache, and be dead when it is back.
      if (state === "open" || state === "connecting") this.#wait("The page was left.");
    } else if (state === "open") this.#probe();
    else if (event === "woke") this.#wake();
  }

  /** Sends while the connection is open; returns false for what is longer than the server takes. */
  send(text: string): boolean {
    const fits = new TextEncoder().encode(text).length <= this.#welcome!.maxMessage;
    if (fits) this.#socket?.send(text);
    return fits;
  }

  /** What waited, or was tried while there was perhaps no network, is tried now. */
  #wake(): void {
    const { state } = this.#state;
    const now = this.#settings.clock.now();
    // A dial that hangs since the network was away goes on hanging; one of this same wake does not.
    if (state === "connecting" ? now - this.#wokeAt < SAME_WAKE_MS : state !== "offline") return;
    // How long the server wants to be left alone does not depend on the page.
    if (this.#isAsked && this.#timers.has("retry")) return;
    this.#wokeAt = now;
    this.#backoff.reset();
    this.connect();
  }

  /** Calls back later and later, unless the connection is lost before. */
  retry(id: number, expire: () => void): void {
    this.#time(id, this.#retries.next(), expire);
  }

  /** All transitions but to `open`, which is `#begin`. */
  #enter(state: LinkState, delayMs = 0): void {
    const wasOpen = this.isOpen;
    const socket = this.#socket;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#state = state;
    this.#socket = undefined;
    // Its close event may never come, if the network is gone, and is not waited for.
    socket?.close();
    if (state.state === "offline") {
      this.#time("retry", delayMs, () => {
        // In the moments before the page's code stops, no connection is of use.
        if (!this.#isAway) this.connect();
      });
    } else if (state.state === "connecting") this.#dial();
    for (const feed of this.feeds.values()) feed.onLost();
    this.#owner.onLinkChanged(this, wasOpen);
  }

  #dial(): void {
    const { webSocket, url, connectTimeoutMs, token, maxMessageBytes } = this.#settings;
    this.#reason = undefined;
    this.#failure = {};
    this.#welcome = undefined;
    this.#isGreeted = (token ?? maxMessageBytes) === undefined;
    this.#isProven = false;
    const socket = new webSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.#time("deadline", connectTimeoutMs, () => this.#wait(SILENT));
    const whenCurrent =
      <Event>(handle: (event: Event) => void) =>
      (event: Event) => {
        if (this.#socket === socket) handle(event);
      };
    socket.onopen = whenCurrent(() => {
      if (!this.#isGreeted) void this.#present("hello");
    });
    socket.onmessage = whenCurrent((event: MessageEvent) => this.#receive(event.data));
    socket.onclose = whenCurrent(({ code, reason }: CloseEvent) => this.#onClosed(code, reason));
    socket.onerror = whenCurrent((failure: Failure) => (this.#failure = failure));
  }

  /** Shows who asks, first on a connection or again on it. */
  async #present(type: "hello" | "refresh"): Promise<void> {
    const socket = this.#socket;
    const { token, maxMessageBytes: maxMessage } = this.#settings;
    try {
      const shown = await (typeof token === "function" ? token() : token);
      if (this.#socket !== socket) return;
      this.credentials = shown;
      socket?.send(JSON.stringify({ type, token: shown, maxMessage }));
      this.#isGreeted = true;
      this.#begin();
    } catch (error) {
      // Also of a refresh: connecting again asks for a token again, and later each time.
      if (this.#socket === socket) this.#wait(`There is no token: ${String(error)}`);
    }
  }

  #receive(data: unknown): void {
    this.#heardAt = this.#settings.clock.now();
    this.#stop("probe");
    this.#owner.requests.onHeard(this);
    try {
      this.#dispatch(decodeServerMessage(data));
    } catch (error) {
      this.#wait(String(error));
    }
  }

  #dispatch(message: ServerMessage): void {
    // What was granted is not refused any more.
    if ("id" in message && message.type !== "error") this.#retries.reset();
    // The rest are a topic's messages: to name them here would cost every page 20 bytes.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (message.type) {
      case "welcome":
        this.#welcome ??= message;
        return this.#begin();
      case "refreshed":
        return this.#refreshBefore(message.expiresIn);
      case "disconnect":
        this.#reason = { message: message.message, disconnect: message };
        return this.#onClosed(message.code, message.message);
      case "error":
        return this.#onError(message);
      case "published":
      case "result":
        return this.#owner.requests.onAnswer(message);
      default:
        this.feeds.get(message.topic)?.onMessage(message);
    }
  }

  /** Nothing is asked for before both sides have introduced themselves. */
  #begin(): void {
    const welcome = this.#welcome;
    if (welcome === undefined || !this.#isGreeted || this.#state.state !== "connecting") return;
    const { heartbeat, expiresIn } = welcome;
    this.#state = { state: "open" };
    this.#watchSilence(2 * heartbeat);
    this.#time("proof", PROOF_MS, () => {
      this.#isProven = true;
      this.#backoff.reset();
    });
    this.#refreshBefore(expiresIn);
    for (const feed of this.feeds.values()) if (this.isOpen) feed.onOpen();
    this.#owner.onLinkChanged(this, false);
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
    const { error, message: told = "" } = this.#failure;
    const { message = reason || told, disconnect } = this.#reason ?? {};
    const isTooBig = code === TOO_BIG || error?.code === "message_too_big";
    const isFinal = isTerminal(code) && disconnect?.retry !== true;
    if (isFinal || (isTooBig && this.#isStuck())) {
      this.#enter({ state: "refused", code: isTooBig ? TOO_BIG : code, message });
    } else this.#wait(message, code, disconnect?.retryAfter);
  }

  /** Whether the same message was too long before: asked for again, it comes again. */
  #isStuck(): boolean {
    const before = this.#stuckAt;
    this.#stuckAt = JSON.stringify([...this.feeds.values()].map(({ position }) => position));
    return before === this.#stuckAt;
  }

  /** @param retryAfter how long the server asks to wait, in milliseconds */
  #wait(message: string, code: number = ABNORMAL, retryAfter?: number): void {
    this.#isAsked = retryAfter! >= 0;
    // Who is told each time to come back at once would never stop.
    const ownMs = this.#isAsked && this.#isProven ? 0 : this.#backoff.next();
    const delayMs = Math.max(this.#isAsked ? retryAfter! : 0, ownMs);
    const retryAt = wallNow(this.#settings.clock) + delayMs;
    const reason = this.#failure.error?.code;
    this.#enter({ state: "offline", retryAt, code, message, reason }, delayMs);
  }

  #watchSilence(limitMs: number): void {
    const quietMs = this.#settings.clock.now() - this.#heardAt;
    this.#time("deadline", limitMs - quietMs, () => {
      // One timer for many messages: it only looks when the last one came.
      if (this.#settings.clock.now() - this.#heardAt < limitMs) this.#watchSilence(limitMs);
      else this.#wait(SILENT);
    });
  }

  /** The computer may have slept, or changed networks, and the connection seem open for long. */
  #probe(): void {
    if (this.#timers.has("probe")) return;
    this.#time("probe", PROBE_MS, () => this.#wait(SILENT));
    this.send('{"type":"ping"}');
  }

  /** @param expiresIn for how long the credentials are good, in milliseconds */
  #refreshBefore(expiresIn: number | undefined): void {
    // A token that is no function would only be the same one again.
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
