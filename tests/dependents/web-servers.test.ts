import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { home, listening, load, next, type Untyped } from "./dependents.ts";

const WebSocket = load("ws");

describe("express-ws", () => {
  test("routes, routers and middleware receive the request, and messages are echoed", async () => {
    const app = load("express")();
    const http = createServer(app);
    const instance = load("express-ws")(app, http);
    app.use((request: Untyped, _response: Untyped, proceed: () => void) => {
      request.seen = `middleware ${request.path}`;
      proceed();
    });
    app.ws("/echo/:name", (socket: Untyped, request: Untyped) => {
      socket.on("message", (data: Untyped) => {
        socket.send(`${request.seen} ${request.params.name} ${data}`);
      });
    });
    const port = await listening(http);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/echo/ada`);
    await next(socket, "open");
    socket.send("hi");
    const [answer] = await next(socket, "message");
    expect(String(answer)).toContain("ada hi");
    expect(String(answer)).toContain("middleware /echo/ada");
    expect(instance.getWss().clients.size).toBe(1);
    socket.terminate();
  });
});

describe("webpack-dev-server", () => {
  test("notifies a page's client of each compilation", async () => {
    const folder = mkdtempSync(join(tmpdir(), "longwire-webpack-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const entry = join(folder, "entry.js");
    writeFileSync(entry, "export default 1;");
    const webpack = load("webpack");
    const compiler = webpack({
      mode: "development",
      context: home,
      entry,
      output: { path: folder },
      stats: "none",
      infrastructureLogging: { level: "none" },
    });
    const DevServer = load("webpack-dev-server");
    const server = new DevServer({ host: "127.0.0.1", port: "auto", client: false }, compiler);
    await server.start();
    onTestFinished(() => server.stop());
    const { port } = server.server.address();
    const client = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
      origin: `http://127.0.0.1:${port}`,
    });
    const types: string[] = [];
    const recompiled = new Promise<void>((resolve) => {
      client.on("message", (data: Buffer) => {
        const { type } = JSON.parse(String(data));
        types.push(type);
        if (types.filter((one) => one === "ok").length === 2) resolve();
        else if (type === "ok") writeFileSync(entry, "export default 2;");
      });
    });
    await recompiled;
    expect(types).toContain("hash");
    expect(types).toContain("invalid");
    client.terminate();
  });
});
