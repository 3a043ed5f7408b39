import { describe, expect, onTestFinished, test } from "vitest";
import { savePositions } from "../../../src/live/client/positions/index.ts";
import type { ConnectOptions } from "../../../src/live/client/index.ts";
import { keyedTopic, LiveError, logTopic, matchFields } from "../../../src/live/index.ts";
import { shareAmongTabs } from "../../../src/live/tabs/index.ts";
import { TestLive, type TestLiveOptions } from "../../../src/testing/index.ts";
import { BrowserTabs } from "./browser-tabs.ts";

const topics = [
  logTopic<"news", { n: number }>("news", { clientPublish: true, match: matchFields }),
  keyedTopic<"devices", { n: number; site?: string }>("devices", {
    clientPublish: true,
    match: matchFields,
  }),
] as const;

async function start(options: Partial<TestLiveOptions> = {}) {
  const live = await TestLive.start({ heartbeatMs: 5_000, ...options, topics });
  onTestFinished(() => live.close());
  const browser = new BrowserTabs();
  const open = (id: string, more: ConnectOptions = {}) => {
    const { clock, network } = live;
    const tab = browser.tab(id);
    const webSocket = shareAmongTabs({ ...tab, clock, webSocket: network.WebSocket });
    return live.connect({ webSocket, page: tab.page, backoff: { random: () => 0.5 }, ...more });
  };
  return { live, browser, open };
}

function collect<Item>(feed: { subscribe(listener: (item: Item) => void): () => void }): Item[] {
  const items: Item[] = [];
  feed.subscribe((item) => void items.push(item));
  return items;
}

describe("tabs of one browser", () => {
  test("share one connection, and one subscription per topic and params", async () => {
    const { live, open } = await start();
    const [a, b] = [open("a"), open("b")];
    await live.server.topic("devices").set("k", { n: 1 });
    const feeds = [a, b].map((client) => client.topic("devices"));
    for (const feed of feeds) feed.subscribe(() => {});
    await live.pass(100);
    expect(live.network.connections).toHaveLength(1);
    expect(live.server.census()).toMatchObject({ sessions: 1, subscriptions: 1 });
    for (const client of [a, b]) expect(client.status).toEqual({ state: "live" });
    await live.server.topic("devices").set("k", { n: 2 });
    await live.pass(100);
    for (const feed of feeds) expect(feed.entries.get("k")).toEqual({ n: 2 });
  });

  test("that join later receive the state, and cost the others no event and no duplicate", async () => {
    const { live, open } = await start();
    const a = open("a");
    const seen = collect(a.topic("devices"));
    const news = collect(a.topic("news"));
    await live.server.topic("devices").set("k", { n: 1 });
    await live.pass(100);
    await live.server.topic("news").publish({ n: 1 });
    await live.pass(100);
    const b = open("b");
    const joined = b.topic("devices");
    joined.subscribe(() => {});
    const laterNews = collect(b.topic("news"));
    await live.pass(100);
    expect(joined.entries.get("k")).toEqual({ n: 1 });
    expect(b.status).toEqual({ state: "live" });
    await live.server.topic("news").publish({ n: 2 });
    await live.pass(100);
    expect(seen).toHaveLength(1);
    expect(news.map((item) => item.type === "event" && item.data.n)).toEqual([1, 2]);
    expect(laterNews.map((item) => item.type === "event" && item.data.n)).toEqual([2]);
    expect(live.server.census()).toMatchObject({ sessions: 1, subscriptions: 2 });
  });

  test("that resume from a position receive what they missed, and the others no duplicate and no foreign gap", async () => {
    const { live, open } = await start();
    const a = open("a");
    const news = collect(a.topic("news"));
    await live.pass(100);
    const { epoch } = live.server.topic("news").position;
    for (let n = 1; n <= 3; n += 1) await live.server.topic("news").publish({ n });
    await live.pass(100);
    const positions = { load: () => ({ epoch, offset: 1 }), save: () => {} };
    const back = collect(open("b", { positions: savePositions(positions) }).topic("news"));
    const lost = { load: () => ({ epoch: "another", offset: 7 }), save: () => {} };
    const stranger = collect(open("c", { positions: savePositions(lost) }).topic("news"));
    await live.pass(100);
    expect(back.map((item) => item.type === "event" && item.data.n)).toEqual([2, 3]);
    expect(stranger).toMatchObject([{ type: "gap", reason: "epoch" }]);
    expect(news.map((item) => item.type === "event" && item.data.n)).toEqual([1, 2, 3]);
  });

  test("with other params of a topic use another connection, which closes when nobody needs it", async () => {
    const { live, open } = await start();
    const [a, b] = [open("a"), open("b")];
    const all = a.topic("devices");
    const lab = b.topic("devices", { site: "lab" });
    all.subscribe(() => {});
    const stop = lab.subscribe(() => {});
    await live.server.topic("devices").set("x", { n: 1, site: "lab" });
    await live.server.topic("devices").set("y", { n: 2, site: "hall" });
    await live.pass(100);
    expect([...all.entries.keys()]).toEqual(["x", "y"]);
    expect([...lab.entries.keys()]).toEqual(["x"]);
    expect(live.server.census()).toMatchObject({ sessions: 2, subscriptions: 2 });
    stop();
    await live.pass(100);
    expect(live.server.census().subscriptions).toBe(1);
  });

  test("receive the answers to their publishes, which are stored once", async () => {
    const { live, open } = await start();
    const [a, b] = [open("a"), open("b")];
    const answers = Promise.all([a.publish("news", { n: 1 }), b.publish("news", { n: 2 })]);
    await live.pass(100);
    const offsets = (await answers).map(({ offset }) => offset);
    expect(offsets.toSorted((a, b) => a - b)).toEqual([1, 2]);
    const refused = b.set("nosuch" as never, "k", {} as never).catch((error: unknown) => error);
    await live.pass(100);
    expect(await refused).toMatchObject({ code: "unknown_topic" });
  });

  test("all resume on one connection after a cut", async () => {
    const { live, open } = await start();
    const clients = [open("a"), open("b"), open("c")];
    const seen = clients.map((client) => collect(client.topic("news")));
    await live.pass(100);
    await live.server.topic("news").publish({ n: 1 });
    await live.pass(100);
    live.network.cut();
    await live.server.topic("news").publish({ n: 2 });
    await live.pass(5_000);
    for (const items of seen) expect(items).toMatchObject([{ data: { n: 1 } }, { data: { n: 2 } }]);
    expect(live.network.connections).toHaveLength(1);
  });

  test("notice a silent cut, and no tab stays on the dead connection", async () => {
    const { live, open } = await start();
    const clients = [open("a"), open("b")];
    await live.pass(100);
    live.network.cut("nobody");
    await live.pass(25_000);
    for (const client of clients) expect(client.status).toEqual({ state: "live" });
  });
});

