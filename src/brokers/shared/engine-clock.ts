import type { Clock } from "../../base/index.ts";

/** How long a measured clock difference is trusted, in ms, because clocks drift. */
const TRUSTED_MS = 60_000;

/**
 * Estimates the clock of an engine on another machine from its answers.
 *
 * Events carry the engine's times, so their age is computed with its clock: a node whose own clock
 * is hours ahead must not consider all events expired.
 */
export class EngineClock {
  readonly #clock: Clock;
  /** How far the engine's clock is ahead, and the round-trip time of that measurement. */
  #ahead: { byMs: number; tookMs: number; at: number } = { byMs: 0, tookMs: Infinity, at: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The engine's current time, in ms since the Unix epoch. */
  now(): number {
    return this.#clock.now() + this.#ahead.byMs;
  }

  /** Converts an engine time to this node's time. */
  ownTime(time: number): number {
    return time - this.#ahead.byMs;
  }

  /**
   * Records a time in an engine's answer. The fastest answer is the most precise one, until it is
   * outdated.
   */
  learn(time: number, askedAt: number): void {
    const tookMs = this.#clock.now() - askedAt;
    const isNew = askedAt - this.#ahead.at < TRUSTED_MS;
    if (isNew && tookMs > this.#ahead.tookMs) return;
    this.#ahead = { byMs: time - (askedAt + tookMs / 2), tookMs, at: askedAt };
  }
}
