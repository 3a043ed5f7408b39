import type { Params } from "../../../src/live/index.ts";
import type { Truth } from "../../rigs/live/truth.ts";

interface Entry {
  key: string;
  offset: number;
  removed?: true;
}

/** A Level 1 message about a topic, as far as the model reads it. */
export interface TopicMessage {
  type: string;
  id?: number;
  topic: string;
  epoch: string;
  offset: number;
  view?: string;
  resumed: boolean;
  key?: string;
  removed?: true;
  from: number;
  to: number;
  reason: string;
  complete: boolean;
  more: boolean;
  entries: Entry[];
}

interface Asked {
  id: number;
  params: Params;
  since?: { epoch: string; offset: number } | undefined;
  /** Which kept events of a log come first if it cannot resume. */
  from?: { last: number } | undefined;
}

type Truths = (topic: string, epoch: string) => Truth;

/** One client's subscription to one topic, held against what is promised, message by message. */
export class ModelSubscriber {
  readonly topic: string;
  readonly kind: "log" | "keyed";
  /** The params that the server has confirmed. */
  params: Params = {};
  /** Unanswered requests, in order. */
  #asked: Asked[] = [];
  /** The position that the newest answer resumes from. */
  #since: Asked["since"];
  #wanted: Params = {};
  position: { epoch: string; offset: number } | undefined;
  view = new Map<string, number>();
  /** The server's name for the view. */
  #viewName: string | undefined;
  isSubscribed = false;
  gaps = 0;
  #named: Set<string> | undefined;
  /** Whether the pages that have come are of the whole state. */
  #isWhole = false;
  #epoch = "";
  /** The last offset that came on this connection, and up to which nothing is missing. */
  #reached = 0;
  #owesGap = false;
  readonly #truths: Truths;

  constructor(topic: string, kind: "log" | "keyed", truths: Truths) {
    this.topic = topic;
    this.kind = kind;
    this.#truths = truths;
  }

  onDisconnected(): void {
    this.isSubscribed = false;
    this.#named = undefined;
    this.#isWhole = false;
    this.#asked = [];
  }

  narrow(params: Params): void {
    this.#wanted = params;
  }

