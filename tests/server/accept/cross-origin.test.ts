import { once } from "node:events";
import { request } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { LiveServer, logTopic } from "../../../src/live/index.ts";
import { WebSocketServer, type OriginPolicy } from "../../../src/server/index.ts";

const PAGE = "https://app.example.com";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
}

/** Sends requests that `fetch` does not allow: with an Origin header, and preflights. */
async function ask(
  port: number,
  method: string,
  headers: Record<string, string>,
  body = "",
): Promise<Answer> {
  const asked = request({ host: "127.0.0.1", port, path: "/live/alerts", method, headers });
  asked.end(body);
  const [response] = (await once(asked, "response")) as [
    { statusCode: number; headers: Answer["headers"]; destroy(): void },
  ];
  response.destroy();
  return { status: response.statusCode, headers: response.headers };
}

async function start(origins?: OriginPolicy): Promise<{ port: number; live: LiveServer }> {
  const topics = [logTopic("alerts", { clientPublish: true })];
  const live = await LiveServer.open({ topics, broker: new MemoryBroker() });
  const endpoint = { ...live.endpoint("/live"), ...(origins && { origins }) };
  const server = new WebSocketServer(endpoint);
  const { port } = await server.listen();
  onTestFinished(async () => {
    await server.close({ timeoutMs: 0 });
    await live.close();
  });
  return { port, live };
}

describe("a page with a listed origin", () => {
  test.each([
    ["GET", {}, 200],
    ["GET", { Accept: "text/event-stream" }, 200],
    ["GET", { Accept: "text/html", "If-None-Match": "*" }, 304],
    ["PUT", {}, 405],
  ])("may read the response to %s %o, with its visitor's cookies", async (method, more, status) => {
    const { port } = await start([PAGE]);
    const answer = await ask(port, method, { ...more, Origin: PAGE });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "ETag, Retry-After",
      vary: "Origin",
    });
  });

  test("learns from a preflight that it may publish JSON with credentials", async () => {
    const { port, live } = await start([PAGE]);
    const preflight = { Origin: PAGE, "Access-Control-Request-Method": "POST" };
    const answer = await ask(port, "OPTIONS", preflight);
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": expect.stringContaining("Authorization, Content-Type"),
    });
    expect(answer.headers).not.toHaveProperty("content-length");
    const posted = await ask(port, "POST", { Origin: PAGE }, '{"data":1}');
    expect([posted.status, live.topic("alerts").position.offset]).toEqual([201, 1]);
  });
});

describe("a page of another origin", () => {
  test.each(["GET", "POST", "OPTIONS"])("is refused %s, and nothing is stored", async (method) => {
    const { port, live } = await start([PAGE]);
    const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" };
    const answer = await ask(port, method, headers, method === "POST" ? '{"data":1}' : "");
    expect(answer.status).toBe(403);
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
    expect(answer.headers["vary"]).toBe("Origin");
    expect(live.topic("alerts").position.offset).toBe(0);
  });

  test("may read if all origins are allowed, but not with its visitor's cookies", async () => {
    const { port } = await start("any");
    const { headers } = await ask(port, "GET", { Origin: "https://anywhere.example" });
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });
});

test("a response to a request without Origin has Vary: Origin, too", async () => {
  const { port } = await start([PAGE]);
  const { headers } = await ask(port, "GET", {});
  expect(headers["vary"]).toBe("Origin");
  expect(headers).not.toHaveProperty("access-control-allow-origin");
});
