import { expect, test } from "vitest";
import { figuresOf, judge, type Revocation } from "./revocation-record.ts";

/** One that took so many milliseconds. */
function taking(ms: number | undefined, more: Partial<Revocation> = {}): Revocation {
  return {
    revokedAt: 5_000,
    closedAt: ms === undefined ? undefined : 5_000 + ms,
    outageEnd: undefined,
    delayMs: 0,
    sentAfterEnd: 0,
    acceptedAfterEnd: 0,
    ...more,
  };
}

const many = (count: number, ms: number): Revocation[] =>
  Array.from({ length: count }, () => taking(ms));

const RIGHT = {
  revokedStillOpen: 0,
  revokedAccepted: 0,
  sentAfterClose: 0,
  revocationsLate: 0,
  revocationsOverdue: 0,
};

test("one revocation in a hundred may take longer than a second, and a second one is late", () => {
  expect(judge([...many(99, 1_000), taking(1_001)], true)).toEqual(RIGHT);
  expect(judge([...many(98, 10), taking(1_001)], true)).toEqual({ ...RIGHT, revocationsLate: 1 });
  const two = [...many(98, 10), taking(1_001), taking(3_000)];
  expect(judge(two, true)).toEqual({ ...RIGHT, revocationsLate: 1 });
  expect(judge(two, false)).toEqual(RIGHT);
});

test("on a slow network, six delays are added to the second", () => {
  const slow = taking(3_400, { delayMs: 400 });
  const late = taking(3_401, { delayMs: 400 });
  expect(judge([slow], true)).toEqual(RIGHT);
  expect(judge([...many(99, 10), slow, late], true)).toEqual({ ...RIGHT, revocationsLate: 1 });
  expect(figuresOf([slow, late]).slow).toEqual({ count: 2, longest: 3_401, late: 1 });
});

test("a revocation with an outage may take as long as the outage and ten seconds", () => {
  const during = taking(40_000, { outageEnd: Number.POSITIVE_INFINITY });
  const soon = taking(40_000, { outageEnd: 35_001 });
  const overdue = taking(40_000, { outageEnd: 34_999 });
  expect(judge([during, soon], true)).toEqual(RIGHT);
  expect(judge([during, soon, overdue], true)).toEqual({ ...RIGHT, revocationsOverdue: 1 });
});

test("open connections, accepted tokens and messages after the end are counted", () => {
  const wrong = [
    taking(undefined),
    taking(1, { acceptedAfterEnd: 2 }),
    taking(1, { sentAfterEnd: 3 }),
  ];
  expect(judge(wrong, false)).toEqual({
    ...RIGHT,
    revokedStillOpen: 1,
    revokedAccepted: 2,
    sentAfterClose: 3,
  });
});

test("the figures are those of the revocations without an outage, and of the others apart", () => {
  const revocations = [
    ...many(98, 20),
    taking(300),
    taking(1_400),
    taking(undefined),
    taking(9_000, { outageEnd: 12_000 }),
    taking(9_000, { outageEnd: Number.POSITIVE_INFINITY }),
  ];
  expect(figuresOf(revocations)).toEqual({
    connected: { count: 100, median: 20, p99: 300, longest: 1_400, late: 1 },
    slow: { count: 0, longest: 0, late: 0 },
    withOutage: { count: 2, longestAfterOutage: 2_000 },
  });
});
