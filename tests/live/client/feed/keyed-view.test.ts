import { expect, test } from "vitest";
import { KeyedView } from "../../../../src/live/client/feed/keyed-view.ts";

const page = { type: "snapshot", topic: "t", epoch: "e" } as const;
const entry = (key: string, offset: number): { key: string; offset: number; data: number } => ({
  key,
  offset,
  data: offset,
});

test("a complete snapshot that interrupts a partial one collects its keys from scratch, and nothing is complete in between", () => {
  const view = new KeyedView(() => {});
  view.applyPage({ ...page, offset: 5, entries: [entry("a", 1)], complete: true, more: false });
  view.applyPage({ ...page, offset: 9, entries: [entry("b", 6)], complete: false, more: true });
  expect(view.isBetweenPages).toBe(true);
  view.applyPage({ ...page, offset: 12, entries: [entry("c", 10)], complete: true, more: true });
  expect(view.isBetweenPages).toBe(true);
  view.applyPage({ ...page, offset: 13, entries: [entry("d", 13)], complete: true, more: false });
  expect([...view.entries.keys()]).toEqual(["c", "d"]);
});

test("a complete snapshot that is interrupted and repeated collects its keys from scratch", () => {
  const view = new KeyedView(() => {});
  view.applyPage({ ...page, offset: 5, entries: [entry("a", 1)], complete: true, more: true });
  view.applyPage({ ...page, offset: 5, entries: [], complete: false, more: false });
  view.applyPage({ ...page, offset: 9, entries: [entry("b", 6)], complete: true, more: false });
  expect([...view.entries.keys()]).toEqual(["b"]);
});