test("notice a silent cut of one of two connections: no view stops while it claims to be live", async () => {
  const { live, open } = await start();
  const [a, b] = [open("a"), open("b")];
  a.topic("devices").subscribe(() => {});
  const lab = b.topic("devices", { site: "lab" });
  lab.subscribe(() => {});
  await live.pass(100);
  expect(live.network.connections).toHaveLength(2);
  live.network.connections[1]!.cut("nobody");
  await live.server.topic("devices").set("x", { n: 1, site: "lab" });
  await live.pass(30_000);
  expect(lab.status.state).toBe("live");
  expect(lab.entries.get("x")).toMatchObject({ n: 1 });
});

describe("a tab that is closed", () => {
  test("that had the connection: another one takes over, and nothing is lost", async () => {
    const { live, browser, open } = await start();
    open("a");
    await live.pass(100);
    const b = open("b");
    const seen = collect(b.topic("news"));
    await live.pass(100);
    browser.close("a");
    await live.server.topic("news").publish({ n: 1 });
    await live.pass(5_000);
    expect(seen).toMatchObject([{ data: { n: 1 } }]);
    expect(b.status).toEqual({ state: "live" });
  });

  test("is not mistaken for one whose lock is slow to be granted", async () => {
    const { live, browser, open } = await start();
    open("a");
    await live.pass(100);
    browser.slow.add("b");
    const b = open("b");
    const seen = collect(b.topic("news"));
    await live.pass(100);
    browser.arrive();
    await live.pass(100);
    expect(b.status).toEqual({ state: "live" });
    await live.server.topic("news").publish({ n: 1 });
    await live.pass(100);
    expect(seen).toMatchObject([{ data: { n: 1 } }]);
    expect(live.server.census().sessions).toBe(1);
  });

  test("that did not have it: its own subscriptions end", async () => {
    const { live, browser, open } = await start();
    open("a")
      .topic("news")
      .subscribe(() => {});
    await live.pass(100);
    open("b")
      .topic("devices")
      .subscribe(() => {});
    await live.pass(100);
    expect(live.server.census().subscriptions).toBe(2);
    browser.close("b");
    await live.pass(100);
    expect(live.server.census().subscriptions).toBe(1);
  });

  test("together with the last client closes the connection", async () => {
    const { live, open } = await start();
    const [a, b] = [open("a"), open("b")];
    await live.pass(100);
    a.close();
    await live.pass(100);
    expect(live.server.census().sessions).toBe(1);
    b.close();
    await live.pass(100);
    expect(live.server.census().sessions).toBe(0);
  });
});

