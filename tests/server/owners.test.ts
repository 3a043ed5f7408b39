import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer } from "../../src/server/index.ts";
import { handshake, RawClient } from "../rigs/sockets/raw-client.ts";
import { echo, runServer, Witness } from "../rigs/sockets/run-server.ts";

async function answerTo(port: number, request: string): Promise<string> {
  const client = await RawClient.open(port);
  client.write(request);
  return client.head();
}

/** Whether the port accepts connections. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

describe("a server that listens several times", () => {
  test("accepts connections on each port, and close ends them all", async () => {
    const server = new WebSocketServer(echo);
    const ports = [(await server.listen()).port, (await server.listen()).port];
    for (const port of ports) await RawClient.upgrade(port);
    await server.close({ timeoutMs: 100 });
    expect(await Promise.all(ports.map(isListening))).toEqual([false, false]);
  });

  test("is unchanged if one of the ports is in use", async () => {
    const { server, port } = await runServer(echo);
    await expect(server.listen({ port })).rejects.toMatchObject({ code: "address_in_use" });
    await RawClient.upgrade(port);
    await server.close({ timeoutMs: 100 });
    expect(await isListening(port)).toBe(false);
  });

  test("does not leave a port open if it is closed while it starts to listen", async () => {
    const server = new WebSocketServer(echo);
    const listening = server.listen();
    const refused = expect(listening).rejects.toMatchObject({ code: "server_closed" });
    await server.close({ timeoutMs: 100 });
    await refused;
  });

  test("does not listen again after it was closed", async () => {
    const server = new WebSocketServer(echo);
    await server.close();
    await expect(server.listen()).rejects.toMatchObject({ code: "server_closed" });
  });
});

describe("two servers that are attached to one HTTP server", () => {
  async function attached(...servers: WebSocketServer[]): Promise<number> {
    const http = createServer();
    for (const server of servers) server.attach(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    return (http.address() as AddressInfo).port;
  }

  test("answer a path that neither serves with 404", async () => {
    const [a, b] = ["/a", "/b"].map((path) => new WebSocketServer({ ...echo, path }));
    const port = await attached(a!, b!);
    expect(await answerTo(port, handshake("/other"))).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("answer once if both serve a path: the first one does", async () => {
    const [first, second] = [new Witness(), new Witness()];
    const port = await attached(new WebSocketServer(first), new WebSocketServer(second));
    const client = await RawClient.upgrade(port, "/");
    client.socket.end();
    await first.closed();
    expect(second.peer).toBeUndefined();
    expect(client.received.toString("latin1").match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test("leave an unknown path to another listener", async () => {
    const http = createServer();
    new WebSocketServer({ ...echo, path: "/a" }).attach(http);
    http.on("upgrade", (request, socket) => {
      if (request.url !== "/a") socket.end("HTTP/1.1 418 Teapot\r\n\r\n");
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo;
    expect(await answerTo(port, handshake("/other"))).toMatch(/^HTTP\/1\.1 418 /);
  });

  test("continue to answer after the other one is detached", async () => {
    const http = createServer();
    const detach = new WebSocketServer({ ...echo, path: "/a" }).attach(http);
    new WebSocketServer({ ...echo, path: "/b" }).attach(http);
    detach();
    detach();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo;
    expect(await answerTo(port, handshake("/a"))).toMatch(/^HTTP\/1\.1 404 /);
    await RawClient.upgrade(port, "/b");
  });
});

describe("a warning with advice is emitted once for", () => {
  function warnings(): { code: string; message: string }[] {
    const said: { code: string; message: string }[] = [];
    const emit = vi.spyOn(process, "emitWarning").mockImplementation((message, options) => {
      said.push({ code: (options as { code: string }).code, message: String(message) });
    });
    onTestFinished(() => emit.mockRestore());
    return said;
  }

  test("a page whose origin is refused", async () => {
    const said = warnings();
    const { port, httpUrl } = await runServer({ path: "/chat" });
    const Origin = "https://shop.example";
    for (let count = 0; count < 2; count += 1) {
      expect(await answerTo(port, handshake("/chat", { Origin }))).toMatch(/ 403 /);
      expect((await fetch(`${httpUrl}/chat`, { headers: { Origin } })).status).toBe(403);
    }
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({ code: "foreign_origin" });
    expect(said[0]!.message).toContain('origins: ["https://shop.example"]');
  });

  test("a path without an endpoint", async () => {
    const said = warnings();
    const { port } = await runServer([{ path: "/chat" }, { path: "/live/*" }]);
    for (let count = 0; count < 2; count += 1) {
      expect(await answerTo(port, handshake("/chta"))).toMatch(/ 404 /);
    }
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({ code: "unknown_path" });
    expect(said[0]!.message).toContain('"/chta"');
    expect(said[0]!.message).toContain("/chat, /live/*");
  });
});
