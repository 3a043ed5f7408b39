/**
 * Measures the monitor's page in Chromium with a simulated fleet:
 * `node bench/monitor/main.mjs --devices 5000`. Build first, with `npm run build`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch } from "puppeteer-core";
import { countFrames, installProbe, readProbe } from "./probe.mjs";

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "5000" },
    seconds: { type: "string", default: "10" },
    /** The list's choices as in the address, such as "#/?sort=clients". */
    view: { type: "string", default: "#/" },
  },
});
const devices = Number(values.devices);
const seconds = Number(values.seconds);

const main = fileURLToPath(new URL("../../demo/dist/server/main.js", import.meta.url));
const monitor = spawn(
  process.execPath,
  [main, "--port", "0", "--no-agent", "--simulate", String(devices)],
  { stdio: ["ignore", "pipe", "ignore"] },
);
const profile = mkdtempSync(join(tmpdir(), "longwire-monitor-"));
let browser;
try {
  const url = await addressOf(monitor);
  await untilReporting(url);
  browser = await launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    userDataDir: profile,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  console.log(`${devices} devices at 1 Hz, Chromium ${await browser.version()}`);
  for (const [name, value] of Object.entries(await measure(url))) console.log(`${name}: ${value}`);
} finally {
  await browser?.close();
  monitor.kill("SIGTERM");
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

async function measure(url) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.setViewport({ width: 1440, height: 900 });
  await page.evaluateOnNewDocument(installProbe);
  const session = await page.createCDPSession();
  await session.send("Performance.enable");
  await page.goto(`${url}/${values.view}`);
  await page.waitForSelector('[data-test="device-row"]', { timeout: 120_000 });
  // The start is not part of the steady state.
  await pause(3_000);
  const before = await page.evaluate(() => globalThis.messages);
  const busy = await mainThreadShare(session);
  const received = ((await page.evaluate(() => globalThis.messages)) - before) / seconds;
  const events = await page.evaluate(readProbe);
  const frames = await page.evaluate(countFrames, 3);
  await page.evaluate(() => scrollTo(0, 0));
  await pause(1_000);
  const keys = await keyTimes(page);
  const sparks = await page.evaluate(() => ({
    rows: document.querySelectorAll('[data-test="device-row"]').length,
    sparks: document.querySelectorAll('[data-test="device-row"] svg.spark').length,
  }));
  if (received < devices / 2) {
    // On a machine that is too busy to feed the page, its main thread has nothing to do.
    console.error(`Only ${Math.round(received)} messages per second arrived; measure again.`);
    process.exitCode = 1;
  }
  return {
    "first row": `${Math.round(events.firstRowMs)} ms after navigation`,
    "main thread": `${Math.round(100 * busy)} % busy over ${seconds} s`,
    messages: `${Math.round(received)} per second`,
    scrolling: `${Math.round(frames)} frames/s`,
    "key in the search": `${keys.map(Math.round).join(", ")} ms`,
    "layout shift": events.shift.toFixed(3),
    script: `${Math.round(events.scriptBytes / 1_000)} kB over the network`,
    rows: `${sparks.rows} in the document, ${sparks.sparks} with a sparkline`,
    shown: await page.evaluate(() =>
      ["connection-pill", "count-online", "count-offline"]
        .map((name) => document.querySelector(`[data-test="${name}"]`)?.textContent)
        .join(", "),
    ),
    errors: errors.length === 0 ? "none" : errors.join("; "),
  };
}

async function mainThreadShare(session) {
  const read = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  const before = await read();
  await pause(seconds * 1_000);
  const after = await read();
  return (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
}

/** From the key's own time to the frame that shows its result. */
async function keyTimes(page) {
  await page.focus('[data-test="search"]');
  for (const key of "ap-12") {
    await page.keyboard.press(key);
    await pause(400);
  }
  return page.evaluate(() => globalThis.keyTimes);
}

async function addressOf(program) {
  for await (const line of createInterface({ input: program.stdout })) {
    const [, found] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? [];
    if (found) return found;
  }
  throw new Error("The monitor ended before it was ready; run it by hand to see why.");
}

async function untilReporting(url) {
  for (;;) {
    const response = await fetch(`${url}/live/inventory`);
    const { entries } = await response.json();
    if (entries.filter(({ data }) => data.online).length > 0.97 * devices) return;
    await pause(500);
  }
}
