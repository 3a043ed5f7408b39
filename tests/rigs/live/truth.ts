import { matchFields, type Params, type TopicEvent } from "../../../src/live/index.ts";
import { eventBytes, type Retention } from "../../../src/topics/index.ts";

/** How long the broker keeps a topic's events. */
interface Keeping {
  readonly retention: Retention;
  /** The clock of the events' `at`. */
  readonly now: () => number;
}

/** All events of a topic in one epoch, as the broker reported them. */
export class Truth {
  readonly events: TopicEvent[] = [];
  /** Absent if nothing is known about it. */
  keeping: Keeping | undefined;

  record(event: TopicEvent): void {
    const last = this.events.at(-1)?.offset ?? 0;
    if (event.offset <= last) throw new Error(`offset ${event.offset} came after ${last}`);
    this.events.push(event);
  }

  get lastOffset(): number {
    return this.events.at(-1)?.offset ?? 0;
  }

  at(offset: number): TopicEvent | undefined {
    return this.events.find((event) => event.offset === offset);
  }

  /** The offsets after `from` up to `to` that match. */
  matchesBetween(from: number, to: number, params: Params): number[] {
    const matching: number[] = [];
    for (const event of this.events) {
      if (event.offset > from && event.offset <= to && matchFields(params, event)) {
        matching.push(event.offset);
      }
    }
    return matching;
  }

  /** The matching events that are still kept. */
  keptNow(params: Params): number[] {
    if (this.keeping === undefined) return [];
    const { retention, now } = this.keeping;
    const { maxEvents, maxBytes, maxAgeMs } = retention;
    const oldestAt = now() - maxAgeMs;
    const kept: TopicEvent[] = [];
    let bytes = 0;
    for (const event of this.events.toReversed()) {
      bytes += eventBytes(event);
      if (kept.length >= maxEvents || bytes > maxBytes || event.at < oldestAt) break;
      kept.push(event);
    }
    return kept.filter((event) => matchFields(params, event)).map(({ offset }) => offset);
  }

  /** Whether a reader that asked for the last events, and begins after `start`, misses some. */
  missesOfLast(start: number, last: number | "all", params: Params): boolean {
    const due = Math.min(last === "all" ? Infinity : last, this.keptNow(params).length);
    return this.matchesBetween(start, Infinity, params).length < due;
  }

  /** A keyed topic's state as of `offset`: the offset of each key with a matching value. */
  stateAt(offset: number, params: Params): Map<string, number> {
    const newest = new Map<string, TopicEvent>();
    for (const event of this.events) {
      if (event.offset > offset) break;
      newest.set(event.key ?? "", event);
    }
    const state = new Map<string, number>();
    for (const [key, event] of newest) {
      if (!event.removed && matchFields(params, event)) state.set(key, event.offset);
    }
    return state;
  }
}
