import { afterAll, beforeAll, expect, test } from "vitest";
import type { Endpoint, HttpExchange, Peer, UpgradeRequest } from "../../src/server/index.ts";
import { Chromium } from "../rigs/processes/chromium.ts";
import { testTls } from "../rigs/sockets/http2-session.ts";
import { runServer } from "../rigs/sockets/run-server.ts";

let chromium: Chromium;
beforeAll(async () => {
  // The certificate belongs to the test.
  chromium = await Chromium.launch("--ignore-certificate-errors");
});
afterAll(() => chromium.close());

/** Serves a page and an echo on one origin, and records how each was requested. */
class Observed implements Endpoint {
  /** The HTTP version of each page, and the method for each WebSocket. */
  readonly pages: string[] = [];
  readonly methods: unknown[] = [];
  readonly sessions = new Set<unknown>();

  onRequest(exchange: HttpExchange): void {
    this.pages.push(exchange.incoming.httpVersion);
    exchange.answer(200, { "Content-Type": "text/html" }, "<!doctype html><title>x</title>");
  }

  onOpen(_peer: Peer, { incoming }: UpgradeRequest): void {
    const isStream = "sentHeaders" in incoming;
    this.methods.push(isStream ? "CONNECT" : incoming.method);
    if (isStream) this.sessions.add(incoming.session);
  }

  onMessage(peer: Peer, message: string | Uint8Array): void {
    peer.send(message);
  }
}

test("Chromium opens WebSockets as streams of the page's HTTP/2 connection (RFC 8441)", async () => {
  const observed = new Observed();
  const { url, httpUrl } = await runServer(observed, { listen: { tls: testTls() } });
  const { page } = await chromium.visit(httpUrl);
  const outcome = await page.evaluate(async (address) => {
    const sockets = Array.from({ length: 3 }, () => new WebSocket(address));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => (socket.onopen = resolve))));
    const [socket] = sockets;
    const next = (): Promise<unknown> =>
      new Promise((resolve) => (socket!.onmessage = ({ data }) => resolve(data)));
    const wrong: number[] = [];
    for (const size of [0, 5, 2_000, 70_000, 1_000_000]) {
      const text = "grüße 世界 ".repeat(size / 10);
      socket!.send(text);
      if ((await next()) !== text) wrong.push(size);
    }
    const closed = sockets.map(
      (one) => new Promise<CloseEvent>((resolve) => (one.onclose = resolve)),
    );
    for (const one of sockets) one.close(3000, "bye");
    const ends = (await Promise.all(closed)).map(({ code, wasClean }) => [code, wasClean]);
    return { wrong, extensions: socket!.extensions, ends };
  }, url);
  expect(outcome.wrong).toEqual([]);
  expect(outcome.extensions).toMatch(/^permessage-deflate/);
  expect(outcome.ends).toEqual([
    [3000, true],
    [3000, true],
    [3000, true],
  ]);
  expect(observed.pages[0]).toBe("2.0");
  expect(observed.methods).toEqual(["CONNECT", "CONNECT", "CONNECT"]);
  expect(observed.sessions.size).toBe(1);
});
