import { LongwireError } from "../base/index.ts";
import { settled } from "./settled.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** The longest time that passes on the clock by default, in milliseconds: one hour. */
const WITHIN_MS = 3_600_000;

export interface SettleOptions {
  /** The longest time that passes on the kit's clock, in milliseconds. Default 3,600,000. */
  withinMs?: number;
}

/**
 * Fires the clock's timers, earliest first, until `promise` has settled.
 *
 * @throws what `promise` rejects with; LongwireError `not_settled`, as a rejection
 */
export async function settle<Value>(
  clock: VirtualClock,
  promise: PromiseLike<Value>,
  { withinMs = WITHIN_MS }: SettleOptions = {},
): Promise<Value> {
  const outcome = { isPending: true };
  const end = (): void => void (outcome.isPending = false);
  // Its rejection is handled here from the start, because the last line awaits it only later.
  promise.then(end, end);
  const until = clock.now() + withinMs;
  for (await settled(); outcome.isPending; await settled()) {
    const next = clock.nextTimerAt;
    if (next === undefined) throw stuck("no timer and no message is pending on the kit's clock");
    if (next > until) throw stuck(`${withinMs} ms have passed on the kit's clock`);
    await clock.pass(next - clock.now());
  }
  return promise;
}

function stuck(why: string): LongwireError {
  const message = `The promise is still pending, and ${why}; check what it waits for, such as a network that is down or a timer that is not on this clock.`;
  return new LongwireError("not_settled", message);
}
