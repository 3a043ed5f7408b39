import { matchFields, type Params, type TopicEvent } from "../../../src/live/index.ts";

/** All events of a topic in one epoch, as the broker reported them. */
export class Truth {
  readonly events: TopicEvent[] = [];

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
