import type { TopicEvent } from "../../src/live/index.ts";
import type { Offset } from "../../src/topics/position.ts";

/** The data of an event of `news`. */
export interface News {
  publisher: string;
  /** Counts what the publisher has published, from 1 on. */
  n: number;
  /** When it was published, in ms, by the clock of the clients' process. */
  at: number;
}

/** All that a subscriber of `news` was told. */
export interface History {
  readonly id: string;
  /** The position that it had reached when the run began. */
  start: Offset;
  readonly offsets: Offset[];
  readonly gaps: { from: Offset; to: Offset; reason: string }[];
  /** Events that a server sent again on a connection: the client would not have shown them. */
  resent: number;
}

/** A publisher's record of its own publishes. */
export interface Ledger {
  readonly publisher: string;
  /** Offsets by `n`. */
  readonly acknowledged: Map<number, Offset>;
  /** Sent, and never answered: there once, or not at all. */
  readonly unconfirmed: Set<number>;
}

/** The faults that were found; all numbers are 0 if there were none. */
export interface Findings {
  /** Acknowledged, and not in the log at its offset. */
  unkept: number;
  /** In the log more than once. */
  appendedTwice: number;
  /** In the log, and never published or after a later one of the same publisher. */
  outOfOrder: number;
  /** Deliveries that did not come, and of which nobody was told. */
  lost: number;
  /** Deliveries that came again. */
  doubled: number;
  /** Events that a server sent again, or after a later one, which the client kept to itself. */
  resent: number;
  /** Deliveries that came after a later one. */
  disordered: number;
  /** Deliveries of what the log does not have. */
  invented: number;
  /** Views of a keyed topic that are not what the topic was at their position. */
  wrongViews: number;
  /** The same of those who read over plain HTTP. */
  wrongHttpViews: number;
}

/**
 * Holds what everybody was told against the log as it is in the end.
 *
 * @param log all that `news` has, in offset order
 */
export function check(
  log: readonly TopicEvent[],
  { histories, ledgers }: { histories: readonly History[]; ledgers: readonly Ledger[] },
): Omit<Findings, "wrongViews" | "wrongHttpViews"> {
  const findings = {
    ...checkLog(log, ledgers),
    lost: 0,
    doubled: 0,
    resent: 0,
    disordered: 0,
    invented: 0,
  };
  const kept = new Set(log.map(({ offset }) => offset));
  const last = log.at(-1)?.offset ?? 0;
  for (const history of histories) {
    findings.resent += history.resent;
    const seen = new Set<Offset>();
    let newest = history.start;
    for (const offset of history.offsets) {
      if (seen.has(offset)) findings.doubled += 1;
      else if (offset < newest) findings.disordered += 1;
      if (!kept.has(offset)) findings.invented += 1;
      seen.add(offset);
      newest = Math.max(newest, offset);
    }
    for (const { offset } of log) {
      if (offset <= history.start || offset > last || seen.has(offset)) continue;
      if (!history.gaps.some(({ from, to }) => from <= offset && offset <= to)) findings.lost += 1;
    }
  }
  return findings;
}

function checkLog(
  log: readonly TopicEvent[],
  ledgers: readonly Ledger[],
): Pick<Findings, "unkept" | "appendedTwice" | "outOfOrder"> {
  const findings = { unkept: 0, appendedTwice: 0, outOfOrder: 0 };
  const newest = new Map<string, number>();
  const offsets = new Map<string, Offset>();
  for (const { data, offset } of log) {
    const { publisher, n } = data as News;
    const name = `${publisher} ${n}`;
    if (offsets.has(name)) findings.appendedTwice += 1;
    else if (n <= (newest.get(publisher) ?? 0)) findings.outOfOrder += 1;
    offsets.set(name, offset);
    newest.set(publisher, Math.max(n, newest.get(publisher) ?? 0));
  }
  for (const { publisher, acknowledged } of ledgers) {
    for (const [n, offset] of acknowledged) {
      if (offsets.get(`${publisher} ${n}`) !== offset) findings.unkept += 1;
    }
  }
  return findings;
}
