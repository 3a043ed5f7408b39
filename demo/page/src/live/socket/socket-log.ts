import { clientFrameBytes, payloadBytes, serverFrameBytes } from "./frame-size.ts";
import type { TrafficMeter } from "./traffic-meter.ts";

export type SocketEntry = {
  readonly id: number;
  readonly atMs: number;
  /** The number of the page's connection, counted from 1. */
  readonly connection: number;
} & SocketHappening;

export type SocketHappening =
  | { readonly kind: "created"; readonly url: string }
  | { readonly kind: "open"; readonly protocol: string; readonly extensions: string }
  | { readonly kind: "message"; readonly text: string; readonly bytes: number }
  | {
      readonly kind: "sent";
      readonly text: string;
      readonly bytes: number;
      readonly buffered: number;
    }
  | { readonly kind: "close-called"; readonly code: number; readonly reason: string }
  | { readonly kind: "error" }
  | {
      readonly kind: "close";
      readonly code: number;
      readonly reason: string;
      readonly wasClean: boolean;
    };

/** The readyState that an event puts the socket in. */
const statesEntered: Partial<Record<SocketHappening["kind"], number>> = {
  created: 0,
  open: 1,
  "close-called": 2,
  close: 3,
};

const noneEntered: readonly (number | undefined)[] = [undefined, undefined, undefined, undefined];

const maxMessages = 120;
const maxOthers = 120;
const maxTextLength = 160;

/** A bounded log of the page's sockets, in which messages never displace the rarer events. */
export class SocketLog {
  #messages: SocketEntry[] = [];
  #others: SocketEntry[] = [];
  #nextId = 1;
  #connection = 0;
  #enteredMs: readonly (number | undefined)[] = noneEntered;
  readonly #onChange: () => void;

  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  /** Newest first. */
  entries(withMessages: boolean): SocketEntry[] {
    const all = withMessages ? [...this.#messages, ...this.#others] : [...this.#others];
    return all.sort((a, b) => b.id - a.id);
  }

  /** The number of the current connection; 0 before the first. */
  get connection(): number {
    return this.#connection;
  }

  /** When the current connection entered each readyState, according to its events. */
  get enteredMs(): readonly (number | undefined)[] {
    return this.#enteredMs;
  }

  clear(): void {
    this.#messages = [];
    this.#others = [];
    this.#onChange();
  }

  add(happening: SocketHappening, connection: number = this.#connection): void {
    const entry = { ...happening, id: this.#nextId, atMs: Date.now(), connection };
    const state = statesEntered[entry.kind];
    if (state !== undefined && connection === this.#connection) {
      this.#enteredMs = this.#enteredMs.with(state, entry.atMs);
    }
    this.#nextId += 1;
    const [entries, limit] =
      entry.kind === "message" ? [this.#messages, maxMessages] : [this.#others, maxOthers];
    entries.push(entry);
    if (entries.length > limit) entries.splice(0, entries.length - limit);
    this.#onChange();
  }

  /** Observes a socket with the same events that any page can listen to. */
  observe(socket: WebSocket, meter: TrafficMeter): void {
    this.#connection += 1;
    const connection = this.#connection;
    this.#enteredMs = noneEntered;
    this.add({ kind: "created", url: socket.url }, connection);
    socket.addEventListener("open", () => {
      const { protocol, extensions } = socket;
      this.add({ kind: "open", protocol, extensions }, connection);
    });
    socket.addEventListener("message", (event) => {
      const text = String(event.data);
      const bytes = serverFrameBytes(payloadBytes(text));
      meter.count(bytes, Date.now());
      this.add({ kind: "message", text: abbreviated(text), bytes }, connection);
    });
    socket.addEventListener("error", () => this.add({ kind: "error" }, connection));
    socket.addEventListener("close", ({ code, reason, wasClean }) => {
      this.add({ kind: "close", code, reason, wasClean }, connection);
    });
  }

  sent(text: string, buffered: number): void {
    const bytes = clientFrameBytes(payloadBytes(text));
    this.add({ kind: "sent", text: abbreviated(text), bytes, buffered });
  }
}

function abbreviated(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
}
