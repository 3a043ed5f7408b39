import type { Browser, Page } from "puppeteer-core";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import type { Live } from "../../src/live/client/index.ts";
import { bundle } from "./bundle.ts";
import { HoldingProxy } from "./holding-proxy.ts";
import type { InLeaving } from "./leaving.ts";
import { openBrowser } from "./open-browser.ts";
import { ServedLive, type Api } from "./served-live.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** How long something may take on a machine that is busy. */
const patience = { timeout: 30_000, interval: 25 };

declare const inLeaving: InLeaving;
declare let live: Live<Api>;

describe.each(["chromium", "firefox"] as const)("%s", (name) => {
  let browser: Browser;
  let endBrowser: () => Promise<void>;
  let served: ServedLive;
  let proxy: HoldingProxy;
  let script: string;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    [{ browser, end: endBrowser }, served, script] = await Promise.all([
      openBrowser(name),
      ServedLive.start(),
      bundle("leaving.ts"),
    ]);
    proxy = await HoldingProxy.start(served.host);
  });
  afterAll(async () => {
    await endBrowser();
    await proxy.close();
    await served.close();
  });
  beforeEach(async () => {
    proxy.isHolding = false;
    page = await browser.newPage();
    errors.splice(0);
    page.on("pageerror", (error) => {
      // Firefox lists connections that fail among the page's errors, and here they are meant to.
      if (!String(error).includes("ws://")) errors.push(String(error));
    });
    await page.goto(`http://${proxy.host}/`);
    await page.addScriptTag({ content: script });
    const open = page;
    onTestFinished(async () => {
      await open.close();
      expect(errors).toEqual([]);
    });
  });

  const status = () => page.evaluate(() => live.status.state);
  const leave = () => page.goto(`http://${proxy.host}/live/devices`);

  /** Returns the data of all events in the log, in order. */
  async function published(): Promise<unknown[]> {
    const response = await fetch(`http://${served.host}/live/news`);
    const { events } = (await response.json()) as { events: { data: unknown }[] };
    return events.map(({ data }) => data);
  }

  async function connectClient(): Promise<void> {
    await page.evaluate(() => void Object.assign(globalThis, { live: inLeaving.connect() }));
    await expect.poll(status, patience).toBe("live");
  }

  test("publishes of the page's unload listeners, including those added later, are in the log once", async () => {
    await connectClient();
    const before = await published();
    await page.evaluate(() => {
      addEventListener("pagehide", () => void live.publish("news", "in pagehide"));
      document.addEventListener("visibilitychange", () => {
        if (document.hidden) void live.publish("news", "in visibilitychange");
      });
      addEventListener("beforeunload", () => void live.publish("news", "in beforeunload"));
    });
    await leave();
    const mine = async () => (await published()).slice(before.length).map(String).sort();
    const all = ["in beforeunload", "in pagehide", "in visibilitychange"];
    await expect.poll(mine, patience).toEqual(all);
    // A repetition would be there by now: the server has answered what was sent after it.
    await served.live.topic("news").publish("last");
    expect(await mine()).toEqual([...all, "last"]);
  });

  test("publishes that were queued without a connection are in the log once when the page is left", async () => {
    await connectClient();
    const before = await published();
    proxy.isHolding = true;
    proxy.cut();
    await expect.poll(status, patience).not.toBe("live");
    await page.evaluate(() => void live.publish("news", "queued"));
    await leave();
    await expect
      .poll(async () => (await published()).slice(before.length), patience)
      .toEqual(["queued"]);
  });

  test("a hanging dial is replaced when the network is back, long before its timeout", async () => {
    proxy.isHolding = true;
    proxy.held = 0;
    await page.evaluate(() => {
      const dialed = { connectTimeoutMs: 3_600_000 };
      Object.assign(globalThis, { live: inLeaving.connect(dialed) });
    });
    await expect.poll(() => proxy.held, patience).toBe(1);
    proxy.isHolding = false;
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await expect.poll(status, patience).toBe("live");
  });

  test("a page that is shown for the first time dials once, even while that dial is in progress", async () => {
    proxy.isHolding = true;
    await page.evaluateOnNewDocument(`
      globalThis.dials = 0;
      globalThis.WebSocket = class extends WebSocket {
        constructor(...given) {
          super(...given);
          globalThis.dials += 1;
        }
      };
      ${script};
      globalThis.live = inLeaving.connect();
      addEventListener("pageshow", () => (globalThis.isShown = true));
    `);
    await page.goto(`http://${proxy.host}/`);
    await page.waitForFunction(() => "isShown" in globalThis);
    expect(await page.evaluate("globalThis.dials")).toBe(1);
  });

  test("in a sandboxed frame a client connects directly, and no rejection is unhandled", async () => {
    const seen = await page.evaluate(
      (script, url) =>
        new Promise<string[]>((resolve) => {
          const seen: string[] = [];
          addEventListener("message", ({ data }) => {
            seen.push(String(data));
            if (data === "done") resolve(seen);
          });
          const frame = document.createElement("iframe");
          frame.setAttribute("sandbox", "allow-scripts");
          const own = (url: string): void => {
            addEventListener("unhandledrejection", ({ reason }) => {
              parent.postMessage(`unhandled: ${String(reason)}`, "*");
            });
            const live = inLeaving.connectShared(url);
            // The store throws, which ends the feed, and is told to who asks.
            live.topic("news").subscribe(
              () => {},
              () => parent.postMessage("feed ended", "*"),
            );
            live.onStatus(({ state }) => {
              // The server refuses a page without an origin; that it was asked is enough.
              if (state === "offline") setTimeout(() => parent.postMessage("done", "*"));
            });
          };
          const closing = "</script>";
          const text = `<script>${script}${closing}<script>(${String(own)})("${url}")${closing}`;
          frame.srcdoc = text;
          document.body.append(frame);
        }),
      script.replaceAll("</script", "<\\/script"),
      `ws://${proxy.host}/live`,
    );
    expect(seen.toSorted()).toEqual(["done", "feed ended"]);
  });
});
