import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { clientClock } from "../../../src/live/client/client-clock.ts";
import { browserPage } from "../../../src/live/client/page.ts";

let window: EventTarget;
let heard: string[];

beforeEach(() => {
  window = new EventTarget();
  heard = [];
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("document", { hidden: false });
  onTestFinished(() => void vi.unstubAllGlobals());
});

test("a page wakes when it is online, shown again or visible, and not when it is hidden", () => {
  const stop = browserPage.listen((event) => heard.push(event));
  for (const type of ["online", "pageshow", "visibilitychange", "pagehide"]) {
    window.dispatchEvent(new Event(type));
  }
  vi.stubGlobal("document", { hidden: true });
  window.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event("online"));
  expect(heard).toEqual(["woke", "woke", "woke", "left", "woke"]);
  stop();
  window.dispatchEvent(new Event("online"));
  expect(heard).toHaveLength(5);
});

test("without a window there is nothing to hear", () => {
  vi.stubGlobal("addEventListener", undefined);
  browserPage.listen(() => {})();
});

test("the client's clock counts the time that the computer slept, and never goes back", () => {
  const wall = vi.spyOn(Date, "now").mockReturnValue(1_000_000);
  const awake = vi.spyOn(performance, "now").mockReturnValue(50);
  onTestFinished(() => void vi.restoreAllMocks());
  const clock = clientClock();
  expect(clock.now()).toBe(1_000_000);
  awake.mockReturnValue(60);
  wall.mockReturnValue(1_600_000);
  expect(clock.now()).toBe(1_600_000);
  awake.mockReturnValue(70);
  wall.mockReturnValue(0);
  expect(clock.now()).toBe(1_600_010);
});