describe("a tab that is suspended", () => {
  test("releases its lock, its channel and its connection: the others are current within a second", async () => {
    const { live, browser, open } = await start();
    open("a");
    await live.pass(100);
    const [b, c] = [open("b"), open("c")];
    const seen = [b, c].map((client) => collect(client.topic("news")));
    await live.pass(100);
    await browser.putAside("a");
    expect(browser.heldBy("a")).toEqual([]);
    await live.server.topic("news").publish({ n: 1 });
    await live.pass(1_000);
    for (const items of seen) expect(items).toMatchObject([{ data: { n: 1 } }]);
    for (const client of [b, c]) expect(client.status).toEqual({ state: "live" });
    expect(live.network.connections).toHaveLength(1);
  });

  test("queues again when it is back, so that there is one connection, and is current", async () => {
    const { live, browser, open } = await start();
    const a = open("a");
    const mine = collect(a.topic("news"));
    await live.pass(100);
    open("b");
    await live.pass(100);
    await browser.putAside("a");
    await live.pass(60_000);
    await live.server.topic("news").publish({ n: 1 });
    browser.thaw("a");
    await live.pass(1_000);
    expect(mine).toMatchObject([{ data: { n: 1 } }]);
    expect(live.network.connections).toHaveLength(1);
    expect(live.server.census().sessions).toBe(1);
    // And it takes over, as any other.
    browser.close("b");
    await live.pass(5_000);
    expect(a.status).toEqual({ state: "live" });
    // Of the tab that is closed the network still has one.
    expect(live.network.connections).toHaveLength(2);
  });

  test("while it waits for the connection does not block the others later", async () => {
    const { live, browser, open } = await start();
    open("a");
    await live.pass(100);
    open("b");
    await live.pass(100);
    const c = open("c");
    await live.pass(100);
    await browser.putAside("b");
    browser.close("a");
    await live.pass(5_000);
    expect(c.status).toEqual({ state: "live" });
    // Of the tab that is closed the network still has one.
    expect(live.network.connections).toHaveLength(2);
  });
});

test("in a frame without locks and channels, a tab connects directly and immediately, and no rejection is unhandled", async () => {
  const { live } = await start();
  const refuse = (): never => {
    throw new DOMException("opaque origin", "SecurityError");
  };
  const refusals = [
    { locks: { request: async () => refuse() }, channel: new BrowserTabs().tab("a").channel },
    { locks: { request: async () => refuse() }, channel: refuse },
  ];
  for (const refusal of refusals) {
    const { clock, network } = live;
    const webSocket = shareAmongTabs({ ...refusal, clock, webSocket: network.WebSocket });
    const client = live.connect({ webSocket });
    await live.pass(100);
    expect(client.status).toEqual({ state: "live" });
    const later = live.connect({ webSocket });
    await live.pass(100);
    expect(later.status).toEqual({ state: "live" });
  }
});

test("while the tab with the connection is frozen, a new one connects directly after three seconds", async () => {
  const { live, browser, open } = await start();
  open("a");
  await live.pass(100);
  browser.frozen.add("a");
  const b = open("b");
  await live.pass(2_900);
  expect(b.status.state).toBe("connecting");
  await live.pass(300);
  expect(b.status).toEqual({ state: "live" });
});

test("without Web Locks each tab has its own connection", async () => {
  const { live } = await start();
  const webSocket = shareAmongTabs({ locks: undefined, webSocket: live.network.WebSocket });
  live.connect({ webSocket });
  live.connect({ webSocket });
  await live.pass(100);
  expect(live.network.connections).toHaveLength(2);
});

describe("credentials", () => {
  const authenticate: TestLiveOptions["authenticate"] = ({ token }) => {
    if (token === undefined) return undefined;
    if (token.startsWith("bad")) throw new LiveError("unauthorized", "Sign in.");
    return { id: token, expiresAt: 1_700_000_000_000 + 60_000 };
  };

  test("the first token opens the connection for all; later tabs learn how long it is valid", async () => {
    const { live, open } = await start({ authenticate });
    const a = open("a", { token: "anna" });
    await live.pass(40_000);
    let asked = 0;
    const b = open("b", { token: () => ((asked += 1), "anna") });
    await live.pass(100);
    expect([a.status, b.status]).toEqual([{ state: "live" }, { state: "live" }]);
    expect(asked).toBe(1);
    // At 80 % of what is left, and not of all that there was.
    await live.pass(17_000);
    expect(asked).toBe(2);
  });

  test("a refusal reaches every tab", async () => {
    const { live, open } = await start({ authenticate });
    const clients = [open("a", { token: "bad" }), open("b", { token: "bad" })];
    await live.pass(1_000);
    for (const client of clients) {
      expect(client.status).toMatchObject({ state: "refused", code: 4401, message: "Sign in." });
    }
  });
});
