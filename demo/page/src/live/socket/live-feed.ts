import type { WsRecord, WsTarget } from "../../ws-real-data.ts";
import { backoffDelayMs } from "./backoff.ts";

/** How the last connection ended, from its close event. */
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
  /** Called with each new socket before its first event. */
  readonly onSocket?: (socket: WebSocket) => void;
  readonly random?: () => number;
}

/** A connection that lived this long counts as good: the next loss starts with short waits. */
export const stableAfterMs = 5_000;

/** Close codes that mean that the same attempt would fail again. */
const refusals: ReadonlySet<number> = new Set([4400, 4401, 4403, 4404, 4413, 4422]);

/** Keeps one topic connected: opens its socket, and another one when that ends. */
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

  /** Opens a new connection now, replacing any current one. */
  connectNow(): void {
    this.#clearTimers();
    this.#stopped = false;
    const old = this.#socket;
    this.#open();
    if (old && old.readyState < WebSocket.CLOSING) old.close(1000, "replaced by the page");
  }

  /** Skips the wait before a retry; leaves an open or deliberately closed connection alone. */
  hurry(): void {
    if (this.#state.kind === "waiting") this.connectNow();
  }

  /** Replaces the params: now on the open socket, or as the first message of the next one. */
  setParams(params: Record<string, unknown>): string | undefined {
    this.#params = params;
    if (this.#socket?.readyState !== WebSocket.OPEN) return undefined;
    const text = JSON.stringify(params);
    this.#socket.send(text);
    return text;
  }

  /** Closes permanently: no retry until `connectNow`. Throws as the browser does. */
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
      // A getter, because the params of an open socket can be replaced.
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
      // The params may be the reason for the refusal, so the next try starts without them.
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
