import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";
import { RawConnection } from "./raw-request.ts";
import { ReportingDevice } from "./reporting-device.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const soon = { timeout: 10_000, interval: 20 };

/** A browser's cookie, as opening the page gives it. */
async function newBrowser({ url }: MonitorProcess): Promise<string> {
  const { headers } = await fetch(url);
  return headers.get("set-cookie")?.split(";")[0] ?? "";
}

describe("the endpoints of the tour", () => {
  let monitor: MonitorProcess;
  beforeAll(async () => (monitor = await MonitorProcess.startEmpty()));
  afterAll(() => RunningProgram.endAll());

  const wire = async (cookie: string): Promise<Record<string, Record<string, number>>> => {
    const response = await fetch(`${monitor.url}/demo/wire`, { headers: { cookie } });
    return (await response.json()) as Record<string, Record<string, number>>;
  };

  const host = (): string => `Host: 127.0.0.1:${monitor.port}`;

  test("/demo/time returns the server's clock in ms since the Unix epoch, and is not cached", async () => {
    const before = Date.now();
    const response = await fetch(`${monitor.url}/demo/time`);
    const { now } = (await response.json()) as { now: number };
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("/demo/wire counts a request and its answer as sent on the wire, to the byte", async () => {
    const cookie = await newBrowser(monitor);
    const connection = await RawConnection.open(monitor.port);
    const fields = [host(), `Cookie: ${cookie}`, "X-Meter: poll-test", "Accept-Language: zh-CN"];
    connection.send(["GET /live/devices?name=nobody HTTP/1.1", ...fields]);
    const { head, body } = await connection.answer();
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    const count = { requests: 1, bytesIn: connection.sentBytes };
    await expect
      .poll(async () => (await wire(cookie))["poll-test"], soon)
      .toEqual({ ...count, bytesOut: head.length + body.length });
    // The next one on the same connection adds what it is, and nothing of the first.
    connection.received = "";
    connection.send(["GET /live/devices?name=nobody HTTP/1.1", ...fields]);
    const second = await connection.answer();
    await expect
      .poll(async () => (await wire(cookie))["poll-test"], soon)
      .toEqual({
        requests: 2,
        bytesIn: connection.sentBytes,
        bytesOut: head.length + body.length + second.head.length + second.body.length,
      });
  });

  test("/demo/wire counts a stream of server-sent events while it is sent", async () => {
    const cookie = await newBrowser(monitor);
    const connection = await RawConnection.open(monitor.port);
    const fields = [host(), `Cookie: ${cookie}`, "Accept: text/event-stream"];
    connection.send(["GET /live/devices HTTP/1.1", ...fields]);
    await expect.poll(() => connection.received).toContain("snapshot");
    const device = await ReportingDevice.connect(monitor, "streamed");
    await device.report();
    await expect.poll(() => connection.received).toContain("streamed");
    await expect
      .poll(async () => (await wire(cookie))["sse"], soon)
      .toEqual({
        requests: 1,
        bytesIn: connection.sentBytes,
        bytesOut: connection.received.length,
      });
    device.vanish();
    connection.socket.destroy();
  });

  test("/demo/wire counts a WebSocket handshake, and not the messages after it", async () => {
    const cookie = await newBrowser(monitor);
    const connection = await RawConnection.open(monitor.port);
    connection.send([
      "GET /live/devices HTTP/1.1",
      host(),
      `Cookie: ${cookie}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    ]);
    const { head } = await connection.answer();
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    await expect
      .poll(async () => (await wire(cookie))["websocket"], soon)
      .toEqual({ requests: 1, bytesIn: connection.sentBytes, bytesOut: head.length });
    connection.socket.destroy();
  });

  test("/demo/wire distinguishes browsers", async () => {
    expect(await wire(await newBrowser(monitor))).toEqual({});
  });

  test("/demo/cut aborts this browser's connections without a close frame and refuses new ones", async () => {
    const [cookie, other] = [await newBrowser(monitor), await newBrowser(monitor)];
    const url = `${monitor.liveUrl}/devices?name=nobody`;
    const mine = await OpenSocket.open(url, { headers: { cookie } });
    const theirs = await OpenSocket.open(url, { headers: { cookie: other } });
    const body = JSON.stringify({ seconds: 1 });
    const cutAt = Date.now();
    const answer = await fetch(`${monitor.url}/demo/cut`, {
      method: "POST",
      headers: { cookie },
      body,
    });
    expect(await answer.json()).toEqual({ seconds: 1 });
    expect(await mine.closed).toBe(1006);
    await expect(OpenSocket.open(url, { headers: { cookie } })).rejects.toThrow();
    await expect(fetch(monitor.url, { headers: { cookie } })).rejects.toThrow();
    expect(theirs.socket.readyState).toBe(theirs.socket.OPEN);
    const isLetIn = async (): Promise<boolean> =>
      fetch(monitor.url, { headers: { cookie } }).then(
        () => true,
        () => false,
      );
    await expect.poll(isLetIn, soon).toBe(true);
    expect(Date.now() - cutAt).toBeGreaterThanOrEqual(1_000);
  });

  test("/demo/cut with an interrupted body affects nobody", async () => {
    const cookie = await newBrowser(monitor);
    const connection = await RawConnection.open(monitor.port);
    connection.send(
      ["POST /demo/cut HTTP/1.1", host(), `Cookie: ${cookie}`, "Content-Length: 100"],
      '{"sec',
    );
    connection.socket.resetAndDestroy();
    const ended = await Promise.race([monitor.program.exited, newBrowser(monitor)]);
    expect(ended).toMatch(/^monitor=/);
    expect(monitor.program.output).not.toContain("Error");
  });

  test("/demo/cut with a body that is too long or not JSON is answered", async () => {
    for (const body of ["x".repeat(5_000), "not JSON", ""]) {
      const answer = await fetch(`${monitor.url}/demo/cut`, { method: "POST", body });
      expect(answer.status).toBe(200);
    }
  });
});

describe("devices and inventory", () => {
  let monitor: MonitorProcess;
  beforeAll(async () => (monitor = await MonitorProcess.startEmpty()));
  afterAll(() => RunningProgram.endAll());

  test("a device's key lives as long as its agent's connection, and its record at Level 0 means online", async () => {
    const reader = await OpenSocket.open(`${monitor.liveUrl}/devices`);
    reader.sendJson({ name: "short" });
    const device = await ReportingDevice.connect(monitor, "short");
    await device.report({ clients: 3 });
    expect(await monitor.topic("devices")).toHaveProperty("short");
    device.vanish();
    await expect.poll(() => monitor.topic("devices"), soon).not.toHaveProperty("short");
    await expect.poll(() => reader.json.at(-1)).toEqual({ removed: "short" });
    expect(reader.json[0]).toMatchObject({ name: "short", clients: 3 });
  });

  test("the inventory keeps a device that went offline, with since and lastSeen", async () => {
    const device = await ReportingDevice.connect(monitor, "kept");
    const before = Date.now();
    await device.report({ simulated: true });
    const online = (await monitor.topic("inventory"))["kept"];
    expect(online).toMatchObject({ deviceType: "AP", simulated: true, online: true });
    expect(online?.["since"]).toBeGreaterThanOrEqual(before);
    device.client.socket.close(1000);
    const entry = async (): Promise<unknown> => (await monitor.topic("inventory"))["kept"];
    await expect.poll(entry, soon).toMatchObject({ name: "kept", online: false });
    const offline = (await entry()) as { since: number; lastSeen: number };
    expect(offline.since).toBeGreaterThanOrEqual(online?.["since"] as number);
    expect(offline.lastSeen).toBeGreaterThanOrEqual(before);
    expect(offline.lastSeen).toBeLessThanOrEqual(Date.now());
  });

  test("a device that returns is online since then", async () => {
    const first = await ReportingDevice.connect(monitor, "again");
    await first.report();
    const since = async (): Promise<number> =>
      (await monitor.topic("inventory"))["again"]?.["since"] as number;
    const firstSince = await since();
    first.vanish();
    const online = async (): Promise<unknown> =>
      (await monitor.topic("inventory"))["again"]?.["online"];
    await expect.poll(online, soon).toBe(false);
    const second = await ReportingDevice.connect(monitor, "again");
    await second.report();
    expect(await online()).toBe(true);
    expect(await since()).toBeGreaterThan(firstSince);
    second.vanish();
  });

  test("a key stays when an older connection ends after a newer one has reported the same name", async () => {
    const older = await ReportingDevice.connect(monitor, "twin");
    await older.report({ clients: 1 });
    const newer = await ReportingDevice.connect(monitor, "twin");
    await newer.report({ clients: 2 });
    older.vanish();
    // Once the server has handled the end of this later connection, it has handled the earlier end.
    const witness = await ReportingDevice.connect(monitor, "witness");
    await witness.report();
    witness.vanish();
    await expect.poll(() => monitor.topic("devices"), soon).not.toHaveProperty("witness");
    expect((await monitor.topic("devices"))["twin"]).toMatchObject({ clients: 2 });
    expect((await monitor.topic("inventory"))["twin"]).toMatchObject({ online: true });
    newer.vanish();
    await expect.poll(() => monitor.topic("devices"), soon).not.toHaveProperty("twin");
  });

  test.each([
    ["without a name", { deviceType: "AP" }],
    ["without a type", { name: "x" }],
    ["that is not an object", "text"],
  ])("a report %s is refused, and the connection stays", async (_, data) => {
    const device = await ReportingDevice.connect(monitor, "sloppy");
    device.client.sendJson({ type: "publish", id: "bad", topic: "devices", key: "sloppy", data });
    await expect
      .poll(() => device.client.json.find(({ id }) => id === "bad"))
      .toMatchObject({ type: "error", code: "invalid_data" });
    await device.report();
    device.vanish();
  });

  test("only the server publishes to the inventory", async () => {
    const body = JSON.stringify({ key: "a", data: { name: "a" } });
    const answer = await fetch(`${monitor.url}/live/inventory`, { method: "POST", body });
    expect(answer.status).toBe(403);
  });
});

test("pages of an origin that --origin allows may use the topics, and others may not", async () => {
  onTestFinished(() => RunningProgram.endAll());
  const named = "https://docs.example";
  const monitor = await MonitorProcess.startEmpty("--origin", named);
  const url = `${monitor.liveUrl}/devices`;
  await OpenSocket.open(url, { origin: named });
  await OpenSocket.open(url, { origin: monitor.url });
  await expect(OpenSocket.open(url, { origin: "https://other.example" })).rejects.toThrow("403");
});

describe("pages of another origin", () => {
  let monitor: MonitorProcess;
  beforeAll(async () => (monitor = await MonitorProcess.startEmpty()));
  afterAll(() => RunningProgram.endAll());

  const foreign = "http://evil.example";

  test.each(["/live", "/live/devices"])("a WebSocket at %s is refused with 403", async (path) => {
    const url = `ws://127.0.0.1:${monitor.port}${path}`;
    await expect(OpenSocket.open(url, { origin: foreign })).rejects.toThrow("403");
    await OpenSocket.open(url, { origin: monitor.url });
  });

  test.each(["/live/devices", "/demo/cut"])("a POST to %s is refused with 403", async (path) => {
    const body = JSON.stringify({ key: path, data: { name: path, deviceType: "AP" } });
    const post = (origin: string): Promise<Response> =>
      fetch(`${monitor.url}${path}`, { method: "POST", headers: { origin }, body });
    expect((await post(foreign)).status).toBe(403);
    expect(await monitor.topic("devices")).not.toHaveProperty([path]);
    expect((await post(monitor.url)).ok).toBe(true);
  });
});

describe("startup and shutdown", () => {
  afterEach(() => RunningProgram.endAll());

  test("Ctrl-C with open pages, long polls and a silent peer exits with code 0 within 5 s", async () => {
    const monitor = await MonitorProcess.start("--simulate", "2", "--name", "here");
    await expect
      .poll(async () => Object.keys(await monitor.topic("devices")), soon)
      .toHaveLength(3);
    const page = await OpenSocket.open(`${monitor.liveUrl}/devices?name=none`);
    const { epoch, offset } = (await (await fetch(`${monitor.url}/live/devices`)).json()) as {
      epoch: string;
      offset: number;
    };
    const position = `epoch=${epoch}&offset=${offset}`;
    const poll = fetch(`${monitor.url}/live/devices?name=none&wait=60&${position}`);
    const stream = await fetch(`${monitor.url}/live/devices`, {
      headers: { accept: "text/event-stream" },
    });
    // Never answers the close frame, as a frozen browser would not.
    const frozen = await OpenSocket.open(`${monitor.liveUrl}/devices?name=none`);
    frozen.socket.pause();
    const idle = await RawConnection.open(monitor.port);
    onTestFinished(() => {
      frozen.socket.terminate();
      idle.socket.destroy();
    });
    const startedAt = performance.now();
    const ended = monitor.program.stop("SIGINT");
    expect([1001, 1012]).toContain(await page.closed);
    // A handshake that comes while the others are being closed, on a connection from before.
    idle.send([
      "GET /live/devices HTTP/1.1",
      `Host: 127.0.0.1:${monitor.port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    ]);
    expect(await ended).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect([200, 304]).toContain((await poll).status);
    await stream.text();
  });

  test("Ctrl-C in a terminal, which reaches the agents too, exits with code 0", async () => {
    const monitor = await MonitorProcess.start("--simulate", "2", "--name", "here");
    await monitor.program.says(/reporting here/);
    const { execFileSync } = await import("node:child_process");
    const children = execFileSync("pgrep", ["-P", String(monitor.program.pid)], {
      encoding: "utf8",
    });
    for (const pid of children.trim().split("\n")) process.kill(Number(pid), "SIGINT");
    expect(await monitor.program.stop("SIGINT")).toBe(0);
  });

  test("a busy port results in one line that names --port, exit code 1, and no process is left", async () => {
    const monitor = await MonitorProcess.startEmpty();
    const main = monitor.program.process.spawnargs[1]!;
    const port = String(monitor.port);
    const second = new RunningProgram(process.execPath, [main, "--port", port]);
    expect(await second.exited).toBe(1);
    expect(second.stdout).toBe("");
    expect(second.stderr).toMatch(new RegExp(`^longwire: [^\n]*${port}[^\n]*--port[^\n]*\n$`));
  });

  test("an invalid port is refused with a message that names --port", async () => {
    const monitor = await MonitorProcess.startEmpty();
    const main = monitor.program.process.spawnargs[1]!;
    const wrong = new RunningProgram(process.execPath, [main, "--port", "99999"]);
    expect(await wrong.exited).toBe(1);
    expect(wrong.stderr).toMatch(/--port.*99999/);
  });

  test("with --host 0.0.0.0, an address is printed that a browser can open", async () => {
    const monitor = await MonitorProcess.startEmpty("--host", "0.0.0.0");
    expect((await fetch(monitor.url)).status).toBe(200);
    const { client } = await ReportingDevice.connect(monitor, "x");
    client.socket.close();
    await once(client.socket, "close");
  });
});
