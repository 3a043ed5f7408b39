import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { closeWS, wsRealData } from "../../../demo/page/src/ws-real-data.ts";
import type { WsRecord } from "../../../demo/page/src/ws-real-data.ts";
import { StandInWebSocket } from "./stand-in-web-socket.ts";

const url = "ws://127.0.0.1:8080/live/devices";

beforeEach(() => {
  StandInWebSocket.made = [];
  vi.stubGlobal("WebSocket", StandInWebSocket);
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function page(wsdeviceType?: string): {
  dispatched: [string, WsRecord][];
  target: Parameters<typeof wsRealData>[2];
} {
  const dispatched: [string, WsRecord][] = [];
  const $action = (name: string, record: WsRecord): void => void dispatched.push([name, record]);
  return {
    dispatched,
    target: wsdeviceType === undefined ? { $action } : { wsdeviceType, $action },
  };
}

describe("wsRealData(url, params, target)", () => {
  test("opens the browser's WebSocket at the url", () => {
    const socket = wsRealData(url, {}, page().target);
    expect(StandInWebSocket.latest.url).toBe(url);
    expect(socket).toBe(StandInWebSocket.latest);
  });

  test("sends the params as JSON on open, and nothing earlier", () => {
    wsRealData(url, { deviceType: "AP" }, page().target);
    expect(StandInWebSocket.latest.sent).toEqual([]);
    StandInWebSocket.latest.opens();
    expect(StandInWebSocket.latest.sent).toEqual(['{"deviceType":"AP"}']);
  });

  test("logs errors", () => {
    wsRealData(url, {}, page().target);
    StandInWebSocket.latest.fails();
    expect(console.error).toHaveBeenCalledOnce();
  });

  test("parses each message and dispatches it with target.$action('GetWsData', record)", () => {
    const { dispatched, target } = page();
    wsRealData(url, {}, target);
    StandInWebSocket.latest.brings({ name: "a", clients: 3 });
    StandInWebSocket.latest.brings({ name: "b" });
    expect(dispatched).toEqual([
      ["GetWsData", { name: "a", clients: 3 }],
      ["GetWsData", { name: "b" }],
    ]);
  });

  test("sets onlineStatus to true on the record when target.wsdeviceType is 'AP'", () => {
    const { dispatched, target } = page("AP");
    wsRealData(url, {}, target);
    StandInWebSocket.latest.brings({ name: "ap-1" });
    expect(dispatched[0]?.[1]).toEqual({ name: "ap-1", onlineStatus: true });
  });

  test.each([undefined, "", "machine"])(
    "leaves the record unchanged if target.wsdeviceType is %j",
    (type) => {
      const { dispatched, target } = page(type);
      wsRealData(url, {}, target);
      StandInWebSocket.latest.brings({ name: "m-1" });
      expect(dispatched[0]?.[1]).toEqual({ name: "m-1" });
    },
  );

  test("dispatches a removal too, without claiming that the device is online", () => {
    const { dispatched, target } = page("AP");
    wsRealData(url, {}, target);
    StandInWebSocket.latest.brings({ removed: "ap-1" });
    expect(dispatched).toEqual([["GetWsData", { removed: "ap-1" }]]);
  });

  test.each(["not JSON", "", "[1]", "3", "null", '"text"'])(
    "logs and ignores a message that is not a JSON object: %s",
    (text) => {
      const { dispatched, target } = page("AP");
      wsRealData(url, {}, target);
      StandInWebSocket.latest.brings(text);
      StandInWebSocket.latest.brings({ name: "next" });
      expect(console.warn).toHaveBeenCalledOnce();
      expect(dispatched.map(([, record]) => record["name"])).toEqual(["next"]);
    },
  );

  test("logs the readyState on close", () => {
    wsRealData(url, {}, page().target);
    StandInWebSocket.latest.ends();
    expect(console.log).toHaveBeenCalledWith(expect.stringContaining("readyState"), 3);
  });
});

describe("closeWS()", () => {
  test("closes the socket that was opened last", () => {
    wsRealData(url, {}, page().target);
    const [first] = StandInWebSocket.made;
    wsRealData(url, {}, page().target);
    closeWS();
    expect(first?.closeCalls).toHaveLength(0);
    expect(StandInWebSocket.latest.closeCalls).toEqual([[]]);
  });

  test("closes the given socket", () => {
    const first = wsRealData(url, {}, page().target);
    wsRealData(url, {}, page().target);
    closeWS(first);
    expect(StandInWebSocket.made.map((socket) => socket.closeCalls.length)).toEqual([1, 0]);
  });
});
