import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { browserPage } from "../../../src/live/client/link/page.ts";

let window: EventTarget;
let heard: string[];

beforeEach(() => {
  window = new EventTarget();
  heard = [];
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("document", { hidden: false });
  onTestFinished(() => void vi.unstubAllGlobals());
});

/** As browsers tell whether a page comes out of the back/forward cache. */
const shown = (persisted: boolean) => Object.assign(new Event("pageshow"), { persisted });

test("a page wakes when it is online, back, resumed or visible, and not when it is hidden", () => {
  const stop = browserPage.listen((event) => heard.push(event));
  for (const type of ["online", "visibilitychange", "resume"]) {
    window.dispatchEvent(new Event(type));
  }
  window.dispatchEvent(shown(true));
  vi.stubGlobal("document", { hidden: true });
  window.dispatchEvent(new Event("visibilitychange"));
  expect(heard).toEqual(["woke", "woke", "woke", "woke"]);
  stop();
  window.dispatchEvent(new Event("online"));
  expect(heard).toHaveLength(4);
});

test("a page that is shown for the first time has not woken: its first dial continues", () => {
  browserPage.listen((event) => heard.push(event));
  window.dispatchEvent(shown(false));
  expect(heard).toEqual([]);
});

test("a page is left when it is unloaded or frozen, and is notified when the network is lost", () => {
  browserPage.listen((event) => heard.push(event));
  for (const type of ["pagehide", "freeze", "offline"]) window.dispatchEvent(new Event(type));
  expect(heard).toEqual(["left", "left", "offline"]);
});

test("without a window there are no page events", () => {
  vi.stubGlobal("addEventListener", undefined);
  browserPage.listen(() => {})();
});
