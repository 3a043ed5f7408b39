import { expect, test } from "vitest";
import { LongwireError } from "../../../../src/base/index.ts";
import {
  nextSubscription,
  type Asked,
  type Following,
  type Over,
  type Subscription,
  type SubscriptionEffect,
  type SubscriptionEvent,
} from "../../../../src/live/client/feed/subscription.ts";

const position = { epoch: "e", offset: 5 };

const closed: Over = { state: "closed" };
const ended: Over = { state: "ended", error: new LongwireError("forbidden", "no") };
const loading: Subscription = { state: "loading" };
const off: Subscription = { state: "off" };
const paused: Subscription = { state: "paused" };
const asked: Asked = { state: "asked", id: 1, since: undefined, isCutOff: false };
const askedSince: Asked = { ...asked, since: position };
const following: Following = { state: "following", epoch: "e", isOwed: false, target: 7 };
const owed: Following = { ...following, isOwed: true };
const all = [closed, ended, loading, off, paused, asked, askedSince, following, owed];

function refused(code: string): SubscriptionEvent & { type: "refused" } {
  return { type: "refused", error: new LongwireError(code, "no") };
}

function answered(
  kind: "log" | "keyed",
  resumed: boolean,
  hasView = true,
  latest?: number,
): SubscriptionEvent {
  const answer = { type: "subscribed", id: 1, topic: "t", kind, epoch: "e", offset: 7 } as const;
  return {
    type: "subscribed",
    hasView,
    answer: { ...answer, resumed, ...(latest === undefined ? {} : { latest }) },
  };
}

type Row = [
  name: string,
  from: Subscription,
  event: SubscriptionEvent,
  to: Subscription,
  effect?: SubscriptionEffect,
];

const gone = refused("forbidden");
const rows: Row[] = [
  ["a first reader asks", closed, { type: "wanted", isStored: false }, off, "ask"],
  [
    "a stored position is loaded first",
    closed,
    { type: "wanted", isStored: true },
    loading,
    "load",
  ],
  ["a new reader asks after a refusal", ended, { type: "wanted", isStored: false }, off, "ask"],
  ["it asks from the loaded position", loading, { type: "loaded" }, off, "ask"],
  ["it asks when the link is open", off, { type: "ready" }, off, "ask"],
  [
    "it is asked for",
    off,
    { type: "asked", id: 1, since: position, isCutOff: false },
    askedSince,
    "subscribe",
  ],
  ["a lost connection takes the request along", asked, { type: "lost" }, off],
  ["and the subscription", following, { type: "lost" }, off],

  ["full queues pause it", following, { type: "full" }, paused, "unsubscribe"],
  ["empty queues continue it", paused, { type: "drained" }, off, "ask"],

  ["a log without a position owes nothing", asked, answered("log", false), following],
  ["a log that cannot resume owes a gap", askedSince, answered("log", false), owed],
  ["a log that resumes owes nothing", askedSince, answered("log", true), following],
  ["a keyed topic owes its snapshot", asked, answered("keyed", false), owed],
  ["a keyed topic that resumes does not", askedSince, answered("keyed", true), following],
  [
    "without a state to resume, it asks again from the start",
    askedSince,
    answered("keyed", true, false),
    off,
    "askAnew",
  ],
  [
    "it has caught up at the newest offset that the server knows",
    askedSince,
    answered("log", true, true, 9),
    { ...following, target: 9 },
  ],

  [
    "a page in between leaves it owed",
    following,
    { type: "snapshot", isLast: false },
    { ...owed, target: 0 },
  ],
  [
    "the last page settles it",
    owed,
    { type: "snapshot", isLast: true },
    { ...following, target: 0 },
  ],
  ["so does a gap", owed, { type: "gap" }, following],

  ["a refused position is given up", askedSince, refused("bad_request"), off, "askAnew"],
  ["without a position, that is the end", asked, refused("bad_request"), end("bad_request"), "end"],
  ["a temporary refusal is retried", asked, refused("unavailable"), off, "retry"],
  ["also one of a subscription", following, refused("rate_limited"), off, "retry"],
  ["any other is the end", following, gone, end("forbidden"), "end"],

  [
    "it is closed at the server, too",
    following,
    { type: "over", over: closed },
    closed,
    "unsubscribe",
  ],
  ["even before the answer", asked, { type: "over", over: closed }, closed, "unsubscribe"],
  ["if there is anything to close", paused, { type: "over", over: closed }, closed],
];

function end(code: string): Subscription {
  return { state: "ended", error: refused(code).error };
}

test.each(rows)("%s", (_, from, event, to, effect) => {
  const [state, done] = nextSubscription(from, event);
  expect([state, done]).toEqual([to, effect]);
});

const sample: SubscriptionEvent[] = [
  { type: "wanted", isStored: false },
  { type: "loaded" },
  { type: "ready" },
  { type: "asked", id: 9, since: undefined, isCutOff: false },
  { type: "lost" },
  { type: "full" },
  { type: "drained" },
  answered("log", false),
  { type: "snapshot", isLast: true },
  { type: "gap" },
  refused("unavailable"),
];

/** Which states an event means something in. */
const meaningful: Record<string, Subscription["state"][]> = {
  wanted: ["closed", "ended"],
  loaded: ["loading"],
  ready: ["off"],
  asked: ["off"],
  lost: ["asked", "following"],
  full: ["following"],
  drained: ["paused"],
  subscribed: ["asked"],
  snapshot: ["following"],
  gap: ["following"],
  refused: ["asked", "following"],
};

test.each(sample)("$type changes nothing in any other state", (event) => {
  for (const from of all) {
    if (meaningful[event.type]!.includes(from.state)) continue;
    expect(nextSubscription(from, event)).toEqual([from]);
  }
});
