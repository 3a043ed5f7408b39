import type { Payer } from "../../base/index.ts";

/**
 * How many messages, pings and fragments all connections together receive in one turn of the event
 * loop; 4 KiB of payload count as one. With a handler of 10 µs this takes 80 ms.
 */
const WORK_PER_TURN = 8_192;

/**
 * Below this, the end of a turn is not tracked, so that ordinary traffic costs only an addition.
 */
const UNWATCHED_WORK = 256;

/** A connection that waits for the next turn. */
export interface TurnWaiter {
  onNextTurn(): void;
}

let work = 0;
let isWatched = false;
/**
 * The waiting connections by payer, so that a payer with many connections continues one at a time.
 */
const waiting = new Map<Payer | undefined, TurnWaiter[]>();

/** Counts work for a connection; returns true if it has to wait for the next turn. */
export function isTurnSpent(payloadBytes: number): boolean {
  work += 1 + (payloadBytes >> 12);
  if (work < UNWATCHED_WORK) return false;
  if (!isWatched) watch();
  return isSpent();
}

/** Makes `waiter` continue in a later turn, fairly among payers. */
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
  // A payer that is added again during the loop is visited again, after the others.
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
