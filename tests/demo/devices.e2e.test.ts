import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { longwire, RunningProgram } from "../rigs/processes/running-program.ts";
import { Chromium, patience, reconnecting, rowOf, type Visit } from "../rigs/processes/chromium.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";
import { ReportingDevice } from "./reporting-device.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let chromium: Chromium;
beforeAll(async () => (chromium = await Chromium.launch()));
afterAll(() => chromium.close());
afterEach(() => RunningProgram.endAll());

describe("npm start's monitor", () => {
  let monitor: MonitorProcess;
  let visit: Visit;
  beforeEach(async () => {
    monitor = await MonitorProcess.start("--simulate", "3", "--name", "rack-7");
    visit = await chromium.visit(monitor.url);
  });
  afterEach(() => visit.leave());

  test("this machine and the simulated access points appear, and the page says how many are simulated", async () => {
    await expect
      .poll(() => visit.rows(), patience)
      .toEqual({ "ap-01": "true", "ap-02": "true", "ap-03": "true", "rack-7": "true" });
    await visit.shows("simulated-count", /^3 of the 4 devices are simulated/);
    await visit.shows("count-online", /^4 online$/);
    await visit.shows("count-offline", /^0 offline$/);
    expect(visit.errors).toEqual([]);
  });

  test("values update automatically, in the table and on the device's page", async () => {
    await visit.shows("device-value-clients", /^\d+$/, rowOf("ap-01"));
    const traffic = (): Promise<string | undefined> =>
      visit.text("device-value-txBits", rowOf("ap-01"));
    const first = await traffic();
    await expect.poll(traffic, patience).not.toBe(first);
    await visit.go("#/device/rack-7");
    const legend = (): Promise<string | undefined> => visit.text("chart-cpu");
    await expect.poll(legend, patience).toMatch(/\d %|\d%/);
    await expect.poll(() => visit.page.$$eval("canvas", ({ length }) => length)).toBeGreaterThan(3);
    await visit.shows("device-value-uptime", /\d/);
    expect(visit.errors).toEqual([]);
  });

  test("the type filter narrows the list and what the server sends", async () => {
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
    await visit.page.click('[data-test="filter-machine"]');
    await expect.poll(() => visit.rows(), patience).toEqual({ "rack-7": "true" });
    await visit.page.click('[data-test="filter-AP"]');
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(3);
    expect(visit.errors).toEqual([]);
  });
});

describe("the page's connections", () => {
  test("there is one for the list, whatever the filter, and another one for the panel while it is open", async () => {
    const monitor = await MonitorProcess.start("--no-agent", "--simulate", "2");
    const visit = await chromium.visit(monitor.url);
    const opened: string[] = [];
    const session = await visit.page.createCDPSession();
    await session.send("Network.enable");
    session.on("Network.webSocketCreated", ({ url }) => opened.push(url));
    await visit.page.reload();
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(2);
    await visit.page.click('[data-test="filter-machine"]');
    await expect.poll(() => visit.rows(), patience).toEqual({});
    await visit.page.click('[data-test="filter-AP"]');
    await visit.shows("device-value-clients", /^\d+$/, rowOf("ap-01"));
    expect(opened).toEqual([monitor.liveUrl]);
    await visit.go("#/connection");
    await visit.shows("ready-state", "1 OPEN");
    expect(opened).toEqual([monitor.liveUrl, `${monitor.liveUrl}/devices`]);
    expect(visit.errors).toEqual([]);
    await visit.leave();
  });
});

describe("an agent's lifecycle", () => {
  let monitor: MonitorProcess;
  beforeEach(async () => (monitor = await MonitorProcess.startEmpty()));

  const startAgent = (name: string): RunningProgram =>
    longwire("agent", "--url", monitor.liveUrl, "--name", name);

  test("after kill -9 it is offline within seconds, in an open page and in one opened later; after a restart it is back", async () => {
    const open = await chromium.visit(monitor.url);
    const agent = startAgent("rack-9");
    await expect.poll(() => open.rows(), patience).toEqual({ "rack-9": "true" });
    await agent.stop("SIGKILL");
    const killedAt = performance.now();
    await expect.poll(() => open.rows(), patience).toEqual({ "rack-9": "false" });
    expect(performance.now() - killedAt).toBeLessThan(5_000);
    expect(await open.text("device-state", rowOf("rack-9"))).toBe("Offline");
    await open.shows("group-attention", "Needs attention: 1");
    await expect.poll(() => open.page.title()).toBe("(1) Devices · Longwire");
    await open.shows("attention-news", "Needs attention: rack-9. 1 in all.");
    const later = await chromium.visit(monitor.url);
    await expect.poll(() => later.rows(), patience).toEqual({ "rack-9": "false" });
    await later.go("#/device/rack-9");
    await later.shows("device-offline", /offline since/);
    startAgent("rack-9");
    await expect.poll(() => open.rows(), patience).toEqual({ "rack-9": "true" });
    await later.shows("device-state", "Online");
    expect([...open.errors, ...later.errors]).toEqual([]);
    await Promise.all([open.leave(), later.leave()]);
  });

  test("after the server was away, the page reconnects automatically and shows only devices that are online", async () => {
    const stays = startAgent("stays");
    const goes = startAgent("goes");
    await Promise.all([stays.says(/reporting/), goes.says(/reporting/)]);
    const visit = await chromium.visit(monitor.url);
    await expect.poll(() => visit.rows(), patience).toEqual({ stays: "true", goes: "true" });
    await monitor.program.stop("SIGKILL");
    await expect.poll(() => visit.attribute("connection-pill", "data-state")).toBe("offline");
    await visit.shows("device-state", /^was online at \d\d:\d\d$/, rowOf("stays"));
    expect(await visit.page.title()).toBe("Devices · Longwire");
    await visit.shows("connection-banner", /1006/);
    await goes.stop("SIGKILL");
    await MonitorProcess.startEmpty("--port", String(monitor.port));
    await expect
      .poll(() => visit.attribute("connection-pill", "data-state"), reconnecting)
      .toBe("live");
    await expect.poll(() => visit.rows(), reconnecting).toEqual({ stays: "true" });
    expect(await visit.text("connection-banner")).toBeUndefined();
    const uptime = await visit.text("device-value-rxBits", rowOf("stays"));
    expect(uptime).toMatch(/\d/);
    await visit.leave();
  });

  test("when the server drains with 1012, the page reconnects to the next one", async () => {
    const visit = await chromium.visit(`${monitor.url}/#/connection`);
    await visit.shows("ready-state", "1 OPEN");
    expect(await monitor.program.stop("SIGTERM")).toBe(0);
    await visit.shows("event-log", /code 1012/);
    const next = await MonitorProcess.startEmpty("--port", String(monitor.port));
    await expect.poll(() => visit.text("ready-state"), reconnecting).toBe("1 OPEN");
    const device = await ReportingDevice.connect(next, "new");
    await device.report();
    await visit.go("#/");
    await expect.poll(() => visit.rows(), patience).toEqual({ new: "true" });
    await visit.leave();
  });
});

describe("states without data", () => {
  test("without devices, the page says how to start an agent on this server", async () => {
    const monitor = await MonitorProcess.startEmpty();
    const visit = await chromium.visit(monitor.url);
    await visit.shows("empty", new RegExp(`longwire agent --url ${monitor.liveUrl}`));
    await visit.go("#/device/nobody");
    await visit.shows("device-unknown", /nobody/);
    await visit.leave();
  });
});
