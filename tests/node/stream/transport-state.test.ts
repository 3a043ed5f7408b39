import { expect, test } from "vitest";
import {
  nextTransportState,
  type TransportEffect,
  type TransportEvent,
  type TransportState,
} from "../../../src/node/stream/transport-state.ts";

type Row = [TransportState, TransportEvent, boolean, TransportState, TransportEffect];

// state, event, whether data is held → next state, action
const table: Row[] = [
  ["waiting", "start", false, "up", "none"],
  ["waiting", "end", false, "ending", "end"],
  ["waiting", "gone", false, "over", "report"],
  ["waiting", "gone", true, "gone", "deliver"],
  ["waiting", "terminate", false, "waiting", "none"],
  ["up", "end", false, "ending", "end"],
  ["up", "end", true, "ended", "none"],
  ["up", "gone", false, "over", "report"],
  ["up", "gone", true, "gone", "deliver"],
  ["up", "delivered", false, "up", "none"],
  ["up", "terminate", true, "up", "none"],
  ["ended", "delivered", true, "ended", "none"],
  ["ended", "delivered", false, "ending", "end"],
  ["ended", "gone", true, "gone", "deliver"],
  ["ended", "gone", false, "over", "report"],
  ["ended", "end", true, "ended", "none"],
  ["ending", "end", false, "ending", "none"],
  ["ending", "delivered", false, "ending", "none"],
  ["ending", "gone", false, "over", "report"],
  ["gone", "delivered", true, "gone", "none"],
  ["gone", "delivered", false, "over", "report"],
  ["gone", "terminate", true, "over", "report"],
  ["gone", "gone", true, "over", "report"],
  ["gone", "end", false, "gone", "none"],
  ["over", "start", false, "over", "none"],
  ["over", "end", false, "over", "none"],
  ["over", "gone", false, "over", "none"],
  ["over", "delivered", false, "over", "none"],
  ["over", "terminate", false, "over", "none"],
];

test.each(table)("a transport that is %s, at '%s' while held is %s, is %s: %s", (...row) => {
  const [state, event, isHeld, next, effect] = row;
  expect(nextTransportState(state, event, isHeld)).toEqual([next, effect]);
});
