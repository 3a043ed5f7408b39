import { setTimeout as pause } from "node:timers/promises";
import type { Position } from "../../src/live/position.ts";
import type { ViewWitness } from "./view-witness.ts";

/** How a topic can be read over plain HTTP. */
export const httpForms = ["get", "long poll", "event stream"] as const;

export type HttpForm = (typeof httpForms)[number];

/** Between two requests, and after one that failed, in milliseconds. */
const PAUSE_MS = 100;
/** Longer than a long poll waits. */
const TIMEOUT_MS = 20_000;
const WAIT_S = 5;

interface Entry {
  readonly key: string;
  readonly offset: number;
  readonly data?: unknown;
  readonly removed?: true;
}

interface State extends Position {
  readonly complete: boolean;
  readonly entries: readonly Entry[];
}

/** A Level 1 message, as an event stream has it. */
type Message = (State & { type: "snapshot"; more: boolean }) | (Entry & { type: "event" });

/** Reads a keyed topic over plain HTTP, as a page without WebSocket does, and shows what it sees. */
export class HttpReader {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #form: HttpForm;
  readonly #witness: ViewWitness;
  readonly #ending = new AbortController();
  #values = new Map<string, { offset: number; data: unknown }>();
  #position: Position | undefined;
  /** The keys that the pages of a state have named so far. */
  #named: Set<string> | undefined;

  /** @param url of the topic */
  constructor(source: { url: string; token: string; form: HttpForm }, witness: ViewWitness) {
    this.#url = source.url;
    this.#headers = { authorization: `Bearer ${source.token}` };
    this.#form = source.form;
    this.#witness = witness;
    void this.#run();
  }

  close(): void {
    this.#ending.abort();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      // Nodes end, and networks fail: it asks again.
      await this.#read().catch(() => {});
      await pause(PAUSE_MS);
    }
  }

  async #read(): Promise<void> {
    if (this.#form === "event stream") return this.#stream();
    const since = this.#form === "long poll" ? this.#position : undefined;
    const query = since && `?wait=${WAIT_S}&epoch=${since.epoch}&offset=${since.offset}`;
    const response = await this.#fetch(query ?? "");
    if (response.status !== 200) return;
    const state = (await response.json()) as State;
    // Each answer stands alone: the next node may be behind the one before, and has an older state.
    if (this.#form === "get") this.#values.clear();
    this.#take({ ...state, more: false });
  }

  async #stream(): Promise<void> {
    const last = this.#position && `${this.#position.epoch}:${this.#position.offset}`;
    this.#named = undefined;
    const response = await this.#fetch("", {
      accept: "text/event-stream",
      ...(last && { "last-event-id": last }),
    });
    let text = "";
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      const items = text.split("\n\n");
      text = items.pop()!;
      for (const item of items) this.#onItem(item);
    }
  }

  #onItem(item: string): void {
    const data = /^data: (.*)$/m.exec(item)?.[1];
    const id = /^id: (.*):(\d+)$/m.exec(item);
    const message = data === undefined ? undefined : (JSON.parse(data) as Message);
    if (message?.type === "snapshot") return this.#take(message);
    if (message?.type === "event") this.#apply(message);
    if (id !== null) this.#see({ epoch: id[1]!, offset: Number(id[2]) });
  }

  #take({ complete, entries, more, epoch, offset }: State & { more: boolean }): void {
    // Offsets of different epochs cannot be compared.
    if (complete && this.#position?.epoch !== epoch) {
      for (const value of this.#values.values()) value.offset = 0;
    }
    const named = (this.#named ??= new Set());
    for (const entry of entries) {
      named.add(entry.key);
      this.#apply(entry);
    }
    if (more) return;
    if (complete)
      for (const key of this.#values.keys()) if (!named.has(key)) this.#values.delete(key);
    this.#named = undefined;
    this.#see({ epoch, offset });
  }

  #apply({ key, offset, data, removed }: Entry): void {
    if (offset <= (this.#values.get(key)?.offset ?? 0)) return;
    if (removed === true) this.#values.delete(key);
    else this.#values.set(key, { offset, data });
  }

  #see(position: Position): void {
    this.#position = position;
    this.#witness.see(
      position,
      [...this.#values].map(([key, { data }]) => [key, data] as const),
    );
  }

  #fetch(query: string, more: Record<string, string> = {}): Promise<Response> {
    const limit = this.#form === "event stream" ? [] : [AbortSignal.timeout(TIMEOUT_MS)];
    const signal = AbortSignal.any([this.#ending.signal, ...limit]);
    return fetch(this.#url + query, { headers: { ...this.#headers, ...more }, signal });
  }
}
