import { expect, test } from "vitest";
import { patience, type Visit } from "../rigs/processes/chromium.ts";
import { monitorInChromium } from "./monitor-in-chromium.ts";

const ways = ["poll", "long-poll", "sse", "websocket"] as const;

const shown = monitorInChromium();

async function comparing(): Promise<Visit> {
  const visit = await shown.chromium.visit(`${shown.monitor.url}/#/why`);
  // It starts by itself, with the first device that is not simulated.
  await visit.page.waitForSelector('[data-test="why-device"] option[value="rack-7"]');
  await visit.shows("why-reports-websocket", /^[1-9]/);
  return visit;
}

/** A figure in the page's words as a number: "1.2 kB" is 1200, "3 ms" is 3. */
function numberIn(text = ""): number {
  const [, digits = "", unit = ""] = /([\d.,]+)\s*([a-z]*)/i.exec(text) ?? [];
  return Number(digits.replaceAll(",", "")) * (unit === "kB" || unit === "s" ? 1_000 : 1);
}

test("each of the four ways shows a finite age, its requests and its bytes", async () => {
  const visit = await comparing();
  for (const way of ways) {
    await visit.shows(`why-age-${way}`, /^\d[\d.,]*\s?m?s$/);
    await visit.shows(`why-shown-age-${way}`, /^\d[\d.,]*\s?m?s$/);
    await visit.shows(`why-requests-${way}`, /^\d+$/);
    await visit.shows(`why-bytes-${way}`, /^[\d.]+\s?k?B$/);
  }
  expect(visit.errors).toEqual([]);
  await visit.leave();
});

test("the figures are consistent: one request each for the streams, one per report for long polling, and the fewest bytes per report for WebSocket", async () => {
  const visit = await comparing();
  const reports = async (way: string): Promise<number> =>
    numberIn(await visit.text(`why-reports-${way}`));
  await expect.poll(() => reports("websocket"), patience).toBeGreaterThanOrEqual(5);
  await visit.click("why-start");
  const figure = async (name: string, way: string): Promise<number> =>
    numberIn(await visit.text(`why-${name}-${way}`));
  expect(await figure("requests", "websocket")).toBe(1);
  expect(await figure("requests", "sse")).toBe(1);
  const longPolls = await figure("requests", "long-poll");
  expect(longPolls).toBeGreaterThanOrEqual(await reports("long-poll"));
  expect(await reports("poll")).toBeLessThan(await reports("websocket"));
  const perReport = await figure("bytes-per-report", "websocket");
  expect(await figure("bytes-per-report", "poll")).toBeGreaterThanOrEqual(perReport);
  // A stream of events costs a request too, and may have spread it over a report more or less.
  const perEvent = await figure("bytes-per-report", "sse");
  expect(perEvent).toBeGreaterThanOrEqual(0.8 * perReport);
  expect(await figure("bytes-per-report", "long-poll")).toBeGreaterThan(perReport);
  expect(await visit.text("why-conclusion")).toMatch(/^WebSocket delivered each report \d/);
  await visit.leave();
});
