import type { LiveErrorCode } from "../../../topics/index.ts";
import type { Diagnostics } from "./diagnostics.ts";

/** How a subscription began: see `Recovery`; `fresh` also without `since`. */
export type StartKind = "resumed" | "gap" | "fresh";

/** What a live server has counted since it was opened; plain numbers that only grow. */
export class Statistics {
  readonly #diagnostics: Diagnostics;
  /** Connections that were let in, by level. */
  readonly sessions: { level0: number; level1: number } = { level0: 0, level1: 0 };
  /** Connections that were turned away with 4503. */
  turnedAway = 0;
  /** Connections whose credentials were refused, or ran out. */
  unauthorized = 0;
  /** Messages from clients. */
  received = 0;
  /** Pieces of a log that were written: one can hold many events. */
  writes = 0;
  writtenBytes = 0;
  /** Events that the topics' logs got. */
  events = 0;
  /** Publishes of clients that were acknowledged. */
  published = 0;
  /** Publishes that were in the log already. */
  duplicates = 0;
  calls = 0;
  readonly starts: Record<StartKind, number> = { resumed: 0, gap: 0, fresh: 0 };
  /** Log subscribers that were told of a gap because they were too slow. */
  slowGaps = 0;
  /** Level 0 connections that were closed because they were too slow. */
  tooSlow = 0;
  /** Requests that were refused, by their error's code. */
  readonly refusals: Partial<Record<LiveErrorCode, number>> = {};

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  wrote(bytes: Uint8Array): void {
    this.writes += 1;
    this.writtenBytes += bytes.length;
  }

  refused(code: LiveErrorCode): void {
    this.refusals[code] = (this.refusals[code] ?? 0) + 1;
    this.#diagnostics.tell("refusal", () => ({ code }));
  }
}

/** The counts, for who only looks. */
export type LiveStatistics = Readonly<Omit<Statistics, "wrote" | "refused">>;
