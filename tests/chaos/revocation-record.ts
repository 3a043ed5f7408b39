/** A revocation, with its effects; times are in ms on one clock. */
export interface Revocation {
  readonly revokedAt: number | undefined;
  /** When the last connection of the identity ended; `undefined` if one is still open. */
  readonly closedAt: number | undefined;
  /**
   * When the last outage of a node involved ended that fell between the two: `Infinity` if it has
   * not ended, `undefined` if there was none.
   */
  readonly outageEnd: number | undefined;
  /** The longest delay, each way, between a node and the broker meanwhile, in ms. */
  readonly delayMs: number;
  /** Messages on connections whose end had been announced. */
  readonly sentAfterEnd: number;
  /** How often the token was accepted afterwards, by a node that had no outage since. */
  readonly acceptedAfterEnd: number;
}

/** The faults of revocations that were found; all numbers are 0 if there were none. */
export interface RevocationFindings {
  /** Still connected when the run had ended. */
  revokedStillOpen: number;
  /** Came back with a revoked token. */
  revokedAccepted: number;
  /** Messages after the close. */
  sentAfterClose: number;
  /**
   * Later than a second without an outage, beyond one in a hundred. On a slow network to the broker
   * each delay counts in addition: the order, its acknowledgement, and the steps of reading it.
   */
  revocationsLate: number;
  /** With an outage, and not over some seconds after it. */
  revocationsOverdue: number;
}

/** How long the revocations took. */
export interface RevocationFigures {
  /** Those during which every node involved reached its broker, and how long they took, in ms. */
  connected: { count: number; median: number; p99: number; longest: number; late: number };
  /** The same, while the network to the broker was slow. */
  slow: { count: number; longest: number; late: number };
  /** The others: how many, and the longest time that one took after the last outage, in ms. */
  withOutage: { count: number; longestAfterOutage: number };
}

/** A revocation that takes longer is late. */
export const LIMIT_MS = 1_000;
const LATE_SHARE = 0.01;
/** The most steps over the network to the broker, one after the other, that a revocation takes. */
const MOST_STEPS = 6;
/** How long the nodes may take after an outage to learn of a revocation. */
const AFTER_OUTAGE_MS = 10_000;

/** @param isTimed whether it is judged how long they took */
export function judge(revocations: readonly Revocation[], isTimed: boolean): RevocationFindings {
  const { connected, slow } = figuresOf(revocations);
  const late = slow.late + Math.max(0, connected.late - Math.floor(connected.count * LATE_SHARE));
  const overdue = afterOutages(revocations).filter((ms) => ms > AFTER_OUTAGE_MS).length;
  return {
    revokedStillOpen: revocations.filter(({ closedAt }) => closedAt === undefined).length,
    revokedAccepted: sum(revocations.map(({ acceptedAfterEnd }) => acceptedAfterEnd)),
    sentAfterClose: sum(revocations.map(({ sentAfterEnd }) => sentAfterEnd)),
    revocationsLate: isTimed ? late : 0,
    revocationsOverdue: isTimed ? overdue : 0,
  };
}

export function figuresOf(revocations: readonly Revocation[]): RevocationFigures {
  const ended = revocations.filter(
    ({ closedAt, outageEnd }) => closedAt !== undefined && outageEnd === undefined,
  );
  const times = ended
    .filter(({ delayMs }) => delayMs === 0)
    .map(tookMs)
    .toSorted((one, other) => one - other);
  const slow = ended.filter(({ delayMs }) => delayMs > 0);
  const tooSlow = slow.filter((one) => tookMs(one) > LIMIT_MS + MOST_STEPS * one.delayMs);
  const at = (share: number): number =>
    Math.round(times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? 0);
  const after = afterOutages(revocations);
  return {
    connected: {
      count: times.length,
      median: at(0.5),
      p99: at(0.99),
      longest: at(1),
      late: times.filter((ms) => ms > LIMIT_MS).length,
    },
    slow: {
      count: slow.length,
      longest: Math.round(Math.max(0, ...slow.map(tookMs))),
      late: tooSlow.length,
    },
    withOutage: {
      count: after.length,
      longestAfterOutage: Math.round(Math.max(0, ...after)),
    },
  };
}

function tookMs({ revokedAt, closedAt }: Revocation): number {
  return Math.max(0, closedAt! - revokedAt!);
}

/** How long those with an outage went on after it; 0 if they ended during it. */
function afterOutages(revocations: readonly Revocation[]): number[] {
  return revocations
    .filter(({ closedAt, outageEnd }) => closedAt !== undefined && outageEnd !== undefined)
    .map(({ closedAt, outageEnd }) => Math.max(0, closedAt! - outageEnd!));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
