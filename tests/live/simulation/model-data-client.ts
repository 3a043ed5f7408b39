import { matchFields, type Params, type TopicEvent } from "../../../src/live/index.ts";
import type { Truth } from "../../rigs/live/truth.ts";

interface Data {
  key?: string;
  /** The number of the event among all that the simulation published. */
  n?: number;
  removed?: string;
}

/** A Level 0 client: data in, and what it can know from that. */
export class ModelDataClient {
  readonly topic: string;
  readonly kind: "log" | "keyed";
  params: Params;
  readonly #truth: Truth;
  /** Of a log topic: events up to here were before its time, or have come. */
  #reached: number;
  #view = new Map<string, number>();
  /** Params of before, of which events may still come: those of a log were on their way. */
  #before: Params[] = [];

  constructor(topic: string, kind: "log" | "keyed", source: { truth: Truth; params: Params }) {
    this.topic = topic;
    this.kind = kind;
    this.params = source.params;
    this.#truth = source.truth;
    this.#reached = source.truth.lastOffset;
  }

  /**
   * Replaces the params. Events of a log that were not read yet still arrive, by the old params or
   * by the new ones; a state starts from the beginning, and nothing may be on the wire.
   */
  narrow(params: Params): void {
    if (this.kind === "log") this.#before.push(this.params);
    this.params = params;
    this.#view.clear();
  }

  onText(text: string): void {
    const data = JSON.parse(text) as Data;
    if (data.removed !== undefined) return void this.#view.delete(data.removed);
    const event = this.#truth.events.find((event) => (event.data as Data | null)?.n === data.n);
    if (event === undefined) throw this.#wrong(`got ${text.slice(0, 80)}, which is of no event`);
    const isOfBefore = this.#before.some((params) => matchFields(params, event));
    if (!matchFields(this.params, event) && !isOfBefore) {
      throw this.#wrong(`got ${event.offset}, no match`);
    }
    if (this.kind === "keyed") return this.#set(event);
    if (event.offset <= this.#reached) throw this.#wrong(`got ${event.offset} again or late`);
    this.#checkNoneMissing(event.offset - 1);
    this.#reached = event.offset;
    // From here on all are of the new ones.
    if (!isOfBefore) this.#before = [];
  }

  checkEnd(): void {
    const { lastOffset } = this.#truth;
    if (this.kind === "log") return this.#checkNoneMissing(lastOffset);
    const expected = this.#truth.stateAt(lastOffset, this.params);
    const shown = (state: Map<string, number>): string =>
      [...state]
        .map(([key, at]) => `${key}@${at}`)
        .toSorted()
        .join(" ");
    if (shown(expected) === shown(this.#view)) return;
    throw this.#wrong(`sees ${shown(this.#view)} and not ${shown(expected)}`);
  }

  #set({ key = "", offset }: TopicEvent): void {
    if (offset < (this.#view.get(key) ?? 0)) throw this.#wrong(`got an older ${key}`);
    this.#view.set(key, offset);
  }

  #checkNoneMissing(upTo: number): void {
    const missing = this.#truth
      .matchesBetween(this.#reached, upTo, this.params)
      .filter((offset) => this.#before.every((params) => this.#isMatch(params, offset)));
    if (missing.length > 0) throw this.#wrong(`misses ${missing.join(" ")}`);
  }

  #isMatch(params: Params, offset: number): boolean {
    return this.#truth.matchesBetween(offset - 1, offset, params).length > 0;
  }

  #wrong(what: string): Error {
    return new Error(`Level 0 of ${this.topic} ${JSON.stringify(this.params)} ${what}`);
  }
}
