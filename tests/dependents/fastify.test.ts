import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { home, load, next, type Untyped } from "./dependents.ts";

const fastify = load("fastify");
const fastifyWebSocket = load("@fastify/websocket");
const WebSocket = load("ws");

async function open(): Promise<Untyped> {
  const app = fastify();
  await app.register(fastifyWebSocket, { options: { maxPayload: 1_000 } });
  app.get("/echo", { websocket: true }, (socket: Untyped, { query }: Untyped) => {
    socket.send(`hello ${query.name}`);
    socket.on("message", (data: Buffer, binary: boolean) => socket.send(data, { binary }));
  });
  app.get("/plain", () => "plain");
  onTestFinished(() => app.close());
  return app;
}

describe("@fastify/websocket", () => {
  test("passes its own suite", async () => {
    const folder = join(home, "node_modules/@fastify/websocket");
    const files = readdirSync(join(folder, "test")).filter((name) => name.endsWith(".test.js"));
    const args = ["--test", "--test-reporter=tap", ...files.map((name) => join("test", name))];
    // With Vitest's own settings, the test runner would become part of this one.
    const env = { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined };
    const run = execFile(process.execPath, args, { cwd: folder, env });
    let output = "";
    run.stdout!.on("data", (text: string) => (output += text));
    await new Promise((resolve) => run.once("close", resolve));
    const failed = output.split("\n").filter((line) => /^\s*not ok /.test(line));
    expect(failed).toEqual([]);
    expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThanOrEqual(66);
  }, 60_000);

  test("a route echoes text and bytes", async () => {
    const app = await open();
    const address: string = await app.listen({ port: 0, host: "127.0.0.1" });
    const socket = new WebSocket(`${address.replace("http", "ws")}/echo?name=ada`);
    expect(String((await next(socket, "message"))[0])).toBe("hello ada");
    socket.send("é");
    const [text, isBinary] = await next(socket, "message");
    expect([String(text), isBinary]).toEqual(["é", false]);
    socket.send(Buffer.from([0, 255]));
    expect(await next(socket, "message")).toEqual([Buffer.from([0, 255]), true]);
    expect(await (await fetch(`${address}/plain`)).text()).toBe("plain");
  });

  test("maxPayload closes with 1009", async () => {
    const app = await open();
    const address: string = await app.listen({ port: 0, host: "127.0.0.1" });
    const socket = new WebSocket(`${address.replace("http", "ws")}/echo?name=ada`);
    await next(socket, "message");
    socket.send("x".repeat(1_001));
    expect((await next(socket, "close"))[0]).toBe(1009);
  });

  test("injectWS connects without a network", async () => {
    const app = await open();
    await app.ready();
    let greeting: Promise<Untyped[]> | undefined;
    const onInit = (socket: Untyped): void => void (greeting = next(socket, "message"));
    const socket = await app.injectWS("/echo?name=bob", {}, { onInit });
    expect(String((await greeting!)[0])).toBe("hello bob");
    socket.send("over a duplex");
    expect(String((await next(socket, "message"))[0])).toBe("over a duplex");
    socket.terminate();
  });
});
