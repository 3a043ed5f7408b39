import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { Chromium, patience, type Visit } from "../rigs/processes/chromium.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";
import { ReportingDevice } from "./reporting-device.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let chromium: Chromium;
let monitor: MonitorProcess;
let visit: Visit;
let [ap, machine]: ReportingDevice[] = [];
beforeAll(async () => {
  [chromium, monitor] = await Promise.all([Chromium.launch(), MonitorProcess.startEmpty()]);
});
afterAll(async () => {
  await chromium.close();
  await RunningProgram.endAll();
});
beforeEach(async () => {
  // A resource of the server that is not one of our pages: only its origin matters.
  visit = await chromium.visit(`${monitor.url}/icon.svg`);
  await visit.page.goto(`${monitor.url}/demo/time`);
  ap = await ReportingDevice.connect(monitor, "ap-77");
  machine = await ReportingDevice.connect(monitor, "rack-77");
  await ap.report({ deviceType: "AP", clients: 5 });
  await machine.report({ deviceType: "machine" });
});
afterEach(async () => {
  ap?.vanish();
  machine?.vanish();
  await visit.leave();
  await expect.poll(() => monitor.topic("devices"), patience).toEqual({});
});

/** The function that pages have had for years, as a classic script. */
const classicPage = `
  var dispatched = [];
  var page = {
    wsdeviceType: "AP",
    $action: function (name, record) { dispatched.push([name, record]); }
  };
  var ws;
  function wsRealData(url, params, target) {
    ws = new WebSocket(url);
    ws.onopen = function () { ws.send(JSON.stringify(params)); };
    ws.onmessage = function (event) {
      var record = JSON.parse(event.data);
      if (target.wsdeviceType === "AP") record.onlineStatus = true;
      target.$action("GetWsData", record);
    };
    ws.onerror = function (event) { console.error("WebSocket error", event); };
    ws.onclose = function () { console.log("closed, readyState " + ws.readyState); };
  }
  function closeWS() { ws.close(); }
`;

describe("wsRealData(url, params, target) in any page", () => {
  type Dispatched = [string, Record<string, unknown>][];

  const dispatched = (): Promise<Dispatched> =>
    visit.page.evaluate(() => (globalThis as unknown as { dispatched: Dispatched }).dispatched);

  beforeEach(async () => {
    await visit.page.addScriptTag({ content: classicPage });
    await visit.page.addScriptTag({
      content: `wsRealData("${monitor.liveUrl}/devices", { deviceType: "AP" }, page);`,
    });
    await expect.poll(async () => (await dispatched()).length, patience).toBeGreaterThan(0);
  });

  test("receives the current state first: the access points that are online, and nothing else", async () => {
    expect(await dispatched()).toMatchObject([
      ["GetWsData", { name: "ap-77", deviceType: "AP", clients: 5, onlineStatus: true }],
    ]);
    expect(visit.errors.filter((text) => text.includes("WebSocket"))).toEqual([]);
  });

  test("receives each report as one flat record", async () => {
    await machine?.report({ deviceType: "machine" });
    await ap?.report({ deviceType: "AP", clients: 6 });
    await expect.poll(async () => (await dispatched()).length, patience).toBe(2);
    expect((await dispatched())[1]).toMatchObject([
      "GetWsData",
      { name: "ap-77", clients: 6, onlineStatus: true },
    ]);
  });

  test("never receives a record of an offline device", async () => {
    ap?.vanish();
    await expect.poll(async () => (await dispatched()).length, patience).toBe(2);
    const [, last] = (await dispatched())[1]!;
    expect(last).not.toHaveProperty("name");
    expect(last).toMatchObject({ removed: "ap-77" });
  });

  test("logs readyState 3 after closeWS()", async () => {
    await visit.page.evaluate("closeWS()");
    await expect.poll(() => visit.logs, patience).toContain("closed, readyState 3");
    expect(visit.errors.filter((text) => text.includes("WebSocket"))).toEqual([]);
  });

  test("logs readyState 3 when the server is gone", async () => {
    const other = await MonitorProcess.startEmpty();
    const page = await chromium.visit(`${other.url}/demo/time`);
    await page.page.addScriptTag({ content: classicPage });
    await page.page.addScriptTag({
      content: `wsRealData("${other.liveUrl}/devices", {}, page);`,
    });
    await page.page.waitForFunction("ws.readyState === 1");
    await other.program.stop("SIGKILL");
    await expect.poll(() => page.logs, patience).toContain("closed, readyState 3");
    await page.leave();
  });
});

