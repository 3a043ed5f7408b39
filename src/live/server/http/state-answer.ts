import {
  type Encoding,
  formatPosition,
  type Offset,
  OUTSTANDING_BYTES,
  type SliceTask,
  type Topic,
  type View,
  type Walk,
} from "../../../topics/index.ts";
import { joined } from "../../../base/index.ts";
import { entryText } from "../sessions/encodings.ts";
import type { LiveExchange } from "../live-peer.ts";

/** The topic, view and format of an answer. */
export interface State {
  topic: Topic;
  view: View;
  walk: Walk;
  gap?: object | undefined;
  /** Of a page of the past: whether older events are kept. */
  more?: boolean;
}

/** Handing bytes to the operating system costs a quarter of parsing them. */
const BYTES_PER_UNIT = 4;

const JSON_TYPE = "application/json; charset=utf-8";

/**
 * Answers a GET with a state or the retained events, as JSON.
 *
 * A long answer reads the log page by page, as fast as the client reads, and shares its pages with
 * all readers at the same position. The offset comes last, because the log grows meanwhile.
 */
export class StateAnswer implements SliceTask {
  readonly #exchange: LiveExchange;
  readonly #view: View;
  readonly #topic: Topic;
  readonly #more: boolean | undefined;
  #walk: Walk;
  /** Encoded but not written; pages are shared, so nothing is copied. */
  readonly #parts: Uint8Array[] = [];
  #isLast = false;
  #hasEntries = false;
  /** Whether it is queued for its next slice. */
  #isQueued = false;

  constructor(exchange: LiveExchange, { topic, view, walk, more }: State) {
    this.#exchange = exchange;
    this.#topic = topic;
    this.#view = view;
    this.#walk = walk;
    this.#more = more;
  }

  /** Sends the answer; a short one synchronously. */
  static send(exchange: LiveExchange, state: State): void {
    const headers = {
      "Content-Type": JSON_TYPE,
      // Caches must revalidate each time.
      "Cache-Control": "no-cache",
      ...(state.more === undefined && { ETag: etagOf(state.topic) }),
    };
    const answer = new StateAnswer(exchange, state);
    answer.#parts.push(bytesOf(headOf(state)));
    if (state.topic.slices.hasTime) answer.#makePage();
    if (answer.#isLast) {
      return exchange.answer(
        200,
        headers,
        joined(answer.#parts, (part) => part),
      );
    }
    exchange.beginStream(headers);
    exchange.onDrain(() => answer.#pump());
    exchange.onClosed(() => state.topic.slices.cancel(answer.#payer, answer));
    answer.#pump();
  }

  runSlice(): void {
    this.#isQueued = false;
    this.#pump();
  }

  #pump(): void {
    const exchange = this.#exchange;
    while (!exchange.isOver && !this.#isQueued) {
      const room = OUTSTANDING_BYTES - exchange.bufferedAmount;
      if (room <= 0) return;
      const { slices } = this.#topic;
      if (!slices.hasTime) return this.#wait();
      const [part] = this.#parts;
      if (part === undefined) {
        if (this.#isLast) return exchange.end();
        if (!this.#makePage()) return exchange.abort();
        continue;
      }
      const piece = part.subarray(0, room);
      slices.charge(this.#payer, piece.length / BYTES_PER_UNIT);
      exchange.write(piece);
      if (part.length > room) this.#parts[0] = part.subarray(room);
      else this.#parts.shift();
    }
  }

  #wait(): void {
    this.#isQueued = true;
    this.#topic.slices.enqueue(this.#payer, this);
  }

  get #payer(): object {
    const { account } = this.#exchange;
    return account.payer ?? account;
  }

  /** @returns false if some of the events to send have expired */
  #makePage(): boolean {
    if (this.#misses()) return false;
    const page = this.#view.page(stateEncoding, this.#walk);
    this.#topic.slices.charge(this.#payer, page.units);
    this.#walk = { ...this.#walk, reached: page.reached };
    this.#isLast = page.isLast;
    // An HTTP client has no message limit.
    const { bytes = NO_BYTES } = page;
    // Entries start with a comma, so that pages can be shared; the first one needs none.
    const entries = this.#hasEntries ? bytes : bytes.subarray(1);
    this.#hasEntries ||= bytes.length > 0;
    if (entries.length > 0) this.#parts.push(entries);
    if (page.isLast) this.#parts.push(bytesOf(tailOf(page.reached, this.#more)));
    return true;
  }

  /** Whether unsent events have expired while the client was reading. */
  #misses(): boolean {
    const { floor, kind } = this.#topic;
    const { reached, base } = this.#walk;
    if (reached === 0 || reached >= floor) return false;
    return kind === "log" || base < floor;
  }
}

/** Encodes entries as JSON, each after a comma. */
export const stateEncoding: Encoding = {
  name: "state",
  event: (_topic, event) => bytesOf(`,${entryText(event)}`),
  page: (_topic, { entries }) => bytesOf(entries.map((entry) => `,${entryText(entry)}`).join("")),
};

export function etagOf({ position }: Topic): string {
  return `"${formatPosition(position)}"`;
}

function headOf({ topic, view, walk, gap }: State): string {
  const { name, kind } = topic;
  const head = JSON.stringify({ topic: name, kind, epoch: view.topic.epoch, gap }).slice(0, -1);
  return kind === "keyed"
    ? `${head},"complete":${walk.complete},"entries":[`
    : `${head},"events":[`;
}

function tailOf(offset: Offset, more: boolean | undefined): string {
  return more === undefined ? `],"offset":${offset}}` : `],"more":${more}}`;
}

const encoder = new TextEncoder();

const NO_BYTES = new Uint8Array(0);

function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}
