import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { FailureEvent, openWebSocket, ping } from "../../../src/client/index.ts";
import { WebSocketServer, type UpgradeRequest } from "../../../src/server/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { fakeServer } from "../../rigs/sockets/fake-server.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

describe("options that browsers do not offer", () => {
  test("request headers reach the server", async () => {
    let seen: string | undefined;
    const endpoint = {
      ...echo,
      authorize: (request: UpgradeRequest) => {
        seen = request.header("authorization");
      },
    };
    const { url } = await runServer(endpoint);
    const socket = openWebSocket(url, { headers: { Authorization: "Bearer x" } });
    await next(socket, "open");
    expect(seen).toBe("Bearer x");
  });

  test.each([
    ["a line break in a value", { "X-A": "b\r\nX-Evil: 1" }],
    ["a NUL in a value", { "X-A": "b\0" }],
    ["a space in a name", { "X A": "b" }],
    ["a header that the handshake sets itself", { "Sec-WebSocket-Key": "x" }],
    ["another Host", { host: "x" }],
  ])("%s is rejected before anything is sent (CVE-2026-1527)", (_, headers) => {
    const open = (): unknown => openWebSocket("ws://127.0.0.1:1", { headers });
    expect(open).toThrow(expect.objectContaining({ code: "invalid_header" }));
  });

  test("wss: with a custom certificate", async () => {
    const files = makeCertificate();
    const tls = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    const { url } = await runServer(echo, { listen: { tls } });
    expect(url).toMatch(/^wss:/);
    const socket = openWebSocket(url, { tls: { ca: tls.cert } });
    await next(socket, "open");
    socket.send("over tls");
    expect((await next(socket, "message")).data).toBe("over tls");
    const stranger = openWebSocket(url);
    expect(await eventsOf(stranger)).toEqual(["error", "close"]);
  });

  test("a Unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "longwire-"));
    const path = join(folder, "socket");
    const http = createServer();
    const server = new WebSocketServer(echo);
    server.attach(http);
    await new Promise<void>((resolve) => http.listen(path, resolve));
    onTestFinished(async () => {
      http.close();
      await server.close({ timeoutMs: 100 });
      await rm(folder, { recursive: true });
    });
    const socket = openWebSocket("ws://localhost/path", { socketPath: path });
    await next(socket, "open");
    socket.send("x");
    expect((await next(socket, "message")).data).toBe("x");
  });

  test("an AbortSignal aborts a connecting socket, and closes an open one with 1000", async () => {
    const { url } = await runServer(echo);
    const early = new AbortController();
    const connecting = openWebSocket(url, { signal: early.signal });
    const events = eventsOf(connecting);
    early.abort();
    expect(await events).toEqual(["error", "close"]);

    const before = openWebSocket(url, { signal: AbortSignal.abort() });
    expect(await eventsOf(before)).toEqual(["error", "close"]);

    const late = new AbortController();
    const open = openWebSocket(url, { signal: late.signal });
    await next(open, "open");
    late.abort();
    expect(await next(open, "close")).toMatchObject({ code: 1000, wasClean: true });
  });

  test("a server that never responds fails after handshakeTimeoutMs", async () => {
    const url = await fakeServer(() => "");
    const socket = openWebSocket(url, { handshakeTimeoutMs: 50 });
    const event = (await next(socket, "error")) as FailureEvent;
    expect(event.error.code).toBe("handshake_timeout");
  });

  test("the error event has a one-line message and a stable code", async () => {
    const refused = openWebSocket("ws://127.0.0.1:1");
    const unreachable = (await next(refused, "error")) as FailureEvent;
    expect(unreachable.error.code).toBe("unreachable");
    expect(unreachable.message).toMatch(/^127\.0\.0\.1:1 cannot be reached \(.*ECONNREFUSED.*\); /);
    const { url } = await runServer({ ...echo, path: "/here" });
    const lost = openWebSocket(`${url}/elsewhere`);
    const handshake = (await next(lost, "error")) as FailureEvent;
    expect(handshake.error).toMatchObject({ code: "handshake_refused", status: 404 });
    expect(handshake.message).not.toContain("\n");
  });

  test("the limit for messages applies", async () => {
    const { url } = await runServer(echo);
    const socket = openWebSocket(url, { maxMessageBytes: 10 });
    await next(socket, "open");
    socket.send("12345678901");
    const event = (await next(socket, "error")) as FailureEvent;
    expect(event.error).toMatchObject({ code: "message_too_big", closeCode: 1009, limit: 10 });
  });

  test.each([0, -1, 1.5, Number.NaN, "5"])(
    "%s as a limit throws immediately",
    (maxMessageBytes) => {
      const open = (): unknown =>
        openWebSocket("ws://127.0.0.1:1", { maxMessageBytes: maxMessageBytes as number });
      expect(open).toThrow(expect.objectContaining({ code: "invalid_limit" }));
    },
  );

  test("ping resolves with the round-trip time, and rejects on a closed socket", async () => {
    const { url } = await runServer(echo);
    const socket = openWebSocket(url);
    await next(socket, "open");
    const [first, second] = await Promise.all([ping(socket), ping(socket)]);
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(0);
    socket.close();
    await expect(ping(socket)).rejects.toMatchObject({ code: "not_open" });
  });
});
