import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import sirv from "sirv";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { Chromium, patience, type Visit } from "../rigs/processes/chromium.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 });

const root = resolve(import.meta.dirname, "../..");

let chromium: Chromium;
let server: Server;
let site: string;

beforeAll(async () => {
  const build = new RunningProgram(process.execPath, ["scripts/docs.mjs", "build"]);
  expect(await build.exited, build.output).toBe(0);
  const pages = sirv(join(root, ".cache/site"));
  server = createServer((request, response) => pages(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  chromium = await Chromium.launch();
});

afterAll(async () => {
  await chromium?.close();
  server?.closeAllConnections();
  server?.close();
  await RunningProgram.endAll();
});

async function visit(path: string, width = 1440): Promise<Visit> {
  const visit = await chromium.visit(`${site}${path}`, { width });
  onTestFinished(() => visit.leave());
  return visit;
}

test.each(
  ["/", "/concepts/architecture.html", "/reference/api/longwire/server.html"].flatMap((path) =>
    [360, 1440].map((width) => [path, width] as const),
  ),
)("%s fits into a window %i px wide, and loads without errors", async (path, width) => {
  const { page, errors } = await visit(path, width);
  await page.waitForSelector("h1");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
    width,
  );
  expect(errors).toEqual([]);
});

test("the sidebar has the four rooms and the API reference", async () => {
  const { page } = await visit("/tutorial/");
  const titles = await page.$$eval(".VPSidebarItem h2, .VPSidebarItem h3", (all) =>
    all.map(({ textContent }) => textContent),
  );
  expect(titles).toEqual(
    expect.arrayContaining(["Tutorial", "Guides", "Concepts", "Reference", "API"]),
  );
});

test.each([
  ["/", "Idempotency", /live-protocol|guarantees|api/],
  ["/zh/", "订阅", /\/zh\//],
])("the search of %s finds %s", async (path, term, found) => {
  const { page } = await visit(path);
  await page.click("#local-search button");
  const input = await page.waitForSelector("#localsearch-input");
  await input?.type(term);
  await page.waitForSelector("a.result");
  const links = await page.$$eval("a.result", (all) => all.map((link) => (link as any).href));
  expect(links.join(" ")).toMatch(found);
});

test("the language menu leads to the Chinese pages and back", async () => {
  const { page } = await visit("/concepts/guarantees.html");
  await page.hover(".VPNavBarTranslations button");
  await page.click('.VPNavBarTranslations a[href="/zh/"]');
  await page.waitForFunction(() => document.documentElement.lang === "zh-CN");
  expect(await page.$eval(".VPHome", ({ textContent }) => textContent)).toContain("十行服务端");
  await page.hover(".VPNavBarTranslations button");
  await page.click('.VPNavBarTranslations a[href="/"]');
  await page.waitForFunction(() => document.documentElement.lang === "en");
});

test("dark mode is switched on and off", async () => {
  const { page } = await visit("/");
  const isDark = (): Promise<boolean> =>
    page.evaluate(() => document.documentElement.classList.contains("dark"));
  const before = await isDark();
  await page.click(".VPNavBarAppearance button");
  await expect.poll(isDark, patience).toBe(!before);
  await page.click(".VPNavBarAppearance button");
  await expect.poll(isDark, patience).toBe(before);
});

test("the live example follows a monitor that was started as it says, and notices its end", async () => {
  const tab = await visit("/");
  const shown = async (): Promise<string | undefined> => tab.text("command");
  await expect.poll(shown, patience).toBe(`npm start -- --origin ${site}`);
  const monitor = await MonitorProcess.start("--simulate", "3", "--name", "here", "--origin", site);
  await tab.fill("url", monitor.liveUrl);
  await tab.click("connect");
  await tab.shows("status", "Live: 4 devices");
  const devices = await tab.page.$$eval('[data-test="device"] th', (all) =>
    all.map(({ textContent }) => textContent),
  );
  expect(devices).toContain("here");
  await monitor.program.stop("SIGKILL");
  await tab.shows("status", /^The connection was lost/);
  await tab.click("connect");
  await tab.shows("status", /^Not connected/);
});

test("the live example says what to do where a monitor does not allow the page, or none runs", async () => {
  const monitor = await MonitorProcess.startEmpty();
  const tab = await visit("/");
  await tab.fill("url", monitor.liveUrl);
  await tab.click("connect");
  await tab.shows("status", /^No connection to ws:.*Start it with the command above/);
  await tab.click("connect");
  await tab.fill("url", "ws://127.0.0.1:1/live");
  await tab.click("connect");
  await tab.shows("status", /^No connection to ws:.*Start it with the command above/);
  await tab.click("connect");
  await tab.fill("url", "nowhere:");
  await tab.click("connect");
  await tab.shows("status", /^Enter a WebSocket URL/);
});
