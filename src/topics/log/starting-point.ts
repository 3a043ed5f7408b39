import { onceAvailable } from "../../base/index.ts";
import { LiveError } from "../live-error.ts";
import { quoted } from "../application-error.ts";
import type { TopicEvent } from "../event.ts";
import type { View } from "../fan-out/view.ts";
import type { Offset, Position } from "../position.ts";
import type { Payer } from "../slices/slice-queue.ts";
import { Work } from "../slices/work.ts";
import type { Topic } from "../topic.ts";
import type { LookBack, LookedBack } from "./look-back.ts";

/**
 * Which of a log topic's kept events a new reader receives first. With both members, an event needs
 * to satisfy both.
 */
export interface StartingPoint {
  /** The newest events, at most so many; `"all"` for all that are kept. */
  readonly last?: number | "all" | undefined;
  /** The events that are at most this old, in milliseconds. */
  readonly sinceMs?: number | undefined;
}

interface Reader {
  readonly view: View;
  /** Charged for the time of long walks. */
  readonly payer: Payer;
}

/**
 * Finds the position after which a reader's events follow; immediately if this turn has time and one
 * slice is enough.
 *
 * @throws LiveError `bad_request` for a keyed topic
 */
export function startOf(
  topic: Topic,
  { last = "all", sinceMs = Number.POSITIVE_INFINITY }: StartingPoint,
  { view, payer }: Reader,
): Position | Promise<Position> {
  requireLog(topic);
  topic.expire();
  const { epoch, offset } = topic.position;
  if (last === "all" && sinceMs === Number.POSITIVE_INFINITY) {
    return { epoch, offset: topic.floor };
  }
  let left = last === "all" ? Number.POSITIVE_INFINITY : last;
  // Everything is behind the reader if nothing is taken.
  let first = offset + 1;
  const take = (event: TopicEvent): boolean => {
    if (left <= 0) return false;
    left -= 1;
    first = event.offset;
    return left > 0;
  };
  const walk = { before: offset + 1, oldestAt: topic.now - sinceMs };
  return onceAvailable(inSlices(topic, walk, { view, payer, take }), () => ({
    epoch,
    offset: first - 1,
  }));
}

/** The events of a page, and whether older matching ones are kept. */
export interface PastPage {
  /** They are after this offset. */
  readonly start: Offset;
  readonly more: boolean;
}

/** Finds the last matching events before an offset, at most so many. */
export async function pageBefore(
  topic: Topic,
  { before, last }: { before: Offset; last: number },
  { view, payer }: Reader,
): Promise<PastPage> {
  let left = last;
  let first = before;
  const take = (event: TopicEvent): boolean => {
    if (left <= 0) return false;
    left -= 1;
    first = event.offset;
    return true;
  };
  const walk = { before, oldestAt: Number.NEGATIVE_INFINITY };
  const end = await inSlices(topic, walk, { view, payer, take });
  return { start: Math.max(first - 1, topic.floor), more: end === "enough" };
}

/** @throws LiveError `bad_request` */
export function requireLog({ kind, name }: Topic): void {
  if (kind === "log") return;
  const message = `${quoted(name)} is a keyed topic, whose state is sent whole; leave last, sinceMs and before out.`;
  throw new LiveError("bad_request", message);
}

/** Looks back as far as `take` wants, in as many slices as it takes. */
export function inSlices(
  topic: Topic,
  walk: LookBack,
  { view, payer, take }: Reader & { take: (event: TopicEvent) => boolean },
): Ended | Promise<Ended> {
  const { slices } = topic;
  const step = (before: Offset): LookedBack => {
    const work = new Work();
    const looked = view.lookBack({ ...walk, before }, { work, take });
    slices.charge(payer, work.units);
    return looked;
  };
  const goOn = async (from: Offset): Promise<Ended> => {
    for (let before = from; ;) {
      await slices.turn(payer);
      const looked = step(before);
      if (looked.end !== "yield") return looked.end;
      ({ before } = looked);
    }
  };
  if (!slices.hasTime) return goOn(walk.before);
  const { before, end } = step(walk.before);
  return end === "yield" ? goOn(before) : end;
}

type Ended = Exclude<LookedBack["end"], "yield">;
