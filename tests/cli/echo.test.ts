import { afterEach, expect, test, vi } from "vitest";
import { startEcho } from "./echo-server.ts";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";
import { longwire, RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => RunningProgram.endAll());

test("echo --port 0 prints one line, the URL that it listens on", async () => {
  const { echo, url } = await startEcho();
  expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/);
  await OpenSocket.open(url);
  expect(echo.stdout).toBe(`${url}\n`);
  expect(echo.stderr).toBe("");
});

test("echo answers text with text and binary with binary, including empty messages", async () => {
  const { url } = await startEcho();
  const client = await OpenSocket.open(url);
  client.socket.send("héllo 你好");
  client.socket.send("");
  client.socket.send(Buffer.from([0, 255, 128]));
  client.socket.send(Buffer.alloc(0));
  await expect.poll(() => client.messages.length).toBe(4);
  expect(client.messages).toEqual([
    { data: "héllo 你好", isBinary: false },
    { data: "", isBinary: false },
    { data: "00ff80", isBinary: true },
    { data: "", isBinary: true },
  ]);
});

test("echo accepts any origin, any path and the first subprotocol offered", async () => {
  const { url } = await startEcho();
  const client = await OpenSocket.open(`${url}/any/path?x=1`, {
    origin: "https://elsewhere.example",
    protocols: ["first", "second"],
  });
  expect(client.socket.protocol).toBe("first");
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "echo exits with code 0 on %s, and its peers are closed with 1001",
  async (signal) => {
    const { echo, url } = await startEcho();
    const client = await OpenSocket.open(url);
    expect(await echo.stop(signal)).toBe(0);
    expect(await client.closed).toBe(1001);
  },
);

test("echo on a busy port prints one line and exits with code 1", async () => {
  const { url } = await startEcho();
  const { port } = new URL(url);
  const second = longwire("echo", "--port", port);
  expect(await second.exited).toBe(1);
  expect(second.output).toMatch(new RegExp(`^longwire: .*${port}.* in use.*\n$`));
});