describe("the browser's WebSocket without any library", () => {
  /** Opens a WebSocket in the page and keeps what it is told. */
  const open = (path: string, protocols: string[], first: unknown[]): Promise<void> =>
    visit.page.evaluate(
      (url, offered, messages) =>
        new Promise<void>((resolve, reject) => {
          const socket = new WebSocket(url, offered);
          const received: unknown[] = [];
          Object.assign(globalThis, { socket, received });
          socket.addEventListener("message", ({ data }) => received.push(JSON.parse(data)));
          socket.addEventListener("error", () => reject(new Error(`no connection to ${url}`)));
          socket.addEventListener("open", () => {
            for (const message of messages) socket.send(JSON.stringify(message));
            resolve();
          });
        }),
      `ws://127.0.0.1:${monitor.port}${path}`,
      protocols,
      first,
    );

  const received = (): Promise<Record<string, unknown>[]> =>
    visit.page.evaluate(
      () => (globalThis as unknown as { received: Record<string, unknown>[] }).received,
    );

  const send = (message: unknown): Promise<void> =>
    visit.page.evaluate(
      (text) => (globalThis as unknown as { socket: WebSocket }).socket.send(text),
      JSON.stringify(message),
    );

  test("Level 0: params in the query start immediately; a message replaces them and the state is sent again", async () => {
    await open("/live/devices?deviceType=machine", [], []);
    await expect.poll(received, patience).toMatchObject([{ name: "rack-77" }]);
    await send({ deviceType: "AP" });
    await expect.poll(received, patience).toMatchObject([{ name: "rack-77" }, { name: "ap-77" }]);
  });

  test("Level 1: welcome, subscribed, snapshot, then events with increasing offsets", async () => {
    const params = { name: "ap-77" };
    const subscribe = { type: "subscribe", id: 1, topic: "devices", params };
    await open("/live", ["longwire.v1"], [subscribe]);
    await expect.poll(async () => (await received()).length, patience).toBe(3);
    await ap?.report({ clients: 9 });
    await expect.poll(async () => (await received()).length, patience).toBe(4);
    const [welcome, subscribed, snapshot, event] = await received();
    expect(welcome).toMatchObject({ type: "welcome", heartbeat: expect.any(Number) });
    expect(subscribed).toMatchObject({ type: "subscribed", id: 1, kind: "keyed" });
    expect(snapshot).toMatchObject({ type: "snapshot", complete: true, more: false });
    expect(snapshot?.["entries"]).toMatchObject([{ key: "ap-77" }]);
    expect(event).toMatchObject({ type: "event", key: "ap-77", data: { clients: 9 } });
    expect(event?.["offset"]).toBeGreaterThan(snapshot?.["offset"] as number);
  });

  test("Level 1: a page's publish is acknowledged, and is in the topic while the page is open", async () => {
    const data = { name: "page-1", deviceType: "page" };
    const publish = { type: "publish", id: "p", topic: "devices", key: "page-1", data };
    await open("/live", ["longwire.v1"], [publish]);
    await expect
      .poll(received, patience)
      .toContainEqual(expect.objectContaining({ type: "published", id: "p", duplicate: false }));
    expect((await monitor.topic("devices"))["page-1"]).toEqual(data);
    await visit.page.goto("about:blank");
    await expect.poll(() => monitor.topic("devices"), patience).not.toHaveProperty("page-1");
  });

  test("a page of another origin is refused", async () => {
    const other = await MonitorProcess.startEmpty();
    await visit.page.goto(`${other.url}/demo/time`);
    await expect(open("/live/devices", [], [])).rejects.toThrow("no connection");
  });
});
