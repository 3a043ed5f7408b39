import { afterEach, beforeAll, expect, test } from "vitest";
import { patience, type Visit } from "../rigs/processes/chromium.ts";
import { monitorInChromium } from "./monitor-in-chromium.ts";
import { ReportingDevice } from "./reporting-device.ts";

const shown = monitorInChromium();

/** One visitor for all tests, because loading the page takes longer than most of them. */
let visit: Visit;
beforeAll(async () => (visit = await shown.chromium.visit(shown.monitor.url)));
afterEach(() => expect(visit.errors).toEqual([]));

/** Goes to the page of a device. */
async function atDevice(name: string): Promise<void> {
  await visit.go(`#/device/${name}`);
  await visit.page.waitForSelector(`[data-test="device-page"][data-name="${name}"]`);
}

/** Waits for the newest command in a list to have this state. */
async function newestIs(state: string): Promise<void> {
  await visit.shows("command-state", state, '[data-test="command"]');
}

/** A device that offers actions, and has gone offline. */
async function deviceAway(name: string): Promise<void> {
  const device = await ReportingDevice.connect(shown.monitor, name);
  await device.report({ actions: ["measure", "restart"] });
  device.vanish();
  const online = async (): Promise<unknown> =>
    (await shown.monitor.topic("inventory"))[name]?.["online"];
  await expect.poll(online, patience).toBe(false);
}

test("a restart is shown at work while the access point is away, and done with its answer when it is back", async () => {
  await atDevice("ap-01");
  await visit.click("action-restart");
  await newestIs("At work");
  await visit.shows("device-state", "Offline");
  await newestIs("Done");
  await visit.shows("command-outcome", /^was away for [\d.]+ s$/);
  await visit.shows("device-state", "Online");
});

test("a device shows the interval at which it reports, and changes it when asked", async () => {
  await atDevice("ap-02");
  const pressed = (): Promise<unknown> => visit.attribute("action-report-0.2", "aria-pressed");
  await visit.click("action-report-0.2");
  await expect.poll(pressed, patience).toBe("true");
  await visit.click("action-report-1");
  await expect.poll(pressed, patience).toBe("false");
  await visit.shows("command-outcome", "reports every 1 s now");
});

test("a machine whose agent was started without --allow has no button to restart it", async () => {
  await atDevice("rack-7");
  await visit.click("action-measure");
  await visit.shows("command-outcome", /^CPU \d+%$/);
  expect(await visit.text("action-restart")).toBeUndefined();
});

test("a command for an offline device is queued, and can be withdrawn", async () => {
  await deviceAway("sleeper");
  await atDevice("sleeper");
  await visit.shows("action-offline", /offline/);
  await visit.click("action-restart");
  await newestIs("Queued");
  await visit.shows("command-outcome", /^waits for the device until \d\d:\d\d:\d\d$/);
  await visit.click("command-withdraw");
  await newestIs("Withdrawn");
  expect(await visit.text("command-withdraw")).toBeUndefined();
});

test("an action for several devices goes to those that the search shows, and their answers are counted", async () => {
  await deviceAway("ap-99");
  await visit.go("#/");
  await visit.fill("search", "ap-");
  await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
  await visit.page.click('[data-test="fleet-actions"] summary');
  await visit.shows("action-measure", "Measure now (4)");
  await visit.click("action-measure");
  await visit.shows("batch-progress", "3 of 4 over");
  await visit.click("batch-withdraw");
  await visit.shows("batch-progress", "4 of 4 over");
  await visit.click("action-restart");
  await visit.shows("action-restart-confirm", "Restart");
  expect(await visit.text("batch-progress")).toBe("4 of 4 over");
});

test("a connection is shown with its client, and ended with its button", async () => {
  const guest = await ReportingDevice.connect(shown.monitor, "guest");
  await visit.go("#/connections");
  const row = '[data-test="connection"][data-identity="guest"]';
  const end = await visit.page.waitForSelector(`${row} [data-test="connection-end"]`);
  expect(await visit.page.$eval(row, ({ textContent }) => textContent)).toContain("127.0.0.1");
  await end?.click();
  expect(await guest.client.closed).toBe(1012);
  await expect.poll(() => visit.page.$(row), patience).toBeNull();
  expect(await visit.attribute("connection-pill", "data-state")).toBe("live");
  expect(await visit.page.$$('[data-test="node"]')).toHaveLength(1);
});

test("a device's page shows how many people are looking at it", async () => {
  await atDevice("ap-03");
  await visit.shows("viewers", "Only you are looking at this");
  const other = await shown.chromium.visit(`${shown.monitor.url}/#/device/ap-03`);
  await visit.shows("viewers", "2 people are looking at this");
  await other.shows("viewers", "2 people are looking at this");
  await other.leave();
});
