import { expect, onTestFinished, test, vi } from "vitest";
import { browserOnly } from "../../src/bindings/index.ts";
import { openWorld } from "../rigs/live/open-world.ts";
import { history } from "../../src/live/client/history/index.ts";
import { updatePresence } from "../../src/live/client/presence/index.ts";
import { handle } from "../../src/live/client/answering/index.ts";

test("in a page, browserOnly returns the client that open creates", async () => {
  const { live } = await openWorld();
  vi.stubGlobal("window", globalThis);
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(browserOnly(() => live)).toBe(live);
});

test("on a server, browserOnly calls nothing, and its client stays without a connection", async () => {
  const { live: other } = await openWorld();
  const open = vi.fn(() => other);
  const live = browserOnly(open);
  expect(open).not.toHaveBeenCalled();
  expect(live.status).toEqual({ state: "connecting" });
  const feed = live.topic("devices/lab");
  expect(feed).toMatchObject({ name: "devices/lab", status: { state: "closed" }, version: 0 });
  const listener = vi.fn();
  for (const stop of [live.onStatus(listener), feed.onChange(listener), feed.subscribe(listener)]) {
    stop();
  }
  for await (const item of feed) listener(item);
  live.reconnect();
  live.close();
  expect(listener).not.toHaveBeenCalled();
});

test("on a server, the client's requests reject with on_server", async () => {
  const { live: other } = await openWorld();
  const live = browserOnly(() => other);
  const requests = [
    live.publish("news", "a"),
    live.set("devices/lab", "k", { deviceType: "AP", clients: 1 }),
    live.remove("devices/lab", "k"),
    updatePresence(live, "rooms/a", { status: "away" }),
    history(live, "news"),
  ];
  for (const request of requests)
    await expect(request).rejects.toMatchObject({ code: "on_server" });
  // Nobody could call it.
  handle(live, "reboot", () => ({ uptimeMs: 0 }))();
});
