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
import type { Browser, Page } from "puppeteer-core";
import type { KeyedItem, Live, LogItem } from "../../src/live/client/index.ts";
import { openBrowser } from "./open-browser.ts";
import type { PageTools } from "./page/main.ts";
import { ServedLive, type Api, type Device } from "./served-live.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** How long something may take on a machine that is busy; a browser's own retry is seconds. */
const patience = { timeout: 30_000, interval: 25 };

type Message = Record<string, unknown>;

/** The values that tests keep in the page, as `inPage`. */
interface InPage {
  tools: PageTools;
  live: Live<Api>;
  socket: WebSocket;
  source: EventSource;
  received: Message[];
  items: (LogItem<string> | KeyedItem<Device>)[];
  answers: unknown[];
  stop: () => void;
}
declare const inPage: InPage;

const ap = (name: string, clients = 1): Device => ({ name, deviceType: "AP", clients });
const machine = (name: string): Device => ({ name, deviceType: "machine", clients: 0 });

describe.each(["chromium", "firefox"] as const)("%s", (name) => {
  let browser: Browser;
  let endBrowser: () => Promise<void>;
  let served: ServedLive;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    [{ browser, end: endBrowser }, served] = await Promise.all([
      openBrowser(name),
      ServedLive.start(),
    ]);
  });
  afterAll(async () => {
    await endBrowser();
    await served.close();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    errors.splice(0);
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`http://${served.host}/`);
    await page.waitForFunction(() => "inPage" in globalThis);
    const open = page;
    onTestFinished(async () => {
      await open.close();
      // The next test must count only its own sessions.
      const left = () => served.live.census().sessions + served.live.census().streams;
      await expect.poll(left, patience).toBe(0);
      const keys = Object.keys(await served.devices());
      for (const key of keys) await served.live.topic("devices").remove(key);
      expect(errors).toEqual([]);
    });
  });

  /** Opens the browser's own WebSocket, sends what is given, and keeps what comes. */
  const openSocket = (path: string, protocols: string[], first?: unknown): Promise<void> =>
    page.evaluate(
      (path, protocols, first) =>
        new Promise<void>((resolve, reject) => {
          const socket = new WebSocket(`ws://${location.host}${path}`, protocols);
          const received: Message[] = [];
          Object.assign(inPage, { socket, received });
          socket.addEventListener("message", ({ data }) => {
            received.push(JSON.parse(data as string) as Message);
          });
          socket.addEventListener("error", () => reject(new Error("no connection")));
          socket.addEventListener("open", () => {
            if (first !== undefined) socket.send(JSON.stringify(first));
            resolve();
          });
        }),
      path,
      protocols,
      first,
    );
  const received = (): Promise<Message[]> => page.evaluate(() => inPage.received);
  const items = () => page.evaluate(() => inPage.items);
  const status = () => page.evaluate(() => inPage.live.status);

  /** Connects with `longwire/live/client`, and waits until it is live. */
  async function connectClient(): Promise<void> {
    await page.evaluate(() => {
      const live = inPage.tools.connect();
      Object.assign(inPage, { live, items: [], answers: [] });
    });
    await expect.poll(status, patience).toEqual({ state: "live" });
  }

  describe("Level 0, with nothing but the browser's WebSocket", () => {
    test("params as the first message: the state, then each matching record, then removals", async () => {
      const devices = served.live.topic("devices");
      await devices.set("ap-1", ap("ap-1"));
      await devices.set("m-1", machine("m-1"));
      await openSocket("/live/devices", [], { deviceType: "AP" });
      await expect.poll(received, patience).toEqual([ap("ap-1")]);
      await devices.set("m-1", machine("m-1"));
      await devices.set("ap-1", ap("ap-1", 2));
      await devices.remove("ap-1");
      await expect
        .poll(received, patience)
        .toEqual([ap("ap-1"), ap("ap-1", 2), { removed: "ap-1" }]);
    });

    test("params in the query start immediately, and a message replaces them", async () => {
      const devices = served.live.topic("devices");
      await devices.set("ap-1", ap("ap-1"));
      await devices.set("m-1", machine("m-1"));
      await openSocket("/live/devices?deviceType=machine", []);
      await expect.poll(received, patience).toEqual([machine("m-1")]);
      await page.evaluate(() => inPage.socket.send('{"deviceType":"AP"}'));
      await expect.poll(received, patience).toEqual([machine("m-1"), ap("ap-1")]);
    });
  });

  test("Level 1 with the browser's WebSocket: welcome, subscribed, snapshot, then events", async () => {
    const devices = served.live.topic("devices");
    await devices.set("ap-1", ap("ap-1"));
    const params = { deviceType: "AP" };
    const subscribe = { type: "subscribe", id: 1, topic: "devices", params };
    await openSocket("/live", ["longwire.v1"], subscribe);
    await expect.poll(async () => (await received()).length, patience).toBe(3);
    await devices.set("ap-1", ap("ap-1", 2));
    await expect.poll(async () => (await received()).length, patience).toBe(4);
    expect(await received()).toMatchObject([
      { type: "welcome", heartbeat: expect.any(Number) as number },
      { type: "subscribed", id: 1, kind: "keyed", resumed: false },
      { type: "snapshot", complete: true, more: false, entries: [{ key: "ap-1" }] },
      { type: "event", key: "ap-1", data: { clients: 2 } },
    ]);
    expect(await page.evaluate(() => inPage.socket.protocol)).toBe("longwire.v1");
  });

  describe("Level 1 with longwire/live/client", () => {
    test("a keyed view equals the server's state after every change", async () => {
      const devices = served.live.topic("devices");
      for (let at = 0; at < 50; at += 1) await devices.set(`ap-${at}`, ap(`ap-${at}`));
      await connectClient();
      await page.evaluate(() => {
        const stop = inPage.live.topic("devices").onChange(() => {});
        Object.assign(inPage, { stop });
      });
      const view = () =>
        page.evaluate(() => Object.fromEntries(inPage.live.topic("devices").entries));
      await expect.poll(view, patience).toEqual(await served.devices());
      for (let at = 0; at < 50; at += 2) await devices.remove(`ap-${at}`);
      for (let at = 1; at < 50; at += 4) await devices.set(`ap-${at}`, ap(`ap-${at}`, at));
      await expect.poll(view, patience).toEqual(await served.devices());
      expect(Object.keys(await view())).toHaveLength(25);
      await page.evaluate(() => inPage.stop());
      await expect.poll(() => served.live.census().subscriptions, patience).toBe(0);
    });

    test("publishes arrive as events, a call is answered, and presence lists who is there", async () => {
      await connectClient();
      const outcome = await page.evaluate(async () => {
        const { live, items } = inPage;
        live.topic("news").subscribe((item) => items.push(item));
        const here = new Promise<number>((resolve) => {
          const presence = live.presence("news");
          presence.onChange(() => presence.entries.size > 0 && resolve(presence.entries.size));
        });
        const { duplicate } = await live.publish("news", "hello");
        await live.set("devices", "page", { name: "page", deviceType: "page", clients: 0 });
        return [duplicate, await live.call("double", 21), await here];
      });
      expect(outcome).toEqual([false, 42, 1]);
      await expect.poll(items, patience).toMatchObject([{ type: "event", data: "hello" }]);
      expect(served.live.topic("devices").get("page")).toMatchObject({ name: "page" });
    });

    test("over cuts nothing is lost or duplicated, neither events nor publishes", async () => {
      const news = served.live.topic("news");
      await connectClient();
      await page.evaluate(() => {
        const { live, items } = inPage;
        live.topic("news").subscribe((item) => items.push(item));
      });
      await expect.poll(() => served.live.census().subscriptions, patience).toBe(1);
      const sent: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        await page.evaluate((text) => {
          const { live, answers } = inPage;
          void live.publish("news", text).then((answer) => answers.push(answer));
        }, `page ${round}`);
        sent.push(`page ${round}`);
        served.cut();
        for (let at = 0; at < 5; at += 1) {
          await news.publish(`server ${round}.${at}`);
          sent.push(`server ${round}.${at}`);
        }
        await expect.poll(async () => (await items()).length, patience).toBe(sent.length);
      }
      const came = (await items()) as { type: string; offset: number; data: string }[];
      expect(came.map(({ data }) => data).sort()).toEqual(sent.sort());
      const { offset } = came[0]!;
      expect(came.map((item) => item.offset)).toEqual(sent.map((_, at) => offset + at));
      await expect.poll(() => page.evaluate(() => inPage.answers.length), patience).toBe(4);
    });
  });

  test("EventSource resumes after a cut with Last-Event-ID", async () => {
    const news = served.live.topic("news");
    await page.evaluate(() => {
      const source = new EventSource("/live/news");
      const received: Message[] = [];
      Object.assign(inPage, { source, received });
      source.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data as string) as Message;
        if (message["type"] === "event") received.push(message);
      });
    });
    await expect.poll(() => served.live.census().streams, patience).toBe(1);
    await news.publish("before");
    await expect.poll(received, patience).toMatchObject([{ data: "before" }]);
    served.cut();
    await expect.poll(() => served.live.census().streams, patience).toBe(0);
    await news.publish("meanwhile");
    await expect.poll(() => served.live.census().streams, patience).toBe(1);
    await news.publish("after");
    await expect.poll(async () => (await received()).length, patience).toBe(3);
    expect((await received()).map(({ data }) => data)).toEqual(["before", "meanwhile", "after"]);
    await page.evaluate(() => inPage.source.close());
  });

  test("fetch: the state, a long poll that waits for the next event, and a POST of that event", async () => {
    const outcome = await page.evaluate(async () => {
      const get = async (query = ""): Promise<Message> => {
        const response = await fetch(`/live/devices?deviceType=AP${query}`);
        return (await response.json()) as Message;
      };
      const post = (key: string, deviceType: string): Promise<Response> => {
        const data = { name: key, deviceType, clients: 1 };
        return fetch("/live/devices", { method: "POST", body: JSON.stringify({ key, data }) });
      };
      const { status } = await post("ap-1", "AP");
      const state = await get();
      const next = get(
        `&wait=30&epoch=${String(state["epoch"])}&offset=${String(state["offset"])}`,
      );
      // It was not requested, so it is not the answer.
      await post("m-1", "machine");
      await post("ap-2", "AP");
      const refused = await fetch("/live/devices", { method: "POST", body: '{"key":"x"}' });
      return { status, state, next: await next, refused: refused.status };
    });
    expect(outcome).toMatchObject({
      status: 201,
      state: { complete: true, entries: [{ key: "ap-1", data: { clients: 1 } }] },
      next: { complete: false, entries: [{ key: "ap-2", data: { clients: 1 } }] },
    });
    expect([400, 422]).toContain(outcome.refused);
  });

  test.each(["showVue", "showReact", "showSvelte"] as const)(
    "%s renders a keyed topic and the status, over a cut, and unsubscribes when it ends",
    async (show) => {
      const devices = served.live.topic("devices");
      await devices.set("ap-1", ap("ap-1"));
      await devices.set("m-1", machine("m-1"));
      await connectClient();
      const id = show.slice(4).toLowerCase();
      const line = () =>
        page.evaluate((place) => document.querySelector(`#${place}`)?.textContent, id);
      await page.evaluate((show) => {
        const { tools, live } = inPage;
        Object.assign(inPage, { stop: tools[show](live) });
      }, show);
      await expect.poll(line, patience).toBe("live live ap-1=1");
      await devices.set("ap-2", ap("ap-2", 5));
      await expect.poll(line, patience).toBe("live live ap-1=1 ap-2=5");
      served.cut();
      await devices.set("ap-3", ap("ap-3", 7));
      await devices.remove("ap-1");
      await expect.poll(line, patience).toBe("live live ap-2=5 ap-3=7");
      expect(served.live.census().subscriptions).toBe(1);
      await page.evaluate(() => inPage.stop());
      await expect.poll(() => served.live.census().subscriptions, patience).toBe(0);
    },
  );
});
