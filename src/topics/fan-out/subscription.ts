import type { Encoding } from "./encoding.ts";
import { OUTSTANDING_BYTES } from "../limits.ts";
import type { SendBuffer } from "./send-buffer.ts";
import type { Offset } from "../position.ts";
import type { Topic } from "../topic.ts";
import type { LaneReader, SharedLane, View } from "./view.ts";
import type { Payer, SliceTask } from "../slices/slice-queue.ts";
import { freshWalk, walkFrom, type Walk } from "../log/walk.ts";

/** Where a subscriber stands: walking the log towards its end, or at a place in the lane. */
type Place = Walking | { kind: "live"; position: number; offset: Offset };

interface Walking {
  kind: "walking";
  walk: Walk;
  /** The offset that the subscriber knows of. */
  told: Offset;
  /** Whether anything was written on this walk. */
  hasBegun: boolean;
}

/** A walk of which nothing is written yet. */
function begun(walk: Walk): Walking {
  return { kind: "walking", walk, told: walk.reached, hasBegun: false };
}

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
  /** What comes next is longer than its reader takes: it has ended. */
  onTooLong?: (subscription: Subscription) => void;
  /** A walk that took more than one turn has come to the end of the log. */
  onCaughtUp?: (subscription: Subscription) => void;
}

/** A cursor in a topic's log, with the buffer that what it reads is written to. */
export class Subscription implements LaneReader, SliceTask {
  readonly topic: Topic;
  readonly #view: View;
  readonly #encoding: Encoding;
  readonly #buffer: SendBuffer;
  readonly #handler: SubscriptionHandler;
  readonly #shared: SharedLane;
  readonly #payer: Payer;
  #place: Place;
  /** It waits for its next slice. */
  #isQueued = false;
  /** Its walk has taken more than one turn. */
  #hasWaited = false;
  #ended = false;

  /** @param source `payer` is who the time of long walks is charged to; default the subscription */
  constructor(
    source: { topic: Topic; view: View; encoding: Encoding; walk: Walk; payer?: Payer },
    buffer: SendBuffer,
    handler: SubscriptionHandler,
  ) {
    this.topic = source.topic;
    this.#view = source.view;
    this.#encoding = source.encoding;
    this.#buffer = buffer;
    this.#handler = handler;
    this.#payer = source.payer ?? this;
    this.#place = begun(source.walk);
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

  /** Everything up to here was written to the buffer, or did not match. */
  get reached(): Offset {
    const place = this.#place;
    if (place.kind === "walking") return place.walk.reached;
    return place.position === this.#shared.lane.end ? this.topic.position.offset : place.offset;
  }

  /** The view that it reads, which tells whether other params mean other events. */
  get view(): View {
    return this.#view;
  }

  /** Writes what the buffer has room for. Never throws, so that one reader ends no other's turn. */
  pump(): void {
    if (this.#isQueued) return;
    try {
      while (!this.#ended) {
        const room = OUTSTANDING_BYTES - this.#buffer.bufferedAmount;
        if (room <= 0) return this.#buffer.watchDrain(this);
        if (!this.#step(room)) break;
      }
      if (this.#hasWaited) this.#notifyCaughtUp();
    } catch (error) {
      this.end();
      this.#buffer.fail(error);
    }
  }

  /** Goes on with a walk that is longer than a turn allows. */
  runSlice(): void {
    this.#isQueued = false;
    this.pump();
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
    if (this.#isQueued) this.topic.slices.cancel(this.#payer, this);
  }

  /** Writes one piece; false when there is nothing more to write now. */
  #step(room: number): boolean {
    const place = this.#place;
    if (place.kind === "walking") return this.#hasTime() && this.#walk(place);
    const { lane, isCut } = this.#shared;
    if (place.position < lane.start) return this.#fallBack(place.offset);
    const slice = lane.read(place.position, room);
    if (slice === undefined) return isCut && this.#refuse();
    place.position = slice.next;
    place.offset = slice.offset;
    this.#buffer.write(slice.bytes);
    // Mostly that was all, and how much room is left need not be asked.
    return slice.next < lane.end || (isCut && this.#refuse());
  }

  /** Whether this turn has time for a walk; else it goes on in a later one. */
  #hasTime(): boolean {
    const { slices } = this.topic;
    if (slices.hasTime) return true;
    slices.enqueue(this.#payer, this);
    this.#isQueued = true;
    this.#hasWaited = true;
    return false;
  }

  #walk(place: Walking): boolean {
    const { walk } = place;
    const { floor } = this.topic;
    if (walk.reached < floor && this.#misses(place, floor)) return this.#lose(place, floor);
    // While nothing of a state is told it may as well be the state of now.
    const { base } = walk.complete && !place.hasBegun ? freshWalk(this.topic) : walk;
    const page = this.#view.page(this.#encoding, { ...walk, base });
    this.topic.slices.charge(this.#payer, page.units);
    if (page.bytes === undefined) return this.#refuse();
    const told = page.told ?? place.told;
    if (page.isLast) {
      this.#place = { kind: "live", position: this.#shared.lane.end, offset: told };
    } else {
      const hasBegun = place.hasBegun || page.bytes.length > 0;
      const next = { ...walk, base, reached: page.reached };
      this.#place = { kind: "walking", walk: next, told, hasBegun };
    }
    if (page.bytes.length > 0) this.#buffer.write(page.bytes);
    return true;
  }

  #refuse(): false {
    this.end();
    this.#handler.onTooLong?.(this);
    return false;
  }

  #notifyCaughtUp(): void {
    if (this.#isQueued || this.#place.kind !== "live") return;
    this.#hasWaited = false;
    this.#handler.onCaughtUp?.(this);
  }

  /** Whether what went up to `floor` would have had to be told on this walk. */
  #misses({ walk: { base, complete }, hasBegun }: Walking, floor: Offset): boolean {
    if (this.topic.kind === "log") return true;
    // Of a keyed topic only removals go. Of a whole state nothing is told yet, so nothing is to be
    // taken back; and keys that were gone at its base were not told. Who has something, if only by
    // what an earlier subscription sent while this one was asked for, may hold what is gone.
    return (hasBegun || !complete) && base < floor;
  }

  #lose({ walk, hasBegun }: Walking, floor: Offset): boolean {
    if (this.#handler.onLost(walk.reached + 1, floor) === "ended") {
      this.end();
      return false;
    }
    if (this.topic.kind === "log") {
      this.#place = begun({ ...walk, reached: floor });
      return true;
    }
    this.#place = begun(freshWalk(this.topic));
    // What was told of changes only is no state: the whole one begins with its own first page.
    if (hasBegun && walk.complete) this.#breakOff(walk);
    return true;
  }

  /**
   * Ends a whole state of which some pages are written, so that the next one counts its keys anew.
   * The offset is one that nobody can resume from any more.
   */
  #breakOff({ reached }: Walk): void {
    const page = { offset: reached, entries: [], complete: false, more: false };
    const bytes = this.#encoding.page(this.#view.topic, page);
    if (bytes !== undefined && bytes.length > 0) this.#buffer.write(bytes);
  }

  /** The lane has gone on without this subscriber: it reads from the log what it lacks. */
  #fallBack(offset: Offset): boolean {
    this.#place = begun(walkFrom(offset));
    return true;
  }
}
