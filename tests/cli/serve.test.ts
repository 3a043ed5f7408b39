import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";
import { longwire, runLongwire, RunningProgram } from "../rigs/processes/running-program.ts";
import { makeCertificate } from "../rigs/processes/tls-certificate.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => RunningProgram.endAll());

async function startServe(...args: string[]): Promise<{ serve: RunningProgram; url: string }> {
  const serve = longwire("serve", "--port", "0", ...args);
  const [url] = await serve.says(/^wss?:\S+/m);
  return { serve, url };
}

describe("topics", () => {
  test("serve has one log topic and one keyed topic by default, and prints them", async () => {
    const { serve, url } = await startServe();
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/live$/);
    await serve.says(/topic state \(keyed\)/);
    expect(serve.stderr).toBe("topic events (log)\ntopic state (keyed)\n");
    expect(serve.stdout).toBe(`${url}\n`);
  });

  test("an event published at Level 1 reaches a Level 0 reader as plain JSON", async () => {
    const { url } = await startServe("--topic", "alerts:log");
    const reader = await OpenSocket.open(`${url}/alerts`);
    reader.sendJson({});
    const writer = await OpenSocket.open(url, { protocols: ["longwire.v1"] });
    writer.sendJson({ type: "publish", id: 1, topic: "alerts", data: { hot: true } });
    await expect.poll(() => writer.json.map(({ type }) => type)).toContain("published");
    await expect.poll(() => reader.json).toEqual([{ hot: true }]);
  });

  test("a later reader receives a keyed topic's state, narrowed by its params", async () => {
    const { url } = await startServe("-t", "devices:keyed");
    const writer = await OpenSocket.open(url, { protocols: ["longwire.v1"] });
    for (const [id, deviceType] of ["AP", "machine"].entries()) {
      const data = { name: deviceType, deviceType };
      writer.sendJson({ type: "publish", id, topic: "devices", key: deviceType, data });
    }
    await expect.poll(() => writer.json.filter(({ type }) => type === "published").length).toBe(2);
    const reader = await OpenSocket.open(`${url}/devices?deviceType=AP`);
    await expect.poll(() => reader.json).toEqual([{ name: "AP", deviceType: "AP" }]);
  });

  test("--path changes the mount path", async () => {
    const { url } = await startServe("--path", "/ws/v1", "--topic", "a:log");
    expect(new URL(url).pathname).toBe("/ws/v1");
    const reader = await OpenSocket.open(`${url}/a`);
    reader.socket.close();
    expect(await reader.closed).toBe(1005);
  });

  test("SIGTERM closes readers with 1001 or 1012 and exits 0", async () => {
    const { serve, url } = await startServe("--topic", "a:log");
    const reader = await OpenSocket.open(`${url}/a`);
    expect(await serve.stop()).toBe(0);
    expect([1001, 1012]).toContain(await reader.closed);
  });
});

describe("access", () => {
  test("a page of another origin is refused with 403, unless --origin allows it", async () => {
    const origin = "https://dashboard.example";
    const { url } = await startServe("--topic", "a:log");
    await expect(OpenSocket.open(`${url}/a`, { origin })).rejects.toThrow("403");
    const open = await startServe("--topic", "a:log", "--origin", origin);
    const { socket } = await OpenSocket.open(`${open.url}/a`, { origin });
    expect(socket.readyState).toBe(socket.OPEN);
    const other = { origin: "https://other.example" };
    await expect(OpenSocket.open(`${open.url}/a`, other)).rejects.toThrow("403");
  });

  test("--origin any allows every page", async () => {
    const { url } = await startServe("--topic", "a:log", "--origin", "any");
    const { socket } = await OpenSocket.open(`${url}/a`, { origin: "https://x.example" });
    expect(socket.readyState).toBe(socket.OPEN);
  });
});

describe("TLS", () => {
  test("with --cert and --key the URL is wss: and clients that trust the certificate can connect", async () => {
    const { cert, key } = makeCertificate();
    const { url } = await startServe("--topic", "a:log", "--cert", cert, "--key", key);
    expect(url).toMatch(/^wss:/);
    const ca = readFileSync(cert);
    const { socket } = await OpenSocket.open(`${url}/a`, { ca });
    expect(socket.readyState).toBe(socket.OPEN);
    await expect(OpenSocket.open(`${url}/a`)).rejects.toThrow("self-signed");
  });

  test("--cert without --key is refused in one line that names both", async () => {
    const { cert } = makeCertificate();
    const program = await runLongwire(["serve", "--port", "0", "--cert", cert]);
    expect(program.output).toMatch(/^longwire: [^\n]*--cert[^\n]*--key[^\n]*\n$/);
    expect(await program.exited).toBe(1);
  });

  test.each([
    ["that is not there", "/nowhere/cert.pem", /nowhere/],
    ["that holds no PEM", "package.json", /--cert|PEM|certificate/i],
  ])("a certificate %s is refused in one line", async (_, path, named) => {
    const args = ["serve", "--port", "0", "--cert", path, "--key", path];
    const program = await runLongwire(args);
    expect(program.output).toMatch(named);
    expect(program.output).toMatch(/^longwire: [^\n]*\n$/);
    expect(await program.exited).toBe(1);
  });
});

describe("bad options", () => {
  test.each([
    ["a topic of an unknown kind", ["--topic", "a:queue"], /a:queue.*keyed/],
    ["a topic without a kind", ["--topic", "a"], /--topic/],
    ["a topic's name with a space", ["--topic", "a b:log"], /a b/],
    ["a topic named twice", ["--topic", "a:log", "--topic", "a:keyed"], /\ba\b.*twice|two topics/i],
    ["an invalid port", ["--port", "70000"], /--port.*70000/],
    ["a path without a slash", ["--path", "live"], /path/],
    ["a word too many", ["surplus"], /too many arguments|surplus/],
  ])("%s is refused with a message that names it, without a stack", async (_, args, named) => {
    const program = longwire("serve", "--port", "0", ...args);
    expect(await program.exited).toBe(1);
    expect(program.stderr).toMatch(named);
    expect(program.stderr).not.toMatch(/^\s+at /m);
    expect(program.stdout).toBe("");
  });

  test("a busy port results in one line that names it and --port, exit code 1", async () => {
    const { url } = await startServe();
    const second = longwire("serve", "--port", new URL(url).port);
    expect(await second.exited).toBe(1);
    expect(second.output).toMatch(/^longwire: [^\n]*in use[^\n]*port[^\n]*\n$/);
  });
});
