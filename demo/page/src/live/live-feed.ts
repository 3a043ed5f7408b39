import type { WsRecord, WsTarget } from "../ws-real-data.ts";
import { backoffDelayMs } from "./backoff.ts";

/** How the last connection ended, as its close event said. */
export interface CloseFacts {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export type FeedState =
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "open"; readonly sinceMs: number }
  | { readonly kind: "closing" }
  | { readonly kind: "waiting"; readonly retryAtMs: number; readonly last: CloseFacts }
  | { readonly kind: "closed"; readonly by: "page" | "server"; readonly last: CloseFacts };

export interface FeedOptions {
  readonly url: string;
  readonly connect: (url: string, params: object, target: WsTarget) => WebSocket;
  readonly onRecord: (record: WsRecord) => void;
  readonly onState: (state: FeedState) => void;
  /** Called with each new socket before anything happened on it, for whoever watches. */
  readonly onSocket?: (socket: WebSocket) => void;
  readonly random?: () => number;
}

/** A connection that lived this long was a good one: the next loss starts from the short waits. */
export const stableAfterMs = 5_000;

/** Codes with which a server says that trying the same again is of no use. */
const refusals: ReadonlySet<number> = new Set([4400, 4401, 4403, 4404, 4413, 4422]);

/** Keeps one topic coming: opens its socket, and opens another when that one ends. */
export class LiveFeed {
  readonly #options: FeedOptions;
  #params: Record<string, unknown> = {};
  #socket: WebSocket | undefined;
  #state: FeedState = { kind: "connecting", attempt: 0 };
  #attempt = 0;
  #stopped = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #stableTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get socket(): WebSocket | undefined {
    return this.#socket;
  }

  get state(): FeedState {
    return this.#state;
  }

  get params(): Readonly<Record<string, unknown>> {
    return this.#params;
  }

  /** Opens a new connection now, whatever the present one is doing. */
  connectNow(): void {
    this.#clearTimers();
    this.#stopped = false;
    const old = this.#socket;
    this.#open();
    if (old && old.readyState < WebSocket.CLOSING) old.close(1000, "replaced by the page");
  }

  /** Tries at once if it was waiting to; leaves a live or deliberately closed connection alone. */
  hurry(): void {
    if (this.#state.kind === "waiting") this.connectNow();
  }

  /** Replaces the params: on the open socket now, otherwise as the first message of the next. */
  setParams(params: Record<string, unknown>): string | undefined {
    this.#params = params;
    if (this.#socket?.readyState !== WebSocket.OPEN) return undefined;
    const text = JSON.stringify(params);
    this.#socket.send(text);
    return text;
  }

  /** Closes for good: no further try until `connectNow`. Throws as the browser does. */
  close(code: number, reason: string): void {
    const connected = this.#socket && this.#socket.readyState < WebSocket.CLOSED;
    if (connected) this.#socket?.close(code, reason);
    this.#stopped = true;
    this.#clearTimers();
    if (connected) this.#enter({ kind: "closing" });
    else if (this.#state.kind === "waiting") {
      this.#enter({ kind: "closed", by: "page", last: this.#state.last });
    }
  }

  #open(): void {
    const sent = this.#params;
    const typeAskedFor = (): string => (this.#params["deviceType"] === "AP" ? "AP" : "");
    this.#enter({ kind: "connecting", attempt: this.#attempt });
    const socket = this.#options.connect(this.#options.url, sent, {
      // Read per message: the params of an open socket can be replaced.
      get wsdeviceType() {
        return typeAskedFor();
      },
      $action: (_name, record) => {
        if (this.#socket === socket) this.#options.onRecord(record);
      },
    });
    this.#socket = socket;
    this.#options.onSocket?.(socket);
    socket.addEventListener("open", () => {
      if (this.#socket !== socket) return;
      this.#enter({ kind: "open", sinceMs: Date.now() });
      this.#stableTimer = setTimeout(() => (this.#attempt = 0), stableAfterMs);
      if (this.#params !== sent) socket.send(JSON.stringify(this.#params));
    });
    socket.addEventListener("close", (event) => {
      if (this.#socket === socket) this.#closed(event);
    });
  }

  #closed(event: CloseEvent): void {
    this.#clearTimers();
    const last = { code: event.code, reason: event.reason, wasClean: event.wasClean };
    if (this.#stopped) return this.#enter({ kind: "closed", by: "page", last });
    if (refusals.has(event.code)) {
      // What was refused may be the params, so the next try starts without them.
      this.#params = {};
      return this.#enter({ kind: "closed", by: "server", last });
    }
    const delayMs = backoffDelayMs(this.#attempt, this.#options.random);
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => this.#open(), delayMs);
    this.#enter({ kind: "waiting", retryAtMs: Date.now() + delayMs, last });
  }

  #enter(state: FeedState): void {
    this.#state = state;
    this.#options.onState(state);
  }

  #clearTimers(): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#stableTimer);
  }
}
