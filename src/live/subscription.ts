import type { Encoding } from "./encoding.ts";
import type { Outlet } from "./outlet.ts";
import type { Offset } from "./position.ts";
import type { Topic } from "./topic.ts";
import type { LaneReader, SharedLane, View, Walk } from "./view.ts";

/**
 * How many unsent bytes a subscriber may have before nothing more is written to it. It is all
 * that a slow one costs: the events that it lacks wait in the log, for everybody.
 */
const OUTSTANDING_BYTES = 64 * 1024;

/** Where a subscriber stands: walking the log towards its end, or at a place in the lane. */
type Place = { kind: "walking"; walk: Walk } | { kind: "live"; position: number; offset: Offset };

/** What a log topic's subscriber is told, or not, when events are gone before it read them. */
export type OnGap = (from: Offset, to: Offset) => "go-on" | "ended";

/** A cursor in a topic's log, with the outlet that what it reads is written to. */
export class Subscription implements LaneReader {
  readonly topic: Topic;
  readonly #view: View;
  readonly #encoding: Encoding;
  readonly #outlet: Outlet;
  readonly #onGap: OnGap;
  readonly #shared: SharedLane;
  #place: Place;
  #ended = false;

  constructor(
    source: { topic: Topic; view: View; encoding: Encoding; walk: Walk },
    outlet: Outlet,
    onGap: OnGap,
  ) {
    this.topic = source.topic;
    this.#view = source.view;
    this.#encoding = source.encoding;
    this.#outlet = outlet;
    this.#onGap = onGap;
    this.#place = { kind: "walking", walk: source.walk };
    // The lane is joined before the log is read, so that nothing falls between the two.
    this.#shared = source.view.join(source.encoding, this);
  }

  /**
   * The offset up to which nothing is missing, if it is above what was told with the last event or
   * page: what came since did not match.
   */
  takeUntold(): Offset | undefined {
    const place = this.#place;
    if (place.kind === "walking" || place.position !== this.#shared.lane.end) return undefined;
    const { offset } = this.topic.position;
    if (offset <= place.offset) return undefined;
    place.offset = offset;
    return offset;
  }

  /** Writes what the outlet has room for. */
  pump(): void {
    while (!this.#ended) {
      const room = OUTSTANDING_BYTES - this.#outlet.bufferedAmount;
      if (room <= 0) return this.#outlet.watchDrain();
      if (!this.#step(room)) return;
    }
  }

  onGrown(): void {
    this.pump();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#view.leave(this.#shared, this);
  }

  /** Writes one piece; false when there is nothing more to write now. */
  #step(room: number): boolean {
    const place = this.#place;
    if (place.kind === "walking") return this.#walk(place.walk);
    const { lane } = this.#shared;
    if (place.position < lane.start) return this.#fallBack(place.offset);
    const slice = lane.read(place.position, room);
    if (slice === undefined) return false;
    place.position = slice.next;
    place.offset = slice.offset;
    this.#outlet.write(slice.bytes);
    return true;
  }

  #walk(walk: Walk): boolean {
    const { floor } = this.topic;
    if (this.topic.kind === "log" && walk.reached < floor) {
      if (this.#onGap(walk.reached + 1, floor) === "ended") return false;
      this.#place = { kind: "walking", walk: { ...walk, reached: floor } };
      return true;
    }
    const page = this.#view.page(this.#encoding, walk);
    if (page.isLast) {
      const position = this.#shared.lane.end;
      this.#place = { kind: "live", position, offset: page.told };
    } else {
      this.#place = { kind: "walking", walk: { ...walk, reached: page.reached } };
    }
    if (page.bytes.length > 0) this.#outlet.write(page.bytes);
    return true;
  }

  /** The lane has gone on without this subscriber: it reads from the log what it lacks. */
  #fallBack(offset: Offset): boolean {
    const isKnown = this.topic.kind === "log" || offset >= this.topic.floor;
    const walk = isKnown
      ? { reached: offset, base: offset, complete: false }
      : { reached: 0, base: this.topic.position.offset, complete: true };
    this.#place = { kind: "walking", walk };
    return true;
  }
}
