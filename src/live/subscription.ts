import type { Encoding } from "./encoding.ts";
import { OUTSTANDING_BYTES } from "./limits.ts";
import type { Outlet } from "./outlet.ts";
import type { Offset } from "./position.ts";
import type { Topic } from "./topic.ts";
import type { LaneReader, SharedLane, View } from "./view.ts";
import { freshWalk, hasBegun, walkFrom, type Walk } from "./walk.ts";

/** Where a subscriber stands: walking the log towards its end, or at a place in the lane. */
type Place = { kind: "walking"; walk: Walk } | { kind: "live"; position: number; offset: Offset };

/**
 * What a subscriber is told, or not, when `from` to `to` are gone before it read them: events of a
 * log topic, removals of a keyed one. A keyed one that goes on is told the whole state again.
 */
export type OnLost = (from: Offset, to: Offset) => "go-on" | "ended";

/** What happens to a subscription that its reader has not asked for. */
export interface SubscriptionHandler {
  onLost: OnLost;
  /** The topic's log starts again: it is to be subscribed to anew. */
  onEnded: (subscription: Subscription) => void;
}

/** A cursor in a topic's log, with the outlet that what it reads is written to. */
export class Subscription implements LaneReader {
  readonly topic: Topic;
  readonly #view: View;
  readonly #encoding: Encoding;
  readonly #outlet: Outlet;
  readonly #handler: SubscriptionHandler;
  readonly #shared: SharedLane;
  #place: Place;
  #ended = false;

  constructor(
    source: { topic: Topic; view: View; encoding: Encoding; walk: Walk },
    outlet: Outlet,
    handler: SubscriptionHandler,
  ) {
    this.topic = source.topic;
    this.#view = source.view;
    this.#encoding = source.encoding;
    this.#outlet = outlet;
    this.#handler = handler;
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

  /** The view that it reads, which tells whether other params mean other events. */
  get view(): View {
    return this.#view;
  }

  /** Writes what the outlet has room for. Never throws, so that one reader ends no other's turn. */
  pump(): void {
    try {
      while (!this.#ended) {
        const room = OUTSTANDING_BYTES - this.#outlet.bufferedAmount;
        if (room <= 0) return this.#outlet.watchDrain(this);
        if (!this.#step(room)) return;
      }
    } catch (error) {
      this.end();
      this.#outlet.fail(error);
    }
  }

  onGrown(): void {
    this.pump();
  }

  onEnded(): void {
    this.end();
    this.#handler.onEnded(this);
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
    if (walk.reached < floor && this.#misses(walk, floor)) return this.#lose(walk, floor);
    // While nothing of a state is told it may as well be the state of now.
    const { base } = walk.complete && !hasBegun(walk) ? freshWalk(this.topic) : walk;
    const page = this.#view.page(this.#encoding, { ...walk, base });
    if (page.isLast) {
      const position = this.#shared.lane.end;
      this.#place = { kind: "live", position, offset: page.told };
    } else {
      this.#place = { kind: "walking", walk: { ...walk, base, reached: page.reached } };
    }
    if (page.bytes.length > 0) this.#outlet.write(page.bytes);
    return true;
  }

  /** Whether what went up to `floor` would have had to be told on this walk. */
  #misses({ reached, base, complete }: Walk, floor: Offset): boolean {
    if (this.topic.kind === "log") return true;
    // Of a keyed topic only removals go. Of a whole state nothing is told yet, so nothing is to be
    // taken back; and keys that were gone at its base were not told. Who has something, if only by
    // what an earlier subscription sent while this one was asked for, may hold what is gone.
    return (reached > 0 || !complete) && base < floor;
  }

  #lose(walk: Walk, floor: Offset): boolean {
    if (this.#handler.onLost(walk.reached + 1, floor) === "ended") {
      this.end();
      return false;
    }
    if (this.topic.kind === "log") {
      this.#place = { kind: "walking", walk: { ...walk, reached: floor } };
      return true;
    }
    this.#place = { kind: "walking", walk: freshWalk(this.topic) };
    // What was told of changes only is no state: the whole one begins with its own first page.
    if (hasBegun(walk) && walk.complete) this.#breakOff(walk);
    return true;
  }

  /**
   * Ends a whole state of which some pages are written, so that the next one counts its keys anew.
   * The offset is one that nobody can resume from any more.
   */
  #breakOff({ reached }: Walk): void {
    const page = { offset: reached, entries: [], complete: false, more: false };
    const bytes = this.#encoding.page(this.#view.topic, page);
    if (bytes.length > 0) this.#outlet.write(bytes);
  }

  /** The lane has gone on without this subscriber: it reads from the log what it lacks. */
  #fallBack(offset: Offset): boolean {
    this.#place = { kind: "walking", walk: walkFrom(offset) };
    return true;
  }
}
