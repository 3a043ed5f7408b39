import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { bundle } from "./bundle.ts";
import { openBrowser } from "./open-browser.ts";
import { ServedLive, type Device } from "./served-live.ts";
import type { InTab } from "./tab.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

/** How long something may take on a machine that is busy; tabs behind others are slow besides. */
const patience = { timeout: 30_000, interval: 25 };

/** Much less than it takes to find out by silence that a connection is dead. */
const soon = { timeout: 10_000, interval: 25 };

declare const inTab: InTab;

const ap = (name: string, clients = 1): Device => ({ name, deviceType: "AP", clients });

describe.each(["chromium", "firefox"] as const)("%s", (name) => {
  let browser: Browser;
  let endBrowser: () => Promise<void>;
  let served: ServedLive;
  let script: string;

  beforeAll(async () => {
    [{ browser, end: endBrowser }, served, script] = await Promise.all([
      openBrowser(name),
      ServedLive.start(),
      bundle("tab.ts"),
    ]);
  });
  afterAll(async () => {
    await endBrowser();
    await served.close();
  });

  /** Opens tabs of one visitor, one after the other: the first one has the connection. */
  async function openTabs(before: () => void = () => {}): Promise<[Page, Page, Page]> {
    const visitor = await browser.createBrowserContext();
    const errors: string[] = [];
    onTestFinished(async () => {
      await visitor.close();
      await expect.poll(sessions, patience).toBe(0);
      for (const key of Object.keys(await served.devices())) {
        await served.live.topic("devices").remove(key);
      }
      expect(errors).toEqual([]);
    });
    const open = async (): Promise<Page> => {
      const tab = await visitor.newPage();
      tab.on("pageerror", (error) => errors.push(String(error)));
      await tab.evaluateOnNewDocument(before);
      await tab.goto(`http://${served.host}/`);
      await tab.addScriptTag({ content: script });
      await expect.poll(() => stateOf(tab), patience).toBe("live");
      return tab;
    };
    return [await open(), await open(), await open()];
  }

  const sessions = (): number => served.live.census().sessions;
  const publish = (text: string) => served.live.topic("news").publish(text);
  const stateOf = (tab: Page) => tab.evaluate(() => inTab.live.status.state);
  const viewOf = (tab: Page) => tab.evaluate(() => Object.fromEntries(inTab.devices.entries));
  const newsOf = (tab: Page) =>
    tab.evaluate(() => inTab.news.map((item) => (item.type === "event" ? item.data : item.type)));
  const wasLost = (tab: Page) => tab.evaluate(() => inTab.states.includes("offline"));

  /** Each of the tabs comes to the server's state, has had just these events, and is live. */
  async function expectAll(tabs: readonly Page[], news: readonly string[]): Promise<void> {
    const state = await served.devices();
    for (const tab of tabs) {
      await expect.poll(() => newsOf(tab), patience).toEqual(news);
      await expect.poll(() => viewOf(tab), patience).toEqual(state);
      await expect.poll(() => stateOf(tab), patience).toBe("live");
    }
  }

  test("three tabs share one connection and its subscriptions: each has the whole state, and receives each event once", async () => {
    const devices = served.live.topic("devices");
    await devices.set("ap-1", ap("ap-1"));
    const tabs = await openTabs();
    expect(served.live.census()).toMatchObject({ sessions: 1, subscriptions: 2 });
    await expectAll(tabs, []);
    await devices.set("ap-2", ap("ap-2", 5));
    await devices.remove("ap-1");
    await publish("one");
    await publish("two");
    await expectAll(tabs, ["one", "two"]);
    expect(await viewOf(tabs[2])).toEqual({ "ap-2": ap("ap-2", 5) });
    expect(sessions()).toBe(1);
  });

  test("each tab receives the answers to its publishes, which are stored once", async () => {
    const tabs = await openTabs();
    const offsets: number[] = [];
    for (const [at, tab] of tabs.entries()) {
      const answer = await tab.evaluate((at) => inTab.live.publish("news", `of ${at}`), at);
      expect(answer.duplicate).toBe(false);
      offsets.push(answer.offset);
    }
    expect(offsets[2]! - offsets[0]!).toBe(2);
    await expectAll(tabs, ["of 0", "of 1", "of 2"]);
    expect(await tabs[1].evaluate(() => inTab.live.call("double", 21))).toBe(42);
    expect(sessions()).toBe(1);
  });

  test("the tab with the connection is closed: the others resume on one new connection, with nothing lost or duplicated", async () => {
    const [first, ...others] = await openTabs();
    await publish("before");
    await expectAll([first, ...others], ["before"]);
    const opened = served.live.statistics.sessions.level1;
    await first.close();
    await publish("while nobody has it");
    await served.live.topic("devices").set("ap-9", ap("ap-9"));
    for (const tab of others) await expect.poll(() => wasLost(tab), patience).toBe(true);
    await expectAll(others, ["before", "while nobody has it"]);
    await publish("after");
    await expectAll(others, ["before", "while nobody has it", "after"]);
    expect(sessions()).toBe(1);
    expect(served.live.statistics.sessions.level1 - opened).toBe(1);
  });

  test("a tab without the connection is closed: the others are not affected", async () => {
    const [first, second, third] = await openTabs();
    await second.close();
    await publish("one");
    await expectAll([first, third], ["one"]);
    expect(await Promise.all([wasLost(first), wasLost(third)])).toEqual([false, false]);
    expect(sessions()).toBe(1);
  });

  test("the socket is cut: all tabs resume on one connection, with nothing lost or duplicated", async () => {
    const tabs = await openTabs();
    await publish("before");
    await expectAll(tabs, ["before"]);
    served.cut();
    await publish("meanwhile");
    await served.live.topic("devices").set("ap-9", ap("ap-9"));
    for (const tab of tabs) await expect.poll(() => wasLost(tab), patience).toBe(true);
    await expectAll(tabs, ["before", "meanwhile"]);
    await publish("after");
    await expectAll(tabs, ["before", "meanwhile", "after"]);
    expect(sessions()).toBe(1);
  });

  // Only there a test can freeze a tab, and be sure that a page is kept.
  if (name === "chromium") {
    test("the tab with the connection is in the back/forward cache: the others are current, and so is it when it returns", async () => {
      const tabs = await openTabs();
      const [first, ...others] = tabs;
      await first.goto(`http://${served.host}/live/devices`);
      await publish("while it is away");
      // Far less than two heartbeats, after which the others would find out by themselves.
      for (const tab of others) {
        await expect.poll(() => newsOf(tab), soon).toEqual(["while it is away"]);
      }
      expect(sessions()).toBe(1);
      await first.goBack();
      // The same page was kept, and not loaded again.
      expect(await first.evaluate(() => "inTab" in globalThis)).toBe(true);
      await expectAll(tabs, ["while it is away"]);
      expect(sessions()).toBe(1);
      await publish("after");
      await expectAll(tabs, ["while it is away", "after"]);
    });

    test("the tab with the connection is frozen: the others are current, and so is it when it resumes", async () => {
      const tabs = await openTabs();
      const [first, ...others] = tabs;
      const devtools = await first.createCDPSession();
      await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
      await publish("while it is frozen");
      for (const tab of others) {
        await expect.poll(() => newsOf(tab), soon).toEqual(["while it is frozen"]);
      }
      expect(sessions()).toBe(1);
      await devtools.send("Page.setWebLifecycleState", { state: "active" });
      await expectAll(tabs, ["while it is frozen"]);
      expect(sessions()).toBe(1);
    });
  }

  test("without Web Locks each tab has a connection of its own", async () => {
    const tabs = await openTabs(() => {
      Object.defineProperty(navigator, "locks", { value: undefined });
    });
    expect(sessions()).toBe(3);
    await publish("one");
    await expectAll(tabs, ["one"]);
  });
});
