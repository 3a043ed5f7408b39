import { describe, expect, test } from "vitest";
import {
  clientFrameBytes,
  payloadBytes,
  serverFrameBytes,
} from "../../../demo/page/src/live/socket/frame-size.ts";
import { SocketLog } from "../../../demo/page/src/live/socket/socket-log.ts";
import { TrafficMeter } from "../../../demo/page/src/live/socket/traffic-meter.ts";
import { StandInWebSocket } from "./stand-in-web-socket.ts";

describe("frame sizes (RFC 6455 §5.2)", () => {
  test.each([
    [0, 2],
    [125, 127],
    [126, 130],
    [65_535, 65_539],
    [65_536, 65_546],
  ])("a server's payload of %i bytes takes %i bytes on the wire", (payload, frame) => {
    expect(serverFrameBytes(payload)).toBe(frame);
  });

  test("a client's frame has four bytes more, for the masking key (§5.3)", () => {
    expect(clientFrameBytes(19)).toBe(25);
  });

  test("a payload is counted in UTF-8 bytes, not in characters", () => {
    expect(payloadBytes("设备é")).toBe(8);
  });
});

describe("traffic meter", () => {
  test("reports the last whole second, not the current one", () => {
    const meter = new TrafficMeter();
    meter.count(100, 10_100);
    meter.count(50, 10_900);
    meter.count(7, 11_000);
    expect(meter.rates(11_500)).toMatchObject({
      messagesPerSecond: 2,
      bytesPerSecond: 150,
      totalMessages: 3,
      totalBytes: 157,
    });
  });

  test("seconds without traffic are zero, and old ones are dropped", () => {
    const meter = new TrafficMeter();
    meter.count(100, 10_000);
    const rates = meter.rates(13_000);
    expect(rates.messages.slice(-3)).toEqual([1, 0, 0]);
    expect(rates.messages).toHaveLength(60);
    expect(meter.rates(500_000).bytes.every((bytes) => bytes === 0)).toBe(true);
  });
});

describe("event log", () => {
  function observed(): { log: SocketLog; meter: TrafficMeter; socket: StandInWebSocket } {
    const log = new SocketLog();
    const meter = new TrafficMeter();
    const socket = new StandInWebSocket("ws://127.0.0.1/live/devices");
    log.observe(socket as unknown as WebSocket, meter);
    return { log, meter, socket };
  }

  test("has every event of the socket, newest first", () => {
    const { log, socket } = observed();
    socket.opens();
    socket.brings({ name: "a" });
    socket.fails();
    socket.ends(1006);
    const kinds = log.entries(true).map((entry) => entry.kind);
    expect(kinds).toEqual(["close", "error", "message", "open", "created"]);
    expect(log.entries(true)[0]).toMatchObject({ code: 1006, reason: "", wasClean: false });
  });

  test("is limited, and any number of messages leaves the rare events in it", () => {
    const { log, meter, socket } = observed();
    socket.opens();
    for (let count = 0; count < 5_000; count += 1) socket.brings({ count });
    expect(log.entries(true).length).toBeLessThan(300);
    expect(log.entries(false).map((entry) => entry.kind)).toEqual(["open", "created"]);
    expect(meter.rates(Date.now()).totalMessages).toBe(5_000);
  });

  test("abbreviates long messages and shows their whole size", () => {
    const { log, socket } = observed();
    socket.brings("x".repeat(1_000));
    const [entry] = log.entries(true);
    expect(entry).toMatchObject({ kind: "message", bytes: 1_004 });
    expect(entry?.kind === "message" && entry.text.length).toBeLessThan(200);
  });

  test("remembers when the current socket entered each readyState", () => {
    const { log, socket } = observed();
    socket.opens();
    expect(log.enteredMs.map((at) => at !== undefined)).toEqual([true, true, false, false]);
    log.add({ kind: "close-called", code: 1000, reason: "" });
    socket.ends(1000);
    expect(log.enteredMs.every((at) => at !== undefined)).toBe(true);
  });
});
