import type { LiveErrorCode } from "../../../topics/index.ts";
import type { CommandInfo } from "../../system-topics.ts";
import type { Diagnostics, StartKind } from "./diagnostics.ts";

/** Counters of a live server since it was opened. */
export class Statistics {
  readonly #diagnostics: Diagnostics;
  /** Accepted connections, by level. */
  readonly sessions: { level0: number; level1: number } = { level0: 0, level1: 0 };
  /** Connections that were refused with 4503. */
  turnedAway = 0;
  /** Connections whose credentials were refused or expired. */
  unauthorized = 0;
  /** Messages from clients. */
  received = 0;
  /** Writes to sockets; one write can contain many events. */
  writes = 0;
  writtenBytes = 0;
  /** Events that were appended to the topics' logs. */
  events = 0;
  /** Client publishes that were acknowledged. */
  published = 0;
  /** Publishes that were already in the log. */
  duplicates = 0;
  calls = 0;
  /** Requests to clients, including those of commands and of other servers. */
  asked = 0;
  /** Connections that were closed by command, or to spread the load. */
  closedByCommand = 0;
  /** Commands that this server has ended, by how. */
  readonly commands: Partial<Record<CommandInfo["state"], number>> = {};
  readonly starts: Record<StartKind, number> = { resumed: 0, gap: 0, fresh: 0 };
  /** Log subscribers that received a gap because they were too slow. */
  slowGaps = 0;
  /** Level 0 connections that were closed because they were too slow. */
  tooSlow = 0;
  /** Refused requests, by error code. */
  readonly refusals: Partial<Record<LiveErrorCode, number>> = {};

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  wrote(bytes: Uint8Array): void {
    this.writes += 1;
    this.writtenBytes += bytes.length;
  }

  ended(state: CommandInfo["state"]): void {
    this.commands[state] = (this.commands[state] ?? 0) + 1;
  }

  refused(code: LiveErrorCode): void {
    this.refusals[code] = (this.refusals[code] ?? 0) + 1;
    this.#diagnostics.publish("refusal", () => ({ code }));
  }
}

/** The counters, read-only. */
export type LiveStatistics = Readonly<Omit<Statistics, "wrote" | "refused" | "ended">>;
