import type { Timer } from "../../base/index.ts";
import type { Encoding } from "./encoding.ts";
import { OUTSTANDING_BYTES } from "../limits.ts";
import type { SendBuffer } from "./send-buffer.ts";
import type { Offset } from "../position.ts";
import type { Topic } from "../topic.ts";
import type { LaneReader, SharedLane, View } from "./view.ts";
import type { Payer, SliceTask } from "../slices/slice-queue.ts";
import { freshWalk, walkFrom, type Walk } from "../log/walk.ts";

/** The position of a subscriber: walking the log towards its end, or at a position in the lane. */
type Place = Walking | { kind: "live"; position: number; offset: Offset };

interface Walking {
  kind: "walking";
  walk: Walk;
  /** The offset that the subscriber knows. */
  told: Offset;
  /** Whether anything was written during this walk. */
  hasBegun: boolean;
}

/** A walk that has not written anything yet. */
function begun(walk: Walk): Walking {
  return { kind: "walking", walk, told: walk.reached, hasBegun: false };
}

/**
 * Called when the events from `from` to `to` expired before the subscriber read them: events of a
 * log topic, removals of a keyed one. If a keyed subscription continues, the whole state is sent
 * again.
 */
export type OnLost = (from: Offset, to: Offset) => "go-on" | "ended";

/** Events of a subscription that its reader did not request. */
export interface SubscriptionHandler {
  onLost: OnLost;
  /** The topic's log was replaced; subscribe again. */
  onEnded: (subscription: Subscription) => void;
  /** The subscription has ended, because its next message exceeds what the reader accepts. */
  onTooLong?: (subscription: Subscription) => void;
  /** A walk that took more than one turn has reached the end of the log. */
  onCaughtUp?: (subscription: Subscription) => void;
}

/** Calls `expire` when a reader with a rate of its own may be sent something again. */
export type Pace = (expire: () => void) => Timer;

/** A cursor in a topic's log that writes to a buffer. */
export class Subscription implements LaneReader, SliceTask {
  readonly topic: Topic;
  readonly #view: View;
  readonly #encoding: Encoding;
  readonly #buffer: SendBuffer;
  readonly #handler: SubscriptionHandler;
  readonly #shared: SharedLane;
  readonly #payer: Payer;
  readonly #pace: Pace | undefined;
  /** Until it may be sent something again. */
  #rest: Timer | undefined;
  #place: Place;
  /** Whether it is queued for its next slice. */
  #isQueued = false;
  /** Whether its walk has taken more than one turn. */
  #hasWaited = false;
  #ended = false;

  /**
   * @param source `payer` is charged for the time of long walks; default: the subscription. With a
   *   `pace`, a reader of a keyed topic is sent its state, and then from time to time the newest
   *   values of the keys that have changed
   */
  constructor(
    source: {
      topic: Topic;
      view: View;
      encoding: Encoding;
      walk: Walk;
      payer?: Payer;
      pace?: Pace | undefined;
    },
    buffer: SendBuffer,
    handler: SubscriptionHandler,
  ) {
    this.topic = source.topic;
    this.#view = source.view;
    this.#encoding = source.encoding;
    this.#buffer = buffer;
    this.#handler = handler;
    this.#payer = source.payer ?? this;
    this.#pace = source.pace;
    this.#place = begun(source.walk);
    // Join the lane before reading the log, so that no event falls between the two.
    this.#shared = source.view.join(source.encoding, this);
  }

  /**
   * Returns the position that the reader has implicitly reached, if it is past the last event or
   * page sent, because later events did not match. Returns each position once.
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

  /** The view that it reads; equal views mean equal events. */
  get view(): View {
    return this.#view;
  }

  /**
   * Writes as much as the buffer has room for. Never throws, so that one reader cannot disturb
   * others.
   */
  pump(): void {
    if (this.#isQueued || this.#rest !== undefined) return;
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

  /** Continues a walk that took longer than its turn. */
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
    this.#rest?.cancel();
    if (this.#isQueued) this.topic.slices.cancel(this.#payer, this);
  }

  /** Writes one piece; false if nothing more can be written now. */
  #step(room: number): boolean {
    const place = this.#place;
    if (place.kind === "walking") return this.#hasTime() && this.#walk(place);
    const { lane, isCut } = this.#shared;
    if (this.#pace !== undefined) {
      if (isCut) return this.#refuse();
      return place.position < lane.end && this.#fallBack(place.offset);
    }
    if (place.position < lane.start) return this.#fallBack(place.offset);
    const slice = lane.read(place.position, room);
    if (slice === undefined) return isCut && this.#refuse();
    place.position = slice.next;
    place.offset = slice.offset;
    this.#buffer.write(slice.bytes);
    // Usually that was everything, and the remaining room need not be checked.
    return slice.next < lane.end || (isCut && this.#refuse());
  }

  /** Whether this turn has time for a walk; otherwise it continues in a later turn. */
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
    // Until something of a state is sent, the newest state can be sent instead.
    const { base } = walk.complete && !place.hasBegun ? freshWalk(this.topic) : walk;
    const page = this.#view.page(this.#encoding, { ...walk, base });
    this.topic.slices.charge(this.#payer, page.units);
    if (page.bytes === undefined) return this.#refuse();
    const told = page.told ?? place.told;
    if (page.isLast) {
      this.#place = { kind: "live", position: this.#shared.lane.end, offset: told };
      if (page.bytes.length > 0) this.#beginRest();
    } else {
      const hasBegun = place.hasBegun || page.bytes.length > 0;
      const next = { ...walk, base, reached: page.reached };
      this.#place = { kind: "walking", walk: next, told, hasBegun };
    }
    if (page.bytes.length > 0) this.#buffer.write(page.bytes);
    return this.#rest === undefined;
  }

  #beginRest(): void {
    this.#rest = this.#pace?.(() => {
      this.#rest = undefined;
      this.pump();
    });
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

  /** Whether events up to `floor` would have had to be sent on this walk. */
  #misses({ walk: { base, complete }, hasBegun }: Walking, floor: Offset): boolean {
    if (this.topic.kind === "log") return true;
    // In a keyed topic only removals expire. A whole state of which nothing has been sent cannot
    // miss one, because keys that were removed before its base are not sent. A subscriber that
    // already has entries, possibly from an earlier subscription, may hold keys that were removed.
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
    // A partial list of changes is not a state: the whole state starts with a first page of its
    // own.
    if (hasBegun && walk.complete) this.#breakOff(walk);
    return true;
  }

  /**
   * Ends a partly written state, so that the client collects the keys of the next one from scratch.
   * Its offset is one that can no longer be resumed from.
   */
  #breakOff({ reached }: Walk): void {
    const page = { offset: reached, entries: [], complete: false, more: false };
    const bytes = this.#encoding.page(this.#view.topic, page);
    if (bytes !== undefined && bytes.length > 0) this.#buffer.write(bytes);
  }

  /**
   * It continues from the log: the lane has dropped blocks that this subscription has not read, or
   * it reads at a pace of its own.
   */
  #fallBack(offset: Offset): boolean {
    this.#place = begun(walkFrom(offset));
    return true;
  }
}
