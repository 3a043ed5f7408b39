import { fileURLToPath } from "node:url";
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
    await expect.poll(() => visit.text("nav-connections")).toBe("Connections");
    await visit.choose("language", "zh-CN");
    await expect.poll(() => visit.text("nav-connections")).toBe("所有连接");
    await visit.page.reload();
    await expect.poll(() => visit.text("nav-connections"), patience).toBe("所有连接");
    await visit.choose("language", "en");
    await expect.poll(() => visit.text("nav-connections")).toBe("Connections");
    expect(visit.errors).toEqual([]);
    await visit.leave();
  });
});

describe("narrow and wide screens", () => {
  test.each([
    [320, "en-US"],
    [360, "zh-CN"],
    [768, "en-US"],
    [1440, "en-US"],
  ])("at %i px in %s no view scrolls horizontally or logs errors", async (width, language) => {
    const visit = await shown.chromium.visit(shown.monitor.url, { width, language });
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
    for (const view of views) {
      await visit.go(view);
      await visit.page.waitForSelector("main h1");
      const sideways = (): Promise<number> =>
        visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await expect.poll(sideways, { message: `sideways at ${view}` }).toBeLessThanOrEqual(0);
    }
    expect(visit.errors).toEqual([]);
    await visit.leave();
  });
});

describe("accessibility", () => {
  const axe = fileURLToPath(import.meta.resolve("axe-core/axe.min.js"));
  test.each([
    [320, "light"],
    [1440, "dark"],
  ])("at %i px in %s, axe has no findings in any view", async (width, theme) => {
    const visit = await shown.chromium.visit(shown.monitor.url, { width });
    await visit.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
    await visit.page.addScriptTag({ path: axe });
    for (const view of views) {
      await visit.go(view);
      await visit.page.waitForSelector("main h1");
      const findings = await visit.page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResult> } };
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      });
      expect(findings.join("\n"), view).toBe("");
    }
    await visit.leave();
  });

  test("at 320 px, the header is one row, and everything to press has at least 24 by 24 px", async () => {
    const visit = await shown.chromium.visit(shown.monitor.url, { width: 320 });
    await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
    const [header, small] = await visit.page.evaluate(() => {
      const targets = [...document.querySelectorAll("button, select, input, summary, a")];
      const boxes = targets.map((one) => ({ one, box: one.getBoundingClientRect() }));
      const found = boxes.filter(
        ({ one, box }) =>
          box.width > 0 &&
          Math.min(box.width, box.height) < 24 &&
          // The label of a check box belongs to it, and the link to the content is off the screen.
          !one.closest("label, .skip"),
      );
      const { height } = document.querySelector("header")!.getBoundingClientRect();
      return [height, found.map(({ one }) => one.outerHTML)] as const;
    });
    expect(header).toBeLessThan(64);
    expect(small).toEqual([]);
    await visit.leave();
  });
});

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { html: string }[];
  }[];
}

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
