import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Peer } from "../../src/server/index.ts";
import { Chromium } from "../rigs/processes/chromium.ts";
import { runServer } from "../rigs/sockets/run-server.ts";

let chromium: Chromium;
beforeAll(async () => {
  chromium = await Chromium.launch();
});
afterAll(() => chromium.close());

const page = {
  onRequest: (exchange: {
    answer(status: number, headers: Record<string, string>, body: string): void;
  }) => exchange.answer(200, { "Content-Type": "text/html" }, "<!doctype html><title>x</title>"),
};

describe("Chromium with Longwire's server", () => {
  test("transfers every length form, both kinds, and every width of UTF-8, and closes cleanly", async () => {
    const echo = {
      ...page,
      onMessage: (peer: Peer, data: string | Uint8Array) => void peer.send(data),
    };
    const { url, httpUrl } = await runServer(echo);
    const { page: tab } = await chromium.visit(httpUrl);
    const outcome = await tab.evaluate(async (address) => {
      const socket = new WebSocket(address);
      socket.binaryType = "arraybuffer";
      await new Promise((resolve) => (socket.onopen = resolve));
      const texts = ["", "grüße 世界 🙂", "x".repeat(125), "x".repeat(126), "é".repeat(40_000)];
      const sizes = [0, 125, 126, 65_535, 65_536, 2_000_000];
      const wrong: string[] = [];
      const next = (): Promise<unknown> =>
        new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
      for (const text of texts) {
        socket.send(text);
        if ((await next()) !== text) wrong.push(`text of ${text.length}`);
      }
      for (const size of sizes) {
        socket.send(new Uint8Array(size).fill(size % 251));
        const back = new Uint8Array((await next()) as ArrayBuffer);
        if (back.length !== size || back.some((octet) => octet !== size % 251)) {
          wrong.push(`binary of ${size}`);
        }
      }
      const closed = new Promise<CloseEvent>((resolve) => (socket.onclose = resolve));
      socket.close(3333, "genug ✓");
      const { code, reason, wasClean } = await closed;
      return { wrong, code, reason, wasClean };
    }, url);
    expect(outcome).toEqual({ wrong: [], code: 3333, reason: "genug ✓", wasClean: true });
  });

  test("receives the chosen subprotocol, the close code and the reason", async () => {
    const endpoint = {
      ...page,
      protocols: ["b"],
      onMessage: (peer: Peer) => peer.close(4_321, "grund"),
    };
    const { url, httpUrl } = await runServer(endpoint);
    const { page: tab } = await chromium.visit(httpUrl);
    const outcome = await tab.evaluate(async (address) => {
      const socket = new WebSocket(address, ["a", "b"]);
      socket.onopen = () => socket.send("x");
      const event = await new Promise<CloseEvent>((resolve) => (socket.onclose = resolve));
      return [socket.protocol, socket.extensions, event.code, event.reason, event.wasClean];
    }, url);
    expect(outcome).toEqual(["b", expect.any(String), 4_321, "grund", true]);
    expect(outcome[1]).toMatch(/^permessage-deflate/);
  });

  test("a page of another origin cannot connect by default", async () => {
    const { url } = await runServer(page);
    const { httpUrl } = await runServer(page);
    const { page: tab } = await chromium.visit(httpUrl);
    const code = await tab.evaluate(async (address) => {
      const socket = new WebSocket(address);
      const event = await new Promise<CloseEvent>((resolve) => (socket.onclose = resolve));
      return event.code;
    }, url);
    expect(code).toBe(1006);
  });
});
