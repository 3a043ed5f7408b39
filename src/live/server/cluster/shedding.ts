import { LongwireError, shown, type TimerWheel } from "../../../base/index.ts";
import { LiveCloseCode } from "../../wire/close-code.ts";
import type { LiveLimits } from "../limits.ts";
import type { Ending, ConnectedClient } from "../sessions/connected-client.ts";

export interface ShedOptions {
  /** The share of this server's Level 1 connections, from 0 to 1. */
  share: number;
  /** The time over which they are asked, in milliseconds. */
  overMs: number;
}

/** They return at once: the time at which each is asked spreads them. */
const MOVE: Ending = {
  code: LiveCloseCode.Restarting,
  message: "The load is spread over the servers; connect again.",
  retry: true,
  retryAfterMs: 0,
};

/** How much earlier or later than its age a connection is asked. */
const JITTER = 0.1;

interface SheddingHost {
  readonly limits: Pick<LiveLimits, "maxConnectionAgeMs">;
  readonly clock: { now(): number };
  readonly wheel: TimerWheel;
  readonly random: () => number;
  /** All clients of this server. */
  readonly clients: () => Iterable<ConnectedClient>;
}

/**
 * Asks clients to connect again, so that a load balancer spreads them over servers that were added.
 * Only those of Level 1 are asked, because they resume without a loss.
 */
export class Shedding {
  readonly #host: SheddingHost;

  constructor(host: SheddingHost) {
    this.#host = host;
  }

  /**
   * Asks a random share.
   *
   * @returns how many are asked
   * @throws LongwireError `invalid_option`
   */
  shed({ share, overMs }: ShedOptions): number {
    requireNumber("share", share, 1);
    requireNumber("overMs", overMs, Number.MAX_SAFE_INTEGER);
    const { wheel, random, clients } = this.#host;
    const able = [...clients()].filter(({ who }) => who.level === 1 && who.caller !== undefined);
    const asked = Math.round(able.length * share);
    let left = asked;
    for (const [at, client] of able.entries()) {
      // Each subset of this size is equally likely.
      if (random() * (able.length - at) >= left) continue;
      left -= 1;
      wheel.after(random() * overMs, () => client.disconnect(MOVE));
    }
    return asked;
  }

  /** Asks a client whose connection is old enough. Called for each at intervals. */
  checkAge(client: ConnectedClient): void {
    const { limits, clock } = this.#host;
    const { maxConnectionAgeMs } = limits;
    const { level, caller, openedAt } = client.who;
    if (level !== 1 || caller === undefined) return;
    const age = clock.now() - openedAt;
    if (age < maxConnectionAgeMs * (1 - JITTER)) return;
    if (age >= maxConnectionAgeMs * (1 + JITTER * offCentre(caller.connection))) {
      client.disconnect(MOVE);
    }
  }
}

/** A number from -1 to 1 that is always the same for one connection, so that it need not be kept. */
function offCentre(connection: string): number {
  return Number.parseInt(connection.slice(0, 4), 16) / 0x80_00 - 1;
}

/** @throws LongwireError `invalid_option` */
function requireNumber(name: string, value: unknown, most: number): void {
  if (typeof value === "number" && value >= 0 && value <= most) return;
  const message = `${name} is ${shown(value)}; give a number from 0 to ${most}.`;
  throw new LongwireError("invalid_option", message);
}
