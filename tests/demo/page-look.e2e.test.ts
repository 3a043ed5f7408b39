import { describe, expect, test } from "vitest";
import { patience } from "../rigs/processes/chromium.ts";
import { monitorInChromium } from "./monitor-in-chromium.ts";

const views = ["#/", "#/device/rack-7", "#/device/ap-01", "#/connections", "#/connection", "#/why"];

const shown = monitorInChromium();

describe("languages", () => {
  test.each([
    ["zh-CN", "zh-CN", "设备"],
    ["zh", "zh-CN", "设备"],
    ["en-GB", "en", "Devices"],
    ["de-DE", "en", "Devices"],
  ])("a browser in %s gets the page in %s", async (language, expected, title) => {
    const visit = await shown.chromium.visit(shown.monitor.url, { language });
    await expect.poll(() => visit.page.$eval("h1", (found) => found.textContent)).toBe(title);
    expect(await visit.page.$eval("html", ({ lang }) => lang)).toBe(expected);
    await visit.leave();
  });

  test("the language can be switched, immediately and for the next visit", async () => {
    const visit = await shown.chromium.visit(shown.monitor.url);
    await expect.poll(() => visit.text("nav-connection")).toBe("Connection");
    await visit.choose("language", "zh-CN");
    await expect.poll(() => visit.text("nav-connection")).toBe("连接");
    await visit.page.reload();
    await expect.poll(() => visit.text("nav-connection"), patience).toBe("连接");
    await visit.choose("language", "en");
    await expect.poll(() => visit.text("nav-connection")).toBe("Connection");
    expect(visit.errors).toEqual([]);
    await visit.leave();
  });
});

describe("narrow and wide screens", () => {
  test.each([
    [360, "en-US"],
    [360, "zh-CN"],
    [1440, "en-US"],
  ])("at %i px in %s no view scrolls horizontally or logs errors", async (width, language) => {
    const visit = await shown.chromium.visit(shown.monitor.url, { width, language });
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
    for (const view of views) {
      await visit.go(view);
      await visit.page.waitForSelector("main h1");
      if (view === "#/why") await visit.click("why-start");
      const sideways = (): Promise<number> =>
        visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await expect.poll(sideways, { message: `sideways at ${view}` }).toBeLessThanOrEqual(0);
    }
    expect(visit.errors).toEqual([]);
    await visit.leave();
  });
});

test("everything that the page loads comes from its own server", async () => {
  const visit = await shown.chromium.visit(`${shown.monitor.url}/#/device/rack-7`);
  await visit.shows("chart-cpu", /CPU/);
  const loaded = await visit.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin),
  );
  expect(loaded.length).toBeGreaterThan(0);
  expect(new Set(loaded)).toEqual(new Set([shown.monitor.url]));
  await visit.leave();
});
