import type { Clock } from "../../base/index.ts";

/** For how long it is trusted how far another clock is ahead, in ms: clocks drift. */
const TRUSTED_MS = 60_000;

/**
 * The clock of an engine on another machine, as this node knows it from the engine's answers.
 *
 * Events carry the engine's times, so what is old is reckoned by its clock: a node whose own clock
 * is hours ahead must not take all events for old.
 */
export class EngineClock {
  readonly #clock: Clock;
  /** How far the engine's clock is ahead of this node's, and how long it took to learn that. */
  #ahead: { byMs: number; tookMs: number; at: number } = { byMs: 0, tookMs: Infinity, at: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the time is where events are stored, in ms since the Unix epoch. */
  now(): number {
    return this.#clock.now() + this.#ahead.byMs;
  }

  /** Writes a time of the engine as this node's. */
  ownTime(time: number): number {
    return time - this.#ahead.byMs;
  }

  /** The engine has answered with its time. The quickest answer tells it best, until it is old. */
  learn(time: number, askedAt: number): void {
    const tookMs = this.#clock.now() - askedAt;
    const isNew = askedAt - this.#ahead.at < TRUSTED_MS;
    if (isNew && tookMs > this.#ahead.tookMs) return;
    this.#ahead = { byMs: time - (askedAt + tookMs / 2), tookMs, at: askedAt };
  }
}
