import type { Payer } from "../../base/index.ts";

/**
 * How many messages, pings and fragments all connections together are given in one turn of the
 * event loop; 4 KiB of payload count as one. With a handler of 10 µs it is 80 ms.
 */
const WORK_PER_TURN = 8_192;

/** Below this nobody looks whether a turn has ended, so that ordinary traffic costs an addition. */
const UNWATCHED_WORK = 256;

/** A connection that waits for the next turn. */
export interface TurnWaiter {
  onNextTurn(): void;
}

let work = 0;
let isWatched = false;
/** Of each payer, those that wait: whoever has many connections goes on one at a time. */
const waiting = new Map<Payer | undefined, TurnWaiter[]>();

/** Counts what a connection was given; true when it has to wait for the next turn. */
export function isTurnSpent(payloadBytes: number): boolean {
  work += 1 + (payloadBytes >> 12);
  if (work < UNWATCHED_WORK) return false;
  if (!isWatched) watch();
  return isSpent();
}

/** Has `waiter` go on in a later turn, fairly among payers. */
export function waitForTurn(waiter: TurnWaiter, payer: Payer | undefined): void {
  const own = waiting.get(payer);
  if (own === undefined) waiting.set(payer, [waiter]);
  else own.push(waiter);
}

function watch(): void {
  isWatched = true;
  setImmediate(beginTurn);
}

function beginTurn(): void {
  isWatched = false;
  work = 0;
  // A payer that is set again while this runs comes again, behind the others.
  for (const [payer, own] of waiting) {
    if (isSpent()) break;
    waiting.delete(payer);
    const next = own.shift();
    if (own.length > 0) waiting.set(payer, own);
    next?.onNextTurn();
  }
  if (waiting.size > 0 && !isWatched) watch();
}

function isSpent(): boolean {
  return work > WORK_PER_TURN;
}
