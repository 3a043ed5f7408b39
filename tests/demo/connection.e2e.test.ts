import { expect, onTestFinished, test } from "vitest";
import { patience, reconnecting, type Visit } from "../rigs/processes/chromium.ts";
import { monitorInChromium } from "./monitor-in-chromium.ts";

const shown = monitorInChromium();
/** Somebody at the connection panel. */
async function atPanel(): Promise<Visit> {
  const visit = await shown.chromium.visit(`${shown.monitor.url}/#/connection`);
  onTestFinished(() => visit.leave());
  await visit.shows("ready-state", "1 OPEN");
  return visit;
}

/** The states that the panel has shown, in order, from now on. */
async function watchStates(visit: Visit): Promise<() => Promise<string[]>> {
  await visit.page.evaluate(() => {
    const panel = document.querySelector<HTMLElement>('[data-test="ready-state"]')!;
    const seen = [panel.textContent.trim()];
    Object.assign(globalThis, { statesSeen: seen });
    const note = (): void => {
      const state = panel.textContent.trim();
      if (seen.at(-1) !== state) seen.push(state);
    };
    const options = { childList: true, subtree: true, characterData: true };
    new MutationObserver(note).observe(panel, options);
  });
  return () =>
    visit.page.evaluate(() => (globalThis as unknown as { statesSeen: string[] }).statesSeen);
}

/** The kinds in the event log but messages, oldest first. */
function kinds(visit: Visit): Promise<(string | undefined)[]> {
  return visit.page.$$eval('[data-test="event-log-entry"]', (rows) =>
    rows
      .map((row) => (row as HTMLElement).dataset["kind"])
      .filter((kind) => kind !== "message")
      .toReversed(),
  );
}

test("an open connection is shown as the browser reports it: 1 OPEN, url, protocol, messages and bytes per second", async () => {
  const visit = await atPanel();
  await visit.shows("socket-url", `${shown.monitor.liveUrl}/devices`);
  await visit.shows("socket-protocol", /^""/);
  await visit.shows("socket-buffered-amount", "0");
  await visit.shows("messages-per-second", /^[1-9]\d*$/);
  await visit.shows("bytes-per-second", /^[\d,]{3,}$/);
  expect(await kinds(visit)).toEqual(["created", "open"]);
  await visit.shows("event-log", /readyState 1, protocol "", extensions "/);
  expect(visit.errors).toEqual([]);
});

test("close with code and reason goes 1 → 2 → 3, is clean, and stays closed until reconnect is pressed", async () => {
  const visit = await atPanel();
  const states = await watchStates(visit);
  await visit.fill("close-code", "4001");
  await visit.fill("close-reason", "seen enough");
  await visit.click("button-close");
  await visit.shows("ready-state", "3 CLOSED");
  await visit.shows("event-log", /code 4001, reason "seen enough", wasClean true/);
  await visit.shows("event-log", /close\(4001, "seen enough"\) called → readyState 2/);
  await visit.shows("socket-ending", /Closed from this page/);
  expect(await visit.attribute("connection-pill", "data-state")).toBe("live");
  expect(await states()).toSatisfy((seen: string[]) => seen.at(0) === "1 OPEN");
  await visit.click("button-reconnect");
  await visit.shows("ready-state", "1 OPEN");
  await visit.shows("socket-connection-number", "2");
  expect(await kinds(visit)).toEqual([
    "created",
    "open",
    "close-called",
    "close",
    "created",
    "open",
  ]);
  expect(visit.errors).toEqual([]);
});

test("a code that a page may not send is refused with the browser's message, and the connection stays", async () => {
  const visit = await atPanel();
  await visit.fill("close-code", "1001");
  await visit.click("button-close");
  await visit.shows("close-error", /1001/);
  await visit.shows("ready-state", "1 OPEN");
});

test("cut network: 1006 without a close frame, refused attempts, then an automatic reconnect", async () => {
  const visit = await atPanel();
  await visit.click("button-cut");
  await visit.shows("event-log", /code 1006, reason "", wasClean false/);
  await visit.shows("cut-status", /.+/);
  await visit.shows("connection-banner", /1006/);
  await visit.shows("retry-countdown", /\d+ s/);
  await visit.shows("ready-state", /^[30] /);
  await expect.poll(() => visit.text("ready-state"), reconnecting).toBe("1 OPEN");
  const seen = (await kinds(visit)).join(" ");
  // Tries while the network was cut have failed as tries do; the last one has not.
  expect(seen).toMatch(/^created open (error )?close (created error close )+created open$/);
  const pill = (): Promise<unknown> => visit.attribute("connection-pill", "data-state");
  await expect.poll(pill, reconnecting).toBe("live");
  expect(await visit.text("connection-banner")).toBeUndefined();
});

test("a message sent from the panel replaces the params: the server sends only matching devices", async () => {
  const visit = await atPanel();
  await visit.fill("send-text", '{"name":"rack-7"}');
  await visit.click("button-send");
  await visit.shows("socket-params", '{"name":"rack-7"}');
  await visit.shows("messages-per-second", "1");
  expect(await kinds(visit)).toEqual(["created", "open", "sent"]);
  // The list has a connection of its own.
  await visit.go("#/");
  await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
});

test("the socket exists while the panel is shown: leaving closes it with 1000, returning creates another", async () => {
  const visit = await atPanel();
  await visit.go("#/");
  await expect.poll(async () => Object.keys(await visit.rows()), patience).toHaveLength(4);
  await visit.go("#/connection");
  await visit.shows("ready-state", "1 OPEN");
  await visit.shows("socket-connection-number", "2");
  await visit.shows("event-log", /code 1000, reason "the panel is not shown", wasClean true/);
  expect(visit.errors).toEqual([]);
});

test("a message that is not a JSON object ends the connection with 4400, and the page does not retry in a loop", async () => {
  const visit = await atPanel();
  await visit.fill("send-text", "hello");
  await visit.click("button-send");
  await visit.shows("event-log", /code 4400/);
  await visit.shows("socket-ending", /4400/);
  expect(await visit.text("connection-banner")).toBeUndefined();
  await visit.click("button-reconnect");
  await visit.shows("ready-state", "1 OPEN");
});

test("0 CONNECTING and 2 CLOSING are shown while a slow server has not answered", async () => {
  const visit = await atPanel();
  // The panel must show the same on a fast and on a slow network.
  const session = await visit.page.createCDPSession();
  await session.send("Network.enable");
  const states = await watchStates(visit);
  const latency = { offline: false, latency: 400, downloadThroughput: -1, uploadThroughput: -1 };
  await session.send("Network.emulateNetworkConditions", latency);
  // Stopped, the server answers neither close frame nor handshake.
  process.kill(shown.monitor.program.pid, "SIGSTOP");
  try {
    await visit.click("button-close");
    await visit.shows("ready-state", "2 CLOSING");
    await visit.click("button-reconnect");
    await visit.shows("ready-state", "0 CONNECTING");
  } finally {
    process.kill(shown.monitor.program.pid, "SIGCONT");
  }
  await visit.shows("ready-state", "1 OPEN");
  expect(await states()).toEqual(["1 OPEN", "2 CLOSING", "0 CONNECTING", "1 OPEN"]);
});
