import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "../../../src/client/index.ts";
import { healthEndpoints, WebSocketServer } from "../../../src/server/index.ts";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import type { Broker } from "../../../src/live/index.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";

async function ask(
  url: string,
): Promise<{ status: number; health: unknown; cache: string | null }> {
  const response = await fetch(url);
  const cache = response.headers.get("cache-control");
  return { status: response.status, health: await response.json(), cache };
}

describe("health endpoints", () => {
  test("a running server is alive and ready, and its responses are not cacheable", async () => {
    const { httpUrl } = await runServer([{ ...echo, path: "/live" }, ...healthEndpoints()]);
    expect(await ask(`${httpUrl}/healthz`)).toEqual({
      status: 200,
      health: { status: "alive" },
      cache: "no-store",
    });
    expect(await ask(`${httpUrl}/readyz`)).toEqual({
      status: 200,
      health: { status: "ready" },
      cache: "no-store",
    });
  });

  test("a server that should not get new clients is alive, and reports why it is not ready", async () => {
    let why: string | undefined = "The broker cannot be reached";
    const { httpUrl } = await runServer(healthEndpoints(() => why));
    expect((await ask(`${httpUrl}/healthz`)).status).toBe(200);
    expect(await ask(`${httpUrl}/readyz`)).toMatchObject({
      status: 503,
      health: { status: "unready", why },
    });
    why = undefined;
    expect((await ask(`${httpUrl}/readyz`)).status).toBe(200);
  });

  test("a draining server is alive and not ready", async () => {
    const server = new WebSocketServer(healthEndpoints());
    const http = createServer((request, response) => void server.handleRequest(request, response));
    http.listen(0, "127.0.0.1");
    onTestFinished(() => void http.close());
    await once(http, "listening");
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    expect((await ask(`${url}/readyz`)).status).toBe(200);
    await server.close();
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    expect((await ask(`${url}/readyz`)).status).toBe(503);
  });

  test("a page on another host may read them, but not connect to them", async () => {
    const { httpUrl, url } = await runServer(healthEndpoints());
    const response = await fetch(`${httpUrl}/healthz`, {
      headers: { origin: "https://a.example" },
    });
    expect(response.status).toBe(200);
    for (const path of ["healthz", "readyz"]) {
      const socket = new WebSocket(`${url}/${path}`);
      await new Promise((resolve) => (socket.onclose = resolve));
      expect(socket.readyState).toBe(WebSocket.CLOSED);
    }
  });
});

describe("a live server is not ready", () => {
  test("while its broker is unavailable", async () => {
    const memory = new MemoryBroker();
    let isAway = false;
    const broker: Broker = {
      get isAway() {
        return isAway;
      },
      openTopic: (declaration, follow) => memory.openTopic(declaration, follow),
      close: () => memory.close(),
    };
    const { live } = await RunningLive.start({ topics: [], broker });
    expect(live.whyNotReady).toBeUndefined();
    isAway = true;
    expect(live.whyNotReady).toBe("The broker cannot be reached");
  });

  test("while it has the maximum number of clients", async () => {
    const running = await RunningLive.start({ topics: [], maxSessions: 1 });
    expect(running.live.whyNotReady).toBeUndefined();
    await running.level1();
    expect(running.live.whyNotReady).toMatch(/1 connections|full|limit/i);
  });
});
