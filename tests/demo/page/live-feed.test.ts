import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveFeed, stableAfterMs } from "../../../demo/page/src/live/socket/live-feed.ts";
import type { FeedState } from "../../../demo/page/src/live/socket/live-feed.ts";
import { wsRealData } from "../../../demo/page/src/ws-real-data.ts";
import type { WsRecord } from "../../../demo/page/src/ws-real-data.ts";
import { StandInWebSocket } from "./stand-in-web-socket.ts";

beforeEach(() => {
  StandInWebSocket.made = [];
  vi.stubGlobal("WebSocket", StandInWebSocket);
  vi.useFakeTimers();
  vi.spyOn(console, "log").mockImplementation(() => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function startedFeed(): { feed: LiveFeed; states: FeedState[]; records: WsRecord[] } {
  const states: FeedState[] = [];
  const records: WsRecord[] = [];
  const feed = new LiveFeed({
    url: "ws://127.0.0.1/live/devices",
    connect: wsRealData,
    onRecord: (record) => records.push(record),
    onState: (state) => states.push(state),
    random: () => 1,
  });
  feed.connectNow();
  return { feed, states, records };
}

test("a lost connection is retried after waits that double, up to 15 s", () => {
  const { states } = startedFeed();
  const waits: number[] = [];
  for (let loss = 0; loss < 6; loss += 1) {
    StandInWebSocket.latest.ends();
    const state = states.at(-1);
    const waitMs = state?.kind === "waiting" ? state.retryAtMs - Date.now() : Number.NaN;
    waits.push(waitMs);
    vi.advanceTimersByTime(waitMs);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  expect(StandInWebSocket.made).toHaveLength(7);
});

test("the waits are short again after a connection that was stable", () => {
  const { states } = startedFeed();
  StandInWebSocket.latest.ends();
  vi.advanceTimersByTime(1_000);
  StandInWebSocket.latest.opens();
  vi.advanceTimersByTime(stableAfterMs);
  StandInWebSocket.latest.ends();
  expect(states.at(-1)).toMatchObject({ kind: "waiting", retryAtMs: Date.now() + 1_000 });
});

test("the waits keep growing if connections open and fail immediately", () => {
  const { states } = startedFeed();
  StandInWebSocket.latest.ends();
  vi.advanceTimersByTime(1_000);
  StandInWebSocket.latest.opens();
  vi.advanceTimersByTime(stableAfterMs - 1);
  StandInWebSocket.latest.ends();
  expect(states.at(-1)).toMatchObject({ kind: "waiting", retryAtMs: Date.now() + 2_000 });
});

test("'reconnect now' does not wait, and creates only one connection", () => {
  const { feed } = startedFeed();
  StandInWebSocket.latest.ends();
  feed.connectNow();
  expect(StandInWebSocket.made).toHaveLength(2);
  vi.advanceTimersByTime(60_000);
  expect(StandInWebSocket.made).toHaveLength(2);
});

test("a replaced connection is closed, and its later messages are ignored", () => {
  const { feed, records, states } = startedFeed();
  const old = StandInWebSocket.latest;
  old.opens();
  feed.connectNow();
  expect(old.closeCalls).toHaveLength(1);
  old.brings({ name: "late" });
  old.ends(1000);
  expect(records).toEqual([]);
  expect(states.at(-1)?.kind).toBe("connecting");
});

test("a connection closed from the page stays closed", () => {
  const { feed, states } = startedFeed();
  StandInWebSocket.latest.opens();
  feed.close(1000, "enough");
  expect(StandInWebSocket.latest.closeCalls).toEqual([[1000, "enough"]]);
  expect(states.at(-1)?.kind).toBe("closing");
  StandInWebSocket.latest.ends(1000, "enough");
  vi.advanceTimersByTime(60_000);
  expect(states.at(-1)).toMatchObject({ kind: "closed", by: "page", last: { code: 1000 } });
  expect(StandInWebSocket.made).toHaveLength(1);
});

test("close() with a code that the browser refuses throws and changes nothing", () => {
  const { feed, states } = startedFeed();
  StandInWebSocket.latest.opens();
  StandInWebSocket.latest.close = () => {
    throw new DOMException("1001 is not allowed", "InvalidAccessError");
  };
  expect(() => feed.close(1001, "")).toThrow("not allowed");
  expect(states.at(-1)?.kind).toBe("open");
});

test("a refusal (4400, 4401, 4403, 4404, 4422) is not retried, and its params are dropped", () => {
  const { feed, states } = startedFeed();
  StandInWebSocket.latest.opens();
  feed.setParams({ nonsense: true });
  StandInWebSocket.latest.ends(4422, "unknown param");
  vi.advanceTimersByTime(60_000);
  expect(states.at(-1)).toMatchObject({ kind: "closed", by: "server", last: { code: 4422 } });
  expect(StandInWebSocket.made).toHaveLength(1);
  expect(feed.params).toEqual({});
});

test("params are sent on the same socket, and again as the first message of the next one", () => {
  const { feed } = startedFeed();
  StandInWebSocket.latest.opens();
  feed.setParams({ deviceType: "AP" });
  expect(StandInWebSocket.latest.sent).toEqual(["{}", '{"deviceType":"AP"}']);
  StandInWebSocket.latest.ends();
  vi.advanceTimersByTime(1_000);
  StandInWebSocket.latest.opens();
  expect(StandInWebSocket.latest.sent).toEqual(['{"deviceType":"AP"}']);
});

test("params chosen while the socket is connecting are sent as soon as it is open", () => {
  const { feed } = startedFeed();
  feed.setParams({ deviceType: "machine" });
  StandInWebSocket.latest.opens();
  expect(StandInWebSocket.latest.sent.at(-1)).toBe('{"deviceType":"machine"}');
});

test("the page's device type is the requested one, so access point records get onlineStatus", () => {
  const { feed, records } = startedFeed();
  StandInWebSocket.latest.opens();
  feed.setParams({ deviceType: "AP" });
  StandInWebSocket.latest.brings({ name: "ap-1" });
  expect(records).toEqual([{ name: "ap-1", onlineStatus: true }]);
});