  /** Returns the fields of `subscribe` beside its topic. */
  ask(id: number): object {
    // The position is also sent with new params: the server must detect that it cannot resume them.
    const from = this.kind === "log" && id % 3 === 0 ? { last: id % 7 } : undefined;
    const asked = { id, params: this.#wanted, since: this.position, from };
    this.#asked.push(asked);
    const isPaced = this.kind === "keyed" && id % 4 === 0;
    return { ...asked, view: this.#viewName, ...(isPaced && { maxPerSecond: 10 }) };
  }

  onMessage(message: TopicMessage): void {
    const isAnswer = message.type === "subscribed" && message.id === this.#asked[0]?.id;
    // Messages that are still in transit belong to a subscription that was ended.
    if (!this.isSubscribed && !isAnswer) return;
    switch (message.type) {
      case "subscribed":
        return this.#onSubscribed(message);
      case "gap":
        return this.#onGap(message);
      case "event":
        return this.kind === "log" ? this.#onLogEvent(message) : this.#onKeyedEvent(message);
      case "snapshot":
        return this.#onSnapshot(message);
      case "position":
        return this.#onPosition(message);
    }
  }

  /** Everything has been carried over: nothing may be missing any more. */
  checkEnd(): void {
    if (!this.isSubscribed) throw this.#wrong("is not subscribed at the end");
    const truth = this.#truth;
    if (this.#named !== undefined) throw this.#wrong("has half a snapshot at the end");
    if (this.kind === "keyed") return this.#checkView(truth.lastOffset);
    this.#checkNoneMissing(truth.lastOffset);
  }

  #onSubscribed({ epoch, offset, view, resumed }: TopicMessage): void {
    const { params, since, from } = this.#asked.shift()!;
    const isOther = this.kind === "keyed" && params !== this.params;
    // Where there was nothing yet, nothing can be missing.
    if (resumed && isOther && since!.offset > 0)
      throw this.#wrong(`resumed for ${JSON.stringify(params)}`);
    this.#viewName = view;
    // The client still holds the view of the old params, and could not resume from it.
    if (this.kind === "keyed" && params !== this.params) this.position = undefined;
    this.params = params;
    this.#since = since;
    this.isSubscribed = true;
    this.#named = undefined;
    this.#isWhole = false;
    this.#epoch = epoch;
    this.#reached = offset;
    this.#owesGap = false;
    if (resumed && since?.epoch !== epoch) throw this.#wrong("resumed what it had not");
    if (this.kind === "log") {
      if (resumed) this.#reached = since!.offset;
      this.#owesGap = since !== undefined && !resumed;
      if (!this.#owesGap) this.position = { epoch, offset: this.#reached };
      const last = resumed ? 0 : (from?.last ?? 0);
      if (this.#truths(this.topic, epoch).missesOfLast(offset, last, params)) {
        throw this.#wrong(`asked for the last ${last}, and begins after ${offset}`);
      }
    }
  }

  #onGap({ epoch, from, to, reason }: TopicMessage): void {
    if (this.kind !== "log") throw this.#wrong("has a gap in a keyed topic");
    const since = this.#since;
    if (epoch !== this.#epoch) throw this.#wrong("has a gap in another epoch");
    if (this.#owesGap) {
      const lost = since?.epoch === epoch ? since.offset + 1 : 1;
      const why = since?.epoch === epoch ? "expired" : "epoch";
      if (from !== lost || reason !== why) throw this.#wrong(`has a gap ${from}–${to} ${reason}`);
      if (to !== this.#reached) throw this.#wrong("has a gap that ends elsewhere than it starts");
    } else {
      if (reason !== "slow") throw this.#wrong(`has a gap ${reason} while it was live`);
      this.#checkNoneMissing(from - 1);
      // One that asked again without saying where it was may have been too slow before.
      const most = since === undefined ? this.#reached : this.#reached + 1;
      if (to < from || to < most) throw this.#wrong(`has a gap ${from}–${to}`);
    }
    this.gaps += 1;
    this.#owesGap = false;
    this.#reached = to;
    this.position = { epoch, offset: to };
  }

  #onLogEvent({ offset }: TopicMessage): void {
    if (this.#owesGap) throw this.#wrong("got an event where a gap was due");
    if (offset <= this.#reached) throw this.#wrong(`got ${offset} after ${this.#reached}`);
    this.#checkNoneMissing(offset - 1);
    if (this.#truth.matchesBetween(offset - 1, offset, this.params).length === 0) {
      throw this.#wrong(`got ${offset}, which does not match`);
    }
    this.#reached = offset;
    this.position = { epoch: this.#epoch, offset };
  }

  #onKeyedEvent(message: TopicMessage): void {
    const { offset, key = "" } = message;
    if (this.#named !== undefined) throw this.#wrong("got an event inside a snapshot");
    if (offset <= this.#reached) throw this.#wrong(`got ${offset} after ${this.#reached}`);
    this.#apply({ ...message, key });
    this.#reached = offset;
    this.position = { epoch: this.#epoch, offset };
    this.#checkView(offset);
  }

  #onSnapshot({ epoch, offset, entries, complete, more }: TopicMessage): void {
    if (epoch !== this.#epoch) throw this.#wrong("got a snapshot of another epoch");
    // The first page of the whole state abandons a snapshot of changes only.
    if (complete && !this.#isWhole) this.#named = undefined;
    const isBrokenOff = this.#isWhole && !complete;
    this.#isWhole ||= complete;
    const wasBegun = this.#named !== undefined;
    // Offsets of different epochs cannot be compared, so nothing held is newer.
    if (!wasBegun && complete) this.#forgetOffsets();
    const named = (this.#named ??= new Set());
    for (const entry of entries) {
      named.add(entry.key);
      this.#apply(entry);
    }
    if (more) return;
    this.#named = undefined;
    if (complete) for (const key of this.view.keys()) if (!named.has(key)) this.view.delete(key);
    this.#reached = offset;
    this.position = { epoch, offset };
    this.#isWhole = false;
    // An abandoned whole state ends with a page that is not marked complete, and another follows.
    if (!isBrokenOff) this.#checkView(offset);
  }

  #forgetOffsets(): void {
    for (const key of this.view.keys()) this.view.set(key, 0);
  }

  #onPosition({ epoch, offset }: TopicMessage): void {
    if (epoch !== this.#epoch) throw this.#wrong("got a position of another epoch");
    if (offset <= this.#reached) throw this.#wrong(`got position ${offset} at ${this.#reached}`);
    if (this.kind === "log") this.#checkNoneMissing(offset);
    this.#reached = offset;
    this.position = { epoch, offset };
    if (this.kind === "keyed") this.#checkView(offset);
  }

  #apply({ key, offset, removed }: Entry): void {
    // A snapshot that was cut may have told it already.
    if (offset <= (this.view.get(key) ?? 0)) return;
    if (removed) this.view.delete(key);
    else this.view.set(key, offset);
  }

  #checkNoneMissing(upTo: number): void {
    const missing = this.#truth.matchesBetween(this.#reached, upTo, this.params);
    if (missing.length > 0) throw this.#wrong(`misses ${missing.join(" ")} up to ${upTo}`);
  }

  #checkView(offset: number): void {
    const expected = this.#truth.stateAt(offset, this.params);
    const shown = (state: Map<string, number>): string =>
      [...state]
        .map(([key, at]) => `${key}@${at}`)
        .sort()
        .join(" ");
    if (shown(expected) === shown(this.view)) return;
    throw this.#wrong(`sees ${shown(this.view)} and not ${shown(expected)} at ${offset}`);
  }

  get #truth(): Truth {
    return this.#truths(this.topic, this.#epoch);
  }

  #wrong(what: string): Error {
    return new Error(`subscriber of ${this.topic} ${JSON.stringify(this.params)} ${what}`);
  }
}
