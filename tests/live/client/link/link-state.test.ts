import { expect, test } from "vitest";
import {
  nextLinkState,
  NOT_CONNECTED,
  type LinkEvent,
  type LinkState,
  type Loss,
} from "../../../../src/live/client/link/link-state.ts";

const welcome = {
  type: "welcome",
  connection: "1",
  heartbeat: 10_000,
  maxMessage: 1_000,
} as const;
const loss: Loss = {
  type: "lost",
  code: 1006,
  message: "gone",
  reason: "unreachable",
  isFinal: false,
  retryAfter: undefined,
  at: 1_000_000,
  backOff: () => 500,
};

const connecting = NOT_CONNECTED;
const woken = { ...connecting, wokeAt: 50 };
const greeted = { ...connecting, isGreeted: true };
const welcomed = { ...connecting, welcome };
const open: LinkState = { state: "open", welcome, isProven: false };
const proven: LinkState = { ...open, isProven: true };
const offline = waiting(500, false);
const asked = waiting(3_000, true);
const refused: LinkState = {
  state: "refused",
  status: { state: "refused", code: 4403, message: "no" },
};
const closed: LinkState = {
  state: "closed",
  status: { state: "closed", code: 1000, message: "The client is closed." },
};

function waiting(delayMs: number, isAsked: boolean): LinkState & { state: "offline" } {
  const { code, message, reason, at } = loss;
  const status = { state: "offline", retryAt: at + delayMs, code, message, reason } as const;
  return { state: "offline", status, delayMs, isAsked };
}

/** From, event, to; `"kept"` if the link has nothing to do. */
type Row = [name: string, LinkState, LinkEvent, LinkState, "entered" | "kept"];

const rows: Row[] = [
  ["a connection is dialed again on request", open, { type: "connect" }, connecting, "entered"],
  ["also after a refusal", refused, { type: "connect" }, connecting, "entered"],
  ["not after the end", closed, { type: "connect" }, closed, "kept"],
  ["a link is closed", connecting, { type: "close" }, closed, "entered"],
  ["only once", closed, { type: "close" }, closed, "kept"],

  [
    "a wake-up ends a wait",
    offline,
    { type: "woke", at: 9 },
    { ...connecting, wokeAt: 9 },
    "entered",
  ],
  ["but not one that the server asked for", asked, { type: "woke", at: 9 }, asked, "kept"],
  [
    "it replaces a dial",
    connecting,
    { type: "woke", at: 9 },
    { ...connecting, wokeAt: 9 },
    "entered",
  ],
  ["but not its own", woken, { type: "woke", at: 149 }, woken, "kept"],
  ["nor a refusal", refused, { type: "woke", at: 9 }, refused, "kept"],
  [
    "the next wake-up replaces its dial",
    woken,
    { type: "woke", at: 150 },
    { ...woken, wokeAt: 150 },
    "entered",
  ],

  ["it dials after the delay", offline, { type: "due", isAway: false }, connecting, "entered"],
  [
    "a page that is away stays offline, and its delay is over",
    asked,
    { type: "due", isAway: true },
    { ...asked, isAsked: false },
    "kept",
  ],

  ["a welcome waits for the client's hello", connecting, welcome, welcomed, "kept"],
  ["a hello waits for the welcome", connecting, { type: "greeted" }, greeted, "kept"],
  ["a hello and then a welcome open it", greeted, welcome, open, "entered"],
  ["and the other way round", welcomed, { type: "greeted" }, open, "entered"],
  ["the first welcome counts", welcomed, { ...welcome, heartbeat: 1 }, welcomed, "kept"],
  ["a second welcome changes nothing", open, { ...welcome, heartbeat: 1 }, open, "kept"],
  ["nor does a refreshed token", open, { type: "greeted" }, open, "kept"],
  ["an open connection proves itself", open, { type: "proven" }, proven, "kept"],

  ["a lost connection is retried", open, loss, offline, "entered"],
  ["a failed dial, too", connecting, loss, offline, "entered"],
  [
    "a final end is a refusal",
    open,
    { ...loss, code: 4403, message: "no", isFinal: true },
    refused,
    "entered",
  ],
  ["the server may ask for a longer delay", open, { ...loss, retryAfter: 3_000 }, asked, "entered"],
  ["its own delay is the least", open, { ...loss, retryAfter: 0 }, waiting(500, true), "entered"],
  [
    "unless the connection was good",
    proven,
    { ...loss, retryAfter: 0 },
    waiting(0, true),
    "entered",
  ],
  ["nobody asked: it backs off even after a good one", proven, loss, offline, "entered"],
  ["nothing follows the end", closed, loss, closed, "kept"],
];

test.each(rows)("%s", (_, from, event, state, entering) => {
  expect(nextLinkState(from, event)).toEqual({ state, isEntered: entering === "entered" });
});
