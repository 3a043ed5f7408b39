import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Chromium, patience, rowOf, type Visit } from "../rigs/processes/chromium.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";
import { RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const FLEET = 300;

let chromium: Chromium;
let monitor: MonitorProcess;
let visit: Visit;
beforeAll(async () => {
  [chromium, monitor] = await Promise.all([
    Chromium.launch(),
    MonitorProcess.start("--no-agent", "--simulate", String(FLEET)),
  ]);
  await vi.waitFor(async () => {
    const known = Object.keys(await monitor.topic("devices")).length;
    expect(known).toBeGreaterThan(0.9 * FLEET);
  }, patience);
});
afterAll(async () => {
  await chromium.close();
  await RunningProgram.endAll();
});
beforeEach(async () => {
  visit = await chromium.visit(monitor.url);
  onTestFinished(() => visit.leave());
  await visit.shows("count-online", /^(2[7-9]\d|300) online$/);
});

const hash = (): Promise<string> => visit.page.evaluate(() => location.hash);
const rowCount = async (): Promise<number> => Object.keys(await visit.rows()).length;
const scrollBy = (pixels: number): Promise<void> =>
  visit.page.evaluate((by) => scrollTo(0, scrollY + by), pixels);

test("only the rows in sight exist, wherever the page is scrolled, and each has a sparkline", async () => {
  for (const pixels of [0, 6_000, 6_000]) {
    await scrollBy(pixels);
    await expect.poll(rowCount, patience).toBeGreaterThan(8);
    expect(await rowCount()).toBeLessThan(45);
  }
  const without = (): Promise<number> =>
    visit.page.$$eval(
      '[data-test="device-row"][data-online="true"]',
      (rows) => rows.filter((row) => !row.querySelector("svg")).length,
    );
  await expect.poll(without, patience).toBe(0);
  const rows = await visit.page.$eval('[data-test="device-table"]', (table) =>
    Number(table.getAttribute("aria-rowcount")),
  );
  expect(rows).toBeGreaterThan(FLEET);
});

test("filter, search, sorting and groups are in the address, and a reload brings them again", async () => {
  await visit.page.click('[data-test="filter-AP"]');
  await visit.fill("search", "hall");
  await visit.page.click('[data-test="by-site"]');
  await visit.page.click('[data-test="sort-clients"]');
  await expect.poll(hash).toBe("#/?type=AP&search=hall&sort=clients&group=site");
  await visit.page.reload();
  await visit.shows("group-site", /^Hall A: \d+$/);
  const chosen = await visit.page.$eval('[data-test="search"]', (input) =>
    input instanceof HTMLInputElement ? input.value : "",
  );
  expect(chosen).toBe("hall");
  expect(await visit.page.$('[data-test="device-row"]:not([data-type="AP"])')).toBeNull();
});

test("Back from a device returns to the same rows", async () => {
  await visit.fill("search", "hall");
  await scrollBy(2_500);
  await expect.poll(hash, patience).toMatch(/line=\d+/);
  const [name = ""] = Object.keys(await visit.rows()).slice(-8);
  await visit.page.click(`${rowOf(name)} a`);
  await visit.page.waitForSelector(`[data-test="device-page"][data-name="${name}"]`);
  await visit.page.goBack();
  await expect.poll(() => visit.page.$(rowOf(name)), patience).not.toBeNull();
  expect(await visit.page.evaluate(() => scrollY)).toBeGreaterThan(1_500);
  expect(await hash()).toMatch(/search=hall.*line=\d+/);
});

test("the page's files are compressed, and those with a hash in their name are cached for good", async () => {
  const page = await fetch(monitor.url, { headers: { "Accept-Encoding": "br" } });
  expect(page.headers.get("cache-control")).toBe("no-cache");
  const [, script = ""] = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text()) ?? [];
  for (const encoding of ["br", "gzip"]) {
    const headers = { "Accept-Encoding": encoding };
    const answer = await fetch(`${monitor.url}${script}`, { headers });
    expect(answer.headers.get("content-encoding")).toBe(encoding);
    expect(answer.headers.get("cache-control")).toContain("immutable");
    expect(await answer.text()).toContain("import");
  }
});
